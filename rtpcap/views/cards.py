"""What a notebook shows of each object: its facts, a table, small charts; never without end.

Charts are of `WINDOWS` windows of time at most, tables of `MOST_ROWS` rows; what is left out is
told in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from rtpcap.streams.counted import counted
from rtpcap.views.html import (
    Figure,
    Markup,
    facts,
    fields,
    figure,
    fragment,
    head,
    note,
    table,
    text,
    title,
)
from rtpcap.views.sparks import Course, Mark, Span, course, lanes, strip
from rtpcap.views.style import SCOPE

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.streams.call import Call
    from rtpcap.streams.digits import Digits
    from rtpcap.streams.findings.finding import Findings
    from rtpcap.streams.gaps import Gap, Gaps
    from rtpcap.streams.stream import Stream

__all__ = ["call_html", "calls_html", "capture_html", "digits_html", "findings_html", "gaps_html"]
__all__ += ["stream_html", "streams_html"]

MOST_ROWS = 50
"""Rows of a table; the words under it say how many more there are."""

WINDOWS = 60
"""Windows of time in the chart of a stream."""

MOST_PACKETS = 3_000_000
"""Of streams with charts in one table; the others are shown without, to be shown at once."""

MOST_MARKS = 250
"""Marks on a line of time: more cannot be told apart."""

LEAST_PCT, LEAST_MS = 5.0, 20.0
"""What full height of a chart is at least, so that little looks little."""

SMALL, WIDE = 120, 560
"""Pixels: a chart in a row of a table, and one on its own."""

SIGNS = {"error": "✖", "warning": "▲", "note": "●"}
SEVERITY_COLOURS = {"error": "bad", "warning": "warn", "note": "soft"}

STATES = {
    "completed": ("✔", "ink"),
    "in-progress": ("▶", "ink"),
    "ringing": ("…", "soft"),
    "cancelled": ("○", "soft"),
    "rejected": ("✖", "warn"),
    "failed": ("✖", "bad"),
}
"""State of a call -> its sign and its colour: never the colour alone."""

GAP_COLOURS = {"lost": "bad", "dtx": "calm", "restart": "other"}
GAP_HEIGHTS = {"lost": 1.0, "dtx": 0.35, "restart": 0.65}
GAP_WORDS = {
    "lost": "packets lost (tall)",
    "dtx": "silence not sent (low)",
    "restart": "the sender began anew (between)",
}


def capture_html(capture: Capture) -> str:
    """The facts of the file, its calls and its streams."""
    row = capture.row()
    packed = f" ({', '.join(capture.packed)})" if capture.packed else ""
    told = {
        "format": f"{row['format']}{packed}",
        "link types": row["link_types"],
        "frames": figure(capture.frames),
        "size": _size(capture.bytes),
        "begins": capture.start_time,
        "lasts": _seconds(capture.duration_s),
        "calls": figure(len(capture.calls)),
        "streams": figure(len(capture.streams)),
        "key presses": figure(len(capture.dtmf)),
    }
    parts = [head(f"Capture {capture.path}"), facts(told)]
    for name, tally in (
        ("not understood", capture.not_understood),
        ("incomplete", capture.incomplete),
    ):
        reasons = [f"{row['count']:,} × {row['reason']}" for row in tally.rows()]
        if reasons:
            parts.append(note(f"{name}: {'; '.join(reasons[:5])}"))
    if capture.damage:
        parts.append(note(f"damaged: {capture.damage[0]}"))
    if len(capture.calls):
        parts += [title("Calls"), *_calls(capture.calls)]
    if len(capture.streams):
        parts += [title("Streams"), *_streams(capture.streams)]
    return fragment(*parts)


def streams_html(streams: Sequence[Stream], caption: str) -> str:
    """A row a stream, with a chart of its loss and jitter over time."""
    return fragment(head(caption), *_streams(streams))


def _streams(streams: Sequence[Stream]) -> list[Markup]:
    shown = list(streams[:MOST_ROWS])
    courses: list[Course | None] = []
    packets = 0
    for stream in shown:
        packets += len(stream)
        courses.append(_course_of(stream) if packets <= MOST_PACKETS else None)
    most_pct, most_ms = _scales(courses)
    rows = []
    for stream, figures in zip(shown, courses, strict=True):
        quality = stream.quality
        chart = (
            Markup(course(figures, SMALL, 22, most_pct, most_ms)) if figures is not None else None
        )
        rows.append(
            (
                f"0x{stream.ssrc:08x}",
                stream.codec or f"payload type {stream.payload_types[0]}",
                Markup(
                    text(_end(stream.src, stream.src_port))
                    + " → "
                    + text(_end(stream.dst, stream.dst_port))
                ),
                figure(quality.packets),
                figure(quality.lost),
                figure(quality.lost_pct, 2) if quality.lost else None,
                figure(quality.jitter_ms, 2),
                figure(stream.start_s, 2),
                figure(stream.duration_s, 2),
                chart,
                stream.call,
                None if stream.decodable else stream.why_not,
            )
        )
    names: tuple[str, ...] = (
        "ssrc",
        "codec",
        "from → to",
        "packets",
        "lost",
        "lost %",
        "jitter ms",
        "start s",
    )
    names += ("duration s", "loss and jitter over time", "call", "no audio because")
    parts = [table(names, rows)]
    if any(figures is not None for figures in courses):
        parts.append(
            note(
                f"bars: loss, full height {most_pct:.3g} %; "
                f"line: jitter, full height {most_ms:.3g} ms"
            )
        )
    return [*parts, *_rest(len(streams), "stream")]


def stream_html(stream: Stream) -> str:
    """The fields of a stream, under the course of its loss and jitter and its gaps."""
    figures = _course_of(stream)
    parts = [head(repr(stream)[1:-1])]
    if figures is not None:
        most_pct, most_ms = _scales([figures])
        ends = _ends(stream.start_s, stream.duration_s)
        chart = course(figures, WIDE, 44, most_pct, most_ms, ends)
        words = (
            f"bars: loss, full height {most_pct:.3g} %; line: jitter, full height {most_ms:.3g} ms"
        )
        parts += [Markup(chart), note(words)]
    if len(stream.gaps):
        parts += [title("Gaps"), *_gap_strip(stream.gaps, stream.start_s, stream.duration_s)]
    score = stream.play().rating
    row = stream.row()
    if score is not None:
        sure = ", provisional" if score.provisional else ""
        row["MOS"] = f"{score.mos:.2f} ({score.scale}{sure}), with a jitter buffer of 60 ms"
    return fragment(*parts, fields(row))


def calls_html(calls: Sequence[Call], caption: str) -> str:
    """A row a call, with who spoke when on two lanes."""
    return fragment(head(caption), *_calls(calls))


def _calls(calls: Sequence[Call]) -> list[Markup]:
    rows = [
        (
            _state(call),
            *_parties(call),
            figure(call.start_s, 2),
            figure(call.setup_s, 2),
            figure(call.duration_s, 2),
            figure(len(call.streams)),
            Markup(_lanes(call, SMALL, 9, False)),
            call.reason,
            call.call_id,
        )
        for call in calls[:MOST_ROWS]
    ]
    names: tuple[str, ...] = (
        "state",
        "caller",
        "callee",
        "start s",
        "setup s",
        "duration s",
        "streams",
    )
    names += ("who spoke when", "reason", "call")
    legend = note("upper lane: the caller's streams, lower lane: the callee's; upright: answered")
    return [table(names, rows), legend, *_rest(len(calls), "call")]


def call_html(call: Call) -> str:
    """The parties and times of a call, who spoke when, and its streams."""
    caller, callee = _parties(call)
    dialog = call.dialog
    told: dict[str, object] = {
        "caller": caller,
        "callee": callee,
        "caller's agent": dialog.caller_agent if dialog else None,
        "callee's agent": dialog.callee_agent if dialog else None,
        "status": call.status,
        "reason": call.reason,
        "start": _seconds(call.start_s),
        "setup": _seconds(call.setup_s),
        "duration": _seconds(call.duration_s),
        "hung up": call.hung_up,
        "codecs": [str(agreed) for agreed in call.codecs],
        "holds": [str(hold) for hold in call.holds],
        "keys (events, INFO)": str(call.told_keys) or None,
    }
    parts = [head(f"Call {call.call_id}"), facts({"state": _state(call)}), fields(told)]
    if call.streams:
        parts.append(Markup(_lanes(call, WIDE, 14, True)))
        parts.append(note("upright: answered"))
    return fragment(*parts, title("Streams"), *_streams(call.streams))


def _parties(call: Call) -> tuple[str | None, str | None]:
    if call.dialog is None:
        first = call.streams[0]
        return _end(first.src, first.src_port), _end(first.dst, first.dst_port)
    return call.caller, call.callee


def _state(call: Call) -> Markup:
    if call.state is None:
        return Markup(text("guessed from its streams"))
    sign, colour = STATES.get(call.state, ("", "soft"))
    return Markup(f'<span class="{SCOPE}-{colour}">{sign}</span> {text(call.state)}')


def _lanes(call: Call, width: int, lane: int, named: bool) -> str:
    """Which side sent when, from the call's beginning to its end."""
    begin, long = call.start_s, call.duration_s
    starts = [stream.start_s for stream in call.streams if stream.start_s is not None]
    ends = [
        stream.start_s + (stream.duration_s or 0)
        for stream in call.streams
        if stream.start_s is not None
    ]
    first = min([*starts, *([] if begin is None else [begin])], default=0.0)
    last = max([*ends, *([] if begin is None or long is None else [begin + long])], default=first)
    whole = last - first or 1.0
    rows = [
        [
            Span(
                (stream.start_s - first) / whole,
                (stream.start_s + (stream.duration_s or 0) - first) / whole,
                colour,
                f"0x{stream.ssrc:08x} {stream.codec or ''}",
            )
            for stream in side[:MOST_ROWS]
            if stream.start_s is not None
        ]
        for side, colour in ((call.left, "ink"), (call.right, "other"))
    ]
    ticks = []
    if begin is not None and call.setup_s is not None:
        ticks = [(begin + call.setup_s - first) / whole]
    told = f"{counted(len(call.left), 'stream')} of the caller, {len(call.right)} of the callee"
    names = ("caller", "callee") if call.dialog else ("left", "right")
    return lanes(
        rows,
        width,
        lane,
        told,
        ticks=ticks,
        names=names if named else (),
        ends=_ends(first, last - first) if named else None,
    )


