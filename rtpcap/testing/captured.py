"""The packets of one kind in captures, with what we read from each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, repeat

import numpy as np
import numpy.typing as npt

from rtpcap.api import Capture, open
from rtpcap.capture.tables import Datagrams, Flow
from rtpcap.errors import CaptureError, Fault, RtpcapError
from rtpcap.rtp.compound import is_compound
from rtpcap.rtp.packets import COLUMNS, NO_TIME, Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.signalling import Arrival, looks_like_sip, parse_rtsp, parse_sip
from rtpcap.signalling.parts import Part, split_parts
from rtpcap.streams.kinds import Kind as Taken
from rtpcap.streams.kinds import kinds
from rtpcap.streams.listener import texts
from rtpcap.streams.reports.control import which_rtcp
from rtpcap.streams.stream import Stream
from rtpcap.testing.captures import Paths, find_captures, listed
from rtpcap.testing.fields import Reading, RTPValues
from rtpcap.testing.kinds import Kind, check_kind
from rtpcap.testing.packet import Origin, Packet
from rtpcap.testing.shapes import shape

__all__ = ["NoPacket", "packets"]


class NoPacket(CaptureError):
    """Captures hold no packet of the kind that was asked for."""


BATCH_ROWS = 1 << 14
SDP = "application/sdp"
HIGHEST_STUN = 3
"""What relays wrap in channels is no STUN message: by its first byte (RFC 7983)."""


def packets(
    paths: Paths,
    *,
    kind: Kind = "rtp",
    limit: int | None = None,
    unique: bool = False,
    cut: bool = False,
    pt_map: Mapping[int, str | Format] | None = None,
    rtp: Iterable[str] | None = None,
    failed: Callable[[Exception], None] | None = None,
) -> Iterator[Packet]:
    """The packets of one kind in captures, file by file in order of frames.

    `paths` is a capture, a folder, a glob, or several. `kind` is ``rtp`` (the packets of the
    streams found), ``rtcp`` (what is whole and not encrypted), ``sip``, ``sdp`` (the bodies, of
    RTSP too) or ``stun``. Each has an id that stays the same, its bytes, and the fields that we
    read. At most `limit` come; with `unique` the first of each shape: the same fields are there
    and have the same sizes. Packets whose end the capture cut are left out, unless `cut`.

    RTP is found by what many packets do: that of few is named by its endpoint, `rtp`, or by its
    number, `pt_map`, as in `rtpcap.open`.

    Raises ValueError for a kind or a limit that is none, CaptureError where a file cannot be read
    (where `failed` is given, it is called instead), NoPacket where all of them together hold no
    such packet.

    >>> packet = next(packets("fixtures/pj-pcmu.pcap"))
    >>> packet.id, packet.fields["payload_type"], packet.fields["sequence"]
    ('pj-pcmu.pcap:9', 0, 15873)
    """
    check_kind(kind)
    if limit is not None and limit < 1:
        raise ValueError(f"a limit of {limit} packets is none")
    told = None if pt_map is None else dict(pt_map)
    ends = None if rtp is None else list(rtp)
    found = _all(paths, kind, cut, lambda path: open(path, pt_map=told, rtp=ends), failed)
    if unique:
        found = _one_of_each(found)
    return found if limit is None else islice(found, limit)


def _all(
    paths: Paths,
    kind: Kind,
    cut: bool,
    opened: Callable[[str], Capture],
    failed: Callable[[Exception], None] | None,
) -> Iterator[Packet]:
    origins = find_captures(paths)
    some = False
    for origin in origins:
        try:
            found = FINDERS[kind](opened(origin.path), origin, cut)
            for first in found:
                some = True
                yield first
                yield from found
        except (RtpcapError, OSError) as error:
            if failed is None:
                raise
            failed(error)
    if not some:
        where = ", ".join(listed(paths))
        of = f" in {len(origins)} captures" if len(origins) > 1 else ""
        raise NoPacket(f"{where}: no {kind} packet{of}")


def _one_of_each(found: Iterator[Packet]) -> Iterator[Packet]:
    seen = set()
    for packet in found:
        kind = shape(packet)
        if kind not in seen:
            seen.add(kind)
            yield packet


def _rtp(capture: Capture, origin: Origin, cut: bool) -> Iterator[Packet]:
    tables, flows, kept = [], [], []
    for stream in capture.streams:
        table = stream.packets
        tables.append(table)
        flows.append(stream.flow)
        kept.append(_kept(stream, table, cut))
    if not tables:
        return
    frame = np.concatenate([table.frame for table in tables])
    order = np.argsort(frame, kind="stable")
    number = _numbers(frame[order])
    wanted = np.concatenate(kept)[order]
    order, number = order[wanted], number[wanted]
    owner = np.repeat(np.arange(len(tables), dtype=np.int32), [len(table) for table in tables])
    columns = {name: np.concatenate([getattr(t, name) for t in tables]) for name in COLUMNS}
    every = Packets(blocks=tables[0].blocks, **columns)
    for at in range(0, len(order), BATCH_ROWS):
        rows = order[at : at + BATCH_ROWS]
        part = every[rows]
        batch = map(
            Packet,
            repeat("rtp"),
            _bytes(part),
            repeat(origin),
            part.frame.tolist(),
            number[at : at + BATCH_ROWS].tolist(),
            [None if time == NO_TIME else time for time in part.time_ns.tolist()],
            map(flows.__getitem__, owner[rows].tolist()),
            *_readings(part),
        )
        yield from batch
        capture.release()


def _kept(stream: Stream, table: Packets, cut: bool) -> npt.NDArray[np.bool_]:
    """Which packets of a stream are to be had, shape (n,).

    Of an encrypted one not those with padding: how much it is cannot be read.
    """
    kept = np.ones(len(table), np.bool_) if cut else table.fault != Fault.CUT
    padded = table.padding
    if padded.any() and stream.encrypted:
        kept &= ~padded
    return kept


def _bytes(part: Packets) -> list[bytes]:
    views = [block.data for block in part.blocks]
    ends = part.begin + part.size
    places = zip(part.block.tolist(), part.begin.tolist(), ends.tolist(), strict=True)
    return [views[block][begin:end].tobytes() for block, begin, end in places]


def _readings(part: Packets) -> tuple[Iterable[RTPValues | None], Iterable[Reading | None]]:
    """The values of each packet, or for those with a fault the reading."""
    columns = (getattr(part, name).tolist() for name in VALUES)
    values: list[RTPValues | None] = list(zip(*columns, strict=True))
    if not part.fault.any():
        return values, repeat(None)
    readings: list[Reading | None] = [None] * len(part)
    for row in np.flatnonzero(part.fault).tolist():
        fault = Fault(int(part.fault[row]))
        values[row], readings[row] = None, Reading({}, fault.label, fault != Fault.CUT)
    return values, readings


VALUES = (
    *("version", "padding", "extension", "csrc_count", "marker", "payload_type"),
    *("sequence", "timestamp", "ssrc", "payload_offset", "payload_size"),
)
"""The columns of `RTPValues`."""


def _numbers(frame: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Of frames in order: which of its frame each is, from 1."""
    place = np.arange(len(frame))
    first = np.flatnonzero(np.diff(frame.astype(np.int64), prepend=-1))
    return place - np.repeat(first, np.diff(np.append(first, len(frame)))) + 1


