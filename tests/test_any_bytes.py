"""Whatever a capture holds: a result, or an error of ours, through every part of the package."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import rtpcap
from rtpcap.audio.line import Line
from rtpcap.errors import RtpcapError
from rtpcap.streams.stream import Stream

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures").glob("*.pcap*"))
ROUNDS = int(os.environ.get("RTPCAP_FUZZ_ROUNDS", "6"))
LONGEST_AUDIO_S = 3600


def go_through(path: Path) -> None:
    """All that a user could ask of a capture."""
    try:
        capture = rtpcap.open(path)
        frames = capture.frames
    except RtpcapError:
        return
    datagrams = sum(1 for _ in capture.datagrams)
    assert frames == datagrams + len(capture.other) + len(capture.not_understood)
    for thing in (capture, capture.streams, capture.calls, capture.dtmf, capture.gaps):
        assert repr(thing)
        assert thing._repr_html_()
    capture.row()
    capture.streams.rows()
    for stream in capture.streams:
        go_through_stream(stream)
    for call in capture.calls:
        call.row()
        try:
            lines = call.lines()
        except rtpcap.CodecUnavailable:
            continue
        for line in lines:
            look_into(line)


def look_into(line: Line) -> None:
    """Read a line where it begins, ends, and between; it may be years long."""
    for start in (0, line.length // 2, max(line.length - 8000, 0)):
        samples, received = line.read(start, start + 8000)
        assert len(samples) == len(received) == 8000


def go_through_stream(stream: Stream) -> None:
    quality = stream.quality
    assert quality.packets == len(stream) == len(stream.ledger)
    assert 0 <= quality.lost <= quality.expected
    assert quality.expected >= 1
    assert len(stream.jitter_ms) == len(stream)
    refused = []
    for row in range(min(len(stream), 50)):
        try:
            message = stream.packets[row]
        except rtpcap.RTPParseError:
            refused.append(row)
        else:
            assert (message.SSRC, message.sequence) == (
                stream.ssrc,
                stream.packets.sequence[row],
            )
    assert stream.packets.fault[refused].all()
    if not stream.decodable:
        return
    try:
        track = stream.track()
    except rtpcap.CodecUnavailable:
        # Times that make no sense: told, and no line is laid.
        return
    look_into(track)
    if track.length < LONGEST_AUDIO_S * track.rate:
        audio = stream.audio()
        assert audio.length == track.length
        assert repr(audio)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, cut out, doubled, or cut off at the end."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 2, 5, 20, 200))):
        at = chance.randrange(len(out))
        kind = chance.randrange(6)
        if kind == 0:
            out[at] = chance.randrange(256)
        elif kind == 1:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            out[at : at + 4] = chance.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")
            )
        elif kind == 3:
            del out[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            out[at:at] = out[at : at + chance.randrange(1, 300)]
        else:
            out[at : at + 2] = chance.randbytes(2)
        if not out:
            return b""
    return bytes(out[: chance.randrange(len(out))] if chance.random() < 0.1 else out)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_mutated_capture(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    chance = random.Random(path.name)
    broken = tmp_path / "broken.pcap"
    for number in range(ROUNDS):
        broken.write_bytes(mutated(whole, chance))
        try:
            go_through(broken)
        except Exception as error:
            kept = tmp_path / f"failed-{number}.pcap"
            kept.write_bytes(broken.read_bytes())
            raise AssertionError(f"{kept}: {type(error).__name__}: {error}") from error
