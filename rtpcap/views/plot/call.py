"""The picture of a call: everything that is known of it in lanes on one clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from rtpcap.views.plot.axes import Look, drawable, fitted, look_of, own_axes
from rtpcap.views.plot.call_findings import MOST_FINDINGS, draw_findings, findings_of
from rtpcap.views.plot.call_rows import digits_of, names_of
from rtpcap.views.plot.call_steps import draw_steps
from rtpcap.views.plot.call_streams import (
    draw_codecs,
    draw_digits,
    draw_gaps,
    draw_jitter,
    draw_scores,
    draw_sound,
)
from rtpcap.views.plot.course import SECONDS
from rtpcap.views.plot.lanes import lanes

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.streams.call import Call
    from rtpcap.streams.findings.finding import Finding

__all__ = ["call", "call_times", "draw_call"]

HEIGHTS = {
    "SIP": 0.75,
    "left": 1.3,
    "right": 1.3,
    "gaps": 0.8,
    "jitter": 0.9,
    "MOS": 0.9,
    "codec": 0.8,
    "digits": 0.6,
    "findings": 0.45,
}
"""The lanes from the top, and how high each is beside the others."""
USUAL = 7.0
"""Lanes of these heights together make a picture of the usual height."""
APART = 0.02
LINE = 0.3
"""Height of a line of text below the lanes."""
LABEL_LETTERS = 8.5
"""How far left of the lanes their names stand."""
SET_UP = "set up in {:.2f} s"


def call(
    call: Call,
    ax: Axes | None = None,
    *,
    findings: Iterable[Finding] = (),
    dark: bool = False,
) -> Axes:
    """Draw a call in lanes on the capture's clock; returns the Axes around them.

    From the top: what its signalling says, how loud each side is and what was filled, gaps,
    jitter, MOS, codec and SSRC of each stream, the keys pressed, and `findings`: of these only the
    ones that concern the call (``call.plot(findings=capture.findings)``).
    """
    own = findings_of(call, findings)
    ax = own_axes("call", dark, call_times(call, own)) if ax is None else ax
    draw_call(look_of(ax, dark), call, own)
    return ax


def _lanes_of(call: Call, findings: Sequence[Finding]) -> list[str]:
    """The lanes that have something to show."""
    there = {"SIP": not call.guessed, "digits": any(digits_of(call).values())}
    there["findings"] = bool(findings)
    for name in ("left", "right", "gaps", "jitter", "MOS", "codec"):
        there[name] = bool(call.streams)
    return [name for name in HEIGHTS if there[name]]


def call_times(call: Call, findings: Sequence[Finding] = ()) -> float:
    """How many times as high as usual the picture of a call is."""
    tall = sum(HEIGHTS[name] for name in _lanes_of(call, findings))
    return max((tall + LINE * min(len(findings), MOST_FINDINGS)) / USUAL, 0.25)


def draw_call(look: Look, call: Call, findings: Sequence[Finding]) -> None:
    """The lanes, from the top."""
    theme = look.theme
    names = _lanes_of(call, findings)
    limits = _limits(call)
    legend: list[Artist] = []
    if not names or limits is None:
        look.quiet()
        look.head(_title(look, call))
        look.say("no message and no packet with a time")
        return
    heights = [HEIGHTS[name] for name in names]
    found = dict(zip(names, lanes(look, heights, APART), strict=True))
    lowest = found[names[-1]]
    for name in names:
        lane = found[name].ax
        lane.set_xlim(*limits)
        lane.tick_params(labelbottom=name == names[-1])
        # In one column, whatever numbers stand between.
        lane.yaxis.set_label_coords(-LABEL_LETTERS * look.letter_px / look.ax.bbox.width, 0.5)
    lowest.label(x=SECONDS)

    if "SIP" in found:
        legend += draw_steps(found, call, names)
    if "left" in found:
        sound = draw_sound(found["left"], found["right"], call)
        # What has a colour of its own in the gaps is a shade of it in the sound.
        legend += [*draw_gaps(found["gaps"], call), *sound]
        draw_jitter(found["jitter"], call)
        draw_scores(found["MOS"], call, limits)
        draw_codecs(found["codec"], call)
        sides = zip(names_of(call), (theme.packets, theme.other), strict=True)
        legend = [*(Patch(facecolor=c, linewidth=0, label=name) for name, c in sides), *legend]
    if "digits" in found:
        draw_digits(found["digits"], call)
    if findings:
        draw_findings(found["findings"], call, findings)
    unique: dict[str, Artist] = {}
    for artist in legend:
        unique.setdefault(str(artist.get_label()), artist)
    look.head(_title(look, call), list(unique.values()))


def _title(look: Look, call: Call) -> str:
    letters = look.letters(0.93)
    if call.guessed:
        return fitted(f"Call {call.call_id}, without signalling", letters)
    caller, callee = str(call.caller), str(call.callee)
    if len(caller) + len(callee) + 3 > letters:
        # As much of each as there is room for: a short one leaves its room to the other.
        half = (letters - 3) // 2
        callee = fitted(callee, max(half, letters - 3 - len(caller)), keep="start")
        caller = fitted(caller, letters - 3 - len(callee), keep="start")
    parties = drawable(f"{caller} > {callee}")
    status = "" if call.status in (None, 200) else f" {call.status} {call.reason or ''}".rstrip()
    told = [f"{call.state}{status}"]
    if call.talk_s is not None:
        told.append(f"talk {call.talk_s:.1f} s")
    if call.hung_up is not None:
        told.append(f"ended by the {call.hung_up}")
    if call.setup_s is not None and len(", ".join(told)) + len(SET_UP) < letters:
        told.insert(1, SET_UP.format(call.setup_s))
    return f"{parties}\n{fitted(', '.join(told), letters)}"


def _limits(call: Call) -> tuple[float, float] | None:
    """From the first thing that happened to the last, with a margin."""
    times = [step.time_s for step in call.steps if step.time_s is not None]
    for stream in call.streams:
        if stream.start_s is not None:
            times += [stream.start_s, stream.start_s + (stream.duration_s or 0.0)]
    if not times:
        return None
    margin = 0.015 * (max(times) - min(times)) or 0.5
    return min(times) - margin, max(times) + margin