def digits_html(digits: Digits) -> str:
    """The keys on a line of time, and a row each."""
    parts = [head(repr(digits)[1:-1])]
    timed = [d for d in digits[:MOST_MARKS] if d.start_s is not None]
    if timed:
        begin = min(d.start_s or 0.0 for d in timed)
        end = max((d.start_s or 0.0) + (d.duration_s or 0.0) for d in timed)
        whole = end - begin or 1.0
        marks = [
            Mark(
                ((d.start_s or 0.0) - begin) / whole,
                ((d.start_s or 0.0) + (d.duration_s or 0.0) - begin) / whole,
                "ink",
                d.digit,
            )
            for d in timed
        ]
        told = f"{counted(len(timed), 'press', 'es')}: {digits[:MOST_MARKS]}"
        parts.append(Markup(strip(marks, WIDE, told, _ends(begin, end - begin))))
    rows = [
        (
            d.digit,
            figure(d.start_s, 3),
            figure(d.duration_s, 3),
            d.source,
            list(d.also_in),
            None if d.ssrc is None else f"0x{d.ssrc:08x}",
            figure(d.frame),
        )
        for d in digits[:MOST_ROWS]
    ]
    names = ("key", "start s", "duration s", "source", "also in", "ssrc", "frame")
    parts.append(table(names, rows))
    return fragment(*parts, *_rest(len(digits), "press", "es"))


