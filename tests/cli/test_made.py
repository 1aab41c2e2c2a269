"""The verbs make and impair."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.harness import json_of, rtpcap


@pytest.fixture
def said(tmp_path: Path) -> Path:
    path = tmp_path / "said.wav"
    time = np.arange(16000) / 8000
    soundfile.write(path, np.sin(2 * np.pi * 440 * time) / 4, 8000)
    return path


def test_make_then_impair(said: Path, tmp_path: Path) -> None:
    clean, bad = tmp_path / "clean.pcap", tmp_path / "bad.pcap"
    (made,) = json_of("make", said, "-o", clean, "--codec", "G722", "--digits", "42")
    # Two seconds in packets of 20 ms; INVITE, 180, 200, ACK, BYE, 200.
    assert (made["codec"], made["packets"], made["frames"]) == ("G722/8000", 100, 106)
    assert [row["digit"] for row in json_of("dtmf", clean)] == ["4", "2"]
    (done,) = json_of("impair", clean, "-o", bad, "--loss-pct", "10", "--seed", "4")
    truth = json.loads((tmp_path / "bad.pcap.json").read_text())
    lost = [change for change in truth["packets"] if change["done"] == ["lost"]]
    (stream,) = json_of("streams", bad)
    assert stream["lost"] == done["lost"] == len(lost) > 0


def test_what_is_asked_for_wrongly_is_usage(said: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    for given, says in [
        (("make", tmp_path / "none.wav", "-o", out), "none.wav: No such file"),
        (("make", said, "-o", out, "--codec", "G729"), "no encoder for G729"),
        (("make", said, "-o", out, "--caller", "here"), "'here' is not HOST:PORT"),
        (("make", said, "-o", tmp_path / "none" / "a.pcap"), "No such file"),
        (("impair", "fixtures/ff-pcmu.pcap", "-o", out, "--loss-pct", "100"), "loss_pct is 100"),
        (("impair", "fixtures/ff-pcmu.pcap", "-o", tmp_path / "out.wav"), "does not end with"),
    ]:
        done = rtpcap(*given)
        assert (done.code, done.out) == (2, "")
        assert says in done.err
        assert done.err.count("\n") == 1
    done = rtpcap("impair", "fixtures/ff-pcmu.pcap", "-o", out, "--ssrc", "1")
    assert (done.code, done.err) == (1, "rtpcap: no RTP stream matched\n")
    done = rtpcap("impair", said, "-o", out)
    assert done.code == 3
    assert not out.exists()
