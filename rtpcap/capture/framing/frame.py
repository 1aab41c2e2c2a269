"""What all framings share: frames follow each other, each says in its head how long it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum

__all__ = ["BAD", "MOST_MESSAGE", "After", "Framing", "Step", "Verdict"]

MOST_MESSAGE = 1 << 20
"""No message is longer, whatever it claims."""

Step = tuple[int, int]
"""The bytes of a frame's head and of the whole frame. A frame of 0 bytes: not known yet, and not
before so many bytes of head are there (0 for any more)."""

BAD: Step = (0, -1)
"""No frame of this framing begins here."""


class Verdict(Enum):
    """Whether a framing begins at a place of a stream."""

    YES = "yes"
    NO = "no"
    MAYBE = "not enough bytes yet"


class After(Enum):
    """What follows where a framing ends before its stream does."""

    ANYTHING = "a stream of its own"
    NOTHING = "nothing that is wanted"


class Framing(ABC):
    """One direction of a stream whose framing is known; places are in the bytes that are held.

    All of it is linear: `step` looks at a head once, however often it is asked.
    """

    @abstractmethod
    def step(self, held: bytearray, pos: int, end: int) -> Step:
        """The frame that begins at `pos`, as far as ``held[:end]`` tells."""

    @abstractmethod
    def messages(self, held: bytearray, pos: int, size: int, there: int) -> list[bytes]:
        """What a frame carries of which ``held[pos:there]`` was captured, with its head."""

    @abstractmethod
    def find(self, held: bytearray, begin: int, end: int) -> int:
        """The first place from `begin` on where frames begin beyond doubt; -1 for none."""

    def torn(self, held: bytearray, pos: int, there: int) -> list[bytes]:
        """What is worth keeping of a frame whose head was captured only up to `there`."""
        return []

    @property
    def after(self) -> After | None:
        """What the stream goes on with behind the last frame, where that is something else."""
        return None
