"""The tables between the stages: frames of the file, UDP payloads in them, and what was neither."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.capture.keys import KeyTable
from rtpcap.rtp.packets import NO_TIME

__all__ = ["Damage", "Datagram", "Datagrams", "Flow", "Flows", "Records", "Tally", "Transport"]

# Which of the tables of keys: bits that add up.
IPV6, TCP = 1, 2


@dataclass(frozen=True, eq=False)
class Records:
    """Frames of a capture, a chunk of the file at a time; made by a `Source`.

    `data` is the reader's own buffer: it holds other bytes once the next chunk was asked for. It
    goes on for at least 128 bytes behind the last frame, so that headers may be looked at whole.
    """

    data: npt.NDArray[np.uint8]
    """The bytes of this chunk."""
    base: int
    """The place of ``data[0]`` in the file."""
    frame: npt.NDArray[np.uint32]
    """1-based numbers of the frames, shape (n,)."""
    begin: npt.NDArray[np.int64]
    """Where each frame begins in `data`, shape (n,)."""
    end: npt.NDArray[np.int64]
    """Where what was captured of it ends."""
    original: npt.NDArray[np.int64]
    """Its length on the wire."""
    time_ns: npt.NDArray[np.int64]
    """Nanoseconds since 1970, `NO_TIME` where the file gives none."""
    link: npt.NDArray[np.uint16] | int
    """Link types; one number where the chunk has only one."""
    interface: npt.NDArray[np.uint16] | int = 0
    """Which interface captured each frame; one number where the chunk has only one."""
    file: int = 0
    """Which file of the capture this is a chunk of."""
    flow: Flow | None = None
    """Where frames are payloads without headers: the flow that they all belong to."""

    def __len__(self) -> int:
        return len(self.begin)


Transport = Literal["udp", "tcp"]
"""What carried a payload: a datagram of its own, or a byte stream in which it was framed."""


class Flow(NamedTuple):
    """The two ends of a flow, addresses as text."""

    src: str
    src_port: int
    dst: str
    dst_port: int
    transport: Transport = "udp"


class Flows:
    """The flows of a capture, numbered in order of first appearance.

    Addresses become keys, a call an address family; keys become numbers in order of frames.
    """

    def __init__(self) -> None:
        # A key is a row of one of these tables, times four, and in its lowest bits which one.
        self._tables = (KeyTable(2), KeyTable(5), KeyTable(2), KeyTable(5))
        self._keys: list[int] = []
        self._number = np.full(64, -1, np.int32)

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, flow: int) -> Flow:
        row, which = divmod(self._keys[flow], len(self._tables))
        words = self._tables[which].key(row)
        src_port, dst_port = words[-1] >> 16, words[-1] & 0xFFFF
        if which & IPV6:
            src, dst = _ipv6(words[0] << 64 | words[1]), _ipv6(words[2] << 64 | words[3])
        else:
            src, dst = _ipv4(words[0] >> 32), _ipv4(words[0] & 0xFFFFFFFF)
        return Flow(src, src_port, dst, dst_port, "tcp" if which & TCP else "udp")

    def ipv4(
        self,
        src: npt.NDArray[np.uint32],
        dst: npt.NDArray[np.uint32],
        ports: npt.NDArray[np.uint32],
        *,
        tcp: bool = False,
    ) -> npt.NDArray[np.int32]:
        """Keys of IPv4 addresses and ports (source port in the upper 16 bits), shape (n,)."""
        pair = src.astype(np.uint64)
        pair <<= np.uint64(32)
        pair |= dst
        return self._ids(TCP * tcp, pair, ports)

    def ipv6(
        self,
        addresses: npt.NDArray[np.uint64],
        ports: npt.NDArray[np.uint32],
        *,
        tcp: bool = False,
    ) -> npt.NDArray[np.int32]:
        """Keys of IPv6 addresses, shape (n, 4): source then destination, upper half first."""
        columns = [addresses[:, i].astype(np.uint64) for i in range(4)]
        return self._ids(IPV6 | TCP * tcp, *columns, ports)

    def key(self, src: bytes, dst: bytes, src_port: int, dst_port: int, *, tcp: bool) -> int:
        """The key of one flow, of packed addresses of one family: 4 or 16 bytes each."""
        ports = np.array([(src_port & 0xFFFF) << 16 | dst_port & 0xFFFF], np.uint32)
        if len(src) == 4:
            ends = [np.frombuffer(end, ">u4").astype(np.uint32) for end in (src, dst)]
            return int(self.ipv4(ends[0], ends[1], ports, tcp=tcp)[0])
        addresses = np.frombuffer(src + dst, ">u8").astype(np.uint64).reshape(1, 4)
        return int(self.ipv6(addresses, ports, tcp=tcp)[0])

    def _ids(self, which: int, *words: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.int32]:
        ids = self._tables[which].ids(*(word.astype(np.uint64, copy=False) for word in words))
        return ids * np.int32(len(self._tables)) + np.int32(which)

    def number(self, keys: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The flows of keys in order of frames, shape (n,); new ones get the next numbers."""
        if not len(keys):
            return keys
        known = len(self._number)
        if keys.max() >= known:
            added = max(known, int(keys.max()) + 1 - known)
            self._number = np.concatenate([self._number, np.full(added, -1, np.int32)])
        numbers: npt.NDArray[np.int32] = self._number.take(keys)
        if numbers.min() < 0:
            new, first = np.unique(keys[numbers < 0], return_index=True)
            new = new[np.argsort(first)]
            count = len(self._keys)
            self._number[new] = np.arange(count, count + len(new), dtype=np.int32)
            self._keys += new.tolist()
            numbers = self._number.take(keys)
        return numbers


