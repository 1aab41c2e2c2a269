"""Delta, skew and bandwidth as Wireshark computes them, asked of its own programs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.reference.rules import COMFORT_NOISE, Arrival

__all__ = ["Analysed", "Delta", "analyse", "deltas", "tshark_delta"]

StreamKey = tuple[str, int, str, int, int]
"""src, src_port, dst, dst_port, ssrc."""


@dataclass(frozen=True)
class Delta:
    """Smallest, mean and largest delta of a stream in milliseconds."""

    least: float
    mean: float
    most: float


@dataclass(frozen=True)
class Analysed:
    """What Wireshark's RTP analysis shows of a packet, as rounded there."""

    frame: int
    delta_ms: float
    skew_ms: float
    kbps: float


def tshark_delta(packets: Iterable[Arrival]) -> Delta:
    """tshark 4.0.17's delta, for packets in order of arrival.

    The first packet has none, nor one whose timestamp lies before the first's: these count in the
    total and move nothing. Marked packets, comfort noise and the packet after comfort noise have a
    delta that no figure takes in; the mean is divided by the count of all packets after the first.
    A stream where that leaves none has -1, 0, 0.
    """
    least, mean, most = -1.0, 0.0, 0.0
    first: int | None = None
    extended = total = before = 0
    after_noise = False
    for packet in packets:
        noise = packet.payload_type in COMFORT_NOISE
        if first is None:
            first = extended = packet.timestamp
            before, after_noise = packet.time_ns, noise
            continue
        step = (packet.timestamp - extended) % 2**32
        extended += step - 2**32 if step >= 2**31 else step
        total += 1
        if extended >= first:
            delta = (packet.time_ns - before) / 1e6
            if not (packet.marker or noise or after_noise):
                least = delta if least < 0 else min(least, delta)
                most = max(most, delta)
                mean = (mean * (total - 1) + delta) / total
            before = packet.time_ns
        after_noise = noise
    return Delta(least, mean, most)


def deltas(tshark: str, capture: Path) -> dict[StreamKey, tuple[int, Delta]]:
    """Packets and delta of the streams of ``-z rtp,streams``; keys seen twice are left out."""
    command = [tshark, "-n", "-o", "rtp.heuristic_rtp:TRUE", "-r", str(capture)]
    ran = subprocess.run(
        [*command, "-q", "-z", "rtp,streams"], capture_output=True, text=True, check=True
    )
    found: dict[StreamKey, tuple[int, Delta]] = {}
    twice = set()
    for line in ran.stdout.splitlines():
        before, ssrc, after = line.partition(" 0x")
        addresses, words = before.split(), after.split()
        if not ssrc or len(addresses) != 6:
            continue
        if words[-1] == "X":
            words.pop()
        src, src_port, dst, dst_port = addresses[2:]
        key = (src, int(src_port), dst, int(dst_port), int(words[0], 16))
        if key in found:
            twice.add(key)
        found[key] = int(words[-9]), Delta(*(float(word) for word in words[-6:-3]))
    return {key: value for key, value in found.items() if key not in twice}


def analyse(
    sharkd: str, wanted: Sequence[tuple[Path, Sequence[StreamKey]]]
) -> dict[tuple[Path, StreamKey], list[Analysed]]:
    """Wireshark's RTP analysis of streams of several captures, by one run of ``sharkd``."""
    requests: list[dict[str, object]] = []
    asked: dict[int, tuple[Path, StreamKey]] = {}

    def ask(method: str, **parameters: str) -> int:
        number = len(requests) + 1
        requests.append({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        return number

    ask("setconf", name="rtp.heuristic_rtp", value="TRUE")
    for capture, keys in wanted:
        ask("load", file=str(capture))
        for key in keys:
            src, src_port, dst, dst_port, ssrc = key
            what = f"rtp-analyse:{src}_{src_port}_{dst}_{dst_port}_{ssrc:X}"
            asked[ask("tap", tap0=what)] = capture, key
    text = "".join(json.dumps(request) + "\n" for request in requests)
    ran = subprocess.run([sharkd, "-"], input=text, capture_output=True, text=True, check=True)
    found: dict[tuple[Path, StreamKey], list[Analysed]] = {}
    for line in ran.stdout.splitlines():
        if not line.startswith('{"jsonrpc"'):
            continue
        answer = json.loads(line)
        taps = answer.get("result", {}).get("taps")
        if answer["id"] in asked and taps:
            found[asked[answer["id"]]] = [
                Analysed(item["f"], item["d"], item["sk"], item["bw"])
                for item in taps[0].get("items", [])
            ]
    return found
