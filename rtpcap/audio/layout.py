"""Layout: where on a line each part of a stream lies, and what decodes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtpcap.audio.course import Course, Rows
from rtpcap.audio.holes import CLOSE, Holes, find_holes
from rtpcap.audio.parts import Parts
from rtpcap.audio.placement import place
from rtpcap.audio.places import Places
from rtpcap.audio.rendering import Rendering
from rtpcap.codecs.decoder import Decoder, Reason
from rtpcap.codecs.opus import Opus, carries_copy
from rtpcap.codecs.registry import find
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.payload_types import Format

__all__ = ["Layout", "decoders_of", "lay_out"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SECOND_NS = 1_000_000_000
BASELINE_PACKETS = 512
"""How many packets back a receiver's idea of the shortest delay reaches: 10 s at 20 ms each."""

Lane = tuple[int, int]
"""Sample rate and channels: what is decoded side by side."""


def decoders_of(
    formats: Mapping[int, Format], numbers: npt.NDArray[np.uint8]
) -> dict[int, Decoder]:
    """A decoder for each payload number in use that has one, the most frequent first.

    Raises CodecUnavailable where none has.
    """
    counts = np.bincount(numbers, minlength=128)
    found: dict[int, Decoder] = {}
    reason = CodecUnavailable("no payload type of this stream has a format")
    for number in sorted(formats, key=lambda number: -int(counts[number])):
        fmt = formats[number]
        if not counts[number] or fmt.is_event or fmt.is_comfort_noise:
            continue
        try:
            found[number] = find(fmt)
        except CodecUnavailable as error:
            reason = error
    if not found:
        raise reason
    return found


