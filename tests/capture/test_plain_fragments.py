"""Packets whose fragments come as they were sent, between others: the same as one by one."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.capture.origins import Origins
from rtpcap.capture.pieces.fragments import Reassembler
from rtpcap.capture.tables import Tally
from rtpcap.rtp.packets import NO_TIME
from tests.capture.build import START_NS, UDP, split
from tests.capture.test_fragments import (
    DUPLICATE,
    SECOND,
    TOGETHER,
    Frame,
    columns,
    four,
    packets_of,
    put_together,
    six,
)
from tests.effort import examples


def body(number: int, size: int) -> bytes:
    """The payload of a packet; its bytes tell it from others."""
    return bytes((number * 31 + i) % 256 for i in range(size))


def sent(number: int, size: int, cuts: tuple[int, ...], version: int) -> list[Frame]:
    """The fragments of one packet, in order."""
    made = four if version == 4 else six
    return made(*split(body(number, size), *cuts), identification=number)


def test_many_packets_between_each_other() -> None:
    """Both versions, of two and three fragments; the first ones of others before the second."""
    sizes = {number: 700 + number % 5 for number in range(400)}
    packets = [
        sent(number, size, (400,) if number % 3 else (200, 440), 4 if number % 2 else 6)
        for number, size in sizes.items()
    ]
    frames, waiting = list[Frame](), list[list[Frame]]()
    for packet in packets:
        frames.append(packet[0])
        waiting.append(packet[1:])
        if len(waiting) > 7:
            frames += waiting.pop(0)
    for rest in waiting:
        frames += rest
    outcome = put_together(frames)
    assert len(outcome.packets) == len(sizes)
    for (number, size), whole in zip(sizes.items(), outcome.packets, strict=True):
        # RFC 791: version and length, total length, no fragment; RFC 8200: payload length, next.
        head = b"\x45\0" + (20 + size).to_bytes(2, "big")
        if number % 2:
            assert (whole.data[:4], whole.data[6:8], whole.data[20:]) == (
                head,
                b"\0\0",
                body(number, size),
            )
        else:
            assert whole.data[0] >> 4 == 6
            assert whole.data[4:7] == size.to_bytes(2, "big") + bytes([UDP])
            assert whole.data[40:] == body(number, size)
    assert outcome.other[TOGETHER] == (len(frames) - 400, 1)
    assert outcome.not_understood == {}
    for chunk in (1, 5, 64, 300):
        assert put_together(frames, chunk) == outcome


def test_what_was_put_together_in_a_chunk_is_known_in_the_next() -> None:
    """As many as the memory of a megabyte holds: of 1,000 packets of 2,000 bytes the last 346."""
    frames = [frame for number in range(1000) for frame in sent(number, 2000, (1000,), 4)]
    outcome = put_together([*frames, *frames[1::2]], len(frames))
    # 1 MiB is 346.7 times 2,000 and 1,024 bytes.
    assert len(outcome.packets) == 1000
    assert outcome.other[DUPLICATE][0] == (1 << 20) // (2000 + 1024)
    assert outcome == put_together([*frames, *frames[1::2]], 1)


@st.composite
def nearly_plain(draw: st.DrawFn) -> list[Frame]:
    """Packets of few identities, most of them in order, with what may disturb that."""
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    frames = list[Frame]()
    for _ in range(draw(st.integers(2, 14))):
        cuts = chance.choice([(16,), (16, 32), (8, 24, 40)])
        packet = sent(chance.randrange(9), 60, cuts, chance.choice([4, 6]))
        spoil = chance.randrange(10)
        if spoil == 0:
            chance.shuffle(packet)
        elif spoil == 1:
            packet.append(chance.choice(packet))
        elif spoil == 2:
            packet.remove(chance.choice(packet))
        elif spoil == 3:
            where = chance.randrange(len(packet))
            old = packet[where]
            packet[where] = Frame(old.data, captured=len(old.data) - 3)
        elif spoil == 4:
            where = chance.randrange(len(packet))
            late = chance.choice([NO_TIME, START_NS + 31 * SECOND, START_NS - 31 * SECOND])
            packet[where] = Frame(packet[where].data, time_ns=late)
        elif spoil == 5:
            where = chance.randrange(len(packet))
            packet[where] = Frame(packet[where].data, interface=1)
        at = len(frames) if spoil < 8 else chance.randrange(len(frames) + 1)
        frames[at:at] = packet
    return frames


@settings(max_examples=examples(60), deadline=None)
@given(
    frames=nearly_plain(), chunk=st.integers(2, 40), most_bytes=st.sampled_from([3000, 16 << 20])
)
def test_the_same_as_one_by_one(frames: list[Frame], chunk: int, most_bytes: int) -> None:
    """Who asks for the frames of each packet has them joined one by one."""
    one_by_one = put_together(frames, chunk, most_bytes, Origins())
    assert put_together(frames, chunk, most_bytes) == one_by_one


def test_places_in_a_chunk_of_both_ways() -> None:
    """A packet out of order between plain ones: in order of the frames that completed them."""
    first, second, third = (sent(number, 60, (16,), 4) for number in (1, 2, 3))
    frames = [*first, *second[::-1], *third]
    whole = Reassembler(Tally(), Tally()).take(columns(frames))
    assert [packet.frame for packet in packets_of(whole)] == [2, 4, 6]
    assert whole is not None
    assert np.array_equal(whole.frame, [2, 4, 6])
