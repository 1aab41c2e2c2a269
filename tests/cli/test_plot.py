"""plot: a picture of a capture's streams."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.cli.harness import FIXTURES, rtpcap
from tests.views.build import Sent, capture

CALL = FIXTURES / "pj-pcmavad.pcap"


def size_of(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_picture_of_every_stream(tmp_path: Path) -> None:
    done = rtpcap("plot", CALL, "-o", tmp_path / "both.png")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert rtpcap("plot", CALL, "-o", tmp_path / "one.png", "--src", "127.0.0.1:4100").code == 0
    both, one = size_of(tmp_path / "both.png"), size_of(tmp_path / "one.png")
    assert both[0] == one[0] == 1600
    assert both[1] == 2 * one[1]


def test_width_and_other_formats(tmp_path: Path) -> None:
    assert rtpcap("plot", CALL, "-o", tmp_path / "c.png", "--width", "400").code == 0
    assert size_of(tmp_path / "c.png")[0] == 400
    assert rtpcap("plot", CALL, "-o", tmp_path / "c.pdf").code == 0
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")
    assert rtpcap("plot", CALL, "-o", tmp_path / "c.SVG").code == 0


def test_no_stream_no_picture(tmp_path: Path) -> None:
    done = rtpcap("plot", CALL, "-o", tmp_path / "c.png", "--ssrc", "1")
    assert (done.code, done.err) == (1, "rtpcap: no RTP stream matched\n")
    assert rtpcap("plot", tmp_path / "missing", "-o", tmp_path / "c.png").code == 3
    assert list(tmp_path.iterdir()) == []


def test_of_many_streams_the_first(tmp_path: Path) -> None:
    sent = [
        Sent(i // 12, 160 * (i // 12), 0.02 * i / 12, ssrc=1000 + i % 12, src_port=5000 + i % 12)
        for i in range(360)
    ]
    path = capture(tmp_path / "c.pcap", sent)
    done = rtpcap("plot", path, "-o", tmp_path / "c.png", "--width", "400")
    assert done.code == 0
    assert done.err == "rtpcap: 8 of 12 streams are drawn: choose with --ssrc\n"


@pytest.mark.parametrize("kind", ["jitter", "ladder", "call", "timeline"])
def test_other_kinds(tmp_path: Path, kind: str) -> None:
    done = rtpcap(
        "plot", CALL, "-o", tmp_path / "c.png", "--kind", kind, "--width", "400", "--dark"
    )
    assert (done.code, done.out, done.err) == (0, "", "")
    assert size_of(tmp_path / "c.png")[0] == 400


def test_height_and_dpi(tmp_path: Path) -> None:
    size = ("--width", "900", "--height", "333", "--dpi", "150")
    assert rtpcap("plot", CALL, "-o", tmp_path / "c.png", *size).code == 0
    assert size_of(tmp_path / "c.png") == (900, 333)


def test_no_call_no_picture_of_one(tmp_path: Path) -> None:
    for kind in ("call", "ladder"):
        done = rtpcap("plot", CALL, "-o", tmp_path / "c.png", "--kind", kind, "--call", "nobody")
        assert (done.code, done.err) == (1, "rtpcap: no call matched\n")
    # Of a call that has a chosen stream there is one.
    chosen = ("--kind", "call", "--src", "127.0.0.1:4100", "--width", "400")
    assert rtpcap("plot", CALL, "-o", tmp_path / "c.png", *chosen).code == 0
