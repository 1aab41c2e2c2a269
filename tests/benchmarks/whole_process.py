"""rtpcap as a whole process: speed beside tshark, memory, start-up, decoding to WAV.

``python -m tests.benchmarks.whole_process [--packets N] [--rounds N]`` writes its captures into a
temporary folder, runs the programs in turn (so that a drifting machine hits both) and prints
medians and their ratio. Every run's answer is checked against what was generated.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks import generate
from tests.benchmarks.generate import Truth

RTPCAP = [sys.executable, "-m", "rtpcap"]
COMPARED = {
    "many": 1.0,
    "call": 0.18,
    "mixed": 1.0,
    "mixed_pcapng": 1.0,
    "tunnels": 1.0,
    "ipv6": 1.0,
    "fragments": 0.1,
    "bulk": 1.0,
}
"""What is compared with tshark, and how many of the packets asked for are sent in each."""
MEMORY_FIXED = 100 * 2**20
MEMORY_A_PACKET = 60


@dataclass(frozen=True)
class Run:
    """One run of a program."""

    seconds: float
    peak_bytes: int
    output: str


# An installed package has its compiled files.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def run(command: Sequence[str]) -> Run:
    """Run a program to its end; its peak resident memory is the kernel's figure for the child.

    That figure begins with what this process holds, which therefore has to stay small.
    """
    begin = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Run(seconds, usage.ru_maxrss * 1024, output)


def in_turn(rounds: int, **commands: Sequence[str]) -> dict[str, list[Run]]:
    """Run each command once a round, after one round that only warms the page cache."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            made = run(command)
            if number:
                runs[name].append(made)
    return runs


def median(runs: Sequence[Run]) -> float:
    return statistics.median(made.seconds for made in runs)


def check_streams(output: str, truth: Sequence[Truth]) -> None:
    """Whether ``rtpcap streams --format json`` printed what was generated."""
    told = {
        (row["ssrc"], row["src_port"]): (row["packets"], row["lost"]) for row in json.loads(output)
    }
    made = {
        (f"{stream.ssrc:#010x}", stream.src_port): (stream.packets, stream.lost) for stream in truth
    }
    if told != made:
        raise SystemExit("rtpcap streams does not print what was generated")


def check_tshark(output: str, truth: Sequence[Truth]) -> None:
    """Whether tshark found every generated stream with all its packets."""
    told = sorted(
        int(line.partition(" 0x")[2].replace(" X", "").split()[-9])
        for line in output.splitlines()
        if " 0x" in line
    )
    if told != sorted(stream.packets for stream in truth):
        raise SystemExit("tshark does not find what was generated")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def compare_streams(name: str, path: Path, truth: Sequence[Truth], rounds: int) -> None:
    commands = {"rtpcap": [*RTPCAP, "streams", "--format", "json", str(path)]}
    tshark = shutil.which("tshark")
    if tshark is not None:
        heuristic = ["--enable-heuristic", "rtp_udp"]
        commands["tshark"] = [tshark, "-n", "-q", "-z", "rtp,streams", *heuristic, "-r", str(path)]
    runs = in_turn(rounds, **commands)
    check_streams(runs["rtpcap"][-1].output, truth)
    ours = median(runs["rtpcap"])
    packets = sum(stream.packets for stream in truth)
    frames = json.loads(run([*RTPCAP, "info", "--format", "json", str(path)]).output)[0]["packets"]
    text = f"streams, {name}: {ours:.3f} s ({frames / ours:,.0f} frames/s of {frames:,})"
    if "tshark" in runs:
        check_tshark(runs["tshark"][-1].output, truth)
        theirs = median(runs["tshark"])
        text += f"; tshark {theirs:.2f} s, {theirs / ours:.1f} times as long"
    say(text)
    say_memory(runs["rtpcap"], packets)


def say_memory(runs: Sequence[Run], packets: int) -> None:
    peak = max(made.peak_bytes for made in runs)
    allowed = MEMORY_FIXED + MEMORY_A_PACKET * packets
    say(f"  peak memory {peak / 2**20:.0f} MiB, allowed {allowed / 2**20:.0f} MiB")


def time_decode(path: Path, truth: Sequence[Truth], folder: Path, rounds: int) -> None:
    packets = sum(stream.packets for stream in truth)
    runs = []
    for number in range(rounds):
        out = folder / f"out-{number}"
        runs.append(run([*RTPCAP, "decode", str(path), "-o", str(out), "--jobs", "1"]))
        written = list(out.glob("*.wav"))
        # Mono, 16 bits: two bytes a sample, 160 samples a packet sent, and the header.
        size = sum(file.stat().st_size for file in written)
        samples = 160 * sum(stream.sent for stream in truth)
        if len(written) != len(truth) or not 0 <= size - 2 * samples < 200 * len(written):
            raise SystemExit("rtpcap decode does not write every sample of every stream")
        for file in written:
            file.unlink()
    took = median(runs)
    rate = packets / took
    say(f"decode to WAV: {took:.3f} s ({rate:,.0f} packets/s, {rate / 50:,.0f} times real time)")
    say_memory(runs, packets)


def time_start(path: Path, rounds: int) -> None:
    runs = in_turn(rounds, help=[*RTPCAP, "--help"], streams=[*RTPCAP, "streams", str(path)])
    say(f"rtpcap --help: {median(runs['help']) * 1000:.0f} ms")
    size = path.stat().st_size / 1e6
    say(f"rtpcap streams on {size:.1f} MB: {median(runs['streams']) * 1000:.0f} ms")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Time rtpcap as a whole process.")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=(*COMPARED, "decode", "start"), action="append")
    options = parser.parse_args(arguments)

    def wanted(name: str) -> bool:
        return options.only is None or name in options.only

    # Captures are made in a process of its own: see `run`.
    maker = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with maker, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, share in COMPARED.items():
            if wanted(kind) or (kind == "many" and wanted("decode")):
                path = folder / kind
                packets = int(options.packets * share)
                truth = maker.submit(generate.KINDS[kind], path, packets).result()
                if wanted(kind):
                    compare_streams(kind, path, truth, options.rounds)
                if kind == "many" and wanted("decode"):
                    time_decode(path, truth, folder, options.rounds)
                path.unlink()
        if wanted("start"):
            small = folder / "small.pcap"
            maker.submit(generate.many, small, 4400, 2).result()
            time_start(small, max(options.rounds, 11))


if __name__ == "__main__":
    main()
