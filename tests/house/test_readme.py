"""What the README promises can be read there, and stands in the package as said."""

from __future__ import annotations

import tomllib
from pathlib import Path

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
