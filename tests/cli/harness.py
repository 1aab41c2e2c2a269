"""Running the command line, in this process or in one of its own."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from rtpcap.cli.main import cli

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

Row = dict[str, object]


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def rows(self) -> list[Row]:
        """What ``--format json`` printed."""
        found = json.loads(self.out, parse_constant=_refuse)
        assert isinstance(found, list)
        return found

    def lines(self) -> list[str]:
        return self.out.splitlines()


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def rtpcap(*arguments: str | Path, columns: int = 80) -> Ran:
    """Run ``rtpcap`` with arguments in this process."""
    runner = CliRunner(env={"COLUMNS": str(columns)})
    done = runner.invoke(cli, [str(a) for a in arguments], prog_name="rtpcap")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def json_of(verb: str, *arguments: str | Path) -> list[Row]:
    """The rows of a verb that must succeed."""
    done = rtpcap(verb, *arguments, "--format", "json")
    assert (done.code, done.err) == (0, "")
    return done.rows()


def csv_of(verb: str, *arguments: str | Path) -> list[dict[str, str]]:
    """The same as ``--format csv`` prints them."""
    done = rtpcap(verb, *arguments, "--format", "csv")
    assert (done.code, done.err) == (0, "")
    return list(csv.DictReader(io.StringIO(done.out)))


def process(*arguments: str | Path) -> list[str]:
    """The command that runs ``rtpcap`` in a process of its own."""
    return [sys.executable, "-m", "rtpcap", *map(str, arguments)]


def run_process(*arguments: str | Path) -> Ran:
    done = subprocess.run(process(*arguments), capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)
