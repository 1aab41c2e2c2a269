"""Frames as they were sent, in files that other programs read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.codecs.storage import frame_file
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads
from tests.codecs.real import voiced
from tests.codecs.voices import FIXTURES, lag
from tests.peers import require

# How ffmpeg has to be told of files that say nothing of themselves.
BARE = {
    ".al": ["-f", "alaw", "-ar", "8000", "-ac", "1"],
    ".ul": ["-f", "mulaw", "-ar", "8000", "-ac", "1"],
    ".g722": ["-f", "g722"],
}


def stored(name: str, folder: Path) -> tuple[Path, rtpcap.Stream]:
    stream = rtpcap.open(FIXTURES / f"{name}.pcap").streams[0]
    frames = stream.stored_frames()
    path = folder / f"{name}{frames.file.ending}"
    frames.write(path)
    assert [found.name for found in folder.iterdir()] == [path.name]
    return path, stream


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("ff-pcmu", "pcm_mulaw"),
        ("ff-pcma", "pcm_alaw"),
        ("gst-g722", "adpcm_g722"),
        ("gst-gsm", "gsm"),
        ("gst-amr", "amr_nb"),
        ("gst-amrwb", "amr_wb"),
        ("pj-ilbc30", "ilbc"),
        ("gst-opus", "opus"),
        ("gst-stereo", "opus"),
    ],
)
def test_ffmpeg_decodes_the_file_to_what_is_heard_here(
    name: str, codec: str, tmp_path: Path
) -> None:
    path, stream = stored(name, tmp_path)
    told = BARE.get(path.suffix, [])
    probe = [require("ffprobe"), "-v", "error", *told, "-show_streams", "-of", "json", str(path)]
    found = json.loads(subprocess.run(probe, capture_output=True, check=True).stdout)
    assert found["streams"][0]["codec_name"] == codec
    audio = stream.audio(compensate_delay=False)
    if codec == "opus":
        told = ["-c:a", "libopus"]
    command = [require("ffmpeg"), "-v", "error", *told, "-i", str(path)]
    command += ["-f", "s16le", "-ac", str(audio.channels), "-ar", str(audio.rate), "pipe:1"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    heard = np.frombuffer(done.stdout, np.int16).reshape(-1, audio.channels)[:, 0]
    ours = audio.samples.reshape(-1, audio.channels)[:, 0]
    # An Ogg file says what the coder looked ahead, 312 samples, and the player leaves it out. So
    # does GStreamer by its second timestamp, which is that much nearer to the first.
    decoded = round(stream.stored_frames().received_s * audio.rate)
    early = 312 - (decoded - audio.length) if codec == "opus" else 0
    assert abs(len(heard) - (len(ours) - early)) <= audio.rate // 50
    assert lag(ours, heard) == -early
    n = min(len(heard), len(ours) - early)
    error = ours[early : early + n].astype(float) - heard[:n]
    assert np.sqrt((error**2).mean()) < 0.05 * np.sqrt((ours.astype(float) ** 2).mean())
    assert voiced(heard, audio.rate) > 0.65


@pytest.mark.parametrize(
    ("fmt", "head"),
    [
        (Format("AMR", 8000), b"#!AMR\n"),
        (Format("AMR-WB", 16000), b"#!AMR-WB\n"),
        (Format("iLBC", 8000, 1, "mode=20"), b"#!iLBC20\n"),
        (Format("PCMU", 8000), b""),
    ],
)
def test_what_a_file_begins_with(fmt: Format, head: bytes) -> None:
    # RFC 4867 section 5.1, RFC 3952 section 5.
    assert frame_file(fmt).begin() == head


def test_missing_frames_of_amr_are_frames_without_data() -> None:
    # RFC 4867 section 5.3: frame type 15, the quality bit set.
    assert frame_file(Format("AMR", 8000)).missing(3 * 160) == b"\x7c" * 3


def test_an_ogg_file_by_its_own_rules() -> None:
    file = frame_file(Format("opus", 48000, 2))
    # CELT, 20 ms (RFC 6716 table 2: config 31), of a size that takes two segments.
    payload = bytes([31 << 3]) + bytes(299)
    data = file.begin() + file.add(Payloads.of([payload] * 70)) + file.missing(960) + file.end()
    pages = data.split(b"OggS")[1:]
    # RFC 3533 section 6: version, flags, granule position, serial number, sequence number.
    assert [page[1] for page in pages] == [2, 0, 0, 4]
    assert [int.from_bytes(page[14:18], "little") for page in pages] == [0, 1, 2, 3]
    granules = [int.from_bytes(page[2:10], "little") for page in pages]
    assert granules == [0, 0, 50 * 960, 71 * 960]
    head = pages[0][pages[0].index(b"OpusHead") :]
    assert head == b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"


def test_a_codec_without_a_file_format() -> None:
    with pytest.raises(CodecUnavailable, match=r"speex.*rtpcap export"):
        frame_file(Format("speex", 8000))
