"""The handle of one stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.rendering import AS_RECEIVED, Clock, Fill, Rendering
from rtpcap.codecs.registry import find
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.packets import NO_TIME, Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.streams.copies import keep
from rtpcap.streams.counted import counted
from rtpcap.streams.digits import Digit, Digits, are_events, find_digits
from rtpcap.streams.gaps import Gaps
from rtpcap.streams.ledger import FOREIGN, Ledger
from rtpcap.streams.presses import presses
from rtpcap.streams.quality import Quality, jitter
from rtpcap.streams.srtp import carries_tags
from rtpcap.streams.table import StreamTable
from rtpcap.streams.tones import Tones, each_once, told_tones

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rtpcap.audio.audio import Audio
    from rtpcap.audio.frames import StoredFrames
    from rtpcap.audio.levels import Levels
    from rtpcap.audio.tones import Heard
    from rtpcap.audio.track import Track
    from rtpcap.capture.tables import Flow
    from rtpcap.codecs.recognise import Recognised
    from rtpcap.rtp.audio_level import AudioLevels
    from rtpcap.streams.analysis import Analysis
    from rtpcap.streams.jitter import Jitter
    from rtpcap.streams.jitterbuffer import Curve
    from rtpcap.streams.per_packet import PerPacket
    from rtpcap.streams.play import Play
    from rtpcap.streams.reports.beside import SeenPackets
    from rtpcap.streams.reports.wallclock import WallClock
    from rtpcap.streams.sound import Sound
    from rtpcap.streams.stream_ledger import StreamLedger
    from rtpcap.streams.windows import Windows
    from rtpcap.views.plot.sheet import StreamKind

__all__ = ["Stream"]

SECOND_NS = 1_000_000_000


class Stream:
    """One SSRC in one direction: a handle on its packets, made by `Capture.streams`.

    Times in seconds count from the first frame of the file; frames are 1-based.
    """

    def __init__(self, table: StreamTable, index: int) -> None:
        self._table = table
        self.index = index
        """Its place among the capture's streams, in order of first frame."""
        self.call: str | None = None
        """The id of the call it belongs to."""

    @property
    def packets(self) -> Packets:
        """All its packets, copies included, in capture order: views of the capture's columns."""
        return self._table.found.packets[self._table.rows(self.index)]

    @property
    def ssrc(self) -> int:
        """The synchronization source, 32 bits."""
        return int(self._table.ssrc[self.index])

    @cached_property
    def flow(self) -> Flow:
        """Its addresses and ports."""
        return self._table.flows[int(self._table.found.flow[self.index])]

    @property
    def src(self) -> str:
        return self.flow.src

    @property
    def src_port(self) -> int:
        return self.flow.src_port

    @property
    def dst(self) -> str:
        return self.flow.dst

    @property
    def dst_port(self) -> int:
        return self.flow.dst_port

    @property
    def formats(self) -> dict[int, Format]:
        """Payload number -> format, for the numbers whose format is known.

        Where signalling changes what a number means, the first meaning stands here.
        """
        return self._table.formats.by_stream[self.index]

    @property
    def payload_types(self) -> list[int]:
        """The payload numbers of its packets, ascending."""
        counts = self._table.formats.counts[self.index]
        return [int(number) for number in np.flatnonzero(counts)]

    @property
    def format(self) -> Format | None:
        """The format of most of its media packets."""
        return self._main[1]

    @cached_property
    def _main(self) -> tuple[int, Format | None]:
        number, _ = self._table.formats.main(self.index)
        # Redundancy is a way to send a codec, and none itself.
        number = self._table.recognition.inside.get((self.index, number), number)
        return number, self.formats.get(number)

    @property
    def recognised(self) -> Recognised | None:
        """What its payloads were taken for, with the confidence and the reasons, where nothing
        names its payload number; None where something does."""
        return self._table.recognition.recognised.get((self.index, self._main[0]))

    @property
    def settled(self) -> tuple[str, ...]:
        """What its payloads tell beyond the format that was named, or against it."""
        return self._table.recognition.settled.get((self.index, self._main[0]), ())

    @property
    def codec(self) -> str | None:
        """The encoding name as in SDP; None where it is not known: `why_not` says so."""
        return self.format.name if self.format else None

    @property
    def clock_rate(self) -> int | None:
        """Timestamp ticks a second; None where it is not known."""
        return self.format.clock_rate if self.format else None

    @property
    def quality(self) -> Quality:
        """Its figures: loss, jitter, delta, skew, drift, bursts, MOS, and how that came about."""
        return self._table.quality[self.index]

    @cached_property
    def ledger(self) -> StreamLedger:
        """Every packet in exactly one class, every slot in exactly one, and each packet's place.

        What a jitter buffer of 60 ms would discard is late; `play` has the ledgers of others.
        """
        return self.play().ledger

    @property
    def places(self) -> Ledger:
        """Where each packet stands in the sequence: of its `ledger` what needs no jitter buffer."""
        return self._places

    @cached_property
    def _places(self) -> Ledger:
        return self._keep_ledger()

    def seen(self) -> SeenPackets:
        """Where and as what its packets came, to set reports of RTCP beside them."""
        from rtpcap.streams.reports.beside import SeenPackets

        # Not the remembered places, which would stay: losses are compared through all streams.
        return SeenPackets.of(self.packets, self._keep_ledger())

    @cached_property
    def wall_clock(self) -> WallClock | None:
        """Which instant of its sender's clock its timestamps are, by the sender's reports (RTCP).

        None without such a report that has a time.
        """
        clock = self._table.sender_clocks.of(self.ssrc, self.flow)
        return None if clock is None else replace(clock, clock_rate=self.clock_rate)

    @cached_property
    def repaired(self) -> int:
        """Lost packets of which another one brought a copy, in redundant audio (RFC 2198)."""
        redundant = any(fmt.is_redundant for fmt in self.formats.values())
        if not (redundant and self.quality.lost and self.decodable):
            return 0
        return min(self.track().repaired, self.quality.lost)

    def _keep_ledger(self) -> Ledger:
        first, last = self.index, self.index + 1
        return keep(self._table.found, first, last, self._table.formats.clocks(slice(first, last)))

    @property
    def time_s(self) -> npt.NDArray[np.float64]:
        """When each packet came, seconds, shape (n,); nan where it has no time."""
        time_ns = self.packets.time_ns
        seconds = (time_ns - self._table.start_ns) / 1e9
        return np.where(time_ns == NO_TIME, np.nan, seconds)

    @cached_property
    def jitter_ms(self) -> npt.NDArray[np.float64]:
        """Interarrival jitter after each packet, milliseconds, shape (n,).

        nan at packets that do not update it (RFC 3550 A.8 as ``rtpcap streams`` defines it).
        """
        figures = self._interarrival()
        out = np.full(len(self), np.nan)
        out[figures.rows] = figures.value_s * 1e3
        return out

    def _interarrival(self) -> Jitter:
        return jitter(self.packets, self._places, self._table.formats, self.index)

    @cached_property
    def gaps(self) -> Gaps:
        """Where packets are missing, silence was not sent, or the sender began anew."""
        return Gaps(self._analysis().gaps(self._table.start_ns))

    def _analysis(self) -> Analysis:
        # Not at the top: who asks for counts alone does not pay for it.
        from rtpcap.streams.analysis import Analysis

        header_bytes = self._table.header_bytes(self.src)
        network = self._table.network(self.index)
        return Analysis(self, self._table.formats, self._places, header_bytes, network)

    def play(
        self,
        buffer_ms: float | None = None,
        *,
        adaptive: tuple[float, float] | None = None,
        network_ms: float | None = None,
    ) -> Play:
        """What a listener with a jitter buffer would have heard, as figures and as audio.

        `buffer_ms` is the size of a fixed buffer, 60 where nothing is said; `adaptive` the limits
        of one that follows the delays. `network_ms` is the delay one way of network and codec:
        where it is not told, half of the round trip that RTCP tells of, or 0. Raises ValueError
        for a buffer or a delay that is not possible.
        """
        return self._analysis().play(buffer_ms, adaptive, network_ms)

    def buffer_curve(
        self, sizes_ms: Sequence[float] | None = None, *, network_ms: float | None = None
    ) -> Curve:
        """What it sounds like with fixed jitter buffers of several sizes: 0, 10 ... 200 ms.

        Raises CodecUnavailable where the E-model knows nothing of its codec.
        """
        return self._analysis().buffer_curve(sizes_ms, network_ms)

    def windows(self, window_s: float) -> Windows:
        """Its figures over windows of time that begin with its first packet.

        With the MOS of each behind a jitter buffer of 60 ms: see `Windows.rated`. Raises
        ValueError for a length that is not possible.
        """
        return self._analysis().windows(window_s, self._interarrival())

    @cached_property
    def per_packet(self) -> PerPacket:
        """Delta, skew, jitter and bandwidth as each packet came, and what it was."""
        return self._analysis().per_packet()

    def _meant(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """The clock rate of each packet, and whether it is media, shape (n,)."""
        formats, number = self._table.formats, self.packets.payload_type
        row = formats.rows(self.index, self.index + 1, np.array([len(number)]))
        return formats.clock_rate[row, number], formats.media[row, number]

    def _parts(self) -> Iterator[tuple[slice, dict[int, Format]]]:
        """Its packets by the meanings of their numbers: one part, unless these change."""
        return self._table.formats.parts(self.index, len(self))

    @cached_property
    def dtmf(self) -> Digits:
        """The keys pressed, by events and in the sound, each once. Decodes its audio.

        `Call.dtmf` has those by INFO too, and puts together what one party sent in several streams.
        """
        return Digits(presses([*self.told_keys, *self.inband_keys]))

    @cached_property
    def told_keys(self) -> Digits:
        """The keys pressed by telephone events (RFC 4733): nothing is decoded for them."""
        return Digits(self._digits())

    @property
    def inband_keys(self) -> Digits:
        """The keys heard in its audio (ITU-T Q.24); none where it cannot be decoded."""
        return Digits(self._sound.keys if self._sound else ())

    @property
    def inband_tones(self) -> Tones:
        """The call tones heard in its audio; none where it cannot be decoded."""
        return Tones(self._sound.tones if self._sound else ())

    @cached_property
    def tones(self) -> Tones:
        """The call tones, by events (RFC 4734) and in the sound, each once. Decodes its audio."""
        return Tones(each_once(told_tones(self.told_keys), self.inband_tones))

    def _digits(self) -> list[Digit]:
        packets = self.packets
        rows = []
        for part, formats in self._parts():
            events = [number for number, fmt in formats.items() if fmt.is_event]
            if events:
                number = packets.payload_type[part]
                rows.append(part.start + np.flatnonzero(np.isin(number, events)))
        if not rows:
            return []
        every = np.concatenate(rows)
        if self.encrypted and not are_events(packets, every):
            # Ciphertext names events too, at random.
            return []
        clock_rate, _ = self._meant()
        return find_digits(packets, every, self.ssrc, clock_rate, self._table.start_ns)

    @property
    def first_frame(self) -> int:
        return self._table.edge_frame(self.index, 0)

    @property
    def last_frame(self) -> int:
        return self._table.edge_frame(self.index, 1)

    @property
    def start_ns(self) -> int | None:
        """When its first packet came, nanoseconds since 1970; None where it has no time."""
        return self._table.edge_time(self.index, 0)

    @property
    def end_ns(self) -> int | None:
        """When its last packet came, nanoseconds since 1970."""
        return self._table.edge_time(self.index, 1)

    @property
    def start_s(self) -> float | None:
        start = self.start_ns
        return None if start is None else (start - self._table.start_ns) / 1e9

    @property
    def duration_s(self) -> float | None:
        """From its first packet to its last."""
        start, end = self.start_ns, self.end_ns
        return None if start is None or end is None else (end - start) / 1e9

    @cached_property
    def encrypted(self) -> bool:
        """Whether its payloads are encrypted: G.711 with an SRTP tag, or as random as can be."""
        if self.recognised is not None and self.recognised.encrypted:
            return True
        if (self.index, self._main[0]) in self._table.recognition.random:
            return True
        part, formats = next(self._parts())
        return carries_tags(self.packets[part], formats)

    @property
    def decodable(self) -> bool:
        """Whether its audio can be had here."""
        return self.why_not is None

    @cached_property
    def why_not(self) -> str | None:
        """Why its audio cannot be had, and the cure; None where it can."""
        number, fmt = self._main
        if fmt is None:
            return self._unknown(number)
        if fmt.is_event:
            return "only telephone events, no audio"
        if self.encrypted:
            if (self.index, number) in self._table.recognition.random:
                return "encrypted: every byte is as random as the next, the first ones too"
            return "encrypted: each payload is longer than its audio by an SRTP tag"
        try:
            find(fmt)
        except CodecUnavailable as reason:
            return str(reason)
        return None

    def _unknown(self, number: int) -> str:
        """Why a payload number has no format, and the cure."""
        found = self.recognised
        if found is not None and found.encrypted:
            return found.reasons[0]
        cure = f"payload type {number} has no name: say it with --map {number}=CODEC/RATE"
        if found is not None and found.candidates:
            likely = found.candidates[0].format
            return f"{cure}; perhaps {likely}, with a confidence of {found.confidence:.2f}"
        return cure

    def track(
        self,
        *,
        origin_ns: int | None = None,
        reanchor_s: float | None = None,
        heard: npt.NDArray[np.bool_] | None = None,
        rendering: Rendering = AS_RECEIVED,
    ) -> Track:
        """Its audio on a time line, to be read window by window in little memory.

        With `origin_ns` the line begins at that time of the capture's clock, otherwise with the
        stream's lowest sample; `reanchor_s` is the drift from that clock after which it is laid
        anew at a pause. With `heard`, shape (n,), only those packets are in it. Raises
        CodecUnavailable where `why_not` says a reason.
        """
        # Not at the top: who asks for figures alone loads nothing that lays audio.
        from rtpcap.audio.track import Track

        own, packets = self._own(heard), self.packets
        if rendering.clock == "rtcp":
            packets = self._spoken()
        parts = []
        for part, formats in self._parts():
            mine, kept = packets[part], own[part]
            parts.append((mine if kept.all() else mine[kept], formats))

        def laid(origin_ns: int | None) -> list[Track]:
            tracks, reason = [], CodecUnavailable("no packets")
            for mine, formats in parts:
                try:
                    track = Track.lay(
                        mine,
                        formats,
                        origin_ns=origin_ns,
                        reanchor_s=reanchor_s,
                        rendering=rendering,
                    )
                except CodecUnavailable as error:
                    # What can be heard is, as with payload numbers of no codec beside others.
                    reason = error
                else:
                    tracks.append(track)
            if not tracks:
                raise reason
            return tracks

        if len(parts) == 1:
            return laid(origin_ns)[0]
        # One line, on which each part is laid by what its numbers mean.
        own_origin_ns = self.start_ns if origin_ns is None else None
        track = Track.joined(laid(own_origin_ns if origin_ns is None else origin_ns))
        if own_origin_ns is not None and track.begin < 0:
            # A packet that was overtaken by the very first one belongs before it.
            early_ns = track.begin * SECOND_NS // track.rate
            track = Track.joined(laid(own_origin_ns + early_ns))
        return track

    def _spoken(self) -> Packets:
        """Its packets with the times that its sender's reports give them, where there are any."""
        from rtpcap.streams.sender_clock import spoken

        clock = self.wall_clock
        if clock is None or self.clock_rate is None or self.ledger.epoch.any():
            return self.packets
        return spoken(self.packets, clock, self.clock_rate)

    @property
    def heard(self) -> Heard | None:
        """Key presses, call tones and levels of its audio; None where it cannot be decoded.

        Times in seconds from the first sample of its line. Decodes it once, from end to end.
        """
        return self._sound.heard if self._sound else None

    @property
    def levels(self) -> Levels | None:
        """How loud its audio is: level, speech, noise ...; None where it cannot be decoded."""
        return self._sound.heard.levels if self._sound else None

    @cached_property
    def sender_levels(self) -> AudioLevels | None:
        """The levels that its sender wrote into header extensions (RFC 6464), also of encrypted
        audio; None without any."""
        from rtpcap.rtp.audio_level import read_levels

        return read_levels(self.packets)

    @cached_property
    def _sound(self) -> Sound | None:
        # Not at the top: who does not listen does not pay for it.
        from rtpcap.streams.sound import Sound

        if not self.decodable:
            return None
        try:
            return Sound.of(self.track(), ssrc=self.ssrc, start_ns=self._table.start_ns)
        except CodecUnavailable:
            return None

    def _own(self, heard: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
        """Which packets to decode: those `heard`, or all that do not only look like its own."""
        if self.why_not:
            raise CodecUnavailable(self.why_not)
        # Not the remembered one, which would stay: decoding goes through all streams.
        return self._keep_ledger().epoch != FOREIGN if heard is None else heard

    def stored_frames(self) -> StoredFrames:
        """Its frames as they were sent, for a file of their codec's: ``.amr``, ``.opus``, ``.ul``.

        Raises CodecUnavailable where `why_not` says a reason, or the codec has no file format.
        """
        from rtpcap.audio.frames import stored_frames

        own, packets = self._own(), self.packets
        # A file has frames of one codec: those of numbers that mean what they meant first.
        for part, formats in self._parts():
            changed = [n for n, fmt in formats.items() if fmt != self.formats.get(n)]
            if changed:
                own[part] &= ~np.isin(packets.payload_type[part], changed)
        return stored_frames(packets if own.all() else packets[own], self.formats)

    def audio(
        self,
        *,
        fill: Fill = "silence",
        rate: int | None = None,
        buffer_ms: float | None = None,
        compensate_delay: bool = True,
        clock: Clock = "capture",
    ) -> Audio:
        """Its audio: int16 samples, each at the place its timestamp gives, and what made it.

        `fill` is what stands where nothing came: ``silence``, ``noise`` (comfort noise in pauses
        that the sender described) or ``conceal`` (that, and losses concealed: for listening). The
        rate is the highest of its codecs, or `rate`. With `buffer_ms` packets that come later than
        a receiver with such a buffer would wait are not heard. What its codec looks ahead is taken
        off, unless `compensate_delay` is False. With the `clock` of ``rtcp`` packets are laid by
        what their sender's reports say, not by their arrival. Raises CodecUnavailable where
        `why_not` says a reason, ValueError for what makes no sense.
        """
        from rtpcap.audio.audio import Audio

        rendering = Rendering(fill, rate, buffer_ms, compensate_delay, clock)
        return Audio.from_lines([self.track(rendering=rendering)])

    def _identity(self) -> dict[str, object]:
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "src": self.src,
            "src_port": self.src_port,
            "dst": self.dst,
            "dst_port": self.dst_port,
            "codec": self.codec,
        }

    def row(self) -> dict[str, object]:
        """The stream with the keys of ``rtpcap streams``."""
        return {
            **self._identity(),
            "clock_rate": self.clock_rate,
            "payload_types": self.payload_types,
            **self.quality.row(),
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
            "start_s": self.start_s,
            "duration_s": self.duration_s,
            "encrypted": self.encrypted,
            "decodable": self.decodable,
            "why_not": self.why_not,
            "call": self.call,
        }

    def quality_row(self, play: Play | None = None) -> dict[str, object]:
        """The keys of ``rtpcap quality``; with `play` what the buffer decides is as there."""
        return {**self._identity(), **self.quality.full_row(), **(play.row() if play else {})}

    def ledger_row(self, play: Play | None = None) -> dict[str, object]:
        """The keys of ``rtpcap ledger``; with `play` as with its buffer."""
        if play is None and not self.repaired:
            # Worked out for all streams at once; copies of what was lost are looked at one by one.
            books = self.quality.further.account
        else:
            books = (play.ledger if play else self.ledger).row()
        return {**self._identity(), **books}

    def level_row(self) -> dict[str, object]:
        """The keys of ``rtpcap levels``. Decodes its audio."""
        from rtpcap.streams.level_rows import level_row

        return {
            **self._identity(),
            "start_s": self.start_s,
            **level_row(self.levels, self.sender_levels),
            "call": self.call,
            "why_not": self.why_not,
        }

    def window_rows(self, window_s: float) -> list[dict[str, object]]:
        """A dict a window, keys as ``rtpcap quality --window`` prints them."""
        name = self._identity()
        return [{**name, **row} for row in self.windows(window_s).rows()]

    def rows(self) -> Iterator[dict[str, object]]:
        """A dict a packet in capture order, keys as ``rtpcap packets`` prints them."""
        from rtpcap.streams.per_packet import KEYS, packet_values

        every = np.arange(len(self))
        for values in packet_values(self.packets, self.ssrc, self.per_packet, every):
            yield dict(zip(KEYS, values, strict=True))

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a packet."""
        from rtpcap.views.table import packets_frame

        return packets_frame(self)

    def plot(
        self, ax: Axes | None = None, *, kind: StreamKind = "gaps", dark: bool = False
    ) -> Axes:
        """A chart of it, ``gaps`` unless another `kind` is asked for; returns its Axes.

        ``gaps``, ``jitter``, ``waveform``, ``spectrogram``, ``quality`` or ``buffer``: see
        `rtpcap.plot`. It is drawn into `ax` where that is given, on dark paper with `dark`.
        """
        from rtpcap.views.plot.sheet import draw

        return draw(self, kind, ax, dark=dark)

    def __len__(self) -> int:
        return self._table.length(self.index)

    def __repr__(self) -> str:
        what = str(self.format) if self.format else f"payload type {self.payload_types[0]}"
        route = f"{self.src}:{self.src_port} > {self.dst}:{self.dst_port}"
        figures = self.quality
        return (
            f"<Stream 0x{self.ssrc:08x} {what} {route}, "
            f"{counted(figures.packets, 'packet')}, {figures.lost:,} lost>"
        )

    def _repr_html_(self) -> str:
        from rtpcap.views.html import fields_html

        return fields_html(self.row(), repr(self))
