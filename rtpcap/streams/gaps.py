"""Where a stream has holes: packets lost, silence not sent, and senders that began anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.serial import signed_delta
from rtpcap.streams.counted import counted
from rtpcap.streams.ledger import Ledger
from rtpcap.streams.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

    from rtpcap.streams.jitterbuffer import Arrivals

__all__ = ["Gap", "Gaps", "find_gaps"]

Reason = Literal["lost", "dtx", "restart"]


@dataclass(frozen=True)
class Gap:
    """A run of missing packets, or (`packets` 0) a silence or a restart between two packets.

    `start_s` and `duration_s` are on the capture's clock, as the packets around the gap came;
    for ``lost`` and ``dtx`` the duration is that of the missing media, by the timestamps. Frames
    are 1-based; null values stand where a packet has no time or the clock rate is not known.
    """

    ssrc: int
    """The stream it is in."""
    first_sequence: int
    """The sequence number of the first packet missing; of a silence or restart, of the next."""
    packets: int
    start_s: float | None
    duration_s: float | None
    frame_before: int
    """The frame of the packet before it."""
    frame_after: int
    """The frame of the packet after it."""
    reason: Reason
    """``lost``, ``dtx`` (silence that was not sent) or ``restart`` (the sender began anew)."""

    def row(self) -> dict[str, object]:
        """The gap with the keys of ``rtpcap gaps``."""
        return {**asdict(self), "ssrc": f"0x{self.ssrc:08x}"}


class Gaps(Rows[Gap]):
    """Gaps in order of the frame before them."""

    def _repr_html_(self) -> str:
        from rtpcap.views.cards import gaps_html

        return gaps_html(self)

    def __repr__(self) -> str:
        lost = [gap for gap in self if gap.reason == "lost"]
        missing = sum(gap.packets for gap in lost)
        other = {r: sum(g.reason == r for g in self) for r in ("dtx", "restart")}
        return (
            f"<Gaps {counted(len(lost), 'gap')} with {counted(missing, 'packet')} lost, "
            f"{counted(other['dtx'], 'silence')}, {counted(other['restart'], 'restart')}>"
        )

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a gap."""
        from rtpcap.views.table import gaps_frame

        return gaps_frame(self)


def find_gaps(
    packets: Packets,
    ledger: Ledger,
    arrivals: Arrivals,
    ssrc: int,
    clock_rate: npt.NDArray[np.int32],
    held: npt.NDArray[np.int64],
    start_ns: int,
) -> list[Gap]:
    """The gaps of one stream, in order of the frame before.

    `arrivals` are those of the packets. `clock_rate` and `held` have shape (n,): the clock rate of
    each packet, 0 where it is not known; how many ticks of media it holds, 0 where its codec does
    not tell: then the stream's usual step counts. A lost run lies between neighbours in the
    sequence, however they arrived; a silence (``dtx``) between neighbours without a hole in the
    sequence, as `silences` defines it; a restart between the last packet of an epoch and the first
    of the next.
    """
    slots, quiet = arrivals.slots, arrivals.silences
    before, after = slots.rows[:-1], slots.rows[1:]
    anew = ledger.epoch[after] != ledger.epoch[before]
    ahead = ledger.extended[after] - ledger.extended[before]
    clock = clock_rate[before]
    timestamp = packets.timestamp.astype(np.int64)
    ticks = signed_delta(timestamp[after], timestamp[before], 32)
    packet = np.where(held[before] > 0, held[before], int(arrivals.packet_ticks[0]))
    missing = ticks - packet
    lost = ~anew & (ahead > 1)
    silent = np.zeros(len(before), np.bool_)
    silent[quiet.before[quiet.whole]] = True
    found = np.flatnonzero(anew | lost | silent)

    def at(row: int) -> int | None:
        time = int(packets.time_ns[row])
        return None if time == NO_TIME else time

    gaps = []
    for i in found.tolist():
        left, right = int(before[i]), int(after[i])
        then, now = at(left), at(right)
        start = None if then is None else (then - start_ns) / 1e9
        media_s = float(missing[i] / clock[i]) if clock[i] and packet[i] else None
        elapsed = None if then is None or now is None else (now - then) / 1e9
        reason: Reason = "restart" if anew[i] else "lost" if lost[i] else "dtx"
        first = int(ledger.extended[left]) + 1 if reason == "lost" else int(packets.sequence[right])
        gaps.append(
            Gap(
                ssrc=ssrc,
                first_sequence=first & 0xFFFF,
                packets=int(ahead[i]) - 1 if reason == "lost" else 0,
                start_s=start,
                duration_s=elapsed if reason == "restart" else media_s,
                frame_before=int(packets.frame[left]),
                frame_after=int(packets.frame[right]),
                reason=reason,
            )
        )
    return sorted(gaps, key=lambda gap: gap.frame_before)
