"""Records -> datagrams: the frames of a chunk, sent through the layers that their headers name.

Every frame ends as a datagram, as other traffic, or as not understood, with the reason; fragments
and bytes of TCP streams may be part of a datagram that ends in another frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rtpcap.capture import link, network, tunnels
from rtpcap.capture.chunk import Chunk, Layer, LayerFunction, Part, Rows, grouped
from rtpcap.capture.names import LINK_LAYERS, NO_LINK, NO_PACKET, link_name
from rtpcap.capture.tables import Datagrams, Flows, Records, Tally

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
}

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
Columns = dict[str, npt.NDArray[Any]]


class Decoder:
    """Turns a capture's records into datagrams; made once for a pass through the file.

    Frames without a UDP payload are counted in `other` (understood, something else) or in
    `not_understood`; so frames = datagrams of UDP + other + not understood.
    """

    def __init__(self, flows: Flows, other: Tally, not_understood: Tally) -> None:
        self._flows = flows
        self._other = other
        self._not_understood = not_understood

    def datagrams(self, records: Records) -> Datagrams:
        """The payloads of a chunk, in order of frames; most lie in the chunk's own bytes."""
        chunk = Chunk(records, self._flows, self._other, self._not_understood)
        _begin(chunk)
        chunk.run(LAYERS)
        for rows, _ in chunk.fragments:
            chunk.unread("IP fragment", rows)
        tables = [_columns(chunk, part, 0) for part in chunk.parts]
        if len(tables) == 1:
            (columns,) = tables
        else:
            columns = _joined(tables)
        return Datagrams(
            blocks=(records.data,),
            base=records.base,
            file=records.file,
            flows=self._flows,
            flow=self._flows.number(columns.pop("keys")),
            **columns,
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
        chunk.unread(f"{link_name(number)} is not read", rows)


def _columns(chunk: Chunk, part: Part, block: int) -> Columns:
    """A part of a chunk as columns of the table."""
    records, rows = chunk.records, part.rows
    interface = records.interface
    return {
        "block": np.full(len(rows), block, np.uint16),
        "frame": records.frame[rows],
        "time_ns": records.time_ns[rows],
        "keys": part.keys,
        "begin": part.begin,
        "end": part.end,
        "cut": part.cut,
        "header": np.minimum(part.begin - records.begin[rows], MOST_HEADER).astype(np.uint16),
        "interface": (
            np.full(len(rows), interface, np.uint16)
            if isinstance(interface, int)
            else interface[rows]
        ),
    }


def _joined(tables: list[Columns]) -> Columns:
    """Several tables as one, in order of frames."""
    columns = {
        name: np.concatenate([*(table[name] for table in tables), np.empty(0, kind)])
        for name, kind in COLUMNS.items()
    }
    order = np.argsort(columns["frame"], kind="stable")
    return {name: column[order] for name, column in columns.items()}
