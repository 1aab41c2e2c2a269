"""Made captures hold what they were made from, as we and as other programs read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

import rtpcap
from rtpcap import CodecUnavailable, Format
from rtpcap.codecs import encodable, find_encoder
from rtpcap.codecs.g711 import MU_LAW, encode_mu_law
from rtpcap.testing.making import make
from rtpcap.testing.making.sound import Samples, Sound
from tests.peers import require

RATE = 8000


def speech_like(seconds: float = 1.0, seed: int = 1) -> Samples:
    """Noise, low-pass by a mean over eight samples: no two packets are alike."""
    noise = np.random.default_rng(seed).normal(0, 9000, round(seconds * RATE) + 7)
    return np.convolve(noise, np.ones(8) / 8, "valid").astype(np.int16)


def test_g711_comes_back_as_the_table_says(tmp_path: Path) -> None:
    caller, callee = speech_like(seed=1), speech_like(seed=2)
    made = make(tmp_path / "a.pcap", (np.stack([caller, callee], axis=1), RATE), packet_ms=40)
    capture = rtpcap.open(tmp_path / "a.pcap")
    (call,) = capture.calls
    assert [call.caller, call.callee] == ["sip:caller@192.0.2.1", "sip:callee@198.51.100.2"]
    assert (call.state, made.packets, capture.frames) == ("completed", 50, made.frames)
    assert made.frames == 50 + 6  # INVITE, 180, 200, ACK; BYE, 200.
    (left,), (right,) = call.left, call.right
    assert made.ssrc == (left.ssrc, right.ssrc)
    for stream, said in ((left, caller), (right, callee)):
        np.testing.assert_array_equal(stream.audio().samples, MU_LAW[encode_mu_law(said)])


@pytest.mark.parametrize("codec", [name for name in encodable() if name != "G723"])
def test_every_codec_that_is_encoded_is_found_and_decoded(codec: str, tmp_path: Path) -> None:
    rates = {"L8": "/8000", "L16": "/16000", "L24": "/16000"}
    sound = (speech_like(0.5), RATE)
    if codec == "AMR":
        try:
            find_encoder(Format.parse(codec))
        except CodecUnavailable:
            pytest.skip("PyAV has no encoder of AMR from version 19 on")
    make(tmp_path / "a.pcap", sound, codec=codec + rates.get(codec, ""))
    (stream,) = rtpcap.open(tmp_path / "a.pcap").streams
    assert (stream.codec, stream.decodable, stream.quality.lost) == (codec, True, 0)
    assert stream.audio().duration_s == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("by", ["rfc4733", "inband", "sip-info"])
def test_keys_are_pressed_as_they_were_asked_for(by: str, tmp_path: Path) -> None:
    keys = "159#D"
    silence = np.zeros(RATE // 2, np.int16)
    sound: Sound = (silence, RATE)
    make(tmp_path / "a.pcap", sound, digits=keys, digits_by=by, digits_at_s=0.2)  # type: ignore[arg-type]
    capture = rtpcap.open(tmp_path / "a.pcap")
    (stream,) = capture.streams
    if by == "inband":
        assert stream.heard is not None
        heard = [(key.digit, key.start_s) for key in stream.heard.keys]
    else:
        start_s = stream.start_s
        assert start_s is not None
        heard = [(key.digit, (key.start_s or 0) - start_s) for key in capture.dtmf]
    assert "".join(key for key, _ in heard) == keys
    # Events take the packet in which their time comes, and the three ends before the next one.
    step = 0.24 if by == "rfc4733" else 0.2
    at = [begin for _, begin in heard]
    assert at == pytest.approx([0.2 + number * step for number in range(5)], abs=0.02)


@pytest.mark.peer
def test_tshark_reads_the_call_and_finds_its_checksums_right(tmp_path: Path) -> None:
    tshark = require("tshark")
    soundfile.write(tmp_path / "said.wav", speech_like(), RATE)
    path = tmp_path / "a.pcap"
    make(
        path, tmp_path / "said.wav", codec="PCMA", digits="7",
        caller=("2001:db8::1", 4000), callee=("2001:db8::2", 4002),
    )  # fmt: skip
    told = "udp.check_checksum:TRUE"
    command = [tshark, "-r", str(path), "-o", told, "-T", "fields", "-e", "_ws.col.Protocol"]
    bad = ["-Y", "udp.checksum.status != Good || _ws.malformed"]
    assert subprocess.run([*command, *bad], capture_output=True, check=True).stdout == b""
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    names = [name.partition("/")[0].partition(" ")[0] for name in out if name]
    # 50 packets of 20 ms; those that tell of the key are RTP too. And INVITE to BYE with answers.
    assert {name: names.count(name) for name in set(names)} == {"SIP": 6, "RTP": 50}


def test_the_same_arguments_make_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / "a.pcap", tmp_path / "b.pcap", tmp_path / "c.pcap"]
    for path, seed in zip(files, (3, 3, 4), strict=True):
        make(path, (speech_like(), RATE), digits="1", seed=seed, sip=False)
    one, same, other = (path.read_bytes() for path in files)
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"digits": "12x"}, "'X' is on no keypad"),
        ({"packet_ms": 0}, "packets of 0 ms"),
        ({"codec": "nothing"}, "needs a clock rate"),
        ({"caller": ("here", 1)}, "here"),
        ({"digits": "1", "digits_by": "sip-info", "sip": False}, "need SIP"),
    ],
)
def test_what_makes_no_call(wrong: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        make(tmp_path / "a.pcap", (speech_like(), RATE), **wrong)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_what_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ValueError, match=r"text\.wav: no sound file"):
        make(tmp_path / "a.pcap", tmp_path / "text.wav")
    with pytest.raises(FileNotFoundError):
        make(tmp_path / "a.pcap", tmp_path / "none.wav")
