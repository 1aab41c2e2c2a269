"""The frames of one chunk on their way inward, from header to header.

A layer is a function that looks at some packets of its kind at once, and sends each on to the layer
that its header names, or says what it is instead. Layers name each other by `Layer`, so that a
tunnel may hold whatever a link may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Flows, Records, Tally

__all__ = [
    "MOST_LAYERS",
    "TOO_DEEP",
    "Chunk",
    "Layer",
    "LayerFunction",
    "Mask",
    "Payloads",
    "Rows",
    "grouped",
]

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST_LAYERS = 16
"""Real stacks are of four or five headers, tags and labels aside; hostile ones end here."""
TOO_DEEP = f"more than {MOST_LAYERS} headers inside each other"
CUT = "frame ends inside its link headers"


class Layer(IntEnum):
    """What a place in a frame may begin."""

    ETHERNET = auto()
    IP = auto()
    """IPv4 or IPv6, by the version in the first four bits."""
    IPV4 = auto()
    IPV6 = auto()
    FAMILY = auto()
    """A 32-bit address family in the writer's byte order, then an IP packet."""
    LLC = auto()
    MPLS = auto()
    PPPOE = auto()
    PPP = auto()
    BACKBONE = auto()
    """IEEE 802.1ah, behind its EtherType."""
    METADATA = auto()
    """Cisco's metadata, behind its EtherType."""
    SLL = auto()
    SLL2 = auto()
    HDLC = auto()
    GRE = auto()
    ETHERIP = auto()
    L2TP3 = auto()
    WIFI = auto()
    RADIOTAP = auto()
    NFLOG = auto()
    PKTAP = auto()
    EXPORTED = auto()
    """A payload that Wireshark exported, with what it knew about it."""
    RTPDUMP = auto()
    """The payload itself, of a file that knows no frames."""


LayerFunction = Callable[["Chunk", Rows, Rows], None]


@dataclass(frozen=True, eq=False)
class Payloads:
    """Datagrams of one shape, columns of shape (n,): their frames' rows in the chunk, and so on."""

    rows: Rows
    keys: npt.NDArray[np.int32]
    begin: Rows
    end: Rows
    cut: Mask


@dataclass(frozen=True, eq=False)
class TcpSegments:
    """TCP segments, columns of shape (n,)."""

    rows: Rows
    keys: npt.NDArray[np.int32]
    sequence: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    begin: Rows
    end: Rows
    missing: Rows
    """How many bytes of each were sent and not captured."""


class Chunk:
    """The frames of a chunk, and what was found in them so far.

    `rows` are rows of its records, `at` places in its bytes, both of shape (n,). A frame goes one
    way: it ends in `parts`, in `segments` or `fragments` to be put together, or in one of the two
    tallies with what it is instead.
    """

    def __init__(self, records: Records, flows: Flows, other: Tally, not_understood: Tally) -> None:
        self.records = records
        self.data = records.data
        self.flows = flows
        self._other, self._not_understood = other, not_understood
        self.parts: list[Payloads] = []
        self.segments: list[TcpSegments] = []
        self.fragments: list[tuple[Rows, Rows]] = []
        """Rows and places of IP packets that are fragments."""
        self._todo: dict[Layer, list[tuple[Rows, Rows]]] = {}
        self._depth = 0

    def then(self, layer: Layer, rows: Rows, at: Rows) -> None:
        """What follows: packets of a layer, beginning within their frames or at their ends."""
        if not len(rows):
            return
        if self._depth >= MOST_LAYERS:
            self.unread(TOO_DEEP, rows)
        else:
            self._todo.setdefault(layer, []).append((rows, at))

    def run(self, layers: Mapping[Layer, LayerFunction]) -> None:
        """Go through everything that follows, one level of headers after the other.

        What came to a layer by different ways is looked at together: so that however frames are
        made, a chunk takes no more than the layers times the levels.
        """
        while self._todo:
            level, self._todo = self._todo, {}
            self._depth += 1
            for layer, places in level.items():
                rows, at = places[0]
                if len(places) > 1:
                    rows = np.concatenate([rows for rows, _ in places])
                    at = np.concatenate([at for _, at in places])
                    order = np.argsort(rows)
                    rows, at = rows[order], at[order]
                layers[layer](self, rows, at)
        self._depth = 0

    # What stands at some places, shape (n,); also where that is just behind a frame's end.

    def byte(self, at: Rows) -> npt.NDArray[np.uint8]:
        return self.data[at]

    def word(self, at: Rows) -> npt.NDArray[np.uint16]:
        """16 bits."""
        words: npt.NDArray[np.uint16] = np.ndarray((len(self.data) - 1,), ">u2", self.data, 0, (1,))
        return words[at].astype(np.uint16)

    def long(self, at: Rows) -> npt.NDArray[np.uint32]:
        """32 bits."""
        words: npt.NDArray[np.uint32] = np.ndarray((len(self.data) - 3,), ">u4", self.data, 0, (1,))
        return words[at].astype(np.uint32)

    def heads(self, at: Rows, kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
        """Records laid over the bytes, without regard to alignment."""
        return np.ndarray((len(self.data) - kind.itemsize + 1,), kind, self.data, 0, (1,))[at]

    def end(self, rows: Rows) -> Rows:
        """Where what was captured of each frame ends."""
        return self.records.end[rows]

    def long_enough(
        self, rows: Rows, at: Rows, least: int | Rows, reason: str = CUT
    ) -> tuple[Rows, Rows]:
        """Those that go on for at least so many bytes; the others are told as cut."""
        short = at + least > self.records.end[rows]
        if short.any():
            self.unread(reason, rows[short])
            return rows[~short], at[~short]
        return rows, at

    def snapped(self, rows: Rows) -> Mask:
        """Which frames were longer on the wire than what was captured of them."""
        records = self.records
        captured = records.end[rows] - records.begin[rows]
        return np.asarray(records.original[rows] > captured)

    # What a frame is, in the end.

    def frames(self, rows: Rows) -> npt.NDArray[np.uint32]:
        return self.records.frame[rows]

    def unread(self, reason: str, rows: Rows) -> None:
        self._not_understood.add(reason, self.frames(rows))

    def something_else(self, protocol: str, rows: Rows) -> None:
        self._other.add(protocol, self.frames(rows))


def grouped(numbers: npt.NDArray[np.unsignedinteger]) -> Iterator[tuple[int, Rows]]:
    """Each number with the places that have it, ascending; linear, however many there are."""
    if not len(numbers):
        return
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for those in np.split(order, edges):
        yield int(numbers[those[0]]), those
