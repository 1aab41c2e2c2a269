"""Records -> datagrams: the frames of a chunk, sent through the layers that their headers name.

Every frame ends as a datagram, as other traffic, or as not understood, with the reason; fragments
and bytes of TCP streams may be part of a datagram that ends in another frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rtpcap.capture import link, network, rtpdump, tunnels
from rtpcap.capture.chunk import (
    MOST_LAYERS,
    TOO_DEEP,
    Chunk,
    Layer,
    LayerFunction,
    Payloads,
    Rows,
    grouped,
)
from rtpcap.capture.hep import hep
from rtpcap.capture.link import SNAP_BYTES
from rtpcap.capture.names import LINK_LAYERS, NO_LINK, NO_PACKET
from rtpcap.capture.tables import Datagrams, Flows, Records, Tally

if TYPE_CHECKING:
    from rtpcap.capture.fragments import Pieces, Reassembler, Whole
    from rtpcap.capture.origins import Origins
    from rtpcap.capture.tcp import ByteStreams, Messages, Segments

__all__ = ["Decoder"]


def _uncommon(name: str) -> LayerFunction:
    """A layer that is imported when a frame needs it: most captures do without it."""

    def layer(chunk: Chunk, rows: Rows, at: Rows) -> None:
        from rtpcap.capture import uncommon

        function: Callable[[Chunk, Rows, Rows], None] = getattr(uncommon, name)
        function(chunk, rows, at)

    return layer


LAYERS: dict[Layer, LayerFunction] = {
    Layer.ETHERNET: link.ethernet,
    Layer.IP: network.ip,
    Layer.IPV4: network.ipv4,
    Layer.IPV6: network.ipv6,
    Layer.FAMILY: link.family,
    Layer.LLC: link.llc,
    Layer.MPLS: link.mpls,
    Layer.PPPOE: link.pppoe,
    Layer.PPP: link.ppp,
    Layer.BACKBONE: link.backbone,
    Layer.METADATA: link.metadata,
    Layer.SLL: link.sll,
    Layer.SLL2: link.sll2,
    Layer.HDLC: link.hdlc,
    Layer.GRE: tunnels.gre,
    Layer.ETHERIP: tunnels.etherip,
    Layer.L2TP3: tunnels.l2tp3,
    Layer.WIFI: _uncommon("wifi"),
    Layer.RADIOTAP: _uncommon("radiotap"),
    Layer.NFLOG: _uncommon("nflog"),
    Layer.PKTAP: _uncommon("pktap"),
    Layer.EXPORTED: _uncommon("exported"),
    Layer.RTPDUMP: rtpdump.packets,
}

OWN_HEADER_EACH = (105, 127, 258)
"""Link types whose header differs from frame to frame: 802.11 (it has a number), and PKTAP."""

COOKED, COOKED_LENGTH_AT = 113, 5
"""Linux cooked capture, whose header tells there how long its address is."""

MOST_HEADER = 0xFFFF
"""More bytes of headers than the column holds, which only a hostile frame has."""
COLUMNS = {
    "block": np.uint16,
    "frame": np.uint32,
    "time_ns": np.int64,
    "keys": np.int32,
    "begin": np.int64,
    "end": np.int64,
    "cut": np.bool_,
    "header": np.uint16,
    "interface": np.uint16,
}
NOTHING = np.empty(0, np.uint8)
NO_COLUMNS: list[npt.NDArray[Any]] = [
    np.empty(0, COLUMNS[name]) for name in ("frame", "begin", "end", "end", "time_ns", "interface")
]
Columns = dict[str, npt.NDArray[Any]]


class Decoder:
    """Turns a capture's records into datagrams; made once for a pass through the file.

    Frames without a UDP payload are counted in `other` (understood, something else) or in
    `not_understood`; so frames = datagrams of UDP + other + not understood. Frames of TCP are in
    `other`, whatever messages are framed in them; `incomplete` counts those before which a part of
    such a stream is missing. What payloads are made of is noted in `origins`.
    """

    def __init__(
        self,
        flows: Flows,
        other: Tally,
        not_understood: Tally,
        origins: Origins | None = None,
    ) -> None:
        self._flows = flows
        self._origins = origins
        self._other = other
        self._not_understood = not_understood
        self.incomplete = Tally()
        # Made, and imported, when the first fragment or segment comes.
        self._reassembler: Reassembler | None = None
        self._streams: ByteStreams | None = None

    def datagrams(self, records: Records) -> Datagrams:
        """The payloads of a chunk, in order of frames; most lie in the chunk's own bytes."""
        chunk = self._chunk(records)
        _begin(chunk)
        chunk.run(LAYERS)
        chunks = [chunk, *self._put_together(chunk)]
        messages = [self._messages(chunk) for chunk in chunks if chunk.segments]
        chunks += [self._framed(found) for found in messages if found is not None]
        return self._table(chunks, records.base, records.file)

    def finish(self) -> Datagrams:
        """What was still waited for, now that the capture has ended."""
        if self._reassembler is not None:
            self._reassembler.finish()
        messages = None if self._streams is None else self._streams.finish()
        if messages is not None and self._origins is not None:
            self._origins.messages(self._flows, messages)
        # Block 0 is the file's, of which nothing is left.
        chunks = [self._chunk(_records(NOTHING, *NO_COLUMNS))]
        if messages is not None:
            chunks.append(self._framed(messages))
        return self._table(chunks, 0, 0)

    def _table(self, chunks: list[Chunk], base: int, file: int) -> Datagrams:
        """All that was found in a chunk of the file and what was put together with it."""
        tables = [
            _columns(chunk, part, block)
            for block, chunk in enumerate(chunks)
            for part in chunk.parts
        ]
        columns = tables[0] if len(tables) == 1 else _joined(tables)
        return Datagrams(
            blocks=tuple(chunk.data for chunk in chunks),
            base=base,
            file=file,
            flows=self._flows,
            flow=self._flows.number(columns.pop("keys")),
            **columns,
        )

    def _whole(self, chunk: Chunk) -> Whole | None:
        from rtpcap.capture.fragments import Reassembler

        if self._reassembler is None:
            self._reassembler = Reassembler(
                self._other, self._not_understood, origins=self._origins
            )
        return self._reassembler.take(_pieces(chunk))

    def _messages(self, chunk: Chunk) -> Messages | None:
        from rtpcap.capture.tcp import ByteStreams

        if self._streams is None:
            self._streams = ByteStreams(self.incomplete)
        segments = _segments(chunk)
        messages = self._streams.take(segments)
        if self._origins is not None:
            self._origins.segments(self._flows, segments)
            if messages is not None:
                self._origins.messages(self._flows, messages)
        return messages

    def _framed(self, messages: Messages) -> Chunk:
        """Messages out of byte streams; their frames were counted already."""
        begin, end = messages.begin, messages.end
        records = _records(
            messages.data,
            messages.frame,
            begin,
            end,
            end,
            messages.time_ns,
            messages.interface,
        )
        chunk = Chunk(records, self._flows, Tally(), Tally())
        rows = np.arange(len(messages))
        plain = ~hep(chunk, rows, begin, end)
        chunk.parts.append(
            Payloads(
                rows[plain], messages.key[plain], begin[plain], end[plain], messages.cut[plain]
            )
        )
        return chunk

    def _chunk(self, records: Records) -> Chunk:
        return Chunk(records, self._flows, self._other, self._not_understood)

    def _put_together(self, chunk: Chunk) -> Iterator[Chunk]:
        """The packets that the chunk's fragments complete; they may be fragments themselves."""
        for _ in range(MOST_LAYERS):
            whole = self._whole(chunk) if chunk.fragments else None
            if whole is None:
                return
            chunk = self._chunk(
                _records(
                    whole.data,
                    whole.frame,
                    whole.begin,
                    whole.end,
                    whole.original_end,
                    whole.time_ns,
                    whole.interface,
                )
            )
            chunk.then(Layer.IP, np.arange(len(whole)), whole.packet)
            chunk.run(LAYERS)
            yield chunk
        for rows, _ in chunk.fragments:
            chunk.unread(TOO_DEEP, rows)


