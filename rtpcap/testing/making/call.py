"""A capture of a call that never was: sound and digits -> packets -> a pcap."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from rtpcap.audio.resample import resample
from rtpcap.capture.tables import Flow
from rtpcap.capture.writers import (
    ETHERNET,
    InterfaceKey,
    PcapWriter,
    Written,
    whole_file,
    with_headers,
)
from rtpcap.codecs.encoders import Encoder, find_encoder
from rtpcap.rtp.header import RTP_VERSION
from rtpcap.rtp.keys import KEYS, Keys
from rtpcap.rtp.payload_types import Format, static_format
from rtpcap.testing.making.invitation import Invitation
from rtpcap.testing.making.sound import Samples, Sound, sides_of, with_keys

__all__ = ["DigitsBy", "Made", "make"]

DigitsBy = Literal["rfc4733", "inband", "sip-info"]
"""How key presses are sent: as `source` of ``rtpcap dtmf`` names it."""

Endpoint = tuple[str, int]

CALLER, CALLEE = ("192.0.2.1", 4000), ("198.51.100.2", 4002)
"""Addresses for documentation (RFC 5737)."""
START_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z."""

SETUP_NS = (0, 20_000_000, 60_000_000, 70_000_000)
"""When INVITE, 180, 200 and ACK are sent; the media follow after `MEDIA_NS`."""
MEDIA_NS = 80_000_000
CALLEE_NS = 3_000_000
"""The callee's packets lie so far behind the caller's: no two senders tick as one."""
TEARDOWN_NS = 10_000_000

FIRST_DYNAMIC, EVENT_NUMBER = 96, 101
VOLUME = 10
"""Of a key press: -10 dBm0 (RFC 4733 section 2.3)."""
HEADER = struct.Struct(">BBHII")
FIRST_BYTE, MARKER = RTP_VERSION << 6, 0x80
SEQUENCES, TIMESTAMPS = 1 << 16, 1 << 32
ADDRESSES = bytes.fromhex("020000000002020000000001")
"""Destination and source, locally administered."""
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
SECOND_NS = 1_000_000_000


class Sent(NamedTuple):
    """A payload of UDP on its way."""

    time_ns: int
    flow: Flow
    data: bytes


@dataclass(frozen=True)
class Made:
    """A capture that was made."""

    path: str
    codec: str
    ssrc: tuple[int, ...]
    """Of the caller's stream, and the callee's where the sound has two channels."""
    frames: int
    packets: int
    """How many of them are RTP."""
    duration_s: float

    def row(self) -> dict[str, object]:
        """The capture with the keys of ``rtpcap make``."""
        return {
            "output": self.path,
            "codec": self.codec,
            "ssrc": [f"0x{ssrc:08x}" for ssrc in self.ssrc],
            "frames": self.frames,
            "packets": self.packets,
            "duration_s": self.duration_s,
        }


def make(
    path: str | os.PathLike[str],
    sound: Sound,
    *,
    codec: str | Format = "PCMU",
    packet_ms: int = 20,
    digits: str = "",
    digits_by: DigitsBy = "rfc4733",
    digits_at_s: float = 0.5,
    press_s: float = 0.1,
    pause_s: float = 0.1,
    sip: bool = True,
    caller: Endpoint = CALLER,
    callee: Endpoint = CALLEE,
    start_ns: int = START_NS,
    seed: int = 0,
) -> Made:
    """Write a pcap with a call in which this sound is heard and these keys are pressed.

    The first channel of `sound` is what the caller says, the second, where there is one, the
    callee. `codec` is anything of `rtpcap.codecs.encodable`, as in an rtpmap. The caller presses
    `digits` from `digits_at_s` on, each for `press_s` and with `pause_s` behind it: as telephone
    events, in the sound, or by SIP INFO. Without `sip` there is media alone. SSRC, sequence numbers
    and timestamps begin by the `seed`: the same arguments write the same bytes.

    Raises CodecUnavailable where there is no encoder, ValueError for what makes no call, OSError
    where a file cannot be read or written.
    """
    fmt = codec if isinstance(codec, Format) else Format.parse(codec)
    if fmt.name == "opus":
        # RFC 7587 section 7: always two channels, whatever is said.
        fmt = replace(fmt, channels=2)
    find_encoder(fmt, packet_ms)
    keys = digits.upper()
    if unknown := sorted(set(keys) - set(KEYS)):
        raise ValueError(f"{''.join(unknown)!r} is on no keypad: there are {''.join(KEYS)}")
    if keys and digits_by == "sip-info" and not sip:
        raise ValueError("key presses by SIP INFO need SIP")
    if not (press_s > 0 and pause_s >= 0 and digits_at_s >= 0):
        raise ValueError("a press lasts longer than nothing, and time does not run backwards")
    channels, rate = sides_of(sound)
    rng = np.random.default_rng(seed)
    events = bool(keys) and digits_by == "rfc4733"
    formats = {_number(fmt): fmt}
    if events:
        formats[EVENT_NUMBER] = Format("telephone-event", fmt.clock_rate, 1, "0-15")
    invitation = Invitation(
        caller, callee, formats, packet_ms, f"made-{int(rng.integers(1 << 48)):012x}@{caller[0]}"
    )
    media_ns = start_ns + (MEDIA_NS if sip else 0)
    sent: list[Sent] = []
    numbers: list[int] = []
    for side, samples in enumerate(channels):
        encoder = find_encoder(fmt, packet_ms)
        presses = keys if side == 0 else ""
        if presses and digits_by == "inband":
            samples = with_keys(
                samples, rate, presses, at_s=digits_at_s, press_s=press_s, pause_s=pause_s
            )
        elif presses:
            needed = round((digits_at_s + (press_s + pause_s) * len(presses)) * rate)
            samples = np.pad(samples, (0, max(needed - len(samples), 0)))
        pressed = Keys()
        if presses and events:
            ticks = [round(seconds * fmt.clock_rate) for seconds in (press_s, pause_s)]
            pressed.press(presses, ticks[0], ticks[1], VOLUME)
        stream = _Stream(
            flow=Flow(*caller, *callee) if side == 0 else Flow(*callee, *caller),
            number=_number(fmt),
            clock_rate=fmt.clock_rate,
            ssrc=int(rng.integers(1, 1 << 32)),
            sequence=int(rng.integers(SEQUENCES)),
            timestamp=int(rng.integers(TIMESTAMPS)),
            start_ns=media_ns + side * CALLEE_NS,
        )
        numbers.append(stream.ssrc)
        first_key = round(digits_at_s * fmt.clock_rate)
        sent += stream.packets(encoder, _said(samples, rate, encoder), pressed, first_key)
    packets = len(sent)
    end_ns = max((each.time_ns for each in sent), default=media_ns) + packet_ms * 1_000_000
    if sip:
        told = keys if digits_by == "sip-info" else ""
        at = [
            media_ns + round((digits_at_s + number * (press_s + pause_s)) * SECOND_NS)
            for number in range(len(told))
        ]
        end_ns = max([end_ns, *at])
        sent += _signalling(invitation, start_ns, end_ns, told, at, round(press_s * 1000))
    sent.sort(key=lambda each: each.time_ns)
    frames = _write(path, sent)
    length = (sent[-1].time_ns - sent[0].time_ns) / 1e9 if sent else 0.0
    return Made(os.fspath(path), str(fmt), tuple(numbers), frames, packets, length)


