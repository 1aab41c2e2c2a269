"""Every fixture damaged in thousands of ways: ``python -m tests.damage``.

Cut at every byte of its first kilobyte and at random places behind, and mutated, each capture is
asked everything. Nothing but errors of ours may come out, nothing may hang or hold memory out of
proportion, and every frame must be accounted for. What fails is kept, and named so that
``--only NAME --again cut:17`` repeats it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import cast

from tests.damage.attack import Outcome, attack
from tests.damage.forms import FORMS
from tests.damage.harm import FIRST_BYTES, Harm, Kind, all_harm, harmed
from tests.damage.walk import go_through

HARMS_A_TASK = 2000
KEEP = Path(tempfile.gettempdir()) / "rtpcap-damage"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def again(name: str, which: str, keep: Path) -> int:
    """Repeat one piece of damage, with the traceback of what it leads to."""
    kind, _, number = which.partition(":")
    harm = Harm(cast(Kind, kind), int(number))
    keep.mkdir(parents=True, exist_ok=True)
    path = keep / "again"
    path.write_bytes(harmed(name, FORMS[name].bytes(), harm))
    try:
        capture = go_through(path)
    except Exception:
        traceback.print_exc()
        return 1
    say(f"{path}: {'refused' if capture is None else capture!r}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.damage", description=__doc__)
    parser.add_argument("--only", action="append", choices=FORMS, metavar="NAME")
    parser.add_argument(
        "--early-cuts", type=int, default=FIRST_BYTES, help="cuts in the first kilobyte"
    )
    parser.add_argument("--cuts", type=int, default=1000, help="cuts at random places behind it")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, default=KEEP)
    parser.add_argument("--again", metavar="KIND:NUMBER", help="repeat one, with --only")
    options = parser.parse_args(arguments)
    names: list[str] = options.only or list(FORMS)
    if options.again:
        return again(names[0], options.again, options.keep)

    outcomes = {name: Outcome(name) for name in names}
    left = dict.fromkeys(names, 0)
    pool = ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn"))
    with pool:
        tasks: dict[Future[Outcome], str] = {}
        for name in names:
            size = len(FORMS[name].bytes())
            harms = list(all_harm(name, size, options.cuts, options.early_cuts, options.mutations))
            for begin in range(0, len(harms), HARMS_A_TASK):
                part = harms[begin : begin + HARMS_A_TASK]
                tasks[pool.submit(attack, name, part, keep=options.keep)] = name
                left[name] += 1
        for task in as_completed(tasks):
            name = tasks[task]
            outcomes[name].add(task.result())
            left[name] -= 1
            if not left[name]:
                report(outcomes[name])
    failures = [text for outcome in outcomes.values() for text in outcome.failures]
    done = sum(outcome.done for outcome in outcomes.values())
    say(f"{done:,} damaged captures, {len(failures)} failures")
    return 1 if failures else 0


def report(outcome: Outcome) -> None:
    say(
        f"{outcome.form}: {outcome.done:,} damaged, {outcome.read:,} opened, "
        f"slowest {outcome.slowest_s * 1000:.0f} ms, most memory "
        f"{outcome.most_bytes / 2**20:.1f} MiB, {len(outcome.failures)} failures"
    )
    for text in outcome.failures[:20]:
        say(f"  {text}")


if __name__ == "__main__":
    sys.exit(main())