def gaps_html(gaps: Gaps) -> str:
    """The gaps on a line of time, and a row each."""
    parts = [head(repr(gaps)[1:-1])]
    starts = [gap.start_s for gap in gaps if gap.start_s is not None]
    if starts:
        ends = [
            gap.start_s + max(gap.duration_s or 0.0, 0.0) for gap in gaps if gap.start_s is not None
        ]
        parts += _gap_strip(gaps, min(starts), max(ends) - min(starts))
    rows = [
        (
            f"0x{gap.ssrc:08x}",
            _reason(gap.reason),
            figure(gap.packets) if gap.packets else None,
            figure(gap.start_s, 3),
            figure(gap.duration_s, 3),
            str(gap.first_sequence),
            f"{gap.frame_before} to {gap.frame_after}",
        )
        for gap in gaps[:MOST_ROWS]
    ]
    names = ("ssrc", "reason", "packets", "start s", "duration s", "sequence", "frames")
    return fragment(*parts, table(names, rows), *_rest(len(gaps), "gap"))


def _reason(reason: str) -> Markup:
    colour = GAP_COLOURS[reason]
    return Markup(f'<span class="{SCOPE}-{colour}">■</span> {text(reason)}')


def _gap_strip(gaps: Iterable[Gap], start_s: float | None, long_s: float | None) -> list[Markup]:
    """Gaps from a start on, on a line of time, and what the colours mean."""
    if start_s is None or long_s is None:
        return []
    whole = long_s or 1.0
    timed = [gap for gap in gaps if gap.start_s is not None]
    # The longest are those that can be seen; drawn last, what was lost lies above.
    timed = sorted(timed, key=lambda gap: -(gap.duration_s or 0.0))[:MOST_MARKS]
    marks = [
        Mark(
            ((gap.start_s or 0.0) - start_s) / whole,
            ((gap.start_s or 0.0) + max(gap.duration_s or 0.0, 0.0) - start_s) / whole,
            GAP_COLOURS[gap.reason],
            tall=GAP_HEIGHTS[gap.reason],
            told=f"{gap.reason}, {counted(gap.packets, 'packet')}, {gap.duration_s or 0:.3f} s",
        )
        for gap in timed
    ]
    kinds = dict.fromkeys(gap.reason for gap in timed)
    legend = " ".join(
        f'<span class="{SCOPE}-{GAP_COLOURS[kind]}">■</span> {text(kind)}: {text(GAP_WORDS[kind])}'
        for kind in kinds
    )
    told = counted(len(timed), "gap")
    chart = strip(marks, WIDE, told, _ends(start_s, long_s), height=16)
    return [Markup(chart), Markup(f'<div class="{SCOPE}-note">{legend}</div>')]


