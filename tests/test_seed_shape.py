"""The shape the package was asked for, by hand: UDP payload, RTPMessage, RTPPacketManager."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.codecs.registry import find

FIXTURES = Path(__file__).parent.parent / "fixtures"
G711 = {0: rtpcap.PayloadType.PCMU, 8: rtpcap.PayloadType.PCMA}


def g711_captures() -> list[Path]:
    found = []
    for path in sorted(FIXTURES.glob("*.pcap*")):
        streams = rtpcap.open(path).streams
        # A redundant packet is none that the manager knows.
        redundant = any(fmt.name == "red" for stream in streams for fmt in stream.formats.values())
        if any(stream.codec in ("PCMU", "PCMA") for stream in streams) and not redundant:
            found.append(path)
    return found


@pytest.mark.parametrize("path", g711_captures(), ids=lambda path: path.name)
def test_packets_one_by_one_give_the_samples_of_the_stream(path: Path) -> None:
    capture = rtpcap.open(path)
    streams = [stream for stream in capture.streams if stream.codec in ("PCMU", "PCMA")]
    managers: dict[tuple[object, ...], rtpcap.RTPPacketManager] = {}
    decoders = {number: find(rtpcap.Format.parse(str(kind))) for number, kind in G711.items()}
    wanted = {(s.ssrc, s.src, s.src_port, s.dst, s.dst_port): s for s in streams}
    for datagram in capture.datagrams:
        try:
            message = rtpcap.RTPMessage(datagram.payload, G711)
        except rtpcap.RTPParseError:
            continue
        key = (message.SSRC, datagram.src, datagram.src_port, datagram.dst, datagram.dst_port)
        if key in wanted and int(message.payload_type) in G711:
            manager = managers.setdefault(
                key, rtpcap.RTPPacketManager(bytes_per_tick=2, silence=b"\0\0")
            )
            samples = decoders[int(message.payload_type)].decode(message.payload)
            manager.write(message.timestamp, samples.astype("<i2").tobytes())
    assert set(managers) == set(wanted)
    for key, stream in wanted.items():
        audio = stream.audio()
        by_hand = np.frombuffer(managers[key].read(2 * len(audio.samples)), "<i2")
        np.testing.assert_array_equal(by_hand, audio.samples)
        assert managers[key].read(2) == b"\0\0"
        assert len(audio.samples) > 8000