@dataclass(frozen=True, eq=False)
class Layout:
    """Parts in order of position, each heard once: columns of shape (n,)."""

    parts: Parts
    decoders: dict[int, Decoder]
    rate: int
    """Of the positions, samples a second."""
    part: Integers
    """The row in `parts`."""
    position: Integers
    samples: Integers
    number: npt.NDArray[np.uint8]
    clock: Integers
    """Timestamp ticks a second."""
    missing: Integers
    """Packets that never came, up to here."""
    too_late: Integers | None
    """Packets that came too late, up to here."""
    anew: Flags
    """Whether the sender begins anew here."""
    noise: Flags
    """Whether it describes comfort noise."""
    copy: Flags
    """Whether it is a copy of a lost packet's payload."""
    begin: int
    """The lowest sample, 0 or below."""
    length: int
    """Where the last sample ends."""
    late: int
    """Packets that came too late."""
    repairing: frozenset[int] = field(init=False)
    """Payload numbers whose decoder uses the copies that payloads carry inside."""
    repaired: int = field(init=False)
    """Lost packets of which another one brought a copy."""

    def __post_init__(self) -> None:
        copies = {number: self._copies_inside(number) for number in self.decoders}
        repairing = set[int]()
        for number in [number for number, inside in copies.items() if inside]:
            try:
                self.decoders[number] = self.decoders[number].repairing()
            except CodecUnavailable:
                continue
            repairing.add(number)
        object.__setattr__(self, "repairing", frozenset(repairing))
        inside = sum(copies[number] for number in repairing)
        object.__setattr__(self, "repaired", int(self.copy.sum()) + inside)

    def _copies_inside(self, number: int) -> int:
        """How many payloads behind a loss carry a copy of what was lost."""
        if not isinstance(self.decoders[number], Opus):
            return 0
        lost = 1 + np.flatnonzero((np.diff(self.missing) > 0) & (self.number[1:] == number))
        lost = lost[~self.copy[lost] & ~self.copy[lost - 1] & (self.samples[lost] > 0)]
        return sum(map(carries_copy, self.parts.payloads(self.part[lost])))

    def holes(self, rate: int, compensated: bool) -> Holes:
        """Where no packet's audio is, and why, on a line of this rate."""
        size, cause = self.hole_sizes()
        rows = np.flatnonzero(size)
        reached = np.maximum.accumulate(self.position + self.samples)[rows]
        delay = np.array([self._delay(n) for n in range(128)], np.int64)[self.number[rows]]
        begin = reached - delay if compensated else reached
        return Holes(
            np.asarray(begin * rate // self.rate),
            np.asarray((begin + size[rows]) * rate // self.rate),
            cause[rows],
            int(self.position[0]) * rate // self.rate,
            self.length * rate // self.rate,
        )

    def places(self, rate: int, compensated: bool) -> Places:
        """Which packet each moment is from, on a line of this rate.

        A copy of a lost packet was there as long before the packet that brought it as it was spoken
        before that: so its time is nearly that of the lost one.
        """
        packets, packet = self.parts.packets, self.parts.packet[self.part]
        begin, time_ns = self.position, packets.time_ns[packet]
        if compensated:
            begin = begin - np.array([self._delay(n) for n in range(128)])[self.number]
        copies = np.flatnonzero(self.copy & (time_ns != NO_TIME))
        if len(copies):
            earlier = self.parts.earlier[self.part[copies]].astype(np.int64)
            time_ns[copies] -= earlier * SECOND_NS // self.clock[copies]
        return Places.of(begin, self.samples, packets.frame[packet], time_ns, self.rate, rate)

    def hole_sizes(self) -> tuple[Integers, npt.NDArray[np.uint8]]:
        """(samples, cause) of the hole behind each part, shape (n,)."""
        return find_holes(self.position, self.samples, self.missing, self.too_late, self.anew)

    def _delay(self, number: int) -> int:
        decoder = self.decoders.get(number)
        return 0 if decoder is None else decoder.delay * self.rate // decoder.sample_rate

    def courses(self, rendering: Rendering) -> list[Course]:
        """A line for each sample rate and number of channels, the most frequent first."""
        size, cause = self.hole_sizes()
        lanes: dict[Lane, list[int]] = {}
        for number, decoder in self.decoders.items():
            lanes.setdefault((decoder.sample_rate, decoder.channels), []).append(number)
        lane = np.zeros(128, np.int64)
        for i, numbers in enumerate(lanes.values()):
            lane[numbers] = i
        of_row = lane[self.number]
        if self.noise.any():
            # What describes noise stays with the codec that it interrupts.
            before = np.maximum.accumulate(np.where(self.noise, 0, np.arange(len(self.part))))
            of_row = np.where(self.noise, of_row[before], of_row)
        courses = []
        for i, ((rate, _), numbers) in enumerate(lanes.items()):
            rows = np.flatnonzero(of_row == i)
            delay = np.zeros(128, np.int64)
            if rendering.compensate_delay:
                delay[numbers] = [self.decoders[number].delay for number in numbers]
            own = Rows(
                part=self.part[rows],
                position=self.position[rows] * rate // self.rate - delay[self.number[rows]],
                samples=self.samples[rows] * rate // self.rate,
                number=self.number[rows],
                hole=size[rows] * rate // self.rate,
                cause=cause[rows],
                anew=self.anew[rows],
                noise=self.noise[rows],
                copy=self.copy[rows],
            )
            courses.append(
                Course(
                    self.parts,
                    own,
                    {number: self.decoders[number] for number in numbers},
                    -(-self.length * rate // self.rate),
                    fill=rendering.fill,
                    repairing=self.repairing,
                    skip_delay=rendering.compensate_delay,
                )
            )
        return courses


def lay_out(
    parts: Parts,
    formats: Mapping[int, Format],
    decoders: dict[int, Decoder],
    origin_ns: int | None,
    reanchor_s: float | None,
    rendering: Rendering,
) -> Layout:
    """Lay the parts of a stream on a line."""
    noise_numbers = [number for number, fmt in formats.items() if fmt.is_comfort_noise]
    wanted = [*decoders, *(noise_numbers if rendering.fill != "silence" else ())]
    missing = parts.missing_before()
    kept = np.flatnonzero(np.isin(parts.number, wanted))
    parts, missing = parts[kept], missing[kept]

    samples, needed = np.zeros(len(parts), np.int64), np.zeros(len(parts), np.bool_)
    for number, decoder in decoders.items():
        mine = np.flatnonzero(parts.number == number)
        samples[mine], reason = parts.measured(decoder, mine)
        # A piece of what began in another packet stands for no samples itself, but is needed.
        needed[mine] = (samples[mine] > 0) | (reason == Reason.NONE)
    noise = np.isin(parts.number, noise_numbers)
    kept = np.flatnonzero(needed | noise)
    if not needed.any():
        raise CodecUnavailable("no payload of this stream is audio of its codec")
    parts, missing = parts[kept], missing[kept]
    samples, noise = samples[kept], noise[kept]

    rates = {decoder.sample_rate for decoder in decoders.values()}
    rate = rates.pop() if len(rates) == 1 else rendering.rate or max(rates)
    own_rate = np.full(128, rate, np.int64)
    clock = np.zeros(128, np.int64)
    for number in wanted:
        clock[number] = formats[number].clock_rate
        if number in decoders:
            own_rate[number] = decoders[number].sample_rate
    samples = samples * rate // own_rate[parts.number]
    clock = clock[parts.number]

    position, epoch = _placed(parts, samples, clock, rate, origin_ns, reanchor_s)
    late = _late(parts, position, epoch, rate, rendering.buffer_ms)
    chosen, too_late = _each_once(parts, position, samples, missing, late)
    position, samples = position[chosen], samples[chosen]
    return Layout(
        parts=parts,
        decoders=decoders,
        rate=rate,
        part=chosen,
        position=position,
        samples=samples,
        number=parts.number[chosen],
        clock=clock[chosen],
        missing=missing[chosen],
        too_late=too_late,
        anew=np.diff(epoch[chosen], prepend=epoch[chosen[:1]]) != 0,
        noise=noise[chosen],
        copy=parts.copy[chosen],
        begin=int(position.min(initial=0)),
        length=int((position + samples).max(initial=0)),
        late=int(late.sum()),
    )


def _placed(
    parts: Parts,
    samples: Integers,
    clock: Integers,
    rate: int,
    origin_ns: int | None,
    reanchor_s: float | None,
) -> tuple[Integers, Integers]:
    """(position, epoch) of each part; a copy lies as far before its packet as it says."""
    first = np.flatnonzero(~parts.copy)
    one_clock = bool((clock == clock[:1]).all())
    packets = parts.packets
    rows = parts.packet[first]
    placement = place(
        packets.timestamp[rows],
        packets.time_ns[rows],
        samples[first],
        int(clock[0]) if one_clock else clock[first],
        rate,
        origin_ns=origin_ns,
        reanchor_s=reanchor_s,
    )
    began = np.zeros(len(first), np.int64)
    began[placement.starts[1:]] = 1
    if len(first) == len(parts):
        return placement.position, began.cumsum()
    # The primary is the last part of its packet.
    with_it = np.searchsorted(parts.packet[first], parts.packet)
    with_it = np.minimum(with_it, len(first) - 1)
    position = placement.position[with_it] - parts.earlier.astype(np.int64) * rate // clock
    return position, began.cumsum()[with_it]


def _late(
    parts: Parts, position: Integers, epoch: Integers, rate: int, buffer_ms: float | None
) -> Flags:
    """Which parts come after a receiver with this buffer had to play them.

    It counts from the packet that came fastest, of the last ones up to each.
    """
    late = np.zeros(len(parts), np.bool_)
    if buffer_ms is None or not len(parts):
        return late
    time_ns = parts.packets.time_ns[parts.packet]
    delay = (time_ns - time_ns[0]) - position * (SECOND_NS / rate)
    delay[time_ns == NO_TIME] = np.inf
    fastest = np.where(parts.copy, np.inf, delay)
    reach = 1
    while reach < BASELINE_PACKETS:
        fastest[reach:] = np.minimum(fastest[reach:], fastest[:-reach])
        reach *= 2
    known = np.isfinite(delay) & np.isfinite(fastest)
    late[known] = delay[known] - fastest[known] > buffer_ms * 1e6
    return late


def _each_once(
    parts: Parts, position: Integers, samples: Integers, missing: Integers, late: Flags
) -> tuple[Integers, Integers | None]:
    """(rows, late ones up to each): the parts to hear, in order of position.

    Of parts at one place the one captured last is heard. A copy is heard where packets are missing
    and nothing else lies.
    """
    first = np.flatnonzero(~parts.copy)
    first = first[np.argsort(position[first], kind="stable")]
    too_late = late[first].cumsum() if late.any() else None
    there = ~late[first]
    if too_late is not None:
        too_late = too_late[there]
    first = first[there]
    # Pieces of what another packet began are no copies of it.
    whole = samples[first] > 0
    again = np.zeros(len(first), np.bool_)
    again[:-1] = (np.diff(position[first]) == 0) & whole[:-1] & whole[1:]
    first = first[~again]
    if too_late is not None:
        too_late = too_late[~again]
    copies = np.flatnonzero(parts.copy & ~late & (samples > 0))
    if not len(copies) or len(first) < 2:
        return first, too_late
    copies = copies[np.argsort(position[copies], kind="stable")]
    end = np.maximum.accumulate(position[first] + samples[first])
    after = np.searchsorted(position[first], position[copies], "right")
    inside = (after > 0) & (after < len(first))
    copies, after = copies[inside], after[inside]
    absent = missing[first[after]] > missing[first[after - 1]]
    if too_late is not None:
        absent |= too_late[after] > too_late[after - 1]
    room = position[copies] >= end[after - 1] - CLOSE
    room &= position[copies] + samples[copies] <= position[first[after]] + CLOSE
    copies, after = copies[absent & room], after[absent & room]
    # Several packets may bring a copy of the same one.
    last = np.ones(len(copies), np.bool_)
    last[:-1] = np.diff(position[copies]) > CLOSE
    copies, after = copies[last], after[last]
    chosen = np.insert(first, after, copies)
    if too_late is not None:
        too_late = np.insert(too_late, after, too_late[after])
    return chosen, too_late
