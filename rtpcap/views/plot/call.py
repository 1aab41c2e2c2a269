"""The picture of a call: everything that is known of it in lanes on one clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from rtpcap.errors import CodecUnavailable
from rtpcap.streams.emodel import LEAST_MOS, MOST_MOS
from rtpcap.views.plot.axes import PLAIN, Look, Style, drawable, fitted, look_of, own_axes
from rtpcap.views.plot.boxes import boxes, runs
from rtpcap.views.plot.course import SECONDS, Course, Tag, holes_of, merged, placed
from rtpcap.views.plot.envelope import envelope
from rtpcap.views.plot.lanes import lanes
from rtpcap.views.plot.quality import score_line, window_for
from rtpcap.views.plot.wave import Sound, Wave, sounds_of
from rtpcap.views.plot.waveform import wave_lane

if TYPE_CHECKING:
    from matplotlib.artist import Artist

    from rtpcap.streams.call import Call
    from rtpcap.streams.digits import Digit
    from rtpcap.streams.findings.finding import Finding
    from rtpcap.streams.steps import Step
    from rtpcap.streams.stream import Stream

__all__ = ["call", "call_times", "draw_call", "findings_of"]

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
LINE_EM = 1.3
AXIS_EM, AXIS_POINTS = 2.5, 14
"""Height of the numbers and the name of the axis of time, in sizes of text, and in points."""
LABEL_LETTERS = 8.5
"""How far left of the lanes their names stand."""
MOST_FINDINGS = 8
"""The gravest are written out; all are marked."""
MOST_EPOCHS = 200
"""Stretches of one codec in a stream that are drawn."""
SENTENCE_LINES = 2
MOST_LETTERS = 30
"""Names of steps that came at once: no more than these."""

SET_UP = "set up in {:.2f} s"
SEVERITY_MARKS = {"error": "X", "warning": "^", "note": "o"}


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


def findings_of(call: Call, findings: Iterable[Finding]) -> list[Finding]:
    """Those that concern the call or one of its streams."""
    own = {stream.ssrc for stream in call.streams}
    return [
        finding
        for finding in findings
        if finding.call == call.call_id or (finding.call is None and finding.ssrc in own)
    ]


def _digits(call: Call) -> dict[str, list[Digit]]:
    """The keys pressed on each side, in events, in the sound and by INFO."""
    found: dict[str, list[Digit]] = {}
    for side, streams in (("left", call.left), ("right", call.right)):
        own = {stream.ssrc for stream in streams}
        found[side] = [digit for stream in streams for digit in stream.dtmf]
        found[side] += [digit for digit in call.keys if digit.ssrc in own]
    # A press whose side sent nothing is the caller's for want of another.
    found["left"] += [digit for digit in call.keys if digit.ssrc is None]
    return found


def _lanes_of(call: Call, findings: Sequence[Finding]) -> list[str]:
    """The lanes that have something to show."""
    there = {"SIP": not call.guessed, "digits": any(_digits(call).values())}
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
        legend += _draw_steps(found, call, names)
    if "left" in found:
        sound = _draw_sound(found["left"], found["right"], call)
        # What has a colour of its own in the gaps is a shade of it in the sound.
        legend += [*_draw_gaps(found["gaps"], call), *sound]
        _draw_jitter(found["jitter"], call)
        _draw_scores(found["MOS"], call, limits)
        _draw_codecs(found["codec"], call)
        sides = zip(_names(call), (theme.packets, theme.other), strict=True)
        legend = [*(Patch(facecolor=c, linewidth=0, label=name) for name, c in sides), *legend]
    if "digits" in found:
        _draw_digits(found["digits"], call)
    if findings:
        _draw_findings(found["findings"], call, findings)
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


def _names(call: Call) -> tuple[str, str]:
    return ("first", "second") if call.guessed else ("caller", "callee")


def _sides(call: Call) -> list[tuple[list[Stream], float]]:
    """The streams of each side, and the middle of its row where a lane has one for each."""
    return [(call.left, 1.0), (call.right, 0.0)]


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


def _pixel(look: Look) -> float:
    left, right = look.ax.get_xlim()
    return (right - left) / look.columns


def _rows(look: Look, call: Call, label: str) -> None:
    """A row for each side, named at the left."""
    look.ax.set_ylim(-0.55, 1.55)
    look.ax.grid(axis="y", visible=False)
    look.ax.set_yticks([1.0, 0.0], _names(call))
    look.label(y=label)


def _draw_steps(found: dict[str, Look], call: Call, names: Sequence[str]) -> list[Artist]:
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
    letter = look.letter_px * _pixel(look)
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


def _draw_sound(left: Look, right: Look, call: Call) -> list[Artist]:
    sounds: list[Sound] = []
    why = ""
    try:
        sounds = sounds_of(call)
    except CodecUnavailable as reason:
        why = str(reason)
    legend: list[Artist] = []
    if not sounds:
        sounds, reasons = _one_side(call)
        why = why or "; ".join(reasons)
    waves = {sound.name: Wave.of(sound.line, 2 * left.columns) for sound in sounds}
    peak = max((wave.peak for wave in waves.values()), default=0.0)
    by_name = {sound.name: sound for sound in sounds}
    theme = left.theme
    colours = (theme.packets, theme.other)
    for place, name, colour in zip((left, right), _names(call), colours, strict=True):
        sound = by_name.get(name)
        place.ax.set_yticks([])
        place.label(y=name)
        if sound is None:
            place.ax.set_ylim(-1, 1)
            # The limits of time are those of the call, not of the words.
            place.say(why)
            continue
        # The keys have a lane of their own.
        shown = Sound(sound.line, sound.start_s, name, (), sound.holes)
        for patch in wave_lane(place, shown, waves[name], colour, peak=peak).values():
            # Which side's it is shows in the lane.
            word = str(patch.get_label()).partition(": ")[2].rpartition(",")[0]
            patch.set_label(word)
            legend.append(patch)
        place.ax.set_yticks([])
    return legend


def _one_side(call: Call) -> tuple[list[Sound], list[str]]:
    """The side that can be heard, where only one can."""
    found, reasons = [], []
    for name, streams in zip(_names(call), call.heard(), strict=True):
        for stream in streams[:1]:
            try:
                (sound,) = sounds_of(stream)
            except CodecUnavailable as reason:
                reasons.append(str(reason))
            else:
                found.append(Sound(sound.line, sound.start_s, name, sound.digits, sound.holes))
    return found, reasons


def _draw_gaps(look: Look, call: Call) -> list[Artist]:
    """A bar for each stream, with what is missing in it."""
    ax, theme, pixel = look.ax, look.theme, _pixel(look)
    _rows(look, call, "gaps")
    there: set[str] = set()
    for streams, row in _sides(call):
        lost = 0
        for stream in streams:
            course = Course.of(stream)
            if not course.timed or stream.start_s is None:
                continue
            end = stream.start_s + (stream.duration_s or 0.0)
            boxes(ax, [stream.start_s], [end], row - 0.3, row + 0.3, theme.faint, least=pixel)
            lost += stream.quality.lost
            late_x = course.x[_late(stream)]
            late = merged(late_x, late_x, np.ones(len(late_x)), 2 * pixel)
            for word, holes, colour, style in (
                (
                    "not sent",
                    holes_of(course, [g for g in stream.gaps if g.reason == "dtx"], pixel),
                    theme.silent,
                    {"alpha": 0.6},
                ),
                ("late", late, theme.late, {"least": 2 * pixel}),
                (
                    "lost",
                    holes_of(course, [g for g in stream.gaps if g.reason == "lost"], 2 * pixel),
                    theme.lost,
                    {"least": 2 * pixel, "zorder": 3},
                ),
            ):
                if holes:
                    there.add(word)
                    begins, ends = [h.begin for h in holes], [h.end for h in holes]
                    boxes(ax, begins, ends, row - 0.3, row + 0.3, colour, **style)
        if lost:
            place: Style = {"ha": "right", "va": "center", "zorder": 6}
            box = {"facecolor": theme.paper, "alpha": 0.75, "linewidth": 0, "pad": 1}
            where = ax.get_yaxis_transform()
            look.write(0.995, row, f"{lost:,} lost", transform=where, bbox=box, **place)
    colours = {"lost": theme.lost, "late": theme.late, "not sent": theme.silent}
    return [
        Patch(facecolor=colour, linewidth=0, label=word)
        for word, colour in colours.items()
        if word in there
    ]


def _late(stream: Stream) -> npt.NDArray[np.int64]:
    """The rows of packets that a jitter buffer of 60 ms discards."""
    from rtpcap.streams.fates import PacketClass

    rows = np.flatnonzero(stream.ledger.packet_class == PacketClass.LATE)
    return rows[np.isfinite(stream.time_s[rows])]


def _draw_jitter(look: Look, call: Call) -> None:
    look.label(y="jitter, ms")
    highest = 0.0
    for (streams, _), (colour, width) in zip(_sides(call), _side_lines(look), strict=True):
        for stream in streams:
            x, y = stream.time_s, stream.jitter_ms
            known = np.isfinite(x) & np.isfinite(y)
            if known.any():
                line = envelope(x[known], y[known], look.columns)
                look.ax.plot(*line, color=colour, linewidth=width)
                highest = max(highest, float(y[known].max()))
    look.ax.set_ylim(0, 1.15 * highest or 1.0)


def _side_colours(look: Look) -> tuple[str, str]:
    return look.theme.packets, look.theme.other


def _side_lines(look: Look) -> list[tuple[str, float]]:
    """Colour and width of the lines of each side: that below is wider, and seen where both are."""
    return [*zip(_side_colours(look), (2.0, 1.0), strict=True)]


def _draw_scores(look: Look, call: Call, limits: tuple[float, float]) -> None:
    look.label(y="MOS")
    look.ax.set_ylim(LEAST_MOS - 0.2, MOST_MOS + 0.3)
    look.ax.set_yticks([1, 2, 3, 4])
    drawn = False
    for (streams, _), (colour, width) in zip(_sides(call), _side_lines(look), strict=True):
        for stream in streams:
            if stream.start_s is None:
                continue
            found = stream.windows(window_for(limits[1] - limits[0]))
            if found.scale is not None:
                end = stream.start_s + (stream.duration_s or 0.0)
                score_line(look, found, colour, end, 1.4 * width)
                drawn = True
    if not drawn:
        look.say("no MOS: the E-model has no row for the codecs")


def _draw_codecs(look: Look, call: Call) -> None:
    """A bar for each stretch of one codec in one stream, named where there is room."""
    ax, pixel = look.ax, _pixel(look)
    _rows(look, call, "codec")
    for (streams, row), colour in zip(_sides(call), _side_colours(look), strict=True):
        for stream in streams:
            for begin, end, name in _epochs(stream):
                style: Style = {"least": 2 * pixel, "alpha": 0.3}
                boxes(ax, [begin], [end], row - 0.38, row + 0.38, colour, **style)
                ax.vlines([begin], row - 0.38, row + 0.38, color=colour, linewidth=1.5, zorder=3)
                letters = int((end - begin) / pixel / look.letter_px) - 1
                if letters >= 4:
                    text = fitted(name, letters) if len(name) > letters else name
                    place: Style = {"ha": "center", "va": "center", "zorder": 6}
                    look.write((begin + end) / 2, row, text, **place)


def _epochs(stream: Stream) -> list[tuple[float, float, str]]:
    """(begin, end, name) of the stretches in which a stream's media had one payload number."""
    x, number = stream.time_s, stream.packets.payload_type
    formats = stream.formats
    aside = [n for n, fmt in formats.items() if not fmt.is_media]
    media = np.isfinite(x) & ~np.isin(number, aside)
    x, number = x[media], number[media]
    if not len(x):
        return []
    begins, ends = (edge[:MOST_EPOCHS] for edge in runs(number))
    found = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        named = int(number[begin])
        fmt = formats.get(named)
        what = str(fmt) if fmt is not None else f"payload type {named}"
        until = float(x[end]) if end < len(x) else float(x[-1])
        found.append((float(x[begin]), until, f"{what}  0x{stream.ssrc:08x}"))
    return found


