"""One end of an RTP session, without socket, thread or clock: bytes and `now` in, bytes out.

Time is nanoseconds since 1970, of a clock that does not jump. Nothing here waits: `next_ns` says
when `due` has something to send.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from rtpcap.errors import RTPParseError
from rtpcap.live.coding import Encoding, format_of, preferred
from rtpcap.live.interval import Interval
from rtpcap.live.receiver import Receiver
from rtpcap.live.reports import (
    MOST_BLOCKS,
    WORD_MASK,
    build_bye,
    build_report,
    ntp,
    read_compound,
)
from rtpcap.live.sender import Sender
from rtpcap.live.source import Source
from rtpcap.live.statistics import SourceFigures, Statistics
from rtpcap.rtp.firstbyte import Sharer, sharer
from rtpcap.rtp.header import RTP_VERSION
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.payload_types import STATIC_FORMATS, Format, PayloadType
from rtpcap.rtp.profile import TransmitType
from rtpcap.rtp.rtcp.reports import (
    DELAY_UNITS,
    HIGHEST_LOST,
    LOWEST_LOST,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    middle,
)

__all__ = ["Datagram", "Session"]

SECOND_NS = 1_000_000_000
PACKET_MS = 20
HEADERS_BYTES = 28
"""IPv4 and UDP, which RTCP's bandwidth counts (RFC 3550 section 6.2)."""
SESSION_BANDWIDTH = 10_000.0
"""Bytes a second: G.711 in packets of 20 ms."""
CNAME_BYTES = 12
"""RFC 7022 section 4.2: 96 random bits, afresh for each session."""
SENDS = (TransmitType.SENDRECV, TransmitType.SENDONLY)
HEARS = (TransmitType.SENDRECV, TransmitType.RECVONLY)
SOURCE_TIMEOUT_NS = 25 * SECOND_NS
"""Five of the least intervals (RFC 3550 section 6.3.5)."""


class Datagram(NamedTuple):
    """What is to be sent."""

    data: bytes
    is_rtcp: bool = False


