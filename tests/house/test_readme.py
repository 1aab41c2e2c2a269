"""What the README promises can be read there, and stands in the package as said."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
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


@pytest.mark.parametrize("command", shown_commands())
def test_what_the_command_line_is_said_to_print(command: str) -> None:
    arguments, _, head = command.partition(" | head -")
    done = subprocess.run(
        [sys.executable, "-m", "rtpcap", *arguments.split()],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    # As with diff: where verify shows differences its code is 1.
    assert done.returncode == (1 if arguments.startswith("verify ") and done.stdout else 0)
    lines = done.stdout.splitlines()
    printed = "\n".join(lines[: int(head)] if head else lines)
    assert printed == "\n".join(shown_commands()[command]).rstrip()


def test_it_shows_commands() -> None:
    assert len(shown_commands()) >= 2