@lru_cache(4096)
def _ipv4(address: int) -> str:
    return f"{address >> 24}.{address >> 16 & 0xFF}.{address >> 8 & 0xFF}.{address & 0xFF}"


@lru_cache(4096)
def _ipv6(address: int) -> str:
    return str(ipaddress.IPv6Address(address))


class Datagram(NamedTuple):
    """One UDP payload, with the frame it came in (1-based) and its time; None without one.

    With `transport` ``tcp`` it is a message out of a byte stream, and the frame that of its end.
    """

    frame: int
    time_ns: int | None
    src: str
    src_port: int
    dst: str
    dst_port: int
    payload: bytes
    transport: Transport = "udp"


@dataclass(frozen=True, eq=False)
class Datagrams:
    """The UDP payloads of a chunk as columns of shape (n,), in order of frames.

    A frame has one at most, but for messages framed in a byte stream, of which it may end several.
    """

    blocks: tuple[npt.NDArray[np.uint8], ...]
    """Where payloads lie: block 0 is the chunk's own bytes; what was put together lies in others.
    All of them hold other bytes once the next chunk was asked for."""
    base: int
    """The place of block 0 in the file."""
    file: int
    """Which file of the capture that is."""
    flows: Flows
    block: npt.NDArray[np.uint16]
    frame: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.int64]
    flow: npt.NDArray[np.int32]
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    cut: npt.NDArray[np.bool_]
    """Whether less was captured than the datagram's length says."""
    header: npt.NDArray[np.uint16]
    """How many bytes of its frame stand before the payload, all headers together. Where it was put
    together from fragments, the first one's headers stand there; 0 out of a byte stream."""
    interface: npt.NDArray[np.uint16]
    """Which interface captured its frame."""

    def __len__(self) -> int:
        return len(self.begin)

    def __iter__(self) -> Iterator[Datagram]:
        for block, frame, time_ns, flow, begin, end in zip(
            self.block.tolist(),
            self.frame.tolist(),
            self.time_ns.tolist(),
            self.flow.tolist(),
            self.begin.tolist(),
            self.end.tolist(),
            strict=True,
        ):
            src, src_port, dst, dst_port, transport = self.flows[flow]
            yield Datagram(
                frame,
                None if time_ns == NO_TIME else time_ns,
                src,
                src_port,
                dst,
                dst_port,
                self.blocks[block][begin:end].tobytes(),
                transport,
            )


@dataclass(frozen=True)
class Damage:
    """Where a file is damaged: what came before was read.

    `frame` is the 1-based number of the frame that could not be read, `offset` its place in the
    file in bytes; both count in `file`, which is named where a capture is made of several.
    """

    reason: str
    frame: int | None
    offset: int
    file: str | None = None

    def __str__(self) -> str:
        where = f"frame {self.frame}, " if self.frame else ""
        file = f"{self.file}: " if self.file else ""
        return f"{file}{self.reason} ({where}offset {self.offset})"


class Tally:
    """Frames counted by a reason, each reason with the first frame that had it."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, int] = {}

    def add(self, reason: str, frames: npt.NDArray[np.uint32] | list[int]) -> None:
        """Count frames (1-based numbers) under a reason."""
        if len(frames):
            first = int(np.min(frames))
            self._counts[reason] = self._counts.get(reason, 0) + len(frames)
            self._first[reason] = min(first, self._first.get(reason, first))

    def __len__(self) -> int:
        """How many frames were counted."""
        return sum(self._counts.values())

    def rows(self) -> list[dict[str, str | int]]:
        """A dict a reason (`reason`, `count`, `first_frame`), in order of first frame."""
        order = sorted(self._counts, key=lambda reason: self._first[reason])
        return [
            {"reason": reason, "count": self._counts[reason], "first_frame": self._first[reason]}
            for reason in order
        ]

    def __repr__(self) -> str:
        inside = ", ".join(f"{row['count']:,} {row['reason']}" for row in self.rows())
        return f"<Tally {inside or 'nothing'}>"
