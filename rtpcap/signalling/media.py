"""One media line of a session description: where a side wants to receive, and what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from rtpcap.rtp.payload_types import STATIC_FORMATS, Format
from rtpcap.signalling.head import Malformed

__all__ = ["NOWHERE", "Candidate", "Defaults", "Level", "Media", "connection_address", "read_media"]

PAYLOAD_NUMBERS = 128
HIGHEST_PORT = 65535
DIRECTIONS = frozenset(("sendrecv", "sendonly", "recvonly", "inactive"))
NOWHERE = frozenset(("0.0.0.0", "::"))
"""A connection address that puts on hold (RFC 2543; RFC 3264 section 8.4)."""

NUMBER = re.compile(r"[0-9]{1,10}")
DECIMAL = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")


class Candidate(NamedTuple):
    """An ICE candidate (RFC 8839 section 5.1): another address where media may arrive."""

    component: int
    """1 for RTP, 2 for RTCP."""
    transport: str
    address: str
    port: int
    kind: str
    """``host``, ``srflx``, ``prflx`` or ``relay``."""


@dataclass(frozen=True, slots=True)
class Media:
    """One media line with what holds for it, defaults of the session included.

    The payload numbers are those that this side wants to receive (RFC 3264 section 5.1).
    """

    kind: str
    """``audio``, ``video``, ``image``, ...; ``""`` where the line could not be read."""
    port: int
    """Where RTP is to go; 0: this line is rejected or not used any more."""
    protocol: str
    address: str
    """Where RTP is to go; ``""`` where no connection line says it."""
    direction: str
    formats: Mapping[int, Format] = field(hash=False)
    """Payload number -> format, in order of preference."""
    port_count: int = 1
    """As in ``4000/2``: so many port pairs from `port` on."""
    other_formats: tuple[str, ...] = ()
    """Formats that are no payload numbers, as ``t38``, or numbers that nothing names."""
    ptime: float | None = None
    """Milliseconds of sound in a packet that this side would like."""
    maxptime: float | None = None
    rtcp_port: int | None = None
    """Where RTCP is to go, from ``a=rtcp``, or the port after RTP's; that of RTP with mux."""
    rtcp_address: str = ""
    rtcp_mux: bool = False
    candidates: tuple[Candidate, ...] = ()
    crypto: tuple[str, ...] = ()
    """The values of ``a=crypto`` lines, verbatim (RFC 4568)."""
    fingerprints: tuple[str, ...] = ()
    """The values of ``a=fingerprint`` lines, verbatim (RFC 8122)."""
    setup: str = ""
    ice_ufrag: str = ""
    ice_pwd: str = ""
    ssrcs: tuple[int, ...] = ()
    mid: str = ""
    label: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    """All other attributes of the line, in order."""

    @property
    def rejected(self) -> bool:
        return self.port == 0

    @property
    def held(self) -> bool:
        """Whether this side does not want to hear: on hold (RFC 3264 section 8.4).

        With ICE no address says only that candidates follow (RFC 8840 section 4.1.1).
        """
        if self.port == 0:
            return False
        nowhere = self.address in NOWHERE and not self.ice_ufrag and not self.candidates
        return nowhere or self.direction in ("sendonly", "inactive")

    @property
    def is_fax(self) -> bool:
        """T.38 (RFC 7345)."""
        return self.kind == "image" and "t38" in (name.lower() for name in self.other_formats)


class Level:
    """The lines of the session, or of one media line: its address and attributes."""

    __slots__ = ("address", "attributes", "line")

    def __init__(self, line: str) -> None:
        self.line = line
        self.address = ""
        self.attributes: list[tuple[str, str]] = []


