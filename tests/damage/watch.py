"""A watch over one piece of work: that it ends, and that it stays small."""

from __future__ import annotations

import signal
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

__all__ = ["Hang", "Spent", "TooMuchMemory", "watched"]

PROC = Path("/proc/self")
RESET_PEAK = "5"
"""proc(5): written to clear_refs, sets the peak of resident memory to what is resident now."""


class Hang(BaseException):
    """The work was stopped; no ``except Exception`` on the way can keep it."""


class TooMuchMemory(AssertionError):
    """The work held more than it may."""


@dataclass
class Spent:
    """What the work took, once it has ended."""

    cpu_s: float = 0.0
    bytes: int = 0


@contextmanager
def watched(most_cpu_s: float, most_bytes: int) -> Iterator[Spent]:
    """Raise Hang in the work after `most_cpu_s`, TooMuchMemory after it if it held more.

    The time is that of the processor, not of the clock: a machine that does other things as well
    makes nothing a hang. The memory is what the process grew to while it was at work.
    """
    spent = Spent()
    begin = time.process_time()
    with _timer(most_cpu_s), _memory(spent):
        yield spent
    spent.cpu_s = time.process_time() - begin
    if spent.bytes > most_bytes:
        raise TooMuchMemory(f"{spent.bytes:,} bytes held, {most_bytes:,} are allowed")


@contextmanager
def _timer(most_cpu_s: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang(f"not done after {most_cpu_s:.1f} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, most_cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _memory(spent: Spent) -> Iterator[None]:
    try:
        (PROC / "clear_refs").write_text(RESET_PEAK)
    except OSError:
        with _traced(spent):
            yield
        return
    resident = _status("VmRSS")
    yield
    spent.bytes = max(_status("VmHWM") - resident, 0)


@contextmanager
def _traced(spent: Spent) -> Iterator[None]:
    """The same where no /proc tells it, several times slower."""
    tracemalloc.start()
    try:
        yield
        spent.bytes = tracemalloc.get_traced_memory()[1]
    finally:
        with suppress(RuntimeError):
            tracemalloc.stop()


def _status(name: str) -> int:
    """A figure of /proc/self/status, in bytes."""
    text = (PROC / "status").read_text(encoding="ascii")
    at = text.index(f"{name}:") + len(name) + 1
    return int(text[at : text.index("kB", at)]) * 1024
