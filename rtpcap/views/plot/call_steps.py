"""The signalling of a call as a lane: its steps, ringing, talking, and holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.patches import Patch

from rtpcap.views.plot.axes import Look, Style
from rtpcap.views.plot.boxes import boxes
from rtpcap.views.plot.call_rows import pixel_of
from rtpcap.views.plot.course import Tag, placed

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.streams.call import Call
    from rtpcap.streams.steps import Step

__all__ = ["draw_steps"]

MOST_LETTERS = 30
"""Names of steps that came at once: no more than these."""


def draw_steps(found: dict[str, Look], call: Call, names: Sequence[str]) -> list[Artist]:
    """Ringing and talking as bars, each step as a mark with its name, and a line through all."""
    look, theme = found["SIP"], found["SIP"].theme
    ax = look.ax
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    ax.grid(visible=False)
    look.label(y="SIP")
    times = {step.name: step.time_s for step in call.steps if step.time_s is not None}
    end = max((step.time_s for step in call.steps if step.time_s is not None), default=None)
    legend: list[Artist] = []
    ring, answer = times.get("ringing"), times.get("answer")
    invited = times.get("INVITE")
    heard = [time for time in (ring, answer, end) if time is not None]
    for word, begin, stop, colour in (
        ("calling", invited, heard[0] if heard else None, theme.stray),
        ("ringing", ring, answer if answer is not None else end, theme.late),
        ("talking", answer, end if call.talk_s is not None else ax.get_xlim()[1], theme.silent),
    ):
        if begin is not None and stop is not None and stop > begin:
            boxes(ax, [begin], [stop], 0.08, 0.36, colour, alpha=0.8)
            legend.append(Patch(facecolor=colour, alpha=0.8, linewidth=0, label=word))
    holds = [
        (hold.start_s, ax.get_xlim()[1] if hold.end_s is None else hold.end_s)
        for hold in call.holds
        if hold.start_s is not None
    ]
    if holds:
        style: Style = {"hatch": "///", "edgecolor": theme.ink, "alpha": 0.5}
        begins, ends = zip(*holds, strict=True)
        boxes(ax, begins, ends, 0.08, 0.36, theme.faint, **style)
        legend.append(Patch(facecolor=theme.faint, linewidth=0, label="on hold", **style))

    steps = [(step, step.time_s) for step in call.steps if step.time_s is not None]
    at = [time for _, time in steps]
    for name in names:
        found[name].ax.vlines(
            at,
            0,
            1,
            transform=found[name].ax.get_xaxis_transform(),
            color=theme.ink,
            alpha=0.7 if name == "SIP" else 0.3,
            linewidth=0.8,
            linestyle="-" if name == "SIP" else ":",
            zorder=1.8,
        )
    letter = look.letter_px * pixel_of(look)
    for middle, tag in placed(_together(steps, letter), letter, ax.get_xlim()):
        place: Style = {"ha": "center", "va": "bottom", "zorder": 6}
        box = {"facecolor": theme.paper, "alpha": 0.8, "linewidth": 0, "pad": 0.5}
        look.write(middle, tag.height, tag.text, bbox=box, **place)
    return legend


def _together(steps: Sequence[tuple[Step, float]], letter: float) -> list[Tag]:
    """The names of the steps; those that follow so soon that names would overlap are one."""
    tags: list[Tag] = []
    for step, time in steps:
        if tags:
            before = tags[-1]
            text = f"{before.text}, {step.name}"
            if time - before.end < letter * (len(before.text) + len(step.name) + 2) / 2:
                if len(before.text) < MOST_LETTERS:
                    tags[-1] = Tag(before.begin, time, before.height, before.weight, text)
                continue
        # Of names that have no room the later one gives way.
        tags.append(Tag(time, time, 0.5, -time, step.name))
    return tags