def _draw_digits(look: Look, call: Call) -> None:
    ax, pixel = look.ax, _pixel(look)
    _rows(look, call, "digits")
    for (side, digits), (_, row) in zip(_digits(call).items(), _sides(call), strict=True):
        tags = [
            Tag(d.start_s, d.start_s + (d.duration_s or 0.0), row, 1.0, d.digit)
            for d in digits
            if d.start_s is not None
        ]
        colour = look.theme.packets if side == "left" else look.theme.other
        tags.sort(key=lambda tag: tag.begin)
        begin = np.array([tag.begin for tag in tags])
        held = merged(begin, np.array([tag.end for tag in tags]), np.ones(len(tags)), 0.0)
        boxes(
            ax,
            [hole.begin for hole in held],
            [hole.end for hole in held],
            row - 0.42,
            row + 0.42,
            colour,
            least=2 * pixel,
            alpha=0.35,
        )
        for middle, tag in placed(tags, look.letter_px * pixel, ax.get_xlim()):
            place: Style = {"ha": "center", "va": "center", "fontweight": "bold", "zorder": 6}
            look.write(middle, row, tag.text, **place)


def _draw_findings(look: Look, call: Call, findings: Sequence[Finding]) -> None:
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
    for middle, tag in placed(tags, look.letter_px * _pixel(look), ax.get_xlim()):
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
