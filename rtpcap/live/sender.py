"""Audio and key presses -> RTP packets, each at its time."""

from __future__ import annotations

from collections import deque
from struct import Struct

from rtpcap.live.coding import Encoding
from rtpcap.rtp.header import HEADER_BYTES, RTP_VERSION
from rtpcap.rtp.keys import Keys

__all__ = ["Sender"]

HEADER = Struct(">BBHII")
FIRST_BYTE = RTP_VERSION << 6
MARKER = 0x80
SEQUENCE_MASK, TIMESTAMP_MASK = 0xFFFF, 0xFFFFFFFF

SECOND_NS = 1_000_000_000
MOST_BEHIND_NS = 500_000_000
"""A sender that was held up for longer leaves out what was due: nobody could play it any more."""


class Sender:
    """Sends a packet each packet time, counted from `begin`: so it never drifts.

    What was written goes out, silence where there is nothing, and while a key is down its reports
    instead. The first packet of a talkspurt has the marker.
    """

    def __init__(
        self,
        encoding: Encoding,
        number: int,
        event_number: int | None,
        ssrc: int,
        sequence: int,
        timestamp: int,
    ) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self.octets = 0
        """Payload bytes sent (RFC 3550 section 6.4.1)."""
        self.keys = Keys()
        self._encoding = encoding
        self._number = number
        self._event_number = event_number
        self._sequence = sequence
        self._first_timestamp = timestamp
        self._origin_ns: int | None = None
        self._ticks = 0
        self._audio = bytearray()
        self._payloads: deque[bytes] = deque()
        self._talking = False
        self._mark = False

    def begin(self, now_ns: int) -> None:
        """Count packet times from now; a sender that has begun keeps its own."""
        if self._origin_ns is None:
            self._origin_ns = now_ns

    def write(self, audio: bytes) -> None:
        """Queue audio."""
        self._audio += audio

    @property
    def waiting(self) -> int:
        """How many bytes of audio are queued."""
        return len(self._audio)

    @property
    def next_ns(self) -> int | None:
        """When the next packet is due; None before `begin`."""
        if self._origin_ns is None:
            return None
        encoding = self._encoding
        passed = self._ticks * encoding.packet_samples * SECOND_NS // encoding.shape.sample_rate
        return self._origin_ns + passed

    def timestamp_at(self, now_ns: int) -> int:
        """The RTP timestamp of an instant, as sender reports pair them."""
        since = now_ns - (now_ns if self._origin_ns is None else self._origin_ns)
        ticks = since * self._encoding.format.clock_rate // SECOND_NS
        return (self._first_timestamp + ticks) & TIMESTAMP_MASK

    def due(self, now_ns: int, *, quiet: bool = False) -> list[bytes]:
        """The packets whose time has come; with `quiet` their time passes and none is sent."""
        packets: list[bytes] = []
        next_ns = self.next_ns
        if next_ns is None:
            return packets
        if now_ns - next_ns > MOST_BEHIND_NS:
            encoding = self._encoding
            missed = (now_ns - next_ns) * encoding.shape.sample_rate // SECOND_NS
            self._ticks += missed // encoding.packet_samples
            self._talking = False
        while (next_ns := self.next_ns) is not None and next_ns <= now_ns:
            if quiet:
                self._audio.clear()
                self._talking = False
            else:
                packets += self._packet()
            self._ticks += 1
        return packets

    def _packet(self) -> list[bytes]:
        step = self._encoding.packet_ticks
        at = self._ticks * step
        report = self.keys.report(at, step) if self._event_number is not None else None
        if report is not None and self._event_number is not None:
            # After a press the audio begins anew.
            self._talking = False
            return [self._build(self._event_number, report.first, report.begin, report.payload)]
        self._payloads += self._encoding.encode(self._next_audio())
        if not self._payloads:
            return []
        mark, self._mark = self._mark, False
        return [self._build(self._number, mark, at, self._payloads.popleft())]

    def _next_audio(self) -> bytes:
        """The audio of one packet: what was written, filled up with silence."""
        silence = self._encoding.shape.silence
        size = self._encoding.packet_bytes
        have = min(len(self._audio) // len(silence) * len(silence), size)
        talking = have > 0
        self._mark |= talking and not self._talking
        self._talking = talking
        audio = bytes(self._audio[:have])
        del self._audio[:have]
        return audio + silence * ((size - have) // len(silence))

    def _build(self, number: int, marker: bool, at: int, payload: bytes) -> bytes:
        header = HEADER.pack(
            FIRST_BYTE,
            number | (MARKER if marker else 0),
            self._sequence,
            (self._first_timestamp + at) & TIMESTAMP_MASK,
            self.ssrc,
        )
        assert len(header) == HEADER_BYTES
        self._sequence = (self._sequence + 1) & SEQUENCE_MASK
        self.packets += 1
        self.octets += len(payload)
        return header + payload
