"""Difference: what two captures have in common, and what not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtpcap.streams.counted import counted
from rtpcap.testing.differing.events import CallDifference, DigitDifference
from rtpcap.testing.differing.stream import StreamDifference
from rtpcap.testing.differing.tolerance import Tolerance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Difference"]

NOTHING = Tolerance()


@dataclass(frozen=True, eq=False)
class Difference:
    """Two captures side by side, made by `diff`; `a` is what was, `b` what it is compared with."""

    a: str
    b: str
    """The files, as they were named."""
    streams: Sequence[StreamDifference]
    """Those in both first, in order of the first frame in `a`; then those in one alone."""
    digits: Sequence[DigitDifference]
    """Every key press of either capture."""
    calls: Sequence[CallDifference]
    """Every call of either capture that signalling tells of."""

    def beyond(self, tolerance: Tolerance = NOTHING) -> list[str]:
        """The names of what differs more than is tolerated; none where the captures are the same.

        A stream, a key press or a call that is in one of them alone is counted over all.
        """
        names: list[str] = []
        alone = 0
        for stream in self.streams:
            if stream.a is None or stream.b is None:
                alone += 1
            else:
                names += stream.beyond(tolerance)
        digits = sum(digit.result != "same" for digit in self.digits)
        calls = sum(call.result(tolerance.duration_s) != "same" for call in self.calls)
        for name, count in (("streams", alone), ("digits", digits), ("calls", calls)):
            if count > getattr(tolerance, name):
                names.append(name)
        return list(dict.fromkeys(names))

    def differs(self, tolerance: Tolerance = NOTHING) -> bool:
        """Whether they differ more than is tolerated: by default, other than in delay and names."""
        return bool(self.beyond(tolerance))

    @property
    def matched(self) -> int:
        """Packets that are in both."""
        return sum(stream.matched for stream in self.streams)

    def rows(self, tolerance: Tolerance = NOTHING) -> list[dict[str, object]]:
        """A dict a stream, a key press and a call, with the keys of ``rtpcap diff``."""
        rows = [stream.row(tolerance) for stream in self.streams]
        for digit in self.digits:
            one, other = digit.a, digit.b
            rows.append(
                {
                    **dict.fromkeys(KEYS),
                    **{name: [] for name in LISTS},
                    "kind": "digit",
                    "result": digit.result,
                    "a": None if one is None else one.digit,
                    "b": None if other is None else other.digit,
                    "frame_a": None if one is None else one.frame,
                    "frame_b": None if other is None else other.frame,
                    "start_a_s": None if one is None else one.start_s,
                    "start_b_s": None if other is None else other.start_s,
                    "beyond": ["digits"] if digit.result != "same" and not tolerance.digits else [],
                    "detail": digit.detail,
                }
            )
        for call in self.calls:
            result = call.result(tolerance.duration_s)
            longer = call.further_s
            details = list(call.details)
            if longer is not None and abs(longer) > tolerance.duration_s:
                details.append(f"duration_s {longer:+.3f}")
            rows.append(
                {
                    **dict.fromkeys(KEYS),
                    **{name: [] for name in LISTS},
                    "kind": "call",
                    "result": result,
                    "a": None if call.a is None else call.a.call_id,
                    "b": None if call.b is None else call.b.call_id,
                    "frame_a": None if call.a is None else call.a.first_frame,
                    "frame_b": None if call.b is None else call.b.first_frame,
                    "start_a_s": None if call.a is None else call.a.start_s,
                    "start_b_s": None if call.b is None else call.b.start_s,
                    "beyond": ["calls"] if result != "same" and not tolerance.calls else [],
                    "detail": "; ".join(details),
                }
            )
        return rows

    def to_frame(self, tolerance: Tolerance = NOTHING) -> pd.DataFrame:
        """A pandas DataFrame, one row a stream, key press or call."""
        from rtpcap.views.columns import COLUMNS
        from rtpcap.views.table import rows_frame

        return rows_frame(self.rows(tolerance), COLUMNS["diff"])

    def sentence(self) -> str:
        """What a person wants to know first."""
        both = [stream for stream in self.streams if stream.how != "alone"]
        counts = {
            "lost": sum(len(stream.lost) for stream in both),
            "added": sum(len(stream.added) for stream in both),
            "changed": sum(len(stream.changed) for stream in both),
            "duplicated": sum(len(stream.duplicates) + stream.fewer for stream in both),
            "reordered": sum(len(stream.reordered) for stream in both),
        }
        told = [f"{count:,} {word}" for word, count in counts.items() if count]
        if anew := sum(stream.encoded_anew for stream in both):
            told.append(f"{counted(anew, 'stream')} encoded anew")
        sides = Counter(("b" if s.a is None else "a") for s in self.streams if s.how == "alone")
        told += [f"{counted(sides[side], 'stream')} only in {side}" for side in sorted(sides)]
        digits = sum(digit.result != "same" for digit in self.digits)
        calls = sum(call.result(NOTHING.duration_s) != "same" for call in self.calls)
        told += [f"{counted(digits, 'key press', 'es')} not the same"] if digits else []
        told += [f"{counted(calls, 'call')} not the same"] if calls else []
        if not both:
            told.insert(0, "nothing in common")
            return ", ".join(told)
        return f"{counted(self.matched, 'packet')} matched, {', '.join(told) or 'no difference'}"

    def __repr__(self) -> str:
        return f"<Difference {self.a!r} > {self.b!r}: {self.sentence()}>"

    def _repr_html_(self) -> str:
        from rtpcap.views.html import rows_html

        return rows_html(self.rows(), repr(self))


LISTS = (
    "changes", "renumbered", "lost_frames", "added_frames", "changed_frames", "duplicate_frames",
    "reordered_frames",
)  # fmt: skip
KEYS = (
    "kind", "result", "a", "b", "route_a", "route_b", "codec_a", "codec_b", "how", "packets_a",
    "packets_b", "matched", "lost", "added", "changed", "duplicates", "duplicates_fewer",
    "reordered", "changes", "renumbered", "delay_ms", "delay_min_ms", "delay_max_ms", "drift_ppm",
    "residual_dbfs", "level_db", "offset_ms", "sound", "lost_frames", "added_frames",
    "changed_frames", "duplicate_frames", "reordered_frames", "frame_a", "frame_b", "start_a_s",
    "start_b_s", "beyond", "detail",
)  # fmt: skip
