"""Captures for the benchmarks, with the truth about every stream in them.

``python -m tests.benchmarks.generate KIND PATH [--packets N] [--seed N]``

* `many`: G.711 mu-law, 20 ms, in 100 interleaved streams (230 bytes a record);
* `call`: one call, two directions of G.711 mu-law (half an hour is 180,000 packets sent);
* `mixed`: six packet sizes in 100 streams, one frame in ten is something else (TCP, DNS, ARP);
* `mixed_pcapng`: the same in 50 streams, as pcapng;
* `tunnels`: 100 streams, by turns in a VLAN, in VXLAN and in GTP-U;
* `ipv6`: `many` over IPv6;
* `fragments`: packets of 1,012 bytes in 20 streams, each in two IPv4 fragments;
* `bulk`: one stream beside TCP connections that carry nothing of interest, 99 frames in a hundred;
* `pppoe`, `snap`: `many` in frames that are not of a common shape.

One packet in a hundred is lost. All of it is drawn from one seeded generator and written with
whole-array numpy, Ethernet in a classic pcap of microseconds where nothing else is said.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.layouts import (
    CONTAINERS,
    IPV4,
    IPV6,
    TCP,
    UDP,
    WAYS,
    Part,
    Way,
    blank,
    bytes_of,
    checksum,
)

__all__ = ["KINDS", "Truth", "call", "many", "mixed", "mixed_pcapng"]

LOSS = 0.01
PACKET_MS = 20
START_S = 1_700_000_000
JITTER_NS = 500_000
"""Scale of the exponential delay that every packet gets; cut at four times this, so that no
packet overtakes the one before it."""
FRAMES_AT_ONCE = 100_000

# Number, payload bytes and ticks of a packet: the six sizes of `mixed`.
SIZES = ((18, 20, 160), (4, 24, 240), (3, 33, 160), (8, 80, 80), (0, 160, 160), (0, 240, 240))


@dataclass(frozen=True)
class Truth:
    """What was written of one stream."""

    ssrc: int
    src_port: int
    dst_port: int
    payload_type: int
    sent: int
    packets: int

    @property
    def lost(self) -> int:
        return self.sent - self.packets


@dataclass(frozen=True)
class _Senders:
    """The streams of a capture: equal-length arrays, a row a stream."""

    src: NDArray[np.uint32]
    dst: NDArray[np.uint32]
    src_port: NDArray[np.uint16]
    dst_port: NDArray[np.uint16]
    ssrc: NDArray[np.uint32]
    sequence: NDArray[np.int64]
    timestamp: NDArray[np.int64]
    size: NDArray[np.int64]
    step: NDArray[np.int64]
    payload_type: NDArray[np.uint8]
    start_ns: NDArray[np.int64]


def many(path: Path, packets: int = 1_000_000, streams: int = 100, seed: int = 1) -> list[Truth]:
    """Write `packets` sent G.711 packets in `streams` streams; returns the truth, by stream."""
    rng = np.random.default_rng(seed)
    return _write(path, _senders(rng, streams, [SIZES[4]]), packets // streams, rng)


def call(path: Path, packets: int = 180_000, seed: int = 2) -> list[Truth]:
    """Write one call: two directions between the same two endpoints, `packets` sent in all."""
    rng = np.random.default_rng(seed)
    one = _senders(rng, 2, [SIZES[4]])
    both = _Senders(
        **{
            **one.__dict__,
            "src": one.src[:1].repeat(2),
            "dst": one.dst[:1].repeat(2),
            "src_port": one.src_port[:1].repeat(2),
            "dst_port": one.dst_port[:1].repeat(2),
        }
    )
    for here, there in ((both.src, both.dst), (both.src_port, both.dst_port)):
        here[1], there[1] = there[0], here[0]
    return _write(path, both, packets // 2, rng)


def mixed(
    path: Path,
    packets: int = 1_000_000,
    streams: int = 100,
    seed: int = 3,
    file_kind: str = "pcap",
) -> list[Truth]:
    """Write `packets` frames of six RTP sizes, a tenth of them other traffic."""
    rng = np.random.default_rng(seed)
    sent = int(packets * 0.9 / (1 - LOSS)) // streams
    senders = _senders(rng, streams, SIZES)
    return _write(path, senders, sent, rng, other=0.1, file_kind=file_kind)


def mixed_pcapng(path: Path, packets: int = 1_000_000, seed: int = 4) -> list[Truth]:
    return mixed(path, packets, 50, seed, "pcapng")


def tunnels(path: Path, packets: int = 1_000_000, streams: int = 100, seed: int = 5) -> list[Truth]:
    """Write `packets` sent packets, each stream in one of three tunnels."""
    return _by_ways(path, packets, streams, seed, ("vlan", "vxlan", "gtp"))


def ipv6(path: Path, packets: int = 1_000_000, streams: int = 100, seed: int = 6) -> list[Truth]:
    return _by_ways(path, packets, streams, seed, ("ipv6",))


def pppoe(path: Path, packets: int = 100_000, streams: int = 20, seed: int = 7) -> list[Truth]:
    return _by_ways(path, packets, streams, seed, ("pppoe",))


def snap(path: Path, packets: int = 100_000, streams: int = 20, seed: int = 8) -> list[Truth]:
    return _by_ways(path, packets, streams, seed, ("snap",))


def _by_ways(
    path: Path, packets: int, streams: int, seed: int, ways: tuple[str, ...]
) -> list[Truth]:
    rng = np.random.default_rng(seed)
    senders = _senders(rng, streams, [SIZES[4]])
    return _write(path, senders, packets // streams, rng, ways=ways)


def fragments(path: Path, packets: int = 100_000, streams: int = 20, seed: int = 9) -> list[Truth]:
    """Write `packets` sent packets, two frames each."""
    rng = np.random.default_rng(seed)
    senders = _senders(rng, streams, [(0, 1000, 1000)])
    return _write(path, senders, packets // streams, rng, pieces=True)


def bulk(path: Path, packets: int = 1_000_000, seed: int = 10) -> list[Truth]:
    """Write `packets` frames, of which one in a hundred is a packet of the only stream."""
    rng = np.random.default_rng(seed)
    share = 0.99
    sent = int(packets * (1 - share) / (1 - LOSS))
    return _write(path, _senders(rng, 1, [SIZES[4]]), sent, rng, other=share, only_tcp=True)


def _senders(
    rng: np.random.Generator, streams: int, sizes: Sequence[tuple[int, int, int]]
) -> _Senders:
    number, size, step = np.array(sizes, dtype=np.int64)[np.arange(streams) % len(sizes)].T
    row = np.arange(streams)
    return _Senders(
        src=(0x0A000001 + (row << 8)).astype(np.uint32),
        dst=(0x0A010001 + (row << 8)).astype(np.uint32),
        src_port=(20000 + 2 * row).astype(np.uint16),
        dst_port=(40000 + 2 * row).astype(np.uint16),
        ssrc=(
            rng.permutation(1 << 16)[:streams] << 16 | rng.integers(1 << 16, size=streams)
        ).astype(np.uint32),
        sequence=rng.integers(1 << 16, size=streams),
        timestamp=rng.integers(1 << 32, size=streams),
        size=size,
        step=step,
        payload_type=number.astype(np.uint8),
        start_ns=rng.integers(PACKET_MS * 1_000_000, size=streams),
    )


def _write(
    path: Path,
    senders: _Senders,
    sent: int,
    rng: np.random.Generator,
    *,
    other: float = 0.0,
    only_tcp: bool = False,
    ways: tuple[str, ...] = ("plain",),
    pieces: bool = False,
    file_kind: str = "pcap",
) -> list[Truth]:
    """Write `sent` packets of each sender less the lost ones, and a share `other` of other frames.

    A stream's first and last packet are never lost, so that what was sent can be told from the
    capture. The streams take the `ways` by turns; with `pieces` each packet is two fragments.
    """
    streams = len(senders.ssrc)
    kept = rng.random((sent, streams)) >= LOSS
    kept[[0, -1]] = True
    index, stream = np.nonzero(kept)
    packet_ns = senders.step * 125_000  # all have a clock of 8000 Hz
    time_ns = (
        senders.start_ns[stream]
        + index * packet_ns[stream]
        + np.minimum(rng.exponential(JITTER_NS, len(index)), 4 * JITTER_NS).astype(np.int64)
    )
    extra = int(len(index) * other / (1 - other))
    stream = np.concatenate((stream, np.full(extra, -1)))
    index = np.concatenate((index, np.zeros(extra, dtype=np.int64)))
    time_ns = np.concatenate((time_ns, rng.integers(int(time_ns.max()), size=extra)))
    order = np.argsort(time_ns, kind="stable")
    stream, index, time_ns = stream[order], index[order], time_ns[order]
    time_ns += START_S * 1_000_000_000

    maker = _Maker(
        senders,
        tuple(WAYS[name] for name in ways),
        pieces,
        only_tcp,
        file_kind,
        rng,
        rng.integers(1 << 32, size=CONNECTIONS),
    )
    with path.open("wb") as file:
        file.write(CONTAINERS[file_kind].file_header)
        for begin in range(0, len(stream), FRAMES_AT_ONCE):
            part = slice(begin, begin + FRAMES_AT_ONCE)
            file.write(maker.frames(stream[part], index[part], time_ns[part]).data)
    captured = kept.sum(axis=0)
    return [
        Truth(
            ssrc=int(senders.ssrc[row]),
            src_port=int(senders.src_port[row]),
            dst_port=int(senders.dst_port[row]),
            payload_type=int(senders.payload_type[row]),
            sent=sent,
            packets=int(captured[row]),
        )
        for row in range(streams)
    ]


TCP_KIND, DNS_KIND, ARP_KIND = -1, -2, -3
ETHERNET_PARTS = WAYS["plain"].before
OTHER_PARTS: dict[int, tuple[Part, ...]] = {
    TCP_KIND: (*ETHERNET_PARTS, ("", IPV4), ("", TCP)),
    DNS_KIND: (*ETHERNET_PARTS, ("", IPV4), ("", UDP)),
    ARP_KIND: ETHERNET_PARTS,
}
ARP_BYTES = 28
CONNECTIONS = 100


@dataclass(frozen=True)
class _Maker:
    """Makes the records of frames, those of one kind and size as one array, then scattered.

    A kind is the number of a way for RTP, and one of the negative numbers above for the rest.
    """

    senders: _Senders
    ways: tuple[Way, ...]
    pieces: bool
    only_tcp: bool
    file_kind: str
    rng: np.random.Generator
    sent: NDArray[np.int64]
    """How far each TCP connection is."""

    def frames(
        self, stream: NDArray[np.int64], index: NDArray[np.int64], time_ns: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """The records of these frames, in order, as the bytes of the file."""
        is_rtp = stream >= 0
        least = TCP_KIND if self.only_tcp else ARP_KIND
        others = self.rng.integers(least, 0, size=len(stream))
        kind = np.where(is_rtp, stream % len(self.ways), others)
        heads = {number: bytes_of(way.parts) for number, way in enumerate(self.ways)}
        heads |= {number: bytes_of(parts) for number, parts in OTHER_PARTS.items()}
        body = np.where(is_rtp, self.senders.size[stream], 0)
        body = np.where(is_rtp, body, self.rng.integers(2, 60, size=len(stream)) * 8)
        body[kind == ARP_KIND] = ARP_BYTES
        tcp = np.flatnonzero(kind == TCP_KIND)
        if len(tcp):
            stream, index = stream.copy(), index.copy()
            stream[tcp], index[tcp] = self._segments(body[tcp])
        size = body + np.vectorize(heads.__getitem__, otypes=[np.int64])(kind)

        container = CONTAINERS[self.file_kind]
        records = container.record_bytes(size)
        begin = np.cumsum(records) - records
        out = np.zeros(int(records.sum()), dtype=np.uint8)
        if self.pieces:
            return self._in_pieces(stream, index, time_ns, int(size[0]))
        for shape in np.unique(np.stack((kind, size)), axis=1).T.tolist():
            rows = np.flatnonzero((kind == shape[0]) & (size == shape[1]))
            made = self._shape(shape[0], shape[1], stream[rows], index[rows], time_ns[rows])
            record = f"V{made.dtype.itemsize}"
            places = np.ndarray(len(out) - made.dtype.itemsize + 1, record, out, strides=(1,))
            places[begin[rows]] = made.view(record)
        return out

    def _segments(self, sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Connection and sequence number of each TCP segment: every byte is sent once, in order."""
        connection = self.rng.integers(CONNECTIONS, size=len(sizes))
        order = np.argsort(connection, kind="stable")
        sent = np.cumsum(sizes[order])
        before = np.empty_like(sizes)
        before[order] = sent - sizes[order]
        firsts = np.searchsorted(connection[order], np.arange(CONNECTIONS))
        edges = np.concatenate(([0], sent))[firsts]
        number = self.sent[connection] + before - edges[connection]
        self.sent[:] += np.bincount(connection, sizes, CONNECTIONS).astype(np.int64)
        return -1 - connection, number & 0xFFFFFFFF

    def _shape(
        self,
        kind: int,
        size: int,
        stream: NDArray[np.int64],
        index: NDArray[np.int64],
        time_ns: NDArray[np.int64],
    ) -> NDArray[np.void]:
        container = CONTAINERS[self.file_kind]
        if kind < 0:
            made = blank(container, OTHER_PARTS[kind], size, time_ns, {})
            made["body"] = self.rng.integers(256, size=made["body"].shape, dtype=np.uint8)
            return self._other(made, kind, stream, index)
        way = self.ways[kind]
        made = blank(container, way.parts, size, time_ns, way.fixed)
        made["body"] = self.rng.integers(256, size=made["body"].shape, dtype=np.uint8)
        return self._rtp(made, way, stream, index)

    def _rtp(
        self,
        made: NDArray[np.void],
        way: Way,
        stream: NDArray[np.int64],
        index: NDArray[np.int64],
    ) -> NDArray[np.void]:
        senders = self.senders
        made["src_port"] = senders.src_port[stream]
        made["dst_port"] = senders.dst_port[stream]
        made["second"] = senders.payload_type[stream] | np.where(index == 0, 0x80, 0)
        made["seq"] = (senders.sequence[stream] + index) & 0xFFFF
        made["ts"] = (senders.timestamp[stream] + index * senders.step[stream]) & 0xFFFFFFFF
        made["ssrc"] = senders.ssrc[stream]
        if way.network is IPV6:
            made["src6"][:, 0] = made["dst6"][:, 0] = 0x20010DB8
            made["src6"][:, 3] = senders.src[stream]
            made["dst6"][:, 3] = senders.dst[stream]
            return made
        made["src"] = senders.src[stream]
        made["dst"] = senders.dst[stream]
        made["ip_id"] = (index * len(senders.ssrc) + stream) & 0xFFFF
        checksum(made)
        return made

    @staticmethod
    def _other(
        made: NDArray[np.void], kind: int, stream: NDArray[np.int64], index: NDArray[np.int64]
    ) -> NDArray[np.void]:
        if kind == ARP_KIND:
            made["ether_type"] = 0x0806
            made["body"][:, :8] = (0, 1, 8, 0, 6, 4, 0, 1)
            return made
        made["src"], made["dst"] = 0x0A020001, 0x0A020002
        if kind == TCP_KIND:
            made["protocol"] = 6
            made["src_port"] = 443
            made["dst_port"] = 49152 - stream
            made["tcp_seq"] = index
        else:
            made["src_port"], made["dst_port"] = 53, 49152
        checksum(made)
        return made

    def _in_pieces(
        self,
        stream: NDArray[np.int64],
        index: NDArray[np.int64],
        time_ns: NDArray[np.int64],
        size: int,
    ) -> NDArray[np.uint8]:
        """Each packet, all of one size, as two frames, one behind the other."""
        container = CONTAINERS[self.file_kind]
        whole = self._shape(0, size, stream, index, time_ns)
        assert whole.dtype.fields is not None
        begin = whole.dtype.fields["src_port"][1]
        raw = whole.view(np.uint8).reshape(len(whole), -1)[:, begin:]
        head = (*ETHERNET_PARTS, ("", IPV4))
        frames = []
        for first, after in ((0, FIRST_PIECE), (FIRST_PIECE, raw.shape[1])):
            made = blank(container, head, bytes_of(head) + after - first, time_ns, {})
            made["body"] = raw[:, first:after]
            for name in ("src", "dst", "ip_id"):
                made[name] = whole[name]
            made["fragment"] = first // 8 | (0x2000 if not first else 0)
            checksum(made)
            frames.append(made.view(np.uint8).reshape(len(made), -1))
        return np.concatenate(frames, axis=1).ravel()


FIRST_PIECE = 552
"""Bytes of the first of two fragments: what a link of 576 bytes leaves, in units of eight."""

KINDS: dict[str, Callable[..., list[Truth]]] = {
    "many": many,
    "call": call,
    "mixed": mixed,
    "mixed_pcapng": mixed_pcapng,
    "tunnels": tunnels,
    "ipv6": ipv6,
    "fragments": fragments,
    "bulk": bulk,
    "pppoe": pppoe,
    "snap": snap,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write a capture for the benchmarks.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("path", type=Path)
    parser.add_argument("--packets", type=int, help="packets sent, the lost ones included")
    parser.add_argument("--seed", type=int)
    options = vars(parser.parse_args(arguments))
    write = KINDS[options.pop("kind")]
    write(
        options.pop("path"), **{key: value for key, value in options.items() if value is not None}
    )


if __name__ == "__main__":
    main()
