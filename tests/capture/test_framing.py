"""Every framing: whole, in segments of every size, from its middle, and with parts lacking."""

from __future__ import annotations

import random

import pytest

from tests.capture.framed import (
    STREAMS,
    SWITCHED,
    Stream,
    calls,
    channel,
    frame,
    framed,
    interleaved,
    media,
    sip,
)
from tests.capture.segments import Got, Segment, read

SYN, ACK = 2, 16
FIRST = 0xFFFFFF00
"""The sequence numbers wrap within all but the shortest streams."""


def sent(data: bytes, *sizes: int, first: int = FIRST) -> list[Segment]:
    """The opening of a connection, then the bytes in segments of these sizes, over and over."""
    out = [Segment(first - 1, flags=SYN)]
    at, i = 0, 0
    while at < len(data):
        part = data[at : at + sizes[i % len(sizes)]]
        out.append(Segment(first + at, part))
        at, i = at + len(part), i + 1
    return out


def payloads(found: list[Got]) -> list[bytes]:
    return [one.data for one in found]


@pytest.mark.parametrize("sizes", [(1,), (7,), (1460,), (100, 3, 1, 999), (1 << 20,)])
@pytest.mark.parametrize("name", STREAMS)
def test_messages_come_out_whatever_the_segments(name: str, sizes: tuple[int, ...]) -> None:
    made = STREAMS[name]()
    if sizes == (1,) and len(made.data) > 20_000:
        sizes = (11,)
    segments = sent(made.data, *sizes)
    whole = read(segments)
    assert payloads(whole) == made.messages
    assert not any(one.cut for one in whole)
    for chunk in (1, 5, 64):
        assert read(segments, chunk) == whole


MIDDLES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "sip": (calls(6), calls(6)),
    "rfc4571": (list(map(framed, media())), media()),
    "turn": (list(map(channel, media())), media()),
    "rtsp": (list(map(interleaved, media())), media()),
    "websocket_client": ([frame(one, masked=True) for one in calls(6)], calls(6)),
    "websocket_server": ([frame(one) for one in calls(6)], calls(6)),
}


@pytest.mark.parametrize("size", [1, 50, 333])
@pytest.mark.parametrize("name", MIDDLES)
def test_a_message_is_of_the_segment_that_completes_it(name: str, size: int) -> None:
    frames, messages = MIDDLES[name]
    opening = SWITCHED if "websocket" in name else b""
    data = opening + b"".join(frames)
    ends = [len(opening) + sum(map(len, frames[: i + 1])) for i in range(len(frames))]
    # Frame 1 is the opening; byte n comes with segment n // size.
    expected = [(2 + (end - 1) // size, one) for end, one in zip(ends, messages, strict=True)]
    assert [(one.frame, one.data) for one in read(sent(data, size))] == expected


@pytest.mark.parametrize("name", MIDDLES)
def test_a_stream_captured_from_its_middle(name: str) -> None:
    frames, messages = MIDDLES[name]
    data = b"".join(frames)
    # An unmasked message that lacks nothing but its frame's head can be read all the same.
    head = len(frames[0]) - len(messages[0]) if name == "websocket_server" else 0
    for lost in range(len(frames[0])):
        segments = sent(data[lost:], 60)[1:]
        found = payloads(read(segments))
        assert found == messages[lost not in (0, head) :], lost
        assert found == payloads(read(segments, 3))


@pytest.mark.parametrize("name", MIDDLES)
def test_behind_a_part_that_never_came_it_goes_on(name: str) -> None:
    frames, messages = MIDDLES[name]
    opening = SWITCHED if "websocket" in name else b""
    data = opening + b"".join(frames * 2)
    ends = [len(opening) + sum(map(len, (frames * 2)[: i + 1])) for i in range(2 * len(frames))]
    segments = sent(data, 40)
    for lost in range(2, len(segments) - 1):
        begin, end = 40 * (lost - 1), 40 * lost
        found = read(segments[:lost] + segments[lost + 1 :])
        whole = [one.data for one in found if not one.cut]
        untouched = [
            message
            for message, frame_end, part in zip(messages * 2, ends, frames * 2, strict=True)
            if frame_end <= begin or frame_end - len(part) >= end
        ]
        # Those whose frame's head was captured are known to be cut; the chain of the others is
        # found again within three of them.
        assert (
            whole[: sum(frame_end <= begin for frame_end in ends)]
            == untouched[: sum(frame_end <= begin for frame_end in ends)]
        )
        assert len(whole) >= len(untouched) - 3, (lost, len(whole), len(untouched))
        assert all(one in messages for one in whole)
        for one in found:
            assert not one.cut or any(message.startswith(one.data) for message in messages)


def test_packets_cut_by_a_snap_length_keep_their_beginnings() -> None:
    packets = [media()[0]] + [framed(one) for one in media(30)]
    data = [framed(packets[0]), *packets[1:]]
    segments, at = [Segment(FIRST - 1, flags=SYN)], FIRST
    for one in data:
        segments.append(Segment(at, one[:20], missing=max(len(one) - 20, 0)))
        at += len(one)
    found = read(segments)
    assert [one.data for one in found] == [one[2:20] for one in data]
    assert [one.cut for one in found] == [len(one) > 20 for one in data]


def test_a_sip_message_whose_body_is_lacking_is_cut() -> None:
    first, second = sip(body=b"v=0\r\n" * 300), sip(n=2)
    data = first + second
    segments = [one for i, one in enumerate(sent(data, 500)) if i != 3]
    found = read(segments)
    assert [(one.data, one.cut) for one in found] == [(first[:1000], True), (second, False)]


def test_the_end_of_the_capture_inside_a_message_leaves_its_beginning() -> None:
    message = sip(body=b"v=0\r\n" * 10)
    found = read(sent(message[:-7], 30))
    assert [(one.data, one.cut) for one in found] == [(message[:-7], True)]


def test_a_websocket_frame_that_claims_too_much_ends_the_stream_without_harm() -> None:
    huge = b"\x82\x7f" + (1 << 62).to_bytes(8, "big")
    made = Stream(SWITCHED + frame(calls(1)[0]) + huge + bytes(3000), calls(1))
    assert payloads(read(sent(made.data, 700))) == made.messages


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_no_messages(seed: int) -> None:
    data = random.Random(seed).randbytes(200_000)
    assert read(sent(data, 1460)) == []
    assert read(sent(data, 1460)[1:]) == []


def test_tls_captured_from_its_middle_is_let_go_with_its_first_segment() -> None:
    record = b"\x17\x03\x03\x40\x00" + bytes(200)
    hidden = b"".join(framed(one) for one in media())
    assert read([Segment(7, record), Segment(7 + len(record), hidden)]) == []
    # Its first byte alone does not make it so.
    found = read([Segment(7, record[:1]), Segment(8, hidden)])
    assert payloads(found) == media()
