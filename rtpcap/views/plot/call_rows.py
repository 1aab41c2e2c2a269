"""What the lanes of a call have in common: a side each, in a row or a colour of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtpcap.views.plot.axes import Look

if TYPE_CHECKING:
    from rtpcap.streams.call import Call
    from rtpcap.streams.digits import Digit
    from rtpcap.streams.stream import Stream

__all__ = [
    "digits_of",
    "names_of",
    "pixel_of",
    "side_colours",
    "side_lines",
    "sides_of",
    "two_rows",
]


def names_of(call: Call) -> tuple[str, str]:
    """What its sides are called, that of `Call.left` first."""
    return ("first", "second") if call.guessed else ("caller", "callee")


def sides_of(call: Call) -> list[tuple[list[Stream], float]]:
    """The streams of each side, and the middle of its row where a lane has one for each."""
    return [(call.left, 1.0), (call.right, 0.0)]


def digits_of(call: Call) -> dict[str, list[Digit]]:
    """The keys pressed on each side, in events, in the sound and by INFO."""
    right = {stream.ssrc for stream in call.right}
    found: dict[str, list[Digit]] = {"left": [], "right": []}
    # A press whose side sent nothing is the caller's for want of another.
    for digit in call.dtmf:
        found["right" if digit.ssrc in right else "left"].append(digit)
    return found


def pixel_of(look: Look) -> float:
    """How much of the axis of time a pixel is."""
    left, right = look.ax.get_xlim()
    return (right - left) / look.columns


def two_rows(look: Look, call: Call, label: str) -> None:
    """A row for each side, named at the left."""
    look.ax.set_ylim(-0.55, 1.55)
    look.ax.grid(axis="y", visible=False)
    look.ax.set_yticks([1.0, 0.0], names_of(call))
    look.label(y=label)


def side_colours(look: Look) -> tuple[str, str]:
    """The colour of each side."""
    return look.theme.packets, look.theme.other


def side_lines(look: Look) -> list[tuple[str, float]]:
    """Colour and width of the lines of each side: that below is wider, and seen where both are."""
    return [*zip(side_colours(look), (2.0, 1.0), strict=True)]
