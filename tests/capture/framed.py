"""Byte streams of every framing from named fields, and the messages in them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.streams.made import rtp

COOKIE = 0x2112A442
KEY = bytes.fromhex("37fa213d")


@dataclass(frozen=True)
class Stream:
    """The bytes of one direction, and the messages in order."""

    data: bytes
    messages: list[bytes]


STREAMS: dict[str, Callable[[], Stream]] = {}


def stream(function: Callable[[], Stream]) -> Callable[[], Stream]:
    STREAMS[function.__name__] = function
    return function


def sip(
    start: str = "INVITE sip:bob@example.org SIP/2.0", body: bytes = b"v=0\r\n", n: int = 1
) -> bytes:
    method = "INVITE" if start.startswith("SIP/") else start.split()[0]
    head = (
        f"{start}\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK{n}\r\nCall-ID: {n}@10.0.0.1\r\n"
        f"CSeq: {n} {method}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def calls(count: int = 4) -> list[bytes]:
    starts = ["INVITE sip:bob@example.org SIP/2.0", "SIP/2.0 200 OK", "BYE tel:+31 SIP/2.0"]
    return [sip(starts[n % 3], b"x" * 37 * (n % 4), n) for n in range(count)]


def stun(kind: int = 0x0001, attributes: bytes = b"") -> bytes:
    return struct.pack(">HHI12s", kind, len(attributes), COOKIE, b"transaction1") + attributes


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def rtcp(ssrc: int = 0x1234) -> bytes:
    return struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, 0, 160, 1, 160)


def media(count: int = 12) -> list[bytes]:
    """RTP of two sources, with RTCP between, of varying lengths."""
    packets = [rtp(i, 160 * i, b"\xd5" * (20 + 7 * i % 50)) for i in range(count)]
    other = [rtp(900 + i, 3000 * i, b"\x01" * 90, payload_type=96, ssrc=0x77) for i in range(count)]
    out = []
    for i in range(count):
        out += [packets[i], *([rtcp()] if i % 5 == 2 else []), *([other[i]] if i % 2 else [])]
    return out


def framed(packet: bytes) -> bytes:
    """RFC 4571."""
    return struct.pack(">H", len(packet)) + packet


def channel(packet: bytes, number: int = 0x4001) -> bytes:
    return struct.pack(">HH", number, len(packet)) + packet + bytes(-len(packet) % 4)


def interleaved(packet: bytes, number: int = 0) -> bytes:
    return struct.pack(">BBH", 0x24, number, len(packet)) + packet


def frame(
    payload: bytes,
    *,
    opcode: int = 1,
    final: bool = True,
    masked: bool = False,
    reserved: int = 0,
) -> bytes:
    """A WebSocket frame (RFC 6455 section 5.2)."""
    size = len(payload)
    short = size if size < 126 else 126 if size < 1 << 16 else 127
    head = bytes([final << 7 | reserved | opcode, masked << 7 | short])
    head += b"" if size < 126 else struct.pack(">H" if short == 126 else ">Q", size)
    if masked:
        payload = bytes(byte ^ KEY[i % 4] for i, byte in enumerate(payload))
        head += KEY
    return head + payload


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: sip\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@stream
def sip_messages() -> Stream:
    return Stream(b"".join(calls(9)), calls(9))


@stream
def sip_with_keep_alives_and_compact_lengths() -> Stream:
    one = b"OPTIONS sips:a@b SIP/2.0\r\ni: 1\r\nCSeq: 1 OPTIONS\r\nl : 5\r\n\r\nhello"
    none = b"SIP/2.0 200 OK\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
    return Stream(b"\r\n\r\n" + one + b"\r\n\r\n" + none + b"\r\n" + one, [one, none, one])


@stream
def sip_that_quotes_sip() -> Stream:
    quoted = sip("NOTIFY sip:a@b SIP/2.0", sip("SIP/2.0 180 Ringing", b"", 5), 4)
    return Stream(quoted * 3, [quoted] * 3)


@stream
def rfc4571_media() -> Stream:
    return Stream(b"".join(map(framed, media())), media())


@stream
def rfc4571_with_empty_packets() -> Stream:
    packets = media()
    return Stream(b"".join(framed(one) + framed(b"") for one in packets), packets)


@stream
def ice_tcp() -> Stream:
    hello = b"\x16\xfe\xfd" + bytes(8) + b"\x00\x04abcd"
    packets = [stun(), stun(0x0101), hello, *media(3)]
    return Stream(b"".join(map(framed, packets)), packets)


@stream
def rtsp_with_interleaved_packets() -> Stream:
    setup = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
    described = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 5\r\n\r\nv=0\r\n"
    packets = media()
    data = described + setup + b"".join(map(interleaved, packets[:6]))
    data += setup + b"".join(interleaved(one, 2) for one in packets[6:])
    return Stream(data, [described, setup, *packets[:6], setup, *packets[6:]])


@stream
def rtsp_requests() -> Stream:
    play = b"PLAY rtsp://example.org/a RTSP/2.0\r\nCSeq: 4\r\n\r\n"
    receiver = [rtcp(0x99)] * 3
    return Stream(play + b"".join(map(interleaved, receiver)) + play, [play, *receiver, play])


@stream
def rtsp_tunnelled_in_http() -> Stream:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n"
    inside = rtsp_with_interleaved_packets()
    return Stream(head + inside.data, inside.messages)


@stream
def turn_channels_and_indications() -> Stream:
    allocate, packets = stun(0x0003, attribute(0x0019, b"\x06\0\0\0")), media()
    peer = attribute(0x0012, bytes.fromhex("0001a1472112a443"))
    sent = [stun(0x0016, peer + attribute(0x0013, one)) for one in packets[:3]]
    received = [stun(0x0017, attribute(0x0013, one) + peer) for one in packets[3:6]]
    data = allocate + b"".join(sent + received) + b"".join(map(channel, packets[6:]))
    return Stream(data, [allocate, *packets])


@stream
def turn_behind_a_connect() -> Stream:
    head = b"CONNECT turn.example.org:443 HTTP/1.1\r\nHost: turn.example.org\r\n\r\n"
    inside = turn_channels_and_indications()
    return Stream(head + inside.data, inside.messages)


@stream
def turn_bound_to_a_peer() -> Stream:
    # RFC 6062: the relay's answer, then what the peer sends.
    bound, packets = stun(0x010B), media()
    return Stream(bound + b"".join(map(framed, packets)), [bound, *packets])


@stream
def hep3() -> Stream:
    chunk = struct.pack(">HHHB", 0, 1, 7, 2)
    packets = [
        b"HEP3"
        + struct.pack(">H", 6 + 7 + 6 + n)
        + chunk
        + struct.pack(">HHH", 0, 15, 6 + n)
        + b"p" * n
        for n in (300, 3, 40, 0)
    ]
    return Stream(b"".join(packets), packets)


@stream
def websocket_of_a_client() -> Stream:
    messages = calls(5)
    return Stream(UPGRADE + b"".join(frame(one, masked=True) for one in messages), messages)


@stream
def websocket_in_fragments_with_control_frames() -> Stream:
    first, second = calls(2)
    long = sip(body=b"y" * 70_000)
    data = SWITCHED + frame(first[:40], final=False) + frame(b"ping", opcode=9)
    data += frame(first[40:90], opcode=0, final=False) + frame(b"", opcode=10)
    data += frame(first[90:], opcode=0) + frame(second, opcode=2) + frame(b"\r\n\r\n")
    data += frame(long) + frame(b"\x03\xe8", opcode=8)
    return Stream(data, [first, second, long])


@stream
def websocket_compressed() -> Stream:
    # RFC 7692: the window goes on from message to message; the end of each is taken off.
    messages, data = calls(4), SWITCHED
    deflate = zlib.compressobj(wbits=-15)
    for one in messages:
        packed = deflate.compress(one) + deflate.flush(zlib.Z_SYNC_FLUSH)
        assert packed.endswith(b"\0\0\xff\xff")
        data += frame(packed[:-4], reserved=0x40)
    return Stream(data, messages)


def _nothing(name: str, data: bytes) -> None:
    STREAMS[f"nothing_in_{name}"] = lambda: Stream(data, [])


_nothing("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 8)
_nothing("http", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 40)
_nothing("http_answers", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" * 40)
_nothing("ssh", b"SSH-2.0-OpenSSH_9.6\r\n" + bytes(2000))
_nothing("websocket_of_something_else", SWITCHED + frame(b'{"type":"hello"}') * 20)
_nothing("two_rtp_packets", b"".join(map(framed, media(2)[:2])))
_nothing("rtp_of_many_sources", b"".join(framed(rtp(i, 0, ssrc=i)) for i in range(60)))
_nothing("zeros", bytes(5000))
