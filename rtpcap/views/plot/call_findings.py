"""The findings of a call as a lane, and below it what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.views.plot.axes import PLAIN, Look, Style, drawable
from rtpcap.views.plot.call_rows import pixel_of
from rtpcap.views.plot.course import Tag, placed

if TYPE_CHECKING:
    from rtpcap.streams.call import Call
    from rtpcap.streams.findings.finding import Finding

__all__ = ["MOST_FINDINGS", "draw_findings", "findings_of"]

MOST_FINDINGS = 8
"""The gravest are written out; all are marked."""
SENTENCE_LINES = 2
LINE_EM = 1.3
AXIS_EM, AXIS_POINTS = 2.5, 14
"""Height of the numbers and the name of the axis of time, in sizes of text, and in points."""
SEVERITY_MARKS = {"error": "X", "warning": "^", "note": "o"}


def findings_of(call: Call, findings: Iterable[Finding]) -> list[Finding]:
    """Those that concern the call or one of its streams."""
    own = {stream.ssrc for stream in call.streams}
    return [
        finding
        for finding in findings
        if finding.call == call.call_id or (finding.call is None and finding.ssrc in own)
    ]


def draw_findings(look: Look, call: Call, findings: Sequence[Finding]) -> None:
    """A numbered mark where each can be seen; below the lanes what they say."""
    ax, theme = look.ax, look.theme
    look.label(y="findings")
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.set_ylim(-0.6, 0.9)
    colours = {"error": theme.lost, "warning": theme.late, "note": theme.silent}
    tags = []
    frames, times = _clock(call)
    for number, finding in enumerate(findings, 1):
        colour, mark = colours[finding.severity], SEVERITY_MARKS[finding.severity]
        style: Style = {"marker": mark, "linestyle": "none", "markersize": 6, "color": colour}
        # Between frames whose time is known, it is about in the middle.
        x = np.interp(np.array(finding.frames or [0], np.float64), frames, times)
        ax.plot(x, np.zeros(len(x)), clip_on=False, zorder=4, **style)
        tags.append(Tag(float(x[0]), float(x[0]), 0.25, -float(number), str(number)))
    for middle, tag in placed(tags, look.letter_px * pixel_of(look), ax.get_xlim()):
        look.write(middle, tag.height, tag.text, ha="center", va="bottom", zorder=6)

    told = [
        f"{number} {finding.severity}: {finding.sentence}"
        for number, finding in enumerate(findings[:MOST_FINDINGS], 1)
    ]
    if len(findings) > MOST_FINDINGS:
        told[-1] = f"and {len(findings) - MOST_FINDINGS + 1:,} more findings"
    lines = [line for text in told for line in _folded(text, look.letters())]
    below = -(AXIS_EM * look.size + AXIS_POINTS)
    for i, line in enumerate(lines):
        ax.annotate(
            drawable(line),
            (0, 0),
            xycoords="axes fraction",
            xytext=(0, below - i * LINE_EM * look.size),
            textcoords="offset points",
            va="top",
            fontsize=look.size,
            color=theme.ink,
            annotation_clip=False,
            **PLAIN,
        )


def _folded(text: str, letters: int) -> list[str]:
    lines = wrap(drawable(text[: 4 * letters]), letters, subsequent_indent="   ")
    return lines[:SENTENCE_LINES] or [""]


def _clock(call: Call) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Frames of the call, in order, and when they came."""
    frames, times = [np.empty(0, np.int64)], [np.empty(0)]
    for stream in call.streams:
        known = np.isfinite(stream.time_s)
        frames.append(stream.packets.frame[known].astype(np.int64))
        times.append(stream.time_s[known])
    told = [(step.frame, step.time_s) for step in call.steps if step.time_s is not None]
    frames.append(np.array([frame for frame, _ in told], np.int64))
    times.append(np.array([time for _, time in told], np.float64))
    where, when = np.concatenate(frames), np.concatenate(times)
    order = where.argsort(kind="stable")
    return where[order], when[order]