class Defaults:
    """What the session says for media lines that do not say it themselves."""

    def __init__(self, session: Level) -> None:
        self.address = session.address
        self.direction = ""
        self.groups: list[str] = []
        self.crypto: list[str] = []
        self.fingerprints: list[str] = []
        self.words = dict.fromkeys(("setup", "ice-ufrag", "ice-pwd", "ptime", "maxptime"), "")
        self.attributes: list[tuple[str, str]] = []
        for name, value in session.attributes:
            if name in DIRECTIONS:
                self.direction = name
            elif name == "group":
                self.groups.append(value)
            elif name == "crypto":
                self.crypto.append(value)
            elif name == "fingerprint":
                self.fingerprints.append(value)
            elif name in self.words:
                self.words[name] = value
            else:
                self.attributes.append((name, value))


def connection_address(value: str, malformed: list[Malformed]) -> str:
    """``IN IP4 224.2.36.42/127/3`` -> ``224.2.36.42``."""
    words = value.split()
    if len(words) < 3:
        malformed.append(Malformed("connection line without an address", f"c={value}"))
        return ""
    return _address(words[2].partition("/")[0])


@lru_cache(4096)
def _same(text: str) -> str:
    return text


def _shared(text: str) -> str:
    """The same text as one object: calls by the thousand name few addresses."""
    return _same(text) if len(text) <= LONGEST_SHARED else text


