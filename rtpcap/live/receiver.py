"""RTP packets -> audio in a buffer, and key presses."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping

from rtpcap.audio.placement import RTPPacketManager
from rtpcap.errors import CodecUnavailable
from rtpcap.live.coding import Decoding, Shape
from rtpcap.live.source import Source
from rtpcap.rtp.keys import Presses
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.serial import signed_delta

__all__ = ["Receiver"]

SECOND_NS = 1_000_000_000
OUT_OF_STEP_NS = 10 * SECOND_NS
"""A timestamp that is this far from the elapsed time has nothing to do with the one before."""
MOST_SOURCES = 32
IN_A_ROW = 5
"""Packets in sequence, none of the source that is listened to between them, with which another
source takes its place. Two streams at once never get so far: their packets alternate."""
LOOK_EACH = 50
"""Packets between two looks at how much nobody has read."""
LONGEST_UNREAD_S = 300
"""Audio that nobody reads is kept for so long."""


class Receiver:
    """Listens to one source at a time, and counts them all.

    The first one that comes is listened to; another one when it alone is heard for some packets,
    which are held until then. `buffer` has the audio, in the shape given.
    """

    def __init__(
        self, formats: Mapping[int, Format], event_numbers: frozenset[int], shape: Shape, clock: int
    ) -> None:
        ratio, rest = divmod(shape.sample_rate, clock)
        if rest:
            raise CodecUnavailable(f"a clock of {clock} Hz for samples of {shape.sample_rate} Hz")
        self._formats = formats
        self._event_numbers = event_numbers
        self._shape = shape
        self._clock = clock
        self._silence = shape.silence * ratio
        self.buffer = RTPPacketManager(len(self._silence), self._silence)
        self.sources: OrderedDict[int, Source] = OrderedDict()
        self.source: Source | None = None
        """The one that is listened to."""
        self.ignored: dict[str, int] = {}
        self.digits = 0
        self._presses = Presses()
        self._held: deque[tuple[RTPMessage, int]] = deque(maxlen=IN_A_ROW)
        self._decodings: dict[int, Decoding | None] = {}
        self._placed: tuple[int, int] | None = None
        self._since_look = 0
        self._media_clock = {
            number: fmt.clock_rate or clock for number, fmt in formats.items() if fmt.is_media
        }

    def ignore(self, reason: str) -> None:
        """Count a datagram that is no audio."""
        self.ignored[reason] = self.ignored.get(reason, 0) + 1

    def receive(self, message: RTPMessage, now_ns: int, *, deaf: bool = False) -> list[str]:
        """Take a packet in; gives the keys that it is the first to report.

        With `deaf` it is only counted.
        """
        source = self.source
        if source is None or source.ssrc != message.SSRC:
            source = self._source_of(message)
        source.count(message.sequence, now_ns)
        number = message.payload_number
        media_clock = self._media_clock.get(number)
        if media_clock is not None:
            source.time(message.timestamp, now_ns, media_clock)
        if deaf:
            return []
        if media_clock is None and number in self._event_numbers:
            return self.keys(message)
        if source is not self.source:
            self._audition(source, message, now_ns)
            return []
        if self._held:
            self._held.clear()
            self._not_alone(source)
        self.hear(message, now_ns)
        return []

    def _source_of(self, message: RTPMessage) -> Source:
        source = self.sources.get(message.SSRC)
        if source is None:
            source = self._meet(message)
        if self.source is None:
            self.source = source
        return source

    def _meet(self, message: RTPMessage) -> Source:
        source = Source(message.SSRC, message.sequence)
        self.sources[message.SSRC] = source
        if len(self.sources) > MOST_SOURCES:
            others = (s for s in self.sources.values() if s not in (source, self.source))
            del self.sources[min(others, key=lambda other: other.last_ns).ssrc]
        return source

    def _not_alone(self, heard: Source) -> None:
        for other in self.sources.values():
            if other is not heard:
                other.in_a_row = 0

    def _audition(self, source: Source, message: RTPMessage, now_ns: int) -> None:
        """A packet of a source that is not listened to: held, until it has shown that it stays."""
        if source.in_a_row <= 1:
            self._held.clear()
            self._not_alone(source)
        self._held.append((message, now_ns))
        others = [each for each, _ in self._held if each.SSRC != message.SSRC]
        if others or source.in_a_row < IN_A_ROW:
            return
        self.source = source
        self._not_alone(source)
        self._placed = None
        self._decodings.clear()
        held, self._held = self._held, deque(maxlen=IN_A_ROW)
        for each, each_ns in held:
            self.hear(each, each_ns)

    def leave(self, ssrc: int) -> None:
        """A source said goodbye: it is counted no longer, and the next one is listened to."""
        source = self.sources.pop(ssrc, None)
        if source is not None and source is self.source:
            self.source = None
            self._placed = None
            self._decodings.clear()

    def keys(self, message: RTPMessage) -> list[str]:
        """The keys that this packet of telephone events is the first to report."""
        pressed = self._presses.receive(message.SSRC, message.timestamp, message.payload)
        self.digits += len(pressed)
        return pressed

    def hear(self, message: RTPMessage, now_ns: int) -> None:
        """Decode a packet's audio into the buffer."""
        number = message.payload_number
        try:
            decoding = self._decodings[number]
        except KeyError:
            decoding = self._decodings[number] = self._decoding(number)
        if decoding is None:
            self.ignore(self._why_not(number))
            return
        audio = decoding.decode(message.payload)
        if len(audio) % len(self._silence):
            audio += self._silence[: -len(audio) % len(self._silence)]
        timestamp = message.timestamp
        reset = True
        if self._placed is not None:
            before, before_ns = self._placed
            step_ns = signed_delta(timestamp, before, 32) * SECOND_NS // self._clock
            reset = abs(step_ns - (now_ns - before_ns)) > OUT_OF_STEP_NS
        self._placed = (timestamp, now_ns)
        if reset:
            self.buffer.rebuild(True, timestamp, audio)
        else:
            self.buffer.write(timestamp, audio)
        self._since_look += 1
        if self._since_look == LOOK_EACH:
            self._since_look = 0
            unread = self.buffer.held - LONGEST_UNREAD_S * self._clock * len(self._silence)
            if unread > 0:
                self.buffer.read(unread)

    def _decoding(self, number: int) -> Decoding | None:
        fmt = self._formats.get(number)
        if fmt is None or fmt.clock_rate != self._clock:
            return None
        try:
            return Decoding(fmt, self._shape)
        except CodecUnavailable:
            return None

    def _why_not(self, number: int) -> str:
        fmt = self._formats.get(number)
        if fmt is None:
            return f"payload type {number} has no format"
        if fmt.is_comfort_noise:
            return "comfort noise"
        return f"{fmt} is not decoded beside the format that is sent"
