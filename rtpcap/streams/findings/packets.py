"""Rules about the packets of a stream: lost, lost in bursts, late, jittery, reordered, drifting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from rtpcap.streams.counted import counted
from rtpcap.streams.fates import PacketClass
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding, Severity
from rtpcap.streams.findings.telling import Numbers, frames_of, of_stream, sends_keys, speaks, what
from rtpcap.streams.gaps import Gap
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES"]

KINDS: Mapping[str, str] = {
    "packet-loss": "packets are missing, more than is not noticed",
    "burst-loss": "packets are missing in a row, more than concealment covers",
    "late-packets": "packets came too late for a usual jitter buffer",
    "high-jitter": "packets come unevenly",
    "reordering": "many packets came after later ones",
    "clock-drift": "the sender's clock is too fast or too slow",
    "wrong-pace": "a second of sound is not sent in a second",
}

LOSS_PCT = 1.0
"""From here on loss is heard: 1 % costs G.711 with concealment nearly 0.1 of MOS, other codecs more
(ITU-T G.107 with the rows of G.113)."""
LEAST_LOST = 3
"""Fewer packets are an accident, whatever share of a short stream they are."""
NOT_UNDERSTOOD_PCT = 20.0
"""From here on hardly anybody follows what is said: R of G.711 with concealment falls to 51, where
"nearly all users are dissatisfied" (ITU-T G.107 annex B), and that of other codecs lower."""

CONCEALED_MS = 60.0
"""Concealment has faded to silence after this time (ITU-T G.711 appendix I)."""
NOT_HEARD_MS = 2000.0
"""Whole sentences are missing: dead air has the same limit."""
BURST_DENSITY_PCT = 25.0
BURST_MS = 200.0
"""A quarter of the packets lost over a syllable or more: no concealment hides that, whatever the
share of the whole stream is."""
DENSER = 3
"""How many times denser than in the whole stream: heavy loss makes bursts by chance too."""

BUFFER_MS = 60
"""A usual jitter buffer, as all figures assume it."""
NO_LENGTH = frozenset(("vorbis",))
"""Codecs, lower case, whose packets are of lengths that only their configuration tells: what looks
like silence between them may be none, and what follows it not late."""
LARGER_MS = (80, 100, 150, 200, 300, 400)
"""Buffers of which the first is named that would do; a larger one makes talking hard."""

JITTER_MS = 30.0
"""Half of a usual jitter buffer: where delays differ so much on average, some do twice as much."""
LEAST_PACKETS = 50
"""A mean over fewer packets, a second as a rule, says nothing."""
REORDERED_PCT = 1.0
LEAST_REORDERED = 5

DRIFT_PPM = 100.0
"""ITU-T G.711 allows a clock of 8,000 Hz to be off by 50 parts per million: two good ones, the
sender's and the capture's, differ by twice that at most."""
DRIFT_LEAST_S = 30.0
"""Over less time a step of the delay looks like a clock."""
PACE_PPM = 10_000.0
"""One per cent: no clock is so far off, but a program that counts its packets wrongly."""


def packet_loss(evidence: Evidence) -> Iterator[Finding]:
    """``packet-loss``: more was lost than is not noticed, after what redundancy brought back."""
    for stream in evidence.streams:
        quality = stream.quality
        # What is lost of key presses another rule tells: each press is sent many times over.
        if quality.lost < LEAST_LOST or quality.lost_pct < LOSS_PCT or sends_keys(stream):
            continue
        lost = quality.lost - stream.repaired
        lost_pct = 100 * lost / quality.expected
        if lost < LEAST_LOST or lost_pct < LOSS_PCT:
            continue
        severity: Severity = "error" if lost_pct >= NOT_UNDERSTOOD_PCT else "warning"
        yield of_stream(
            stream,
            "packet-loss",
            severity,
            f"{lost_pct:.1f} % of the packets are missing from {what(stream)}: "
            f"{lost:,} of {quality.expected:,}.",
            {
                "lost": quality.lost,
                "lost_after_repair": lost,
                "expected": quality.expected,
                "lost_pct": round(lost_pct, 3),
            },
            [gap.frame_after for gap in _lost(stream)],
        )


def burst_loss(evidence: Evidence) -> Iterator[Finding]:
    """``burst-loss``: so many packets lost close together that no concealment covers it."""
    for stream in evidence.streams:
        quality = stream.quality
        # Without a clock rate nobody knows how long a hole is.
        if quality.lost < LEAST_LOST or quality.ptime_ms is None or stream.repaired:
            continue
        if sends_keys(stream):
            continue
        outage_ms = quality.longest_outage_ms or 0.0
        dense = (
            quality.bursts > 0
            and (quality.burst_density_pct or 0.0) >= BURST_DENSITY_PCT
            and (quality.burst_density_pct or 0.0) >= DENSER * quality.lost_pct
            and (quality.burst_ms or 0.0) >= BURST_MS
        )
        if outage_ms <= CONCEALED_MS and not dense:
            continue
        gaps = sorted(_lost(stream), key=lambda gap: -gap.packets)
        if not gaps:
            continue
        worst = gaps[0]
        when = "" if worst.start_s is None else f", {worst.start_s:.1f} s into the capture"
        if outage_ms > CONCEALED_MS:
            told = (
                f"{counted(worst.packets, 'packet')} in a row, {outage_ms:.0f} ms, are missing "
                f"from {what(stream)}{when}"
            )
        else:
            told = (
                f"Loss comes in {counted(quality.bursts, 'burst')} in {what(stream)}, "
                f"{quality.burst_ms:.0f} ms long on average, in which "
                f"{quality.burst_density_pct:.0f} % of the packets are missing"
            )
        numbers: Numbers = {
            "longest_outage": quality.longest_outage,
            "longest_outage_ms": round(outage_ms, 1),
            "bursts": quality.bursts,
        }
        if quality.bursts:
            numbers["burst_ms"] = round(quality.burst_ms or 0.0, 1)
            numbers["burst_density_pct"] = round(quality.burst_density_pct or 0.0, 1)
        yield of_stream(
            stream,
            "burst-loss",
            "error" if outage_ms >= NOT_HEARD_MS else "warning",
            told + ".",
            numbers,
            [frame for gap in gaps[:5] for frame in (gap.frame_before, gap.frame_after)],
        )


def late_packets(evidence: Evidence) -> Iterator[Finding]:
    """``late-packets``: they came, but after a usual jitter buffer would have played them."""
    for stream in evidence.streams:
        books = stream.quality.further.account
        late, expected = _whole(books, "slots_discarded_late"), _whole(books, "expected")
        if late < LEAST_LOST or 100 * late < LOSS_PCT * expected or not speaks(stream):
            continue
        if (stream.codec or "").lower() in NO_LENGTH:
            continue
        late_pct = 100 * late / expected
        enough = next((size for size in LARGER_MS if _fits(stream, size)), None)
        cure = (
            f"one of {enough} ms would have waited for them"
            if enough is not None
            else f"even one of {LARGER_MS[-1]} ms would have lost some"
        )
        numbers: Numbers = {
            "late": late,
            "late_pct": round(late_pct, 3),
            "buffer_ms": BUFFER_MS,
        }
        if enough is not None:
            numbers["enough_ms"] = enough
        kind = stream.ledger.packet_class
        yield of_stream(
            stream,
            "late-packets",
            "warning",
            f"{late_pct:.1f} % of the packets of {what(stream)} came too late for a jitter buffer "
            f"of {BUFFER_MS} ms; {cure}.",
            numbers,
            frames_of(stream, np.flatnonzero(kind == PacketClass.LATE)),
        )


def _fits(stream: Stream, size_ms: int) -> bool:
    """Whether a buffer of this size discards less than what is heard."""
    late = stream.play(size_ms).late
    return late < LEAST_LOST or 100 * late < LOSS_PCT * stream.quality.expected


def high_jitter(evidence: Evidence) -> Iterator[Finding]:
    """``high-jitter``: packets come so unevenly that a receiver needs a large buffer."""
    for stream in evidence.streams:
        mean_ms, most_ms = stream.quality.jitter_ms, stream.quality.jitter_max_ms
        if mean_ms is None or most_ms is None or mean_ms < JITTER_MS:
            continue
        if stream.quality.packets < LEAST_PACKETS or not speaks(stream):
            continue
        worst = np.argsort(-np.nan_to_num(stream.jitter_ms), kind="stable")
        yield of_stream(
            stream,
            "high-jitter",
            "note",
            f"The packets of {what(stream)} come unevenly: jitter is {mean_ms:.0f} ms on average, "
            f"{most_ms:.0f} ms at its worst.",
            {"jitter_ms": round(mean_ms, 3), "jitter_max_ms": round(most_ms, 3)},
            frames_of(stream, worst),
        )


def reordering(evidence: Evidence) -> Iterator[Finding]:
    """``reordering``: many packets were overtaken by later ones."""
    for stream in evidence.streams:
        quality = stream.quality
        if quality.reordered < LEAST_REORDERED:
            continue
        if 100 * quality.reordered < REORDERED_PCT * quality.packets:
            continue
        share = 100 * quality.reordered / quality.packets
        yield of_stream(
            stream,
            "reordering",
            "note",
            f"{share:.1f} % of the packets of {what(stream)} came after one that was sent later.",
            {"reordered": quality.reordered, "reordered_pct": round(share, 3)},
            frames_of(stream, np.flatnonzero(stream.ledger.reordered)),
        )


def clock_drift(evidence: Evidence) -> Iterator[Finding]:
    """``clock-drift``: the sender's clock runs at another speed than a good one may."""
    for stream in evidence.streams:
        lasted_s = stream.duration_s or 0.0
        if lasted_s < DRIFT_LEAST_S:
            continue
        drift = _drift(stream)
        if drift is None or not DRIFT_PPM < abs(drift[0]) - drift[1] <= PACE_PPM:
            continue
        drift_ppm, error_ppm = drift
        faster = drift_ppm > 0
        run_ms = abs(drift_ppm) * 1e-6 * lasted_s * 1e3
        packet_ms = stream.quality.ptime_ms
        numbers: Numbers = {
            "drift_ppm": round(drift_ppm, 1),
            "drift_error_ppm": round(error_ppm, 1),
            "drifted_ms": round(run_ms, 1),
        }
        told = (
            f"The clock behind {what(stream)} runs {abs(drift_ppm):.0f} parts per million "
            f"{'fast' if faster else 'slow'}"
        )
        if packet_ms:
            every_s = packet_ms / (abs(drift_ppm) * 1e-3)
            numbers["slip_every_s"] = round(every_s, 1)
            told += (
                f": a receiver has to {'drop' if faster else 'make up'} a packet "
                f"every {every_s:.0f} s"
            )
        yield of_stream(
            stream,
            "clock-drift",
            # A buffer that does not follow has run over, or dry.
            "warning" if run_ms >= BUFFER_MS else "note",
            told + ".",
            numbers,
            [stream.first_frame, stream.last_frame],
        )


