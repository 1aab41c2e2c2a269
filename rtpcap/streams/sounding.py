"""What a stream sounds like: its audio, its keys, tones and levels; or why it has none."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.audio.rendering import AS_RECEIVED, Clock, Fill, Rendering
from rtpcap.codecs.registry import find
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.packets import Packets
from rtpcap.streams.digits import Digit, Digits, are_events, find_digits
from rtpcap.streams.ledger import FOREIGN
from rtpcap.streams.presses import presses
from rtpcap.streams.srtp import carries_tags
from rtpcap.streams.tones import Tones, each_once, told_tones

if TYPE_CHECKING:
    from rtpcap.audio.audio import Audio
    from rtpcap.audio.frames import StoredFrames
    from rtpcap.audio.levels import Levels
    from rtpcap.audio.tones import Heard
    from rtpcap.audio.track import Track
    from rtpcap.rtp.audio_level import AudioLevels
    from rtpcap.streams.sound import Sound

from rtpcap.streams.identity import Identity

__all__ = ["Sounding"]

SECOND_NS = 1_000_000_000


class Sounding(Identity):
    """A stream that can be listened to."""

    @cached_property
    def encrypted(self) -> bool:
        """Whether its payloads are encrypted: G.711 with an SRTP tag, or as random as can be."""
        if self.recognised is not None and self.recognised.encrypted:
            return True
        if (self._row, self._main[0]) in self._table.recognition.random:
            return True
        if not self._table.could_carry_tags[self._row]:
            return False
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
            if (self._row, number) in self._table.recognition.random:
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
        cure = f"payload type {number} has no name: say it with --map {number}=CODEC/RATE or pt_map"
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
        anew at a pause. With `heard`, shape (n,), only those packets are in it. The
        `rendering` says what stands where nothing came, and at which rate. Raises CodecUnavailable
        where `why_not` says a reason.
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
        if clock is None or self.clock_rate is None or self._places.epoch.any():
            return self.packets
        return spoken(self.packets, clock, self.clock_rate)

    def _own(self, heard: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
        """Which packets to decode: those `heard`, or all that do not only look like its own."""
        if self.why_not:
            raise CodecUnavailable(self.why_not)
        # Not the remembered one, which would stay: decoding goes through all streams.
        return self._keep_ledger().epoch != FOREIGN if heard is None else heard

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

    @cached_property
    def dtmf(self) -> Digits:
        """The keys pressed, by events and in the sound, each once. Decodes its audio.

        `Call.dtmf` has those by INFO too, and puts together what one party sent in several streams.
        """
        return Digits(presses([*self.told_keys, *self.inband_keys]), start_ns=self._origin_ns)

    @cached_property
    def told_keys(self) -> Digits:
        """The keys pressed by telephone events (RFC 4733): nothing is decoded for them."""
        return Digits(self._digits(), start_ns=self._origin_ns)

    @property
    def inband_keys(self) -> Digits:
        """The keys heard in its audio (ITU-T Q.24); none where it cannot be decoded."""
        return Digits(self._sound.keys if self._sound else (), start_ns=self._origin_ns)

    @property
    def inband_tones(self) -> Tones:
        """The call tones heard in its audio; none where it cannot be decoded."""
        return Tones(self._sound.tones if self._sound else (), start_ns=self._origin_ns)

    @cached_property
    def tones(self) -> Tones:
        """The call tones, by events (RFC 4734) and in the sound, each once. Decodes its audio."""
        found = each_once(told_tones(self.told_keys), self.inband_tones)
        return Tones(found, start_ns=self._origin_ns)

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