def _number(fmt: Format) -> int:
    """The static payload number of a format (RFC 3551 section 6), or the first dynamic one."""
    named = (number for number in range(FIRST_DYNAMIC) if static_format(number) == fmt)
    return next(named, FIRST_DYNAMIC)


def _said(samples: Samples, rate: int, encoder: Encoder) -> Samples:
    """The samples as an encoder takes them."""
    mono = resample(samples, rate, encoder.sample_rate)
    return mono if encoder.channels == 1 else np.repeat(mono[:, None], encoder.channels, axis=1)


@dataclass(frozen=True)
class _Stream:
    flow: Flow
    number: int
    clock_rate: int
    ssrc: int
    sequence: int
    timestamp: int
    start_ns: int

    def packets(
        self, encoder: Encoder, samples: Samples, keys: Keys, first_key: int
    ) -> Iterator[Sent]:
        """Its packets; from the tick `first_key` on reports of keys in place of sound."""
        step = encoder.packet_samples * self.clock_rate // encoder.sample_rate
        talking = False
        for slot, payload in enumerate([*encoder.encode(samples), *encoder.finish()]):
            at = slot * step
            report = keys.report(at, step) if at >= first_key else None
            begin, marker, number = at, not talking, self.number
            if report is not None:
                begin, marker, payload = report.begin, report.first, report.payload
                number = EVENT_NUMBER
            talking = report is None
            header = HEADER.pack(
                FIRST_BYTE,
                number | (MARKER if marker else 0),
                (self.sequence + slot) % SEQUENCES,
                (self.timestamp + begin) % TIMESTAMPS,
                self.ssrc,
            )
            time_ns = self.start_ns + at * SECOND_NS // self.clock_rate
            yield Sent(time_ns, self.flow, header + payload)


def _signalling(
    invitation: Invitation, start_ns: int, end_ns: int, keys: str, at: list[int], press_ms: int
) -> Iterator[Sent]:
    there, back = invitation.there, invitation.back
    flows = (there, back, back, there)
    said = (invitation.invite(), invitation.ringing(), invitation.answer(), invitation.ack())
    for after, flow, data in zip(SETUP_NS, flows, said, strict=True):
        yield Sent(start_ns + after, flow, data)
    for number, (key, time_ns) in enumerate(zip(keys, at, strict=True), 1):
        request, answer = invitation.info(number, key, press_ms)
        yield Sent(time_ns, there, request)
        yield Sent(time_ns + TEARDOWN_NS, back, answer)
    request, answer = invitation.bye(len(keys) + 2)
    yield Sent(end_ns + TEARDOWN_NS, there, request)
    yield Sent(end_ns + 2 * TEARDOWN_NS, back, answer)


def _write(path: str | os.PathLike[str], sent: list[Sent]) -> int:
    """Write the payloads as Ethernet frames."""
    key = InterfaceKey(0, ETHERNET)

    def rows() -> Iterator[Written]:
        for number, each in enumerate(sent, 1):
            packet, _ = with_headers(each.data, len(each.data), each.flow)
            data = ADDRESSES + (IPV6 if ":" in each.flow.src else IPV4) + packet
            yield Written(number, each.time_ns, len(data), data, key, ())

    with whole_file(path) as file:
        return PcapWriter(file, ETHERNET, nanoseconds=True).write(rows())