def _records(
    data: npt.NDArray[np.uint8],
    frame: npt.NDArray[np.uint32],
    begin: Rows,
    end: Rows,
    original_end: Rows,
    time_ns: Rows,
    interface: npt.NDArray[np.uint16],
) -> Records:
    """Records of what was put together, in bytes of its own."""
    return Records(
        data=data,
        base=0,
        frame=frame,
        begin=begin,
        end=end,
        original=original_end - begin,
        time_ns=time_ns,
        link=NO_LINK,
        interface=interface,
    )


def _begin(chunk: Chunk) -> None:
    """Send each frame to the layer of its link type."""
    records = chunk.records
    if isinstance(records.link, int):
        _link(chunk, records.link, np.arange(len(records)))
    else:
        for number, rows in grouped(records.link):
            _link(chunk, number, rows)


def _link(chunk: Chunk, number: int, rows: Rows) -> None:
    if number in LINK_LAYERS:
        chunk.then(LINK_LAYERS[number], rows, chunk.records.begin[rows])
    elif number == NO_PACKET:
        chunk.unread("no packet: a journal entry, system call or custom block", rows)
    elif number == NO_LINK:
        chunk.unread("packet of an interface that the file does not describe", rows)
    else:
        from rtpcap.capture.uncommon import by_offset

        by_offset(chunk, number, rows)


