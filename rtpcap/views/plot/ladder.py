"""The ladder: the SIP messages of a call between its ends, and the media that they led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rtpcap.views.plot.axes import Look, Style, fitted, look_of, own_axes

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.api import Capture
    from rtpcap.signalling.ladder import Rung
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["Step", "draw_ladder", "ladder", "ladder_steps", "ladder_times", "ladder_title"]

MOST_STEPS = 60
"""A picture has no more; the last row counts the rest."""
MOST_ENDS = 8
"""Further ends stand on the line of the last."""
ROWS = 21
"""So many rows make a picture of the usual height."""
LEAST_TIMES = 0.35
FINAL = 200
REDIRECTION = 300


@dataclass(frozen=True)
class Step:
    """A row of the ladder: a message or a stream."""

    frame: int
    time_s: float | None
    src: str
    dst: str
    text: str
    kind: str
    """``request``, ``progress``, ``success``, ``failure`` or ``media``."""
    again: bool = False


def ladder(
    capture: Capture, call: Call | str | None = None, ax: Axes | None = None, *, dark: bool = False
) -> Axes:
    """Draw the messages of a call as arrows between its ends, from the top; returns the Axes.

    Its streams are thick arrows where their first packet came. `call` is one of the capture's, or
    the id of one; the first, where none is given. Reads the capture's file once more.
    """
    steps = ladder_steps(capture, call)
    ax = own_axes("ladder", dark, ladder_times(len(steps))) if ax is None else ax
    draw_ladder(look_of(ax, dark), steps, ladder_title(capture, call))
    return ax


def ladder_times(steps: int) -> float:
    """How many times as high as usual the picture of so many rows is."""
    return max((min(steps, MOST_STEPS) + 3) / ROWS, LEAST_TIMES)


def _chosen(capture: Capture, call: Call | str | None) -> Call | None:
    if call is None:
        return capture.calls[0] if len(capture.calls) else None
    if isinstance(call, str):
        found = capture.calls.select(call)
        if not len(found):
            raise ValueError(f"no call {call!r} in the capture")
        return found[0]
    return call


def ladder_title(capture: Capture, call: Call | str | None) -> str:
    """The parties of the call, and how it ended."""
    chosen = _chosen(capture, call)
    if chosen is None:
        return "Ladder"
    if chosen.guessed:
        return f"Ladder: {chosen.call_id}, without signalling"
    return f"Ladder: {chosen.caller} > {chosen.callee}, {chosen.state}"


def ladder_steps(capture: Capture, call: Call | str | None) -> list[Step]:
    """The messages and streams of a call in order of frames; of no call, none.

    Raises ValueError where there is no such call.
    """
    chosen = _chosen(capture, call)
    if chosen is None:
        return []
    rungs = capture.ladder(chosen.dialog.call_id) if chosen.dialog is not None else []
    ends = _Ends(rungs, chosen)
    steps = [
        Step(
            rung.frame,
            rung.time_s,
            ends.name(rung.src),
            ends.name(rung.dst),
            rung.text,
            _kind(rung.text),
            rung.again,
        )
        for rung in rungs
    ]
    for side in ("left", "right"):
        for stream in getattr(chosen, side):
            src, dst = ends.of(stream, side)
            steps.append(
                Step(stream.first_frame, stream.start_s, src, dst, _media(stream), "media")
            )
    return sorted(steps, key=lambda step: (step.frame, step.kind == "media"))


def _kind(text: str) -> str:
    status = text.partition(" ")[0]
    if not (status.isdecimal() and len(status) == 3):
        return "request"
    number = int(status)
    if number < FINAL:
        return "progress"
    return "success" if number < REDIRECTION else "failure"


def _media(stream: Stream) -> str:
    what = str(stream.format) if stream.format else f"payload type {stream.payload_types[0]}"
    lost = f", {stream.quality.lost:,} lost" if stream.quality.lost else ""
    span = "" if stream.duration_s is None else f", {stream.duration_s:.1f} s"
    return f"RTP {what}, {len(stream):,} packets{lost}{span}"


class _Ends:
    """The ends that messages and media go between: hosts, or ports where all is on one host."""

    def __init__(self, rungs: Sequence[Rung], call: Call) -> None:
        hosts = {_host(place) for rung in rungs for place in (rung.src, rung.dst)}
        self._by_host = len(hosts) != 1
        self._sides: tuple[str, str] | None = None
        invite = next((rung for rung in rungs if rung.src != rung.dst), None)
        if not self._by_host and invite is not None:
            # Between ports of one host: the media go between the ends that spoke SIP.
            self._sides = (invite.src, invite.dst)

    def name(self, place: str) -> str:
        return _host(place) if self._by_host else place

    def of(self, stream: Stream, side: str) -> tuple[str, str]:
        if self._sides is not None:
            first, second = self._sides
            return (first, second) if side == "left" else (second, first)
        if self._by_host and stream.src != stream.dst:
            return stream.src, stream.dst
        return f"{stream.src}:{stream.src_port}", f"{stream.dst}:{stream.dst_port}"


def _host(place: str) -> str:
    """``10.0.0.1`` of ``10.0.0.1:5060``, ``fd09::1`` of ``[fd09::1]:5060``."""
    return place.rpartition(":")[0].removeprefix("[").removesuffix("]")


def draw_ladder(look: Look, steps: Sequence[Step], title: str) -> None:
    """The rows from the top; arrows go between upright lines, one for each end."""
    ax, theme = look.ax, look.theme
    look.quiet(grid=False)
    look.head(fitted(title, look.letters(0.95)))
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xticks([])
    ax.set_yticks([])
    if not steps:
        look.say("no call to draw")
        return
    shown = steps[:MOST_STEPS]
    ends = list(dict.fromkeys(end for step in shown for end in (step.src, step.dst)))
    places = {end: float(min(i, MOST_ENDS - 1)) for i, end in enumerate(ends)}
    last = max(max(places.values()), 1.0)
    # Left of the first end there is room for the times.
    room = 9 * look.letter_px / look.ax.bbox.width
    left = -(last + 0.04) * room / (1 - room) - 0.1
    right = last + 0.04 * (last + 1)
    ax.set_xlim(left, right)
    bottom = len(shown) + (0.6 if len(shown) < len(steps) else 0.0)
    ax.set_ylim(bottom - 0.3, -1.6)
    unit = ax.bbox.width / (right - left) / look.letter_px
    middle: Style = {"ha": "center", "va": "bottom"}
    for end, x in places.items():
        if x < MOST_ENDS - 1 or end == ends[MOST_ENDS - 1]:
            ax.plot([x, x], [-0.6, bottom - 0.5], color=theme.ink, alpha=0.35, linewidth=0.8)
            wide = 0.8 if x in (0.0, last) else 0.95
            look.write(x, -0.8, fitted(end, max(int(unit * wide), 6)), **middle)
    for y, step in enumerate(shown):
        _draw_step(look, step, float(y), places, unit)
        if step.time_s is not None:
            at: Style = {"ha": "left", "va": "center", "alpha": 0.7, "fontsize": look.size - 1}
            look.write(left, y, f"{step.time_s:.3f} s", **at)
    if len(shown) < len(steps):
        text = f"and {len(steps) - len(shown):,} more"
        look.write(last / 2, len(shown) - 0.2, text, ha="center", va="center")
    look.ax.legend(
        handles=_legend(look, shown),
        loc="upper left",
        bbox_to_anchor=(0, 0),
        frameon=False,
        fontsize=look.size,
        labelcolor=theme.ink,
        ncols=3 if look.letters() < 80 else 5,
        handlelength=1.6,
        columnspacing=1.4,
        borderpad=0.1,
    )


def _colours(look: Look) -> dict[str, str]:
    theme = look.theme
    return {
        "request": theme.packets,
        "progress": theme.late,
        "success": theme.other,
        "failure": theme.lost,
        "media": theme.jitter,
    }


def _legend(look: Look, steps: Sequence[Step]) -> list[Artist]:
    names = {
        "request": "request",
        "progress": "provisional response",
        "success": "success",
        "failure": "other final response",
        "media": "RTP",
    }
    there = {step.kind for step in steps}
    return [
        Line2D([], [], color=colour, linewidth=4 if kind == "media" else 1.5, label=names[kind])
        for kind, colour in _colours(look).items()
        if kind in there
    ]


def _draw_step(look: Look, step: Step, y: float, places: dict[str, float], unit: float) -> None:
    ax, colour = look.ax, _colours(look)[step.kind]
    src, dst = places[step.src], places[step.dst]
    text = f"{step.text} (again)" if step.again else step.text
    above: Style = {"va": "bottom", "zorder": 5}
    if src == dst:
        ax.plot([src], [y], marker="o", markersize=4, color=colour)
        room = ax.get_xlim()[1] - src
        letters = max(int(room * unit), 6)
        look.write(src + 0.03, y - 0.05, fitted(text, letters, keep="start"), **above)
        return
    media = step.kind == "media"
    arrow: Style = {
        "arrowstyle": "-|>,head_width=0.25,head_length=0.5",
        "color": colour,
        "linewidth": 3.5 if media else 1.3,
        "linestyle": "--" if step.again else "-",
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 9,
    }
    ax.annotate("", (dst, y), (src, y), arrowprops=arrow)
    letters = max(int(abs(dst - src) * unit) - 2, 6)
    x = (src + dst) / 2
    lift = 0.12 if media else 0.06
    look.write(x, y - lift, fitted(text, letters, keep="start"), ha="center", **above)
