"""One form of capture, damaged in many ways, and all of what comes out looked through."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.damage.forms import FORMS, Form
from tests.damage.harm import Harm, harmed
from tests.damage.walk import go_through
from tests.damage.watch import Hang, watched

__all__ = ["Outcome", "attack"]

LEAST_CPU_S = 1.0
"""No small file may take longer than this."""
SLOWER = 100
"""And no other one more than this many times as long as the undamaged file."""
MEMORY_FLOOR = 32 << 20
"""Held for any file: the buffer that files are read into, and audio of up to a minute."""
MEMORY_FACTOR = 10
WARM_ROUNDS = 3


@dataclass
class Outcome:
    """What became of one form's damaged files."""

    form: str
    done: int = 0
    read: int = 0
    """How many of them opened, damaged as they were."""
    slowest_s: float = 0.0
    """Processor time of the slowest."""
    most_bytes: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.done += other.done
        self.read += other.read
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.most_bytes = max(self.most_bytes, other.most_bytes)
        self.failures += other.failures


def attack(
    name: str, harms: Iterable[Harm], *, most: int | None = None, keep: Path | None = None
) -> Outcome:
    """Damage a form in every way of `harms`; files that fail are kept in the folder `keep`."""
    form: Form = FORMS[name]
    data = form.bytes(most)
    unpacked = len(form.fixture.read_bytes()[:most])
    outcome = Outcome(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged"
        path.write_bytes(data)
        undamaged_s = 0.0
        for _ in range(WARM_ROUNDS):
            with watched(60 * LEAST_CPU_S, 1 << 40) as spent:
                go_through(path)
            undamaged_s = spent.cpu_s
        most_cpu_s = max(LEAST_CPU_S, SLOWER * undamaged_s)
        most_bytes = MEMORY_FLOOR + MEMORY_FACTOR * max(unpacked, len(data))
        for harm in harms:
            path.write_bytes(harmed(name, data, harm))
            outcome.done += 1
            try:
                with watched(most_cpu_s, most_bytes) as spent:
                    outcome.read += go_through(path) is not None
            except (Exception, Hang) as error:
                outcome.failures.append(_told(name, harm, error, path, keep))
            outcome.slowest_s = max(outcome.slowest_s, spent.cpu_s)
            outcome.most_bytes = max(outcome.most_bytes, spent.bytes)
    return outcome


def _told(name: str, harm: Harm, error: BaseException, path: Path, keep: Path | None) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    text = f"{name}, {harm}: {type(error).__name__}: {error}"
    text += f" at {Path(last.filename).name}:{last.lineno}: {last.line}"
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        kept = keep / f"{name}-{harm}".replace(" ", "-").replace(":", "-")
        kept.write_bytes(path.read_bytes())
        text += f" ({kept})"
    return text