def findings_html(findings: Findings) -> str:
    """A row a finding, the gravest first."""
    rows = [
        (
            Markup(
                f'<span class="{SCOPE}-{SEVERITY_COLOURS[finding.severity]}">'
                f"{SIGNS[finding.severity]} {text(finding.severity)}</span>"
            ),
            finding.sentence,
            finding.id,
            ", ".join(f"{name} {_number(value)}" for name, value in finding.numbers.items()),
            ", ".join(map(str, finding.frames)),
            None if finding.ssrc is None else f"0x{finding.ssrc:08x}",
            finding.call,
        )
        for finding in findings[:MOST_ROWS]
    ]
    names = ("", "what happened", "kind", "numbers", "frames", "stream", "call")
    parts = [head(repr(findings)[1:-1])]
    if rows:
        parts.append(table(names, rows))
    return fragment(*parts, *_rest(len(findings), "finding"))


def _number(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _course_of(stream: Stream) -> Course | None:
    """The loss and jitter of a stream over `WINDOWS` windows; None where it takes no time.

    Or less than none, on a clock that was set back.
    """
    long_s = stream.duration_s
    if long_s is None or long_s <= 0:
        return None
    # A little longer than its share: the last packet belongs to the last window.
    found = stream.windows(long_s / WINDOWS * (1 + 1e-9) + 1e-9)
    return Course(
        at=(found.start_s - (stream.start_s or 0.0)) / long_s,
        width=found.window_s / long_s,
        lost_pct=100 * found.lost / np.maximum(found.expected, 1),
        jitter_ms=found.jitter_ms.mean,
    )


def _scales(courses: Iterable[Course | None]) -> tuple[float, float]:
    """What full height is: percent of loss, milliseconds of jitter; the same for a whole table."""
    drawn = [figures for figures in courses if figures is not None]
    pct = list(chain.from_iterable(figures.lost_pct.tolist() for figures in drawn))
    ms = [v for figures in drawn for v in figures.jitter_ms.tolist() if np.isfinite(v)]
    return max([LEAST_PCT, *pct]), max([LEAST_MS, *ms])


def _rest(count: int, what: str, plural: str = "s") -> list[Markup]:
    if count <= MOST_ROWS:
        return []
    return [note(f"the first {MOST_ROWS} of {counted(count, what, plural)}")]


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _seconds(seconds: float | None) -> Figure | None:
    return None if seconds is None else Figure(f"{seconds:,.3f} s")


def _ends(start_s: float | None, long_s: float | None) -> tuple[str, str]:
    start = start_s or 0.0
    return f"{start:,.2f} s", f"{start + (long_s or 0.0):,.2f} s"


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,} bytes"
