"""Captured streams -> the same packets again, each at its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtpcap.audio.placement import place
from rtpcap.errors import Fault
from rtpcap.live.lateness import Lateness
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.serial import unwrap
from rtpcap.streams.stream import Stream

__all__ = ["Lateness", "Part", "Replay", "Rewrite", "Timing", "parts_of"]

Timing = Literal["capture", "media"]
Times = npt.NDArray[np.int64]

SECOND_NS = 1_000_000_000
USUAL_STEP_NS = 20_000_000
"""Between two loops of a stream that has only one packet."""
SEQUENCE_MASK, TIMESTAMP_MASK = 0xFFFF, 0xFFFFFFFF
MARKER, NUMBER_MASK = 0x80, 0x7F


@dataclass(frozen=True)
class Rewrite:
    """What the header says instead of what was captured; None and {} leave it."""

    ssrc: int | None = None
    payload_types: Mapping[int, int] = field(default_factory=dict)
    """Captured number -> number to send."""
    sequence: int | None = None
    """Of the first packet; the others keep their distance."""


class Part:
    """The packets of one stream, and when they are to be sent.

    What the capture copied is left out, and so are packets without a whole header. `offset_ns`
    counts from `start_ns`, the first packet of all parts. Raises ValueError where the capture has
    no times and `timing` needs them.
    """

    def __init__(
        self,
        stream: Stream,
        timing: Timing = "capture",
        rewrite: Rewrite | None = None,
        start_ns: int | None = None,
    ) -> None:
        packets, left_out = _sendable(stream)
        self.left_out = left_out
        """Packets of the stream that are not sent, by reason."""
        self.cut = int(np.count_nonzero(packets.fault == Fault.CUT))
        """Packets whose end was not captured, which are sent as they are."""
        clock = stream.clock_rate
        if timing == "media":
            if clock is None:
                raise ValueError(f"{stream!r}: without a clock rate there are no media times")
            offset = _media_times(packets, clock)
        else:
            if (packets.time_ns == NO_TIME).any():
                raise ValueError(f"{stream!r}: the capture gives no times, only its media does")
            offset = packets.time_ns - (packets.time_ns[0] if len(packets) else 0)
        first_ns = int(packets.time_ns[0]) if len(packets) else NO_TIME
        if start_ns is not None and first_ns != NO_TIME:
            offset = offset + (first_ns - start_ns)
        order = np.argsort(offset, kind="stable")
        self.packets = packets[order]
        self.offset_ns: Times = offset[order]
        self.clock_rate = clock
        self.src = (stream.src, stream.src_port)
        """Where the stream was captured to come from."""
        self._write = rewrite or Rewrite()
        self._prepare()

    def _prepare(self) -> None:
        """What is asked for each packet, as lists: a look-up in them is the quickest."""
        packets = self.packets
        if not len(packets):
            return
        sequence = packets.sequence.astype(np.int64)
        line = unwrap(sequence, 16)
        self.loop_sequence = int(line.max() - line.min()) + 1
        """How far the next loop's sequence numbers are from this one's."""
        ticks = unwrap(packets.timestamp.astype(np.int64), 32)
        steps = np.diff(ticks)
        steps = steps[steps > 0]
        self.loop_ticks = int(ticks.max() - ticks.min()) + (
            int(np.median(steps)) if len(steps) else 0
        )
        steps_ns = np.diff(self.offset_ns)
        step_ns = int(np.median(steps_ns)) if len(steps_ns) else USUAL_STEP_NS
        self.loop_ns = int(self.offset_ns[-1] - self.offset_ns[0]) + max(step_ns, 1)
        first = self._write.sequence
        moved = 0 if first is None else first - int(sequence[0])
        self._sequence = ((sequence + moved) & SEQUENCE_MASK).tolist()
        self._timestamp = packets.timestamp.tolist()
        numbers = np.arange(NUMBER_MASK + 1)
        for old, new in self._write.payload_types.items():
            numbers[old] = new
        second = numbers[packets.payload_type] | np.where(packets.marker, MARKER, 0)
        self._second = second.tolist()
        ssrc = self._write.ssrc
        self._ssrc = None if ssrc is None else ssrc.to_bytes(4, "big")
        self._as_it_was = ssrc is None and first is None and not self._write.payload_types

    def __len__(self) -> int:
        return len(self.packets)

    def packet(self, row: int, loop: int = 0, ticks: int = 0) -> bytes:
        """The bytes to send; in a later loop, so many ticks after the first."""
        raw = self.packets.raw(row)
        if self._as_it_was and not loop:
            return raw
        sequence = self._sequence[row] + loop * self.loop_sequence & SEQUENCE_MASK
        timestamp = self._timestamp[row] + ticks & TIMESTAMP_MASK
        return b"".join(
            (
                raw[:1],
                self._second[row].to_bytes(1, "big"),
                sequence.to_bytes(2, "big"),
                timestamp.to_bytes(4, "big"),
                self._ssrc or raw[8:12],
                raw[12:],
            )
        )


def _sendable(stream: Stream) -> tuple[Packets, dict[str, int]]:
    """The packets that were on the wire, in capture order; and how many others there are."""
    packets, ledger = stream.packets, stream.ledger
    twice = ledger.captured_twice
    broken = np.isin(packets.fault, (Fault.HEADER, Fault.VERSION))
    counts = {"copied by the capture": int(twice.sum()), "no whole header": int(broken.sum())}
    return packets[~(twice | broken)], {why: count for why, count in counts.items() if count}


def _media_times(packets: Packets, clock_rate: int) -> Times:
    """When each packet is due by its timestamp, nanoseconds from the first one's.

    Packets that share a timestamp, as the reports of a key press and the parts of a picture do,
    keep the time between them.
    """
    if not len(packets):
        return np.zeros(0, np.int64)
    none = np.zeros(len(packets), np.int64)
    laid = place(packets.timestamp, packets.time_ns, none, clock_rate, clock_rate).position
    offset = laid * SECOND_NS // clock_rate
    _, first, group = np.unique(laid, return_index=True, return_inverse=True)
    time_ns = packets.time_ns
    since = np.where(time_ns == NO_TIME, 0, time_ns - time_ns[first[group]])
    return np.asarray(offset + np.maximum(since, 0) - offset[0])


@dataclass(frozen=True)
class _Order:
    """All packets of all parts, in the order they are due."""

    due_ns: Times
    part: list[int]
    row: list[int]


class Replay:
    """Sends the packets of all parts, in one thread, `loops` times, `speed` times as fast.

    From loop to loop sequence numbers and timestamps go on as if the stream had not ended.
    """

    def __init__(self, parts: Sequence[Part], *, speed: float = 1.0, loops: int = 1) -> None:
        if not speed > 0:
            raise ValueError(f"a speed of {speed} is none")
        if loops < 1:
            raise ValueError(f"{loops} loops are none")
        self.parts = [part for part in parts if len(part)]
        self.speed, self.loops = speed, loops
        self.lateness = Lateness()
        self._order = self._ordered()
        self._loop_ns = max((part.loop_ns for part in self.parts), default=0)

    def _ordered(self) -> _Order:
        none: list[Times] = [np.zeros(0, np.int64)]
        due = np.concatenate(none + [part.offset_ns for part in self.parts])
        number = np.repeat(np.arange(len(self.parts)), [len(part) for part in self.parts])
        row = np.concatenate(none + [np.arange(len(part)) for part in self.parts])
        order = np.argsort(due, kind="stable")
        due = due[order]
        due -= due[0] if len(due) else 0
        return _Order(due, number[order].tolist(), row[order].tolist())

    def __len__(self) -> int:
        """How many packets are sent in all."""
        return len(self._order.row) * self.loops

    @property
    def duration_s(self) -> float:
        """From the first packet to the last."""
        if not len(self):
            return 0.0
        last = int(self._order.due_ns[-1]) + (self.loops - 1) * self._period_ns
        return last / self.speed / SECOND_NS

    @property
    def _period_ns(self) -> int:
        due = self._order.due_ns
        return max(self._loop_ns, int(due[-1]) + 1) if len(due) else 0

    @property
    def peak(self) -> int:
        """The most packets in any second."""
        due = self._order.due_ns
        if not len(due):
            return 0
        second = int(SECOND_NS * self.speed)
        until = np.searchsorted(due, due + second)
        within = int((until - np.arange(len(due))).max())
        again = min(self.loops, second // self._period_ns)
        return max(within, len(due) * again)

    def packets(self) -> Iterator[tuple[int, int, bytes]]:
        """Each packet in turn: nanoseconds from the first, number of its part, bytes."""
        due = self._order.due_ns.tolist()
        period = self._period_ns
        for loop in range(self.loops):
            ticks = [self._ticks(part, loop) for part in self.parts]
            for offset, number, row in zip(due, self._order.part, self._order.row, strict=True):
                at = int((loop * period + offset) / self.speed)
                yield at, number, self.parts[number].packet(row, loop, ticks[number])

    def _ticks(self, part: Part, loop: int) -> int:
        """How far a loop's timestamps are from the first one's.

        A part that ends before the others waits for them, and so does its clock.
        """
        waited_ns = self._period_ns - part.loop_ns
        waited = waited_ns * (part.clock_rate or 0) // SECOND_NS
        return loop * (part.loop_ticks + waited)

    def run(
        self,
        send: Callable[[int, bytes], None],
        now: Callable[[], int],
        wait_until: Callable[[int], None],
    ) -> Lateness:
        """Send everything: ``send(number of the part, bytes)``; gives how late that was.

        Where it is interrupted, `lateness` has the figures so far.
        """
        self.lateness = lateness = Lateness()
        start_ns: int | None = None
        for offset, number, data in self.packets():
            if start_ns is None:
                start_ns = now()
            due_ns = start_ns + offset
            now_ns = now()
            while now_ns < due_ns:
                wait_until(due_ns)
                now_ns = now()
            send(number, data)
            lateness.add(now_ns - due_ns)
        return lateness


def parts_of(
    streams: Sequence[Stream], timing: Timing = "capture", rewrite: Rewrite | None = None
) -> list[Part]:
    """A part for each stream, all on one clock: they begin as far apart as they were captured."""
    starts = [stream.start_ns for stream in streams if stream.start_ns is not None]
    start_ns = min(starts, default=None)
    return [Part(stream, timing, rewrite, start_ns) for stream in streams]
