"""Key presses and calls that are missing, added, or not what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal, TypeVar

from rtpcap.streams.call import Call
from rtpcap.streams.digits import Digit

__all__ = ["CallDifference", "DigitDifference", "calls_of", "digits_of"]

Thing = TypeVar("Thing")
Result = Literal["same", "missing", "added", "changed"]

MOST_COMPARED = 1000
"""Presses of a stream that are laid beside each other; those behind go by their places."""


@dataclass(frozen=True)
class DigitDifference:
    """A key press in both captures, or in one of them."""

    a: Digit | None
    b: Digit | None
    ssrc: int | None = None
    """The stream it is of, by its name in the first capture."""

    @property
    def first_frame(self) -> int:
        """Its frame in the first capture, or in the second where only that has it."""
        return _first(self.a, self.b).frame

    @property
    def result(self) -> Result:
        if self.a is None or self.b is None:
            return "added" if self.a is None else "missing"
        return "same" if not self.detail else "changed"

    @property
    def detail(self) -> str:
        if self.a is None or self.b is None:
            return ""
        pairs = (("digit", self.a.digit, self.b.digit), ("source", self.a.source, self.b.source))
        return "; ".join(f"{name} {one} > {other}" for name, one, other in pairs if one != other)


@dataclass(frozen=True)
class CallDifference:
    """A call of signalling in both captures, or in one of them."""

    a: Call | None
    b: Call | None

    @property
    def call_id(self) -> str:
        return _first(self.a, self.b).call_id

    @property
    def first_frame(self) -> int:
        """Its frame in the first capture, or in the second where only that has it."""
        return _first(self.a, self.b).first_frame

    @property
    def further_s(self) -> float | None:
        """How much longer it is in the second capture."""
        if self.a is None or self.b is None:
            return None
        one, other = self.a.duration_s, self.b.duration_s
        return None if one is None or other is None else other - one

    @property
    def details(self) -> list[str]:
        """What is another, but for how long it was."""
        if self.a is None or self.b is None:
            return []
        pairs = [
            (name, getattr(self.a, name), getattr(self.b, name))
            for name in ("state", "status", "hung_up")
        ]
        codecs = [" ".join(agreed.codec for agreed in call.codecs) for call in (self.a, self.b)]
        pairs.append(("codecs", codecs[0], codecs[1]))
        return [f"{name} {one} > {other}" for name, one, other in pairs if one != other]

    def result(self, duration_s: float) -> Result:
        """With so many seconds more or less counting as the same."""
        if self.a is None or self.b is None:
            return "added" if self.a is None else "missing"
        longer = abs(self.further_s or 0.0) > duration_s
        return "changed" if self.details or longer else "same"


def _first(a: Thing | None, b: Thing | None) -> Thing:
    """That of the first capture, or of the second where only that has it."""
    found = b if a is None else a
    assert found is not None
    return found


def digits_of(
    a: Iterable[Digit], b: Iterable[Digit], ssrc: Mapping[int, int]
) -> list[DigitDifference]:
    """The presses side by side, those of a stream in their order.

    `ssrc` says for streams of `b` under which SSRC `a` has them.
    """
    sides: dict[int | None, tuple[list[Digit], list[Digit]]] = {}
    for digit in sorted(a, key=lambda digit: digit.frame):
        sides.setdefault(digit.ssrc, ([], []))[0].append(digit)
    for digit in sorted(b, key=lambda digit: digit.frame):
        name = None if digit.ssrc is None else ssrc.get(digit.ssrc, digit.ssrc)
        sides.setdefault(name, ([], []))[1].append(digit)
    found = [replace(pair, ssrc=name) for name, side in sides.items() for pair in _beside(*side)]
    return sorted(found, key=lambda pair: pair.first_frame)


def _beside(a: Sequence[Digit], b: Sequence[Digit]) -> Iterable[DigitDifference]:
    one, other = a[:MOST_COMPARED], b[:MOST_COMPARED]
    matcher = SequenceMatcher(
        None, [digit.digit for digit in one], [digit.digit for digit in other], autojunk=False
    )
    for _, begin_a, end_a, begin_b, end_b in matcher.get_opcodes():
        yield from _each(one[begin_a:end_a], other[begin_b:end_b])
    yield from _each(a[MOST_COMPARED:], b[MOST_COMPARED:])


def _each(a: Sequence[Digit], b: Sequence[Digit]) -> Iterable[DigitDifference]:
    for place in range(max(len(a), len(b))):
        yield DigitDifference(
            a[place] if place < len(a) else None, b[place] if place < len(b) else None
        )


def calls_of(a: Iterable[Call], b: Iterable[Call]) -> list[CallDifference]:
    """The calls that signalling tells of, by Call-ID, else by who called whom, in their order."""
    left = [call for call in a if not call.guessed]
    right = [call for call in b if not call.guessed]
    pairs: list[tuple[Call, Call]] = []
    names: tuple[Callable[[Call], object], ...] = (
        lambda call: call.call_id,
        lambda call: (call.caller, call.callee),
    )
    for name in names:
        waiting: dict[object, list[Call]] = {}
        for call in reversed(left):
            waiting.setdefault(name(call), []).append(call)
        for call in right:
            if same := waiting.get(name(call)):
                pairs.append((same.pop(), call))
        taken = {id(call) for pair in pairs for call in pair}
        left = [call for call in left if id(call) not in taken]
        right = [call for call in right if id(call) not in taken]
    found = [CallDifference(one, other) for one, other in pairs]
    found += [CallDifference(call, None) for call in left]
    found += [CallDifference(None, call) for call in right]
    return sorted(found, key=lambda pair: pair.first_frame)