class Session:
    """Sends and receives one stream each.

    `assoc` names payload numbers, as for `RTPMessage`; the first one that can be encoded is sent.
    `formats` says of some of them what a PayloadType cannot: rates, channels, parameters. `width`
    is the bytes a sample of audio. With `rtcp` reports are sent. `rng` gives SSRC, first sequence
    number and first timestamp (RFC 3550 section 5.1: random).
    """

    def __init__(
        self,
        assoc: Mapping[int, PayloadType],
        sendrecv: TransmitType = TransmitType.SENDRECV,
        *,
        formats: Mapping[int, Format] | None = None,
        width: int = 1,
        packet_ms: int = PACKET_MS,
        rtcp: bool = False,
        rng: random.Random | None = None,
    ) -> None:
        if width not in (1, 2):
            raise ValueError(f"samples have 1 or 2 bytes, not {width}")
        rng = rng or random.SystemRandom()
        self.assoc = dict(assoc)
        self._sendrecv = sendrecv
        self._hears = sendrecv in HEARS
        known = {number: format_of(kind) for number, kind in self.assoc.items()}
        known.update(formats or {})
        self.preference = preferred(known, packet_ms)
        """The payload number that is sent."""
        self.encoding = Encoding(known[self.preference], width, packet_ms)
        self.shape = self.encoding.shape
        events = [number for number, fmt in known.items() if fmt.is_event]
        self.event_number = events[0] if events else None
        self.ssrc = rng.getrandbits(32)
        self._sender = Sender(
            self.encoding,
            self.preference,
            self.event_number,
            self.ssrc,
            rng.getrandbits(16),
            rng.getrandbits(32),
        )
        self._clock = known[self.preference].clock_rate
        self.receiver = Receiver(
            {**STATIC_FORMATS, **known}, frozenset(events), self.shape, self._clock
        )
        # The first two bytes of nearly all packets: they need no second look.
        self._plain = frozenset(bytes((RTP_VERSION << 6, number)) for number in known)
        self._cname = rng.randbytes(CNAME_BYTES).hex()
        self._interval = Interval(SESSION_BANDWIDTH, rng) if rtcp else None
        self._about_us: ReportBlock | None = None
        self._rtt_ns: int | None = None
        self._rtcp_sent = self._rtcp_received = 0
        self._reported_packets = 0

    @property
    def sendrecv(self) -> TransmitType:
        """Which way audio goes; may be set while it runs."""
        return self._sendrecv

    @sendrecv.setter
    def sendrecv(self, direction: TransmitType) -> None:
        self._sendrecv = direction
        self._hears = direction in HEARS

    @property
    def sends(self) -> bool:
        return self._sendrecv in SENDS

    def begin(self, now_ns: int) -> None:
        """Start to count packet times."""
        self._sender.begin(now_ns)
        if self._interval is not None:
            self._interval.begin(now_ns)

    def write(self, audio: bytes) -> None:
        """Queue audio to be sent; where nothing is to be sent it is dropped."""
        if self.sends:
            self._sender.write(bytes(audio))

    @property
    def waiting(self) -> int:
        """How many bytes of audio are queued."""
        return self._sender.waiting

    def send_dtmf(
        self, digits: str, *, duration_ms: int = 100, pause_ms: int = 100, volume: int = 10
    ) -> None:
        """Queue key presses (RFC 4733); `volume` is in dB below 0 dBm0.

        Raises ValueError for what is on no keypad and where nothing is to be sent, RTPParseError
        where no payload number stands for telephone events.
        """
        if not self.sends:
            raise ValueError(f"{self.sendrecv}: nothing is sent")
        if self.event_number is None:
            raise RTPParseError("no payload type stands for telephone-event")
        ticks, pause = (ms * self._clock // 1000 for ms in (duration_ms, pause_ms))
        self._sender.keys.press(digits, ticks, pause, volume)

    @property
    def keys_waiting(self) -> int:
        """How many key presses are queued, the one that is being sent included."""
        return len(self._sender.keys)

    @property
    def next_ns(self) -> int | None:
        """When `due` has something; None before `begin`."""
        times = [self._sender.next_ns]
        if self._interval is not None:
            times.append(self._interval.next_ns)
        known = [time for time in times if time is not None]
        return min(known, default=None)

    def due(self, now_ns: int) -> list[Datagram]:
        """What has to be sent by now."""
        out = [Datagram(packet) for packet in self._sender.due(now_ns, quiet=not self.sends)]
        if self._interval is not None:
            sources = self._live_sources(now_ns)
            we_sent = self._sender.packets > self._reported_packets
            senders = len(sources) + we_sent
            if self._interval.due(now_ns, len(sources) + 1, senders, we_sent):
                out.append(Datagram(self._report(now_ns, sources), True))
        return out

    def bye(self) -> list[Datagram]:
        """What has to be sent when the session ends (RFC 3550 section 6.3.7)."""
        if self._interval is None or not self._sender.packets + self._rtcp_sent:
            return []
        return [Datagram(build_bye(self.ssrc, self._cname), True)]

    def _live_sources(self, now_ns: int) -> list[Source]:
        sources = self.receiver.sources.values()
        return [source for source in sources if now_ns - source.last_ns < SOURCE_TIMEOUT_NS]

    def _report(self, now_ns: int, sources: list[Source]) -> bytes:
        blocks = tuple(self._block(source, now_ns) for source in sources[:MOST_BLOCKS])
        told: SenderReport | ReceiverReport = ReceiverReport(self.ssrc, blocks)
        # 6.4: a sender report only by who sent since the one before.
        if self._sender.packets > self._reported_packets:
            told = SenderReport(
                self.ssrc,
                ntp(now_ns),
                self._sender.timestamp_at(now_ns),
                self._sender.packets & WORD_MASK,
                self._sender.octets & WORD_MASK,
                blocks,
            )
        self._reported_packets = self._sender.packets
        report = build_report(told, self._cname)
        self._rtcp_sent += 1
        if self._interval is not None:
            self._interval.passed(len(report) + HEADERS_BYTES)
        return report

    def _block(self, source: Source, now_ns: int) -> ReportBlock:
        loss = source.report()
        last_sr, came_ns = source.last_sr
        delay = (now_ns - came_ns) * DELAY_UNITS // SECOND_NS if last_sr else 0
        return ReportBlock(
            ssrc=source.ssrc,
            fraction_lost=loss.fraction,
            cumulative_lost=min(max(loss.cumulative, LOWEST_LOST), HIGHEST_LOST),
            highest_sequence=source.highest & WORD_MASK,
            jitter=int(source.jitter_s * self._clock) & WORD_MASK,
            last_sr=last_sr,
            delay_since_last_sr=min(delay, WORD_MASK),
        )

    def receive(self, data: bytes, now_ns: int) -> list[str]:
        """Take a datagram in, whatever it is; gives the keys that were pressed in it."""
        try:
            return self.parse(data, now_ns)
        except RTPParseError as error:
            self.receiver.ignore(error.fault.label)
            return []

    def parse(self, data: bytes, now_ns: int) -> list[str]:
        """As `receive`; but raises RTPParseError for what is neither RTP nor shares its port."""
        if data[:2] not in self._plain and len(data) > 1:
            kind = sharer(data[0], data[1])
            if kind is Sharer.RTCP:
                self._receive_rtcp(data, now_ns)
                return []
            if kind is not Sharer.RTP and kind is not Sharer.NONE:
                self.receiver.ignore(kind.name.replace("_", " "))
                return []
        message = RTPMessage(data, self.assoc)
        return self.receiver.receive(message, now_ns, deaf=not self._hears)

    def _receive_rtcp(self, data: bytes, now_ns: int) -> None:
        found = read_compound(bytes(data))
        if found is None:
            self.receiver.ignore("no compound RTCP packet")
            return
        self._rtcp_received += 1
        for ssrc, info in found.senders.items():
            if source := self.receiver.sources.get(ssrc):
                source.last_sr = (middle(info.ntp), now_ns)
        for block in found.blocks:
            if block.ssrc == self.ssrc:
                self._about_us = block
                if block.last_sr:
                    passed = middle(ntp(now_ns)) - block.last_sr - block.delay_since_last_sr
                    passed &= WORD_MASK
                    self._rtt_ns = passed * SECOND_NS // DELAY_UNITS
        for ssrc in found.left:
            self.receiver.leave(ssrc)
        if self._interval is not None:
            self._interval.passed(len(data) + HEADERS_BYTES)
            if found.left:
                self._interval.left(now_ns, len(self._live_sources(now_ns)) + 1)

    def statistics(self) -> Statistics:
        """What was sent and received so far."""
        current = self.receiver.source
        about = self._about_us
        return Statistics(
            ssrc=self.ssrc,
            sent_packets=self._sender.packets,
            sent_octets=self._sender.octets,
            source=None if current is None else _figures(current),
            sources=[_figures(source) for source in self.receiver.sources.values()],
            digits=self.receiver.digits,
            ignored=dict(self.receiver.ignored),
            rtcp_sent=self._rtcp_sent,
            rtcp_received=self._rtcp_received,
            rtt_ms=None if self._rtt_ns is None else self._rtt_ns / 1e6,
            remote_lost=None if about is None else about.cumulative_lost,
            remote_jitter_ms=None if about is None else about.jitter / self._clock * 1e3,
        )


def _figures(source: Source) -> SourceFigures:
    return SourceFigures(
        ssrc=source.ssrc,
        packets=source.received,
        expected=source.expected,
        lost=source.lost,
        duplicates=source.duplicates,
        reordered=source.reordered,
        jitter_ms=source.jitter_s * 1e3,
    )
