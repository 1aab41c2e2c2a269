"""What became of one stream between two captures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.stream import Stream
from rtpcap.testing.differing.compare import Change
from rtpcap.testing.differing.sound import Sound
from rtpcap.testing.differing.tolerance import Tolerance

__all__ = ["How", "StreamDifference", "drift_of"]

How = Literal["content", "call", "flow", "sound", "alone"]
"""By what two streams were taken for one: packets that are the same, the side of a call that they
are, their addresses, or what they sound like; ``alone`` is in one of the captures."""

MOST_FRAMES = 10
"""A row names no more frames of a kind."""
LEAST_TIMED = 10
"""Drift of fewer packets says nothing."""
LEAST_ERRORS = 5
"""So many times its standard error a drift has to be, to be one."""

Frames = npt.NDArray[np.int64]


def _none() -> Frames:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class StreamDifference:
    """A stream of one capture beside the one that it is in the other; frames as numbered there."""

    a: Stream | None
    b: Stream | None
    how: How
    packets_a: int = 0
    """Packets, copies included; of a stream that goes on as several, of this part."""
    packets_b: int = 0
    frame_a: Frames = field(default_factory=_none)
    """The packets that are in both, as they came in the second: frames of the first ..."""
    frame_b: Frames = field(default_factory=_none)
    """... and of the second."""
    delay_ns: Frames = field(default_factory=_none)
    """How much later each has its time there, `NO_TIME` where one has none."""
    time_ns: Frames = field(default_factory=_none)
    """When each was in the first."""
    change: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    """A `Change` for each of them."""
    late: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    lost: Frames = field(default_factory=_none)
    """Frames of the first whose packets are not in the second."""
    added: Frames = field(default_factory=_none)
    """Frames of the second whose packets are not in the first."""
    duplicates: Frames = field(default_factory=_none)
    """Frames of the second with one copy more than the first has."""
    fewer: int = 0
    """Copies that the second has fewer."""
    renumbered: tuple[str, ...] = ()
    """What all packets have instead, as ``ssrc 0x1 > 0x2`` or ``sequence +5``."""
    encoded_anew: bool = False
    """Whether another codec came in place: then payloads are compared as sound alone."""
    sound: Sound | None = None
    """How it sounds beside the first; None where payloads are the same."""

    @property
    def matched(self) -> int:
        return len(self.frame_a)

    @property
    def changed(self) -> Frames:
        """Frames of the second in which something is another than in the first."""
        return self.frame_b[self.change > 0]

    @property
    def reordered(self) -> Frames:
        """Frames of the second that came behind one that they were before."""
        return self.frame_b[self.late]

    @property
    def changes(self) -> dict[str, int]:
        """How many packets have what changed."""
        counts = {kind.label: int((self.change & int(kind) > 0).sum()) for kind in Change}
        return {label: count for label, count in counts.items() if count}

    @property
    def delay_ms(self) -> npt.NDArray[np.float64]:
        """How long each packet took that is in both and has times."""
        return np.asarray(self.delay_ns[self.delay_ns != NO_TIME] / 1e6)

    @property
    def heard_delay_ms(self) -> float | None:
        """How much later it is heard, of streams that have no packets in common."""
        if self.a is None or self.b is None or self.sound is None or self.matched:
            return None
        before, after, offset = self.a.start_ns, self.b.start_ns, self.sound.offset_ms
        if before is None or after is None or offset is None:
            return None
        return (after - before) / 1e6 + offset

    @property
    def drift_ppm(self) -> float | None:
        """How much faster packets come in the second; of one encoded anew, how it sounds."""
        if self.how != "content":
            return None if self.sound is None else self.sound.drift_ppm
        return drift_of(self.time_ns, self.delay_ns)

    def beyond(self, tolerance: Tolerance) -> list[str]:
        """The names of what differs more than is tolerated."""
        return list(self._beyond(tolerance))

    def _beyond(self, tolerance: Tolerance) -> Iterator[str]:
        if self.a is None or self.b is None:
            yield "streams"
            return
        counts = {
            "lost": len(self.lost),
            "added": len(self.added),
            "changed": len(self.changed),
            "duplicates": len(self.duplicates) + self.fewer,
            "reordered": len(self.reordered),
        }
        for name, count in counts.items():
            share = getattr(tolerance, f"{name}_pct") / 100 * max(self.packets_a, self.packets_b)
            if count > max(getattr(tolerance, name), share):
                yield name
        delay = self.delay_ms
        spread = delay.max() - delay.min() if len(delay) else 0.0
        if tolerance.delay_ms is not None and spread > tolerance.delay_ms:
            yield "delay_ms"
        if tolerance.drift_ppm is not None and abs(self.drift_ppm or 0.0) > tolerance.drift_ppm:
            yield "drift_ppm"
        yield from self._unlike(tolerance)

    def _unlike(self, tolerance: Tolerance) -> Iterator[str]:
        if self.sound is None:
            # Not compared, or the same: what was encoded anew can only be judged by its sound.
            if self.encoded_anew:
                yield "residual_dbfs"
            return
        residual, level = self.sound.residual_dbfs, self.sound.level_db
        # Where payloads changed under the same codec that is counted, and the sound not asked for.
        asked = self.encoded_anew or tolerance.residual_dbfs > -np.inf
        if asked and (residual is None or residual > tolerance.residual_dbfs):
            yield "residual_dbfs"
        if level is not None and abs(level) > tolerance.level_db:
            yield "level_db"

    def row(self, tolerance: Tolerance) -> dict[str, object]:
        """The stream with the keys of ``rtpcap diff``."""
        beyond = self.beyond(tolerance)
        delay = self.delay_ms
        timed = len(delay) > 0
        sound = self.sound or Sound()
        told = "same" if self.sound is None and not self.encoded_anew else sound.why_not
        if self.how == "alone" or (self.sound is None and self.encoded_anew):
            told = None
        return {
            "kind": "stream",
            "result": self.result(beyond),
            "a": _name(self.a),
            "b": _name(self.b),
            "route_a": _route(self.a),
            "route_b": _route(self.b),
            "codec_a": None if self.a is None else self.a.codec,
            "codec_b": None if self.b is None else self.b.codec,
            "how": self.how,
            "packets_a": self.packets_a,
            "packets_b": self.packets_b,
            "matched": self.matched,
            "lost": len(self.lost),
            "added": len(self.added),
            "changed": len(self.changed),
            "duplicates": len(self.duplicates),
            "duplicates_fewer": self.fewer,
            "reordered": len(self.reordered),
            "changes": [f"{label} {count}" for label, count in self.changes.items()],
            "renumbered": list(self.renumbered),
            "delay_ms": float(np.median(delay)) if timed else self.heard_delay_ms,
            "delay_min_ms": float(delay.min()) if timed else None,
            "delay_max_ms": float(delay.max()) if timed else None,
            "drift_ppm": self.drift_ppm,
            "residual_dbfs": sound.residual_dbfs,
            "level_db": sound.level_db,
            "offset_ms": sound.offset_ms,
            "sound": told or (None if self.sound is None else "compared"),
            "lost_frames": _some(self.lost),
            "added_frames": _some(self.added),
            "changed_frames": _some(self.changed),
            "duplicate_frames": _some(self.duplicates),
            "reordered_frames": _some(self.reordered),
            "frame_a": None if self.a is None else self.a.first_frame,
            "frame_b": None if self.b is None else self.b.first_frame,
            "start_a_s": None if self.a is None else self.a.start_s,
            "start_b_s": None if self.b is None else self.b.start_s,
            "beyond": beyond,
            "detail": "",
        }

    def result(self, beyond: list[str]) -> str:
        if self.a is None or self.b is None:
            return "missing" if self.b is None else "added"
        return "differs" if beyond else "same"


def _name(stream: Stream | None) -> str | None:
    return None if stream is None else f"0x{stream.ssrc:08x}"


def _route(stream: Stream | None) -> str | None:
    if stream is None:
        return None
    return f"{stream.src}:{stream.src_port} > {stream.dst}:{stream.dst_port}"


def _some(frames: Frames) -> list[int]:
    return [int(frame) for frame in np.sort(frames)[:MOST_FRAMES]]


def drift_of(time_ns: Frames, delay_ns: Frames) -> float | None:
    """By how many parts per million the second clock runs faster: the slope of the delays.

    None where it cannot be told from their scatter.
    """
    timed = delay_ns != NO_TIME
    n = int(np.count_nonzero(timed))
    if n < LEAST_TIMED:
        return None
    at = (time_ns[timed] - time_ns[timed][0]).astype(np.float64)
    delay = (delay_ns[timed] - delay_ns[timed][0]).astype(np.float64)
    at -= at.mean()
    delay -= delay.mean()
    spread = float(at @ at)
    if not spread:
        return None
    slope = float(at @ delay) / spread
    scatter = delay - slope * at
    error = float(np.sqrt((scatter @ scatter) / (n - 2) / spread))
    # Not -0.
    return 0.0 - 1e6 * slope if abs(slope) >= LEAST_ERRORS * error else None
