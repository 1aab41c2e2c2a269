"""What the README promises can be read there, and stands in the package as said."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

MAIN_JOB = (
    "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/rtpcap decode fixtures -o out"
)
TESTS = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest"


def test_the_two_commands_stand_there() -> None:
    lines = [line.partition("#")[0].strip() for line in README.splitlines()]
    assert lines.count(MAIN_JOB) == 1
    assert lines.count(TESTS) == 1


def test_the_table_of_extras_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = {
        line.split("`")[1]
        for line in README.splitlines()
        if line.startswith("| `") and line.count("|") == 4
    }
    assert told == set(project["optional-dependencies"])


def shown_commands() -> dict[str, list[str]]:
    """Each ``$ rtpcap`` command of the README with the lines it prints: what is indented."""
    blocks = README.split("    $ rtpcap ")[1:]
    found = {}
    for block in blocks:
        command, *lines = block.split("\n    rtpcap ")[0].splitlines()
        printed = takewhile(lambda line: not line or line.startswith("    "), lines)
        found[command] = [line.removeprefix("    ") for line in printed]
    return found


@lru_cache
def printed_by(command: str) -> str:
    """What a command prints; those that compare end with 1 where they find a difference."""
    arguments = command.partition(" | head -")[0].split()
    # The first command of the README makes it.
    (ROOT / "out").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "rtpcap", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    differs = arguments[0] == "diff" or (arguments[0] == "verify" and bool(done.stdout))
    assert done.returncode == differs, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", shown_commands())
def test_what_the_command_line_is_said_to_print(command: str) -> None:
    for earlier in takewhile(lambda other: other != command, shown_commands()):
        if " out/" in earlier:
            # What stands further above may have written what this one reads.
            printed_by(earlier)
    lines = printed_by(command).splitlines()
    _, _, head = command.partition(" | head -")
    printed = "\n".join(lines[: int(head)] if head else lines)
    assert printed == "\n".join(shown_commands()[command]).rstrip()


def test_it_shows_commands() -> None:
    assert len(shown_commands()) >= 2