def _pieces(chunk: Chunk) -> Pieces:
    """The fragments of a chunk, in order of frames."""
    from rtpcap.capture.fragment_headers import Pieces

    records = chunk.records
    rows = np.concatenate([rows for rows, _ in chunk.fragments])
    packet = np.concatenate([at for _, at in chunk.fragments])
    order = np.argsort(rows, kind="stable")
    rows, packet = rows[order], packet[order]
    begin = records.begin[rows]
    link = np.broadcast_to(records.link, len(records))[rows]
    return Pieces(
        data=records.data,
        frame=records.frame[rows],
        time_ns=records.time_ns[rows],
        interface=_interface(records, rows),
        frame_begin=begin,
        packet=packet,
        end=records.end[rows],
        path=np.where(np.isin(link, OWN_HEADER_EACH), packet - SNAP_BYTES, begin),
        nameless=(link == COOKED) & (records.data[begin + COOKED_LENGTH_AT] == 0),
    )


def _segments(chunk: Chunk) -> Segments:
    """The TCP segments of a chunk, in order of frames."""
    from rtpcap.capture.tcp import Segments

    records, parts = chunk.records, chunk.segments
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    return Segments(
        data=records.data,
        frame=records.frame[rows],
        time_ns=records.time_ns[rows],
        interface=_interface(records, rows),
        key=np.concatenate([part.keys for part in parts])[order],
        sequence=np.concatenate([part.sequence for part in parts])[order],
        flags=np.concatenate([part.flags for part in parts])[order],
        begin=np.concatenate([part.begin for part in parts])[order],
        end=np.concatenate([part.end for part in parts])[order],
        missing=np.concatenate([part.missing for part in parts])[order],
    )


def _interface(records: Records, rows: Rows) -> npt.NDArray[np.uint16]:
    """Which interface captured each of some frames."""
    return np.broadcast_to(records.interface, len(records))[rows].astype(np.uint16)


def _columns(chunk: Chunk, part: Payloads, block: int) -> Columns:
    """A part of a chunk as columns of the table."""
    records, rows = chunk.records, part.rows
    return {
        "block": np.full(len(rows), block, np.uint16),
        "frame": records.frame[rows],
        "time_ns": records.time_ns[rows],
        "keys": part.keys,
        "begin": part.begin,
        "end": part.end,
        "cut": part.cut,
        "header": np.minimum(part.begin - records.begin[rows], MOST_HEADER).astype(np.uint16),
        "interface": _interface(records, rows),
    }


def _joined(tables: list[Columns]) -> Columns:
    """Several tables as one, in order of frames."""
    columns = {
        name: np.concatenate([*(table[name] for table in tables), np.empty(0, kind)])
        for name, kind in COLUMNS.items()
    }
    order = np.argsort(columns["frame"], kind="stable")
    return {name: column[order] for name, column in columns.items()}
