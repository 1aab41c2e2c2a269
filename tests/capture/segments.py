"""TCP segments for `ByteStreams`: from files, a packet at a time through dpkt, or made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dpkt
import numpy as np

from rtpcap.capture.formats import open_source
from rtpcap.capture.tables import Tally
from rtpcap.capture.tcp import ByteStreams, Messages, Segments
from tests.capture.build import START_NS

ETHERNET, RAW, NULL, SLL, SLL2 = 1, (12, 14, 101, 228, 229), 0, 113, 276


@dataclass(frozen=True)
class Segment:
    """One segment, its payload as captured; `key` numbers the direction."""

    sequence: int
    payload: bytes = b""
    flags: int = 16
    key: int = 0
    missing: int = 0
    time_ns: int | None = None


@dataclass(frozen=True)
class Got:
    """One message that came out."""

    frame: int
    key: int
    data: bytes
    cut: bool = False


def columns(segments: Sequence[Segment], first_frame: int = 1) -> Segments:
    data = b"".join(segment.payload for segment in segments)
    sizes = np.array([len(segment.payload) for segment in segments], np.int64)
    end = sizes.cumsum()
    frames = range(first_frame, first_frame + len(segments))
    times = [
        START_NS + frame * 1000 if segment.time_ns is None else segment.time_ns
        for frame, segment in zip(frames, segments, strict=True)
    ]
    return Segments(
        data=np.frombuffer(data, np.uint8).copy(),
        frame=np.array(frames, np.uint32),
        time_ns=np.array(times, np.int64),
        interface=np.zeros(len(segments), np.uint16),
        key=np.array([segment.key for segment in segments], np.int32),
        sequence=np.array([segment.sequence & 0xFFFFFFFF for segment in segments], np.uint32),
        flags=np.array([segment.flags for segment in segments], np.uint8),
        begin=end - sizes,
        end=end,
        missing=np.array([segment.missing for segment in segments], np.int64),
    )


def read(
    segments: Sequence[Segment],
    chunk: int | None = None,
    *,
    most_bytes: int | None = None,
    tally: Tally | None = None,
) -> list[Got]:
    """The messages in some segments, given `chunk` at a time, in order of frames."""
    counted = Tally() if tally is None else tally
    streams = (
        ByteStreams(counted) if most_bytes is None else ByteStreams(counted, most_bytes=most_bytes)
    )
    step = chunk or max(len(segments), 1)
    out: list[Got] = []
    for begin in range(0, len(segments), step):
        table = columns(segments[begin : begin + step], begin + 1)
        messages = streams.take(table)
        table.data[:] = 0xEE
        out += got(messages)
    out += got(streams.finish())
    return sorted(out, key=lambda one: one.frame)


def got(messages: Messages | None) -> list[Got]:
    if messages is None:
        return []
    frames = messages.frame.tolist()
    assert frames == sorted(frames)
    return [
        Got(frame, key, messages.data[begin:end].tobytes(), cut)
        for frame, key, begin, end, cut in zip(
            frames,
            messages.key.tolist(),
            messages.begin.tolist(),
            messages.end.tolist(),
            messages.cut.tolist(),
            strict=True,
        )
    ]


Ends = tuple[bytes, bytes, int, int]


def of_file(path: Path) -> tuple[list[Segment], list[Ends], list[int]]:
    """The TCP segments of a capture, the ends that their keys number, and the frames' numbers."""
    source = open_source(path)
    keys: dict[Ends, int] = {}
    segments: list[Segment] = []
    frames: list[int] = []
    for records in source.chunks():
        for row in range(len(records)):
            begin, end = int(records.begin[row]), int(records.end[row])
            link = records.link if isinstance(records.link, int) else int(records.link[row])
            data = records.data[begin:end].tobytes()
            found = _segment(data, link, int(records.time_ns[row]), keys)
            if found is not None:
                segments.append(found)
                frames.append(int(records.frame[row]))
    return segments, list(keys), frames


def _segment(data: bytes, link: int, time_ns: int, keys: dict[Ends, int]) -> Segment | None:
    if link == ETHERNET:
        at, kind = 14, data[12:14]
        while kind in (b"\x81\x00", b"\x88\xa8"):
            kind, at = data[at + 2 : at + 4], at + 4
        if kind not in (b"\x08\x00", b"\x86\xdd"):
            return None
    elif link in (SLL, SLL2):
        at = 16 if link == SLL else 20
    elif link in RAW:
        at = 0
    elif link == NULL:
        at = 4
    else:
        return None
    try:
        packet = dpkt.ip.IP(data[at:]) if data[at] >> 4 == 4 else dpkt.ip6.IP6(data[at:])
    except (dpkt.UnpackError, IndexError):
        return None
    tcp = packet.data
    if not isinstance(tcp, dpkt.tcp.TCP):
        return None
    version_4 = isinstance(packet, dpkt.ip.IP)
    length = packet.len - packet.hl * 4 if version_4 else packet.plen
    length -= tcp.off * 4
    if length < 0:
        length = len(tcp.data)
    payload = bytes(tcp.data)[:length]
    ends = (packet.src, packet.dst, tcp.sport, tcp.dport)
    return Segment(
        tcp.seq,
        payload,
        tcp.flags & 0xFF,
        keys.setdefault(ends, len(keys)),
        length - len(payload),
        time_ns,
    )
