"""Streams whose figures are known beforehand, as a ledger sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.truth import Columns, Impaired
from rtpcap.streams.jitterbuffer import Arrivals
from rtpcap.streams.ledger import Clocks, Ledger
from tests.rtp.impaired import impairments

__all__ = ["Known", "arrivals_of", "damaged", "known", "packets_of"]


@dataclass(frozen=True, eq=False)
class Known:
    """Packets grouped by SSRC in order of arrival, their ledger, and what was done to them."""

    sent: Columns
    out: Impaired
    columns: Columns
    source: npt.NDArray[np.int64]
    """The slot that each row of `columns` came from."""
    copy: npt.NDArray[np.bool_]
    ledger: Ledger


def damaged(sent: Columns, impairment: Impairment, seed: int, clock_rate: int = 8000) -> Known:
    """The packets after an impairment, and their ledger."""
    out = impairment.apply(sent, seed)
    stream = out.truth.stream[out.truth.source]
    order = np.argsort(stream, kind="stable")
    columns = out.columns[order]
    starts = np.flatnonzero(np.diff(stream[order], prepend=-1))
    rate = np.full(len(starts), float(clock_rate))
    ledger = Ledger.keep(
        columns.sequence, columns.timestamp, columns.time_ns, starts, Clocks(rate, rate)
    )
    return Known(sent, out, columns, out.truth.source[order], out.truth.copy[order], ledger)


@st.composite
def known(draw: st.DrawFn, most: int = 300) -> Known:
    """Any impairment of a steady stream of 20 ms packets."""
    count = draw(st.integers(10, most))
    start = draw(st.integers(0, 10**18))
    return damaged(Columns.steady(count, start_ns=start), draw(impairments()), draw(st.integers(0)))


def arrivals_of(columns: Columns | Packets, ledger: Ledger, clock_rate: int = 8000) -> Arrivals:
    """What a jitter buffer looks at, where all packets are media of one clock."""
    n = len(columns)
    rates = np.full(n, clock_rate, np.int32)
    return Arrivals.of(columns.timestamp, columns.time_ns, rates, np.ones(n, np.bool_), ledger)


def packets_of(columns: Columns) -> Packets:
    """RTP packets with these columns, of payload type 0 and as many zero bytes as they say."""
    n = len(columns)
    size = columns.payload_size.astype(np.int64) + 12
    end = size.cumsum()
    data = np.zeros(int(end[-1]) if n else 0, np.uint8)
    head = np.zeros((n, 12), np.uint8)
    head[:, 0] = 0x80
    head[:, 1] = columns.marker.astype(np.uint8) << 7
    head[:, 2:4] = columns.sequence.astype(">u2").view(np.uint8).reshape(n, 2)
    head[:, 4:8] = columns.timestamp.astype(">u4").view(np.uint8).reshape(n, 4)
    head[:, 8:12] = columns.ssrc.astype(">u4").view(np.uint8).reshape(n, 4)
    data[(end - size)[:, None] + np.arange(12)] = head
    return Packets.parse((data,), end - size, end, time_ns=columns.time_ns)
