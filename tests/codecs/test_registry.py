"""What is decoded here, what is said of the rest, and codecs that other packages add."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from rtpcap.codecs import Payloads, available, find, undecodable
from rtpcap.codecs.registry import PLUG_INS
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format


@pytest.mark.parametrize("name", sorted(undecodable()))
def test_what_is_known_and_not_decoded_is_said_by_name_and_cure(name: str) -> None:
    assert name not in available()
    with pytest.raises(CodecUnavailable, match="no decoder for") as caught:
        find(Format(name.lower(), 16000))
    assert undecodable()[name] in str(caught.value)
    assert PLUG_INS in str(caught.value) or "no program" in str(caught.value)


def test_what_is_unheard_of() -> None:
    with pytest.raises(CodecUnavailable, match="no decoder for X-unheard; decoded here: AAL2-"):
        find(Format("X-unheard", 8000))


def test_what_is_no_audio() -> None:
    with pytest.raises(CodecUnavailable, match="video"):
        find(Format("H264", 90000))
    with pytest.raises(CodecUnavailable, match="CN alone is no audio"):
        find(Format("CN", 8000))


def test_absurd_rate_and_channels() -> None:
    with pytest.raises(CodecUnavailable, match="clock rate"):
        find(Format("PCMU", 999_999_999))
    with pytest.raises(CodecUnavailable, match="channels"):
        find(Format("L16", 8000, 10_000))


@pytest.mark.parametrize(
    ("fmt", "why"),
    [
        (Format("AMR", 8000, 1, "octet-align=1;interleaving=30"), "interleaving"),
        (Format("AMR-WB", 16000, 1, "octet-align=1; robust-sorting=1"), "robust-sorting"),
        (Format("AMR", 16000), "clock of 8000"),
        (Format("iLBC", 8000, 1, "mode=25"), "mode=25"),
        (Format("speex", 44100), "Speex"),
        (Format("mpeg4-generic", 48000), "signalling"),
        (Format("mpeg4-generic", 48000, 1, "mode=CELP-cbr;config=1188"), "CELP-cbr"),
        (Format("mpeg4-generic", 48000, 1, "config=11"), "cannot be read"),
        (Format("MP4A-LATM", 48000, 1, "config=400023103fc0"), "cpresent"),
        (Format("vorbis", 48000), "signalling"),
        (Format("vorbis", 48000, 1, "configuration=AAAAAAAAAAAAAAAAAAAA"), "cannot be read"),
        (Format("G729", 8000, 2), "one channel"),
    ],
)
def test_a_format_that_cannot_be_decoded_says_why(fmt: Format, why: str) -> None:
    with pytest.raises(CodecUnavailable, match=why):
        find(fmt)


PLUG_IN = '''
import numpy as np
from rtpcap.codecs import Decoded, Decoder, Heard, Measured, codec

@codec("X-TEST-INVERTED")
class Inverted(Decoder):
    """Every byte is a sample of 256 times its value, upside down."""

    def __init__(self, fmt):
        self.sample_rate = fmt.clock_rate

    def measure(self, payloads):
        return Measured(payloads.size, np.zeros(len(payloads), np.uint8))

    def decode_run(self, payloads):
        samples = -(payloads.joined().astype(np.int16) << 7)
        heard = np.full(len(payloads), Heard.RECEIVED, np.uint8)
        return Decoded(samples, payloads.size, heard, np.zeros(len(payloads), np.uint8))

    def reset(self):
        pass
'''


@pytest.fixture
def plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with a codec, and one that cannot be loaded, as an installer leaves them."""
    (tmp_path / "inverted_codec.py").write_text(PLUG_IN)
    for name, entry in (("inverted", "inverted_codec"), ("broken", "no_such_module_at_all")):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{PLUG_INS}]\n{name} = {entry}\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_another_package_adds_a_codec(
    plugged_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a process of its own: what is plugged in stays.
    import subprocess

    script = """
    import numpy as np
    from rtpcap.codecs import Payloads, available, find
    from rtpcap.errors import CodecUnavailable
    from rtpcap.rtp.payload_types import Format

    decoder = find(Format("x-test-inverted", 8000))
    print(decoder.decode(bytes([0, 1, 2])).tolist())
    print("X-TEST-INVERTED" in available(), "PCMU" in available())
    try:
        find(Format("X-unheard", 8000))
    except CodecUnavailable as reason:
        print(reason)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).resolve().parents[2]}", "PATH": ""},
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "[0, -128, -256]"
    assert lines[1] == "True True"
    assert "plug-ins that failed: broken (ModuleNotFoundError" in lines[2]


def test_l16_is_in_network_order() -> None:
    decoder = find(Format("L16", 44100))
    assert decoder.decode(bytes.fromhex("0001 8000 7fff ffff")).tolist() == [1, -32768, 32767, -1]
    assert decoder.decode(b"").tolist() == []


def test_l16_stereo_and_a_torn_sample() -> None:
    decoder = find(Format("L16", 44100, 2))
    payload = bytes.fromhex("0001 0002 0003 0004 0005 00")
    assert decoder.decode(payload).tolist() == [[1, 2], [3, 4]]
    rows = Payloads.of([b"", payload[:3], payload[:4], payload])
    assert decoder.measure(rows).samples.tolist() == [0, 0, 1, 2]
    assert decoder.decode_run(rows).samples.tolist() == [[1, 2], [1, 2], [3, 4]]


def test_the_upper_bits_of_longer_samples() -> None:
    data = bytes.fromhex("123456 fedcba 000001")
    assert find(Format("L24", 48000)).decode(data).tolist() == [0x1234, 0xFEDC - 65536, 0]
    # Twenty bits without a gap: 0x12345, 0xfedcb, 0x00001, and four bits of padding.
    data = bytes.fromhex("12345fedcb000010")
    assert find(Format("L20", 48000)).decode(data).tolist() == [0x1234, 0xFEDC - 65536, 0]
    stereo = find(Format("L20", 48000, 2)).decode(data[:5])
    assert stereo.tolist() == [[0x1234, 0xFEDC - 65536]]


def test_l8_is_an_offset_of_128() -> None:
    samples = find(Format("L8", 8000)).decode(bytes([0, 128, 255]))
    assert samples.tolist() == [-32768, 0, 127 * 256]
    assert samples.dtype == np.int16
