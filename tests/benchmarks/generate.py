"""Captures for the benchmarks, with the truth about every stream in them.

``python -m tests.benchmarks.generate many|call|mixed PATH [--packets N] [--seed N]``

* `many`: G.711 mu-law, 20 ms, in 100 interleaved streams (230 bytes a record);
* `call`: one call, two directions of G.711 mu-law (half an hour is 180,000 packets sent);
* `mixed`: six packet sizes in 100 streams, one frame in ten is something else (TCP, DNS, ARP).

One packet in a hundred is lost. All of it is drawn from one seeded generator and written with
whole-array numpy, Ethernet and IPv4 in a classic pcap of microseconds.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["Truth", "call", "many", "mixed"]

LOSS = 0.01
PACKET_MS = 20
START_S = 1_700_000_000
JITTER_NS = 500_000
"""Scale of the exponential delay that every packet gets; cut at four times this, so that no
packet overtakes the one before it."""
FRAMES_AT_ONCE = 100_000

# Number, payload bytes and ticks of a packet: the six sizes of `mixed`.
SIZES = ((18, 20, 160), (4, 24, 240), (3, 33, 160), (8, 80, 80), (0, 160, 160), (0, 240, 240))

FRAME_HEAD = np.dtype(
    [
        ("ts_s", "<u4"),
        ("ts_us", "<u4"),
        ("captured", "<u4"),
        ("original", "<u4"),
        ("macs", "u1", 12),
        ("ether_type", ">u2"),
    ]
)
IPV4 = np.dtype(
    [
        ("version_ihl", "u1"),
        ("tos", "u1"),
        ("ip_length", ">u2"),
        ("ip_id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("ip_sum", ">u2"),
        ("src", ">u4"),
        ("dst", ">u4"),
    ]
)
UDP = np.dtype(
    [("src_port", ">u2"), ("dst_port", ">u2"), ("udp_length", ">u2"), ("udp_sum", ">u2")]
)
RTP = np.dtype([("first", "u1"), ("second", "u1"), ("seq", ">u2"), ("ts", ">u4"), ("ssrc", ">u4")])
RECORD_HEADER = 16


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
    return _write(path, _senders(rng, streams, [SIZES[4]]), packets // streams, 0.0, rng)


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
    return _write(path, both, packets // 2, 0.0, rng)


def mixed(path: Path, packets: int = 1_000_000, streams: int = 100, seed: int = 3) -> list[Truth]:
    """Write `packets` frames of six RTP sizes, a tenth of them other traffic."""
    rng = np.random.default_rng(seed)
    sent = int(packets * 0.9 / (1 - LOSS)) // streams
    return _write(path, _senders(rng, streams, SIZES), sent, 0.1, rng)


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
    path: Path, senders: _Senders, sent: int, other: float, rng: np.random.Generator
) -> list[Truth]:
    """Write `sent` packets of each sender less the lost ones, and a share `other` of other frames.

    A stream's first and last packet are never lost, so that what was sent can be told from the
    capture.
    """
    streams = len(senders.ssrc)
    kept = rng.random((sent, streams)) >= LOSS
    kept[[0, -1]] = True
    index, stream = np.nonzero(kept)
    packet_ns = senders.step * 125_000  # all six have a clock of 8000 Hz
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

    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for begin in range(0, len(stream), FRAMES_AT_ONCE):
            part = slice(begin, begin + FRAMES_AT_ONCE)
            _write_frames(file, senders, stream[part], index[part], time_ns[part], rng)
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


def _write_frames(
    file: BinaryIO,
    senders: _Senders,
    stream: NDArray[np.int64],
    index: NDArray[np.int64],
    time_ns: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    """Write the frames in order; each kind and size is made as one array, then scattered."""
    is_rtp = stream >= 0
    rtp_bytes = FRAME_HEAD.itemsize + IPV4.itemsize + UDP.itemsize + RTP.itemsize
    size = np.where(is_rtp, rtp_bytes + senders.size[stream], 0)
    kind = np.where(is_rtp, 0, rng.integers(1, 4, size=len(stream)))  # 1 TCP, 2 DNS, 3 ARP
    body = rng.integers(6, 60, size=len(stream)) * 4
    rest = FRAME_HEAD.itemsize + np.where(kind == 3, 28, IPV4.itemsize + body)
    size = np.where(is_rtp, size, rest)
    begin = np.cumsum(size) - size
    out = np.zeros(int(size.sum()), dtype=np.uint8)
    for shape in np.unique(np.stack((kind, size)), axis=1).T:
        rows = np.flatnonzero((kind == shape[0]) & (size == shape[1]))
        frames = _frames(senders, int(shape[0]), int(shape[1]), stream[rows], index[rows], rng)
        frames["ts_s"] = START_S + time_ns[rows] // 1_000_000_000
        frames["ts_us"] = time_ns[rows] % 1_000_000_000 // 1000
        record = f"V{shape[1]}"
        places = np.ndarray(len(out) - int(shape[1]) + 1, record, out, strides=(1,))
        places[begin[rows]] = frames.view(record)
    file.write(out.data)


def _frames(
    senders: _Senders,
    kind: int,
    size: int,
    stream: NDArray[np.int64],
    index: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.void]:
    """Frames of one kind and size (with their record headers), times left at zero."""
    parts = {
        0: (FRAME_HEAD, IPV4, UDP, RTP),
        1: (FRAME_HEAD, IPV4),
        2: (FRAME_HEAD, IPV4, UDP),
        3: (FRAME_HEAD,),
    }[kind]
    head = sum(part.itemsize for part in parts)
    layout = [field for part in parts for field in part.descr]
    frames = np.zeros(len(stream), dtype=np.dtype([*layout, ("body", "u1", size - head)]))
    frames["captured"] = frames["original"] = size - RECORD_HEADER
    frames["macs"] = np.frombuffer(bytes.fromhex("02000000000b02000000000a"), dtype=np.uint8)
    frames["ether_type"] = 0x0806 if kind == 3 else 0x0800
    frames["body"] = rng.integers(256, size=frames["body"].shape, dtype=np.uint8)
    if kind == 3:
        frames["body"][:, :8] = (0, 1, 8, 0, 6, 4, 0, 1)
        return frames
    frames["version_ihl"] = 0x45
    frames["ip_length"] = size - FRAME_HEAD.itemsize
    frames["ip_id"] = rng.integers(1 << 16, size=len(stream))
    frames["ttl"] = 64
    frames["protocol"] = 6 if kind == 1 else 17
    frames["src"] = 0x0A020001 if kind else senders.src[stream]
    frames["dst"] = 0x0A020002 if kind else senders.dst[stream]
    if kind == 1:
        frames["body"][:, :4] = (0xC0, 0x00, 0x01, 0xBB)
        frames["body"][:, 12] = 0x50
    else:
        frames["src_port"] = 53 if kind else senders.src_port[stream]
        frames["dst_port"] = 49152 if kind else senders.dst_port[stream]
        frames["udp_length"] = size - FRAME_HEAD.itemsize - IPV4.itemsize
    if kind == 0:
        frames["first"] = 0x80
        frames["second"] = senders.payload_type[stream] | np.where(index == 0, 0x80, 0)
        frames["seq"] = (senders.sequence[stream] + index) & 0xFFFF
        frames["ts"] = (senders.timestamp[stream] + index * senders.step[stream]) & 0xFFFFFFFF
        frames["ssrc"] = senders.ssrc[stream]
    frames["ip_sum"] = _ip_checksum(frames)
    return frames


def _ip_checksum(frames: NDArray[np.void]) -> NDArray[np.int64]:
    """The header checksum of RFC 791 for each frame, its own field being zero."""
    first = FRAME_HEAD.itemsize
    raw = frames.view(np.uint8).reshape(len(frames), -1)[:, first : first + IPV4.itemsize]
    words: NDArray[np.int64] = np.ascontiguousarray(raw).view(">u2").sum(axis=1, dtype=np.int64)
    words = (words & 0xFFFF) + (words >> 16)
    words = (words & 0xFFFF) + (words >> 16)
    return words ^ 0xFFFF


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write a capture for the benchmarks.")
    parser.add_argument("kind", choices=("many", "call", "mixed"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--packets", type=int, help="packets sent, the lost ones included")
    parser.add_argument("--seed", type=int)
    options = vars(parser.parse_args(arguments))
    kinds: dict[str, Callable[..., list[Truth]]] = {"many": many, "call": call, "mixed": mixed}
    write = kinds[options.pop("kind")]
    write(
        options.pop("path"), **{key: value for key, value in options.items() if value is not None}
    )


if __name__ == "__main__":
    main()
