"""Jitter as two other programs compute it, transcribed, to be fed with the packets of a stream.

Neither is the definition that rtpcap follows; both exist so that published figures can be compared
to the last digit instead of by a loose bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import rtpcap

__all__ = ["STATIC_CLOCKS", "Arrival", "Jitter", "arrivals", "published_jitter", "tshark_jitter"]

STATIC_CLOCKS: Mapping[int, int] = {
    **dict.fromkeys((0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 18, 19), 8000),
    6: 16000,
    10: 44100,
    11: 44100,
    14: 90000,
    16: 11025,
    17: 22050,
    **dict.fromkeys((25, 26, 28, 31, 32, 33, 34), 90000),
}
"""Clock rate in Hz of the payload types below 96, as tshark has them (it still knows 1, 2, 19)."""

COMFORT_NOISE = (13, 19)


@dataclass(frozen=True)
class Arrival:
    """What the two rules look at of one packet."""

    time_ns: int
    timestamp: int
    payload_type: int
    marker: bool


@dataclass(frozen=True)
class Jitter:
    """Mean, maximum and last J of a stream, in the unit of the rule that made it."""

    mean: float
    maximum: float
    last: float


def arrivals(packets: rtpcap.Packets) -> Iterator[Arrival]:
    """The rows of a table of packets, in its order."""
    columns = (packets.time_ns, packets.timestamp, packets.payload_type, packets.marker)
    for time_ns, timestamp, payload_type, marker in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        yield Arrival(time_ns, timestamp, payload_type, bool(marker))


def _extended(packets: Iterable[Arrival]) -> Iterator[tuple[Arrival, int]]:
    """Each packet with its timestamp unwrapped, every one next to the one before it."""
    extended = None
    for packet in packets:
        if extended is None:
            extended = packet.timestamp
        else:
            step = (packet.timestamp - extended) % 2**32
            extended += step - 2**32 if step >= 2**31 else step
        yield packet, extended


def tshark_jitter(packets: Iterable[Arrival], clocks: Mapping[int, int]) -> Jitter:
    """tshark 4.0.17's jitter in ms, for packets in order of arrival.

    `clocks` gives the clock rate of a payload type; a type that is not in it has no clock for
    tshark (dynamic types without signalling, and telephone-event always). A packet updates J when
    it has a clock and does not lie before the first packet's timestamp; mean and maximum leave
    out marked packets, comfort noise and the packet after comfort noise, but the mean is divided
    by the count of all packets after the first. The time of the last packet is kept always, its
    timestamp only where it has a clock, and neither of one before the first packet's timestamp
    (the figures of a stream whose first packet was overtaken come out only so); the clock is taken
    in whole kHz.
    """
    jitter = mean = maximum = 0.0
    total = anchor_timestamp = anchor_ns = 0
    first: int | None = None
    after_noise = False
    for packet, timestamp in _extended(packets):
        clock = clocks.get(packet.payload_type)
        noise = packet.payload_type in COMFORT_NOISE
        if first is None:
            first = anchor_timestamp = timestamp
            anchor_ns = packet.time_ns
            after_noise = noise
            continue
        total += 1
        if timestamp < first:
            after_noise = noise
            continue
        if clock is not None:
            elapsed_ms = (packet.time_ns - anchor_ns) / 1e6
            difference = abs(elapsed_ms - (timestamp - anchor_timestamp) / (clock // 1000))
            jitter = (15 * jitter + difference) / 16
            if not (packet.marker or noise or after_noise):
                maximum = max(maximum, jitter)
                mean = (mean * (total - 1) + jitter) / total
        anchor_ns = packet.time_ns
        if clock is not None:
            anchor_timestamp = timestamp
        after_noise = noise
    return Jitter(mean, maximum, jitter)


def published_jitter(packets: Iterable[Arrival]) -> Jitter:
    """The jitter of ``GOLDEN_STREAMS.tsv`` in ticks of 1/8000 s, for packets in order of arrival.

    Each arrival is floored to whole ticks of the clock since 1970; a packet whose timestamp is
    among the last ten is a duplicate, which makes no J but is what the next packet is compared
    with; the mean is over the packets that made a J.
    """
    recent: list[int] = []
    made: list[float] = []
    jitter = 0.0
    anchor: tuple[int, int] | None = None
    for packet, timestamp in _extended(packets):
        ticks = packet.time_ns * 8000 // 1_000_000_000
        if anchor is not None and timestamp not in recent:
            difference = abs((ticks - anchor[0]) - (timestamp - anchor[1]))
            jitter += (difference - jitter) / 16
            made.append(jitter)
        anchor = ticks, timestamp
        recent = [*recent[-9:], timestamp]
    return Jitter(sum(made) / len(made), max(made), jitter) if made else Jitter(0.0, 0.0, 0.0)
