"""Packets as columns to be impaired, and the truth about what was done to them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

__all__ = ["Columns", "Impaired", "Packetlike", "Sums", "Truth"]


class Packetlike(Protocol):
    """What has the columns to be impaired: `Packets` and `Columns`."""

    @property
    def sequence(self) -> npt.NDArray[np.uint16]: ...
    @property
    def timestamp(self) -> npt.NDArray[np.uint32]: ...
    @property
    def marker(self) -> npt.NDArray[np.bool_]: ...
    @property
    def ssrc(self) -> npt.NDArray[np.uint32]: ...
    @property
    def payload_size(self) -> npt.NDArray[np.uint16]: ...
    @property
    def time_ns(self) -> npt.NDArray[np.int64]: ...


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of n packets that an impairment reads or changes, each of shape (n,)."""

    sequence: npt.NDArray[np.uint16]
    timestamp: npt.NDArray[np.uint32]
    marker: npt.NDArray[np.bool_]
    ssrc: npt.NDArray[np.uint32]
    payload_size: npt.NDArray[np.uint16]
    """Bytes of payload."""
    time_ns: npt.NDArray[np.int64]
    """When each was sent, or captured: nanoseconds."""

    def __len__(self) -> int:
        return len(self.sequence)

    def __getitem__(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Columns:
        return Columns(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def of(cls, packets: Packetlike) -> Self:
        """Those columns of a table of packets, not copied."""
        return cls(**{field.name: getattr(packets, field.name) for field in fields(cls)})

    @classmethod
    def steady(
        cls,
        count: int,
        *,
        ticks: int = 160,
        clock_rate: int = 8000,
        payload_size: int = 160,
        ssrc: int = 0x1234,
        sequence: int = 0,
        timestamp: int = 0,
        start_ns: int = 0,
    ) -> Self:
        """`count` packets in order, each of `ticks` and sent when the one before it has ended."""
        number = np.arange(count, dtype=np.int64)
        marker = np.zeros(count, np.bool_)
        marker[:1] = True
        return cls(
            sequence=(number + sequence).astype(np.uint16),
            timestamp=(number * ticks + timestamp).astype(np.uint32),
            marker=marker,
            ssrc=np.full(count, ssrc, np.uint32),
            payload_size=np.full(count, payload_size, np.uint16),
            time_ns=number * ticks * 1_000_000_000 // clock_rate + start_ns,
        )


@dataclass(frozen=True, eq=False)
class Sums:
    """What each of k streams comes to, known from what was done: int64, shape (k,)."""

    ssrc: npt.NDArray[np.uint32]
    packets: npt.NDArray[np.int64]
    """Packets that arrive, copies included."""
    expected: npt.NDArray[np.int64]
    """Packets that were sent."""
    lost: npt.NDArray[np.int64]
    duplicates: npt.NDArray[np.int64]
    reordered: npt.NDArray[np.int64]
    """First copies that arrive after a packet sent later in the same epoch."""
    restarts: npt.NDArray[np.int64]
    silent: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Truth:
    """What was done: slots are the n packets that went in, packets the m that came out."""

    silent: npt.NDArray[np.bool_]
    """Slots that were not sent, because the sender suppressed silence; shape (n,)."""
    lost: npt.NDArray[np.bool_]
    """Slots that were sent and never arrive."""
    doubled: npt.NDArray[np.bool_]
    """Slots of which a second copy arrives."""
    held: npt.NDArray[np.bool_]
    """Slots that were held until later ones had passed."""
    late: npt.NDArray[np.bool_]
    """Slots that got the extra delay of late packets."""
    stream: npt.NDArray[np.int32]
    """Which SSRC each slot was sent with: 0, counted up where a restart changed it."""
    epoch: npt.NDArray[np.int32]
    """Restarts of that SSRC before each slot."""
    delay_ns: npt.NDArray[np.int64]
    """From sending to arrival of each slot's first copy; 0 where none arrives."""
    ssrc: npt.NDArray[np.uint32]
    """The SSRC of each stream, shape (k,)."""

    source: npt.NDArray[np.int64]
    """Which slot each packet came from; shape (m,), in order of arrival."""
    copy: npt.NDArray[np.bool_]
    """Whether a packet is the second copy."""

    def sums(self) -> Sums:
        """The figures of each SSRC that somebody who sees only the packets must come to."""
        k = len(self.ssrc)
        owner = self.stream[self.source]

        def of(slots: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
            return np.bincount(self.stream[slots], minlength=k)

        reordered = np.zeros(k, np.int64)
        restarts = np.zeros(k, np.int64)
        np.maximum.at(restarts, self.stream, self.epoch)
        for i in range(k):
            first = self.source[~self.copy & (owner == i)]
            # Epochs lie one after the other among the slots: no late slot is of an earlier one.
            reordered[i] = np.count_nonzero(first < np.maximum.accumulate(first))
        return Sums(
            ssrc=self.ssrc,
            packets=np.bincount(owner, minlength=k),
            expected=of(~self.silent),
            lost=of(self.lost),
            duplicates=np.bincount(owner[self.copy], minlength=k),
            reordered=reordered,
            restarts=restarts,
            silent=of(self.silent),
        )


@dataclass(frozen=True, eq=False)
class Impaired:
    """Packets as they arrive, and what was done to them."""

    columns: Columns
    truth: Truth
