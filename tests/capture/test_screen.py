"""TCP in which nothing is wanted is let go of, and what is behind it is found all the same."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.capture.pieces.framing.beginnings import HEAD, heads, may_begin
from rtpcap.capture.pieces.framing.choice import Choice, choose
from rtpcap.capture.pieces.tcp import ByteStreams
from rtpcap.capture.tables import Tally
from tests.capture.framed import STREAMS, calls, channel, frame, framed, media, sip, stun
from tests.capture.segments import Got, Segment, columns, read
from tests.effort import examples

FIN, SYN, RST, ACK = 1, 2, 4, 16
MESSAGES, DATA = calls(8), b"".join(calls(8))
TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))


def connection(data: bytes, first: int, size: int = 200, key: int = 0) -> list[Segment]:
    """A connection from its opening to its end."""
    parts = [
        Segment(first + at, data[at : at + size], ACK, key) for at in range(0, len(data), size)
    ]
    return [
        Segment(first - 1, b"", SYN, key),
        *parts,
        Segment(first + len(data), b"", FIN | ACK, key),
    ]


def payloads(found: list[Got]) -> list[bytes]:
    return [one.data for one in found]


def passes(data: bytes) -> bool:
    table = np.frombuffer(data, np.uint8)
    head = heads(table, np.zeros(1, np.int64))
    return bool(may_begin(head, np.array([len(data)]))[0])


@pytest.mark.parametrize("name", [name for name in STREAMS if not name.startswith("nothing")])
def test_every_framing_may_begin_as_it_does(name: str) -> None:
    data = STREAMS[name]().data
    for size in (1, 2, HEAD - 1, HEAD, HEAD + 1, len(data)):
        assert passes(data[:size])


STARTS = [STREAMS[name]().data[:400] for name in STREAMS] + [
    b"",
    b"HTTP/1.1 200 OK\r\n\r\n" + framed(stun()),
    framed(b"\x10\0\0\0ZRTP" + bytes(20)),
    framed(b"\x16\xfe\xfd" + bytes(20)) * 2,
]


@settings(max_examples=examples(100), deadline=None)
@given(
    start=st.sampled_from(STARTS),
    at=st.integers(0, HEAD),
    changed=st.binary(max_size=4),
    seed=st.integers(0, 1 << 32),
)
def test_what_may_not_begin_a_framing_is_never_chosen(
    start: bytes, at: int, changed: bytes, seed: int
) -> None:
    rng = random.Random(seed)
    data = start[:at] + changed + (start[at + len(changed) :] or rng.randbytes(60))
    if not passes(data):
        for end in range(HEAD, len(data) + 1):
            held = bytearray(data[:end])
            assert not isinstance(choose(held, 0, end, started=True), Choice)


@pytest.mark.parametrize("chunk", [1, 7, None])
class TestBudget:
    def test_a_sound_connection_after_bad_ones_is_read(self, chunk: int | None) -> None:
        segments = []
        for n in range(15):
            segments += connection(TLS if n % 2 else bytes(700), 1000 * n + 500)
        segments += connection(DATA, 3_000_000_000)
        assert payloads(read(segments, chunk)) == MESSAGES

    def test_after_sixteen_bad_connections_no_other_is_looked_at(self, chunk: int | None) -> None:
        bad = [one for n in range(16) for one in connection(TLS, 1000 * n + 500)]
        assert read([*bad, *connection(DATA, 3_000_000_000)], chunk) == []
        # Other ends have a budget of their own.
        found = read([*bad, *connection(DATA, 9, key=1)], chunk)
        assert payloads(found) == MESSAGES

    def test_a_message_gives_the_ends_a_new_budget(self, chunk: int | None) -> None:
        segments = []
        for n in range(40):
            segments += connection(DATA if n % 10 == 9 else TLS, 10_000 * n + 500)
        assert payloads(read(segments, chunk)) == MESSAGES * 4

    def test_connections_without_a_byte_cost_no_budget(self, chunk: int | None) -> None:
        tried = [Segment(1000 * n, b"", SYN) for n in range(100)]
        assert payloads(read([*tried, *connection(DATA, 5_000_000)], chunk)) == MESSAGES

    def test_random_numbers_and_flags_end_in_nothing_held(self, chunk: int | None) -> None:
        rng = random.Random(4)
        segments = [
            Segment(rng.getrandbits(32), rng.randbytes(rng.randint(20, 216)), rng.randrange(64))
            for _ in range(600)
        ]
        streams = ByteStreams(Tally())
        step = chunk or len(segments)
        for begin in range(0, len(segments), step):
            assert streams.take(columns(segments[begin : begin + step], begin + 1)) is None
        assert streams.held == 0
        assert streams.take(columns(connection(DATA, 77), 700)) is None


@pytest.mark.parametrize("chunk", [1, 2, None])
class TestLoneSegments:
    def test_a_whole_message_comes_out(self, chunk: int | None) -> None:
        segments = [Segment(7 * key, sip(n=key), key=key) for key in range(5)]
        assert payloads(read(segments, chunk)) == [sip(n=key) for key in range(5)]

    def test_a_message_inside_comes_out_at_the_end(self, chunk: int | None) -> None:
        tail = b"a=sendrecv\r\n"
        segments = [Segment(1, tail + DATA), Segment(1, bytes(100), key=1)]
        assert payloads(read(segments, chunk)) == MESSAGES

    def test_a_masked_message_comes_out_at_the_end(self, chunk: int | None) -> None:
        segments = [Segment(1, frame(sip(), masked=True)), Segment(5, TLS, key=1)]
        assert payloads(read(segments, chunk)) == [sip()]

    def test_the_next_one_may_come_much_later_and_first(self, chunk: int | None) -> None:
        data = b"".join(map(channel, media()))[30:]
        other = [Segment(n, bytes(50), key=n) for n in range(1, 40)]
        parts = [Segment(1000, data[:400]), Segment(1400, data[400:])]
        for first, second in (parts, parts[::-1]):
            found = payloads(read([first, *other, second], chunk))
            assert found == media()[1:]

    def test_one_far_away_is_of_another_connection(self, chunk: int | None) -> None:
        data = b"".join(map(framed, media()))
        far = Segment(3_000_000_000, bytes(300))
        segments = [far, Segment(1000, data[:300]), Segment(1300, data[300:])]
        assert payloads(read(segments, chunk)) == media()

    def test_what_is_held_is_bounded(self, chunk: int | None) -> None:
        step = (chunk or 50) * 10
        streams = ByteStreams(Tally(), most_bytes=100_000)
        segments = [Segment(n, bytes(999) + b"\n", key=n) for n in range(1000)]
        for begin in range(0, len(segments), step):
            streams.take(columns(segments[begin : begin + step], begin + 1))
            assert streams.held <= 100_000


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 1 << 64), names=st.lists(st.sampled_from(list(STREAMS)), max_size=6))
def test_connections_of_the_same_ends_are_the_same_in_any_chunks(
    seed: int, names: list[str]
) -> None:
    rng = random.Random(seed)
    segments: list[Segment] = []
    for name in names:
        data = STREAMS[name]().data[:3000]
        parts = connection(data, rng.getrandbits(32), rng.choice([60, 500, 1460]), rng.randrange(2))
        del parts[: rng.randrange(3)]
        if rng.random() < 0.3:
            rng.shuffle(parts)
        at = rng.randrange(len(segments) + 1)
        segments[at:at] = parts
    assert read(segments, 1) == read(segments, 5) == read(segments)


def test_encrypted_bytes_from_the_middle_are_let_go_of_soon() -> None:
    data = random.Random(1).randbytes(40_000)
    streams = ByteStreams(Tally())
    held = []
    for at in range(0, len(data), 1000):
        streams.take(columns([Segment(5 + at, data[at : at + 1000])], at + 1))
        held.append(streams.held)
    # Sixteen kibibytes are gathered at most, and nothing more is held from then on.
    assert max(held) < 1 << 14
    assert not any(held[17:])