@lru_cache(4096)
def _of_flows(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return address


def _address(text: str) -> str:
    """An address as flows have it: IPv6 has several ways to be written (RFC 5952)."""
    return _of_flows(text) if ":" in text and len(text) <= LONGEST_SHARED else _shared(text)


LONGEST_SHARED = 64


def _number(text: str, most: int) -> int | None:
    found = NUMBER.fullmatch(text)
    number = int(text) if found else most + 1
    return number if number <= most else None


def _decimal(text: str) -> float | None:
    return float(text) if DECIMAL.fullmatch(text) else None


def read_media(level: Level, default: Defaults, malformed: list[Malformed]) -> Media:
    """One media line, its attributes and the session's defaults."""
    words = level.line.split()
    port_text, _, count_text = (words[1] if len(words) > 1 else "").partition("/")
    port = _number(port_text, HIGHEST_PORT)
    port_count = _number(count_text, HIGHEST_PORT) if count_text else 1
    if len(words) < 3 or port is None or port_count is None:
        malformed.append(Malformed("media line without kind, port and protocol", f"m={level.line}"))

    direction = default.direction or "sendrecv"
    maps: list[tuple[int, str]] = []
    parameters: list[tuple[int, str]] = []
    rtcp_port: int | None = None
    rtcp_address = ""
    mux = False
    candidates: list[Candidate] = []
    crypto: list[str] = []
    fingerprints: list[str] = []
    ssrcs: dict[int, None] = {}
    said: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for name, value in level.attributes:
        if name == "rtpmap" or name == "fmtp":
            number_text, _, text = value.partition(" ")
            number = _number(number_text, PAYLOAD_NUMBERS - 1)
            if number is not None:
                (maps if name == "rtpmap" else parameters).append((number, text.strip(" \t")))
            elif name == "fmtp":
                rest.append((name, value))
            else:
                malformed.append(Malformed("rtpmap without a payload number", f"a=rtpmap:{value}"))
        elif name in DIRECTIONS:
            direction = name
        elif name in SINGLE:
            said.setdefault(name, value)
        elif name == "rtcp-mux":
            mux = True
        elif name == "rtcp":
            pieces = value.split()
            rtcp_port = _number(pieces[0], HIGHEST_PORT) if pieces else None
            rtcp_address = _address(pieces[3]) if len(pieces) > 3 else ""
            if rtcp_port is None:
                malformed.append(Malformed("rtcp attribute without a port", f"a=rtcp:{value}"))
        elif name == "candidate":
            candidate = _candidate(value)
            if candidate is None:
                malformed.append(Malformed("candidate without an address", f"a=candidate:{value}"))
            else:
                candidates.append(candidate)
        elif name == "crypto":
            crypto.append(value)
        elif name == "fingerprint":
            fingerprints.append(value)
        elif name == "ssrc":
            ssrc = _number(value.partition(" ")[0], 0xFFFFFFFF)
            if ssrc is not None:
                ssrcs[ssrc] = None
            rest.append((name, value))
        else:
            rest.append((name, value))

    protocol = _shared(words[2]) if len(words) > 2 else ""
    is_rtp = "RTP" in protocol.upper()
    named = tuple(words[3:]), tuple(maps) if is_rtp else (), tuple(parameters), is_rtp
    small = len(level.line) + sum(len(text) for _, text in maps + parameters) <= LONGEST_KEPT
    formats, unnamed, wrong = (_formats_lately if small else _formats)(*named)
    malformed += wrong
    words_of = default.words
    port = port or 0
    if rtcp_port is None and port:
        rtcp_port = port if mux else min(port + 1, HIGHEST_PORT)
    address = level.address or default.address
    return Media(
        _shared(words[0]) if words else "",
        port,
        protocol,
        address,
        direction,
        formats,
        port_count or 1,
        unnamed,
        _decimal(said.get("ptime") or words_of["ptime"]),
        _decimal(said.get("maxptime") or words_of["maxptime"]),
        rtcp_port,
        rtcp_address or address,
        mux,
        tuple(candidates),
        tuple(crypto or default.crypto),
        tuple(fingerprints or default.fingerprints),
        said.get("setup") or words_of["setup"],
        said.get("ice-ufrag") or words_of["ice-ufrag"],
        said.get("ice-pwd") or words_of["ice-pwd"],
        tuple(ssrcs),
        said.get("mid", ""),
        said.get("label", ""),
        tuple(rest),
    )


SINGLE = frozenset(("ptime", "maxptime", "setup", "ice-ufrag", "ice-pwd", "mid", "label"))
"""Attributes that a media line has once; of several the first counts."""


def _candidate(value: str) -> Candidate | None:
    words = value.split()
    if len(words) < 6:
        return None
    component, port = _number(words[1], 256), _number(words[5], HIGHEST_PORT)
    if component is None or port is None:
        return None
    kind = words[7] if len(words) > 7 and words[6] == "typ" else ""
    return Candidate(component, words[2].lower(), _address(words[4]), port, kind)


def _formats(
    listed: tuple[str, ...],
    maps: tuple[tuple[int, str], ...],
    parameters: tuple[tuple[int, str], ...],
    is_rtp: bool,
) -> tuple[dict[int, Format], tuple[str, ...], tuple[Malformed, ...]]:
    """Payload number -> format; listed names that are no number or have no format; faults.

    Numbers that only an rtpmap names stand behind those of the media line. The same lines give
    the same objects: treat them as read-only.
    """
    named: dict[int, Format] = {}
    malformed = []
    for number, text in maps:
        try:
            named.setdefault(number, Format.parse(text))
        except ValueError:
            malformed.append(Malformed("rtpmap that is no format", f"a=rtpmap:{number} {text}"))
    told: dict[int, list[str]] = {}
    for number, text in parameters:
        told.setdefault(number, []).append(text)
    for number, texts in told.items():
        fmt = named.get(number) or STATIC_FORMATS.get(number)
        if fmt is not None and is_rtp:
            named[number] = replace(fmt, parameters="; ".join(texts))
    formats: dict[int, Format] = {}
    unnamed = []
    for word in listed:
        place = _number(word, PAYLOAD_NUMBERS - 1) if is_rtp else None
        fmt = None if place is None else named.get(place) or STATIC_FORMATS.get(place)
        if place is None or fmt is None:
            unnamed.append(word)
        else:
            formats.setdefault(place, fmt)
    mapped = {number for number, _ in maps}
    for number, fmt in named.items():
        if number in mapped:
            formats.setdefault(number, fmt)
    return formats, tuple(unnamed), tuple(malformed)


LONGEST_KEPT = 2048
_formats_lately = lru_cache(1024)(_formats)