class _Numbered:
    """Which of its frame each packet is, where they come one by one."""

    def __init__(self) -> None:
        self._frame = self._number = 0

    def __call__(self, frame: int) -> int:
        self._number = self._number + 1 if frame == self._frame else 1
        self._frame = frame
        return self._number


def _datagrams(
    kind: Kind,
    capture: Capture,
    origin: Origin,
    cut: bool,
    chosen: Callable[[Datagrams], npt.NDArray[np.bool_]],
) -> Iterator[Packet]:
    """The datagrams of a capture that are chosen."""
    numbered = _Numbered()
    for chunk in capture.datagram_chunks():
        rows = np.flatnonzero(chosen(chunk))
        columns = (chunk.frame, chunk.time_ns, chunk.flow, chunk.block, chunk.begin, chunk.end)
        for row, frame, time_ns, flow, block, begin, end in zip(
            rows.tolist(), *(column[rows].tolist() for column in columns), strict=True
        ):
            number = numbered(frame)
            if chunk.cut[row] and not cut:
                continue
            time = None if time_ns == NO_TIME else time_ns
            data = chunk.blocks[block][begin:end].tobytes()
            yield Packet(kind, data, origin, frame, number, time, chunk.flows[flow])


def _rtcp(capture: Capture, origin: Origin, cut: bool) -> Iterator[Packet]:
    def chosen(chunk: Datagrams) -> npt.NDArray[np.bool_]:
        # What does not add up is mostly encrypted, and says so nowhere.
        whole = is_compound(chunk.blocks, chunk.block, chunk.begin, chunk.end)
        if cut:
            whole[which_rtcp(chunk, np.flatnonzero(chunk.cut))] = True
        return whole

    return _datagrams("rtcp", capture, origin, cut, chosen)


def _stun(capture: Capture, origin: Origin, cut: bool) -> Iterator[Packet]:
    def chosen(chunk: Datagrams) -> npt.NDArray[np.bool_]:
        # No port is said to be of DNS: the cookie, or type and length, tell enough.
        taken = kinds(chunk, np.zeros(len(chunk), np.bool_))
        return np.isin(taken, (Taken.STUN, Taken.TURN))

    for packet in _datagrams("stun", capture, origin, cut, chosen):
        if packet.data[0] <= HIGHEST_STUN:
            yield packet


def _sip(capture: Capture, origin: Origin, cut: bool) -> Iterator[Packet]:
    numbered = _Numbered()
    for chunk in capture.datagram_chunks():
        for arrival, payload in texts(chunk, whole=not cut):
            if looks_like_sip(payload) and parse_sip(payload) is not None:
                yield _said("sip", payload, origin, arrival, numbered)


def _sdp(capture: Capture, origin: Origin, cut: bool) -> Iterator[Packet]:
    numbered = _Numbered()
    for chunk in capture.datagram_chunks():
        for arrival, payload in texts(chunk, whole=not cut):
            for part in _parts(payload):
                if part.content_type == SDP and part.body:
                    yield _said("sdp", part.body, origin, arrival, numbered)


def _said(kind: Kind, data: bytes, origin: Origin, arrival: Arrival, numbered: _Numbered) -> Packet:
    frame, time_ns, src, src_port, dst, dst_port, transport = arrival
    flow = Flow(src, src_port, dst, dst_port, "tcp" if transport == "tcp" else "udp")
    return Packet(kind, data, origin, frame, numbered(frame), time_ns, flow)


def _parts(payload: bytes) -> list[Part]:
    """The parts of a message's body, be it SIP or RTSP."""
    if looks_like_sip(payload):
        message = parse_sip(payload)
        return [] if message is None else message.parts
    said = parse_rtsp(payload)
    return [] if said is None else split_parts(said.header("Content-Type"), said.body)


FINDERS: dict[Kind, Callable[[Capture, Origin, bool], Iterator[Packet]]] = {
    "rtp": _rtp,
    "rtcp": _rtcp,
    "sip": _sip,
    "sdp": _sdp,
    "stun": _stun,
}
