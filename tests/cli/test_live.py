"""The verbs replay and record."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import wave
from pathlib import Path

import numpy as np
import pytest

import rtpcap as package
from tests.cli.harness import FIXTURES, process, rtpcap, run_process
from tests.live.loopback import free_port
from tests.streams.made import rtp

PCMU = FIXTURES / "ff-pcmu.pcap"
CALL = FIXTURES / "pj-pcmu.pcap"


def start_recording(*arguments: str | Path) -> subprocess.Popen[str]:
    """``rtpcap record``, when it listens."""
    running = subprocess.Popen(
        process("record", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    assert running.stderr.readline().startswith("rtpcap: listening at ")
    return running


def end(running: subprocess.Popen[str], how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    running.send_signal(how)
    out, _ = running.communicate(timeout=30)
    return running.returncode, out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_recorded_again_is_the_same_stream(tmp_path: Path, how: signal.Signals) -> None:
    port, out = free_port(), tmp_path / "again.pcap"
    running = start_recording("--listen", f"127.0.0.1:{port}", "-o", out, "--format", "json")
    done = rtpcap("replay", PCMU, "--to", f"127.0.0.1:{port}", "--speed", "20", "--format", "json")
    assert (done.code, done.err) == (0, "")
    code, printed = end(running, how)
    assert code == 0
    before, after = package.open(PCMU).streams[0], package.open(out).streams[0]
    (sent,) = done.rows()
    assert (sent["streams"], sent["packets"]) == (1, len(before))
    assert [before.packets.raw(i) for i in range(len(before))] == [
        after.packets.raw(i) for i in range(len(after))
    ]
    assert (after.dst, after.dst_port) == ("127.0.0.1", port)
    assert '"codec": "PCMU"' in printed
    with wave.open(str(out.with_suffix(".wav"))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    np.testing.assert_array_equal(samples, before.audio().samples)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.pcap", "again.wav"]


def test_the_sides_of_a_call_go_to_two_targets(tmp_path: Path) -> None:
    port, out = free_port(), tmp_path / "call.pcap"
    listen = ["--listen", f"127.0.0.1:{port}", "--listen", f"127.0.0.1:{port + 1}"]
    running = start_recording(*listen, "-o", out)
    call = package.open(CALL).calls[0]
    to = ["--to", f"127.0.0.1:{port}", "--to", f"127.0.0.1:{port + 1}"]
    done = rtpcap("replay", CALL, *to, "--speed", "20", "--call", call.call_id)
    assert done.code == 0
    assert end(running)[0] == 0
    streams = package.open(out, rtp=[f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"]).streams
    assert {(s.ssrc, s.dst_port) for s in streams} == {
        *((s.ssrc, port) for s in call.left),
        *((s.ssrc, port + 1) for s in call.right),
    }
    assert {p.name for p in tmp_path.glob("*.wav")} == {
        f"call-0x{s.ssrc:08x}.wav" for s in call.streams
    }


def test_replay_from_standard_input_in_loops_and_rewritten() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        to = f"127.0.0.1:{peer.getsockname()[1]}"
        options = ["--speed", "50", "--loop", "2", "--set-ssrc", "0xcafe", "--set-sequence", "7"]
        with PCMU.open("rb") as file:
            done = subprocess.run(
                process("replay", "-", "--to", to, *options, "--set-pt", "0=96"),
                stdin=file,
                capture_output=True,
                text=True,
                check=False,
            )
        assert (done.returncode, done.stderr) == (0, "")
        count = 2 * len(package.open(PCMU).streams[0])
        peer.settimeout(5)
        packets = [peer.recv(2048) for _ in range(count)]
    numbers = [int.from_bytes(data[2:4], "big") for data in packets]
    assert numbers == [7 + i for i in range(count)]
    assert {data[8:12] for data in packets} == {b"\x00\x00\xca\xfe"}
    assert {data[1] & 0x7F for data in packets} == {96}


def test_interrupted_it_still_reports() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10)
        to = f"127.0.0.1:{peer.getsockname()[1]}"
        running = subprocess.Popen(
            process("replay", PCMU, "--to", to, "--loop", "100"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3):
            peer.recv(2048)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert err == ""
    assert "late_median_ms" in out


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["replay", "none.pcap", "--to", "127.0.0.1:9"], 3, "none.pcap: No such file"),
        (["replay", PCMU, "--to", "127.0.0.1:9", "--ssrc", "1"], 1, "no RTP stream matched"),
        (["replay", PCMU, "--to", "127.0.0.1:9", "--call", "x"], 1, "no RTP stream matched"),
        (["replay", PCMU, "--to", "no-such-host.invalid:9"], 4, "no-such-host.invalid port 9"),
        (["replay", PCMU, "--to", "239.1.1.1:9"], 2, "239.1.1.1:9 is no single receiver: --yes"),
        (["replay", PCMU, "--to", "255.255.255.255:9"], 2, "no single receiver: --yes"),
        (
            ["replay", PCMU, "--to", "127.0.0.1:9", "--speed", "1000000", "--loop", "1000"],
            2,
            "--yes",
        ),
        (["replay", PCMU], 2, "--to"),
        (["replay", PCMU, "--to", "9"], 2, "'9' is not HOST:PORT"),
        (["replay", PCMU, "--to", "127.0.0.1:0"], 2, "one target"),
        (["replay", PCMU, "--to", "127.0.0.1:65536"], 2, "is not HOST:PORT"),
        (["replay", PCMU, "--to", "a:1", "--to", "b:1", "--to", "c:1"], 2, "one target, or two"),
        (["replay", PCMU, "--to", "127.0.0.1:9", "--set-pt", "96"], 2, "is not OLD=NEW"),
        (["replay", PCMU, "--to", "127.0.0.1:9", "--set-pt", "0=128"], 2, "is not OLD=NEW"),
        (["replay", PCMU, "--to", "127.0.0.1:9", "--set-ssrc", "1e9"], 2, "is not 32 bits"),
        (["replay", CALL, "--to", "127.0.0.1:9", "--set-ssrc", "1"], 2, "--set-ssrc is for one"),
        (["replay", PCMU, "--to", "127.0.0.1:9", "--loop", "0"], 2, "--loop"),
        (["record", "--listen", "9", "-o", "x.wav"], 2, "does not end with .pcap"),
        (["record", "--listen", "x", "-o", "x.pcap"], 2, "is not [HOST:]PORT"),
        (["record", "--listen", "0", "-o", "x.pcap", "--duration", "0"], 2, "--duration"),
        (
            ["record", "--listen", "127.0.0.1:0", "-o", "no/x.pcap", "--duration", "9"],
            4,
            "no/x.pcap",
        ),
    ],
    ids=lambda value: " ".join(map(str, value[2:])) if isinstance(value, list) else "",
)
def test_bad_input_is_one_clear_line_and_the_right_code(
    given: list[str | Path], code: int, said: str
) -> None:
    done = rtpcap(*given)
    lines = [line for line in done.err.splitlines() if "listening at" not in line]
    assert done.code == code, done.err
    assert len(lines) == 1
    assert said in lines[0]


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = run_process("record", "--listen", f"127.0.0.1:{port}", "-o", tmp_path / "x.pcap")
    assert done.code == 4
    assert done.err == f"rtpcap: 127.0.0.1:{port}: Address already in use\n"
    assert list(tmp_path.iterdir()) == []


def test_nothing_recorded_is_a_whole_empty_pcap(tmp_path: Path) -> None:
    out = tmp_path / "x.pcap"
    done = rtpcap("record", "--listen", "127.0.0.1:0", "-o", out, "--duration", "0.05")
    assert done.code == 1
    assert done.err.endswith("rtpcap: no RTP stream matched\n")
    assert len(list(package.open(out).datagrams)) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["x.pcap"]


def test_recording_ends_after_its_duration_and_names_what_is_told(tmp_path: Path) -> None:
    out, port = tmp_path / "x.pcap", free_port()
    running = start_recording(
        *("--listen", f"127.0.0.1:{port}", "-o", out, "--duration", "0.5", "--map", "96=PCMA/8000")
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        number = 0
        while running.poll() is None:
            data = rtp(number, 160 * number, payload_type=96)
            peer.sendto(data, ("127.0.0.1", port))
            number += 1
            time.sleep(0.005)
    printed, _ = running.communicate(timeout=20)
    assert running.returncode == 0
    assert "PCMA" in printed
    assert out.with_suffix(".wav").exists()
