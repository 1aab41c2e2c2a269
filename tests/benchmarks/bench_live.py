"""Live figures: ``pytest tests/benchmarks/bench_live.py -s``. Loopback only; 20 s, mostly asleep.

``python -m tests.benchmarks.bench_live soak`` is the soak: 10 minutes (or so many seconds) of two
clients that talk to each other while hostile datagrams arrive in between.
"""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from rtpcap import PayloadType, RTPClient, RTPMessage, TransmitType
from rtpcap.live import Outlets, Replay, Target, parts_of, send
from tests.benchmarks.bench_objects import PACKETS, packets, timed
from tests.capture.build import Frame, ethernet, ipv4, pcap, udp
from tests.live.loopback import client, pair
from tests.streams.made import rtp

SECONDS = 8


def test_parse_packet(benchmark: BenchmarkFixture) -> None:
    raw = packets(PACKETS)
    made: list[RTPClient] = []

    def work() -> None:
        one = client(assoc={0: PayloadType.PCMU})
        for data in raw:
            one.parse_packet(data)
        made[:] = [one]

    timed(benchmark, work, PACKETS)
    source = made[0].statistics().source
    assert source is not None
    assert (source.packets, source.lost) == (PACKETS, 0)


def test_the_mean_sending_interval_is_20_ms() -> None:
    times, ticks = [], []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        with client(to=peer.getsockname()[1]):
            for _ in range(50 * SECONDS + 1):
                data = peer.recv(2048)
                times.append(time.monotonic_ns())
                ticks.append(RTPMessage(data, {0: PayloadType.PCMU}).timestamp)
    # The slope of all arrivals: one that was seen late at either end says nothing of the others.
    mean_ms = float(np.polyfit(np.arange(len(times)), np.array(times) - times[0], 1)[0]) / 1e6
    sys.stdout.write(f"\nmean of {len(times) - 1} intervals: {mean_ms:.4f} ms\n")
    assert set(np.diff(np.array(ticks)) % (1 << 32)) == {160}
    assert mean_ms == pytest.approx(20, abs=0.02)


def many(folder: Path, streams: int, seconds: float) -> rtpcap.Capture:
    """A capture of so many streams of 50 packets/s, spread over each 20 ms."""
    frames = []
    for i in range(round(50 * seconds)):
        for number in range(streams):
            data = rtp(i, 160 * i, payload_type=0, ssrc=1000 + number)
            datagram = udp(data, src_port=10_000 + 2 * number, dst_port=30_000 + 2 * number)
            when = 20_000_000 * i + 20_000_000 * number // streams
            frames.append(Frame(ethernet(ipv4(datagram)), 1_700_000_000_000_000_000 + when))
    path = folder / f"{streams}.pcap"
    path.write_bytes(pcap(frames, nanoseconds=True))
    return rtpcap.open(path)


RECEIVER = """
import socket, sys
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
peer.bind(("127.0.0.1", 0))
print(peer.getsockname()[1], flush=True)
peer.settimeout(3)
count = 0
try:
    while True:
        peer.recv(2048)
        count += 1
except TimeoutError:
    print(count)
"""


@pytest.mark.parametrize(("streams", "seconds"), [(50, 5.0), (500, 5.0)])
def test_replay_of_many_streams_from_one_process(
    streams: int, seconds: float, tmp_path: Path
) -> None:
    replay = Replay(parts_of(list(many(tmp_path, streams, seconds).streams)))
    assert len(replay.parts) == streams
    with subprocess.Popen(
        [sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True
    ) as receiver:
        assert receiver.stdout is not None
        target = Target("127.0.0.1", int(receiver.stdout.readline()))
        outlets = Outlets(replay, [target] * streams)
        lateness = send(replay, outlets)
        outlets.close()
        received = int(receiver.stdout.read())
    sys.stdout.write(f"\n{streams} streams: {lateness!r}, {received:,} received\n")
    assert received == lateness.packets == len(replay) == round(streams * 50 * seconds)
    assert (outlets.refused, outlets.failed) == (0, 0)


def hostile(rng: random.Random) -> bytes:
    """A datagram that no good sender would send, or one of another session."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(0, 200))
    if kind == 1:
        return b"\x80" + rng.randbytes(rng.randrange(0, 40))
    if kind == 2:
        return bytes([0x80, 192 + rng.randrange(32)]) + rng.randbytes(rng.randrange(0, 60))
    if kind == 3:
        head = (0x80 | rng.randrange(64), rng.randrange(256), rng.getrandbits(16))
        return struct.pack(">BBHII", *head, rng.getrandbits(32), rng.getrandbits(32)) + b"x" * 20
    if kind == 4:
        return bytes.fromhex("000100002112a442") + rng.randbytes(12)
    return rtp(rng.getrandbits(16), rng.getrandbits(32), payload_type=0, ssrc=rng.getrandbits(3))


def soak(seconds: float) -> None:
    """Two clients for so long; each good packet of the one has to be heard by the other."""
    rng = random.Random(1)
    one, other = pair()
    heard = bytearray()
    with one, other, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        end = time.monotonic() + seconds
        threads = threading.active_count()
        sent = 0
        while time.monotonic() < end:
            one.write(bytes([rng.randrange(1, 256)]) * 160)
            for _ in range(rng.randrange(8)):
                peer.sendto(hostile(rng), ("127.0.0.1", other.inPort))
                sent += 1
            heard += other.read(other.unread, blocking=False) if other.unread else b""
            time.sleep(0.02)
        time.sleep(0.5)
        one.sendrecv = TransmitType.RECVONLY
        time.sleep(0.5)
        ours = one.statistics()
        theirs = {source.ssrc: source for source in other.statistics().sources}[ours.ssrc]
        assert threading.active_count() == threads
    heard += other.read(other.unread, blocking=False) if other.unread else b""
    sys.stdout.write(
        f"{ours.sent_packets:,} packets, {theirs.lost} lost, {sent:,} hostile datagrams between\n"
        f"ignored: {other.statistics().ignored}\n"
    )
    assert theirs.lost == 0
    assert theirs.packets == ours.sent_packets
    assert len(heard) >= 160 * (ours.sent_packets - 10)


if __name__ == "__main__":
    assert sys.argv[1:2] == ["soak"], __doc__
    soak(float(sys.argv[2]) if len(sys.argv) > 2 else 600)