def wrong_pace(evidence: Evidence) -> Iterator[Finding]:
    """``wrong-pace``: a sender sends more or less than a second of sound in a second."""
    for stream in evidence.streams:
        drift = _drift(stream)
        if drift is None or abs(drift[0]) - drift[1] <= PACE_PPM or not speaks(stream):
            continue
        pace = 1 + drift[0] / 1e6
        yield of_stream(
            stream,
            "wrong-pace",
            "warning",
            f"The sender of {what(stream)} sends {pace:.2f} s of sound in a second: it "
            f"{'falls behind' if pace < 1 else 'runs ahead'}, and no jitter buffer can help.",
            {"pace": round(pace, 4), "drift_error_ppm": round(drift[1], 1)},
            [stream.first_frame, stream.last_frame],
        )


def _drift(stream: Stream) -> tuple[float, float] | None:
    """(parts per million, error) of a sender's clock; None where there is no such figure.

    Nor where silence was left out: what a sender counts meanwhile is no matter of its clock.
    """
    quality = stream.quality
    if quality.drift_ppm is None or quality.drift_error_ppm is None:
        return None
    if _whole(quality.further.account, "slots_silent"):
        return None
    return quality.drift_ppm, quality.drift_error_ppm


def _lost(stream: Stream) -> list[Gap]:
    return [gap for gap in stream.gaps if gap.reason == "lost"]


def _whole(books: dict[str, object], name: str) -> int:
    value = books[name]
    assert isinstance(value, int)
    return value


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    packet_loss,
    burst_loss,
    late_packets,
    high_jitter,
    reordering,
    clock_drift,
    wrong_pace,
)
