"""Session descriptions (RFC 8866), tolerant: the session's own lines, and its media lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rtpcap.signalling.head import Malformed, split_lines
from rtpcap.signalling.media import Defaults, Level, Media, connection_address, read_media

__all__ = ["SessionDescription", "parse_sdp"]


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description; made by `parse_sdp`."""

    media: tuple[Media, ...]
    origin: str = ""
    """The value of ``o=``: user name, session, version, address."""
    name: str = ""
    address: str = ""
    direction: str = ""
    """``""`` where the session has no direction of its own."""
    groups: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    """The session's other attributes, in order."""
    lines: tuple[str, ...] = ()
    """All other lines of the session and its media, as ``b=AS:64``."""
    malformed: tuple[Malformed, ...] = ()


def parse_sdp(data: bytes) -> SessionDescription:
    """A description of any bytes: what cannot be read is in its `malformed`.

    >>> parse_sdp(b"c=IN IP4 10.0.0.1\\nm=audio 4000 RTP/AVP 0 8\\n").media[0].formats
    {0: Format(name='PCMU', clock_rate=8000, channels=1, parameters=''), 8: Format(name='PCMA', \
clock_rate=8000, channels=1, parameters='')}
    """
    return _read_lately(data) if len(data) <= LONGEST_KEPT else _read(data)


def _read(data: bytes) -> SessionDescription:
    session = level = Level("")
    levels: list[Level] = []
    malformed: list[Malformed] = []
    origin = name = ""
    others: list[str] = []
    for line in split_lines(data.decode("utf-8", "replace")):
        kind, value = line[:2], line[2:].strip(" \t\0")
        if kind == "a=":
            key, _, text = value.partition(":")
            level.attributes.append((key.strip(" \t"), text.strip(" \t")))
        elif kind == "m=":
            level = Level(value)
            levels.append(level)
        elif kind == "c=":
            level.address = level.address or connection_address(value, malformed)
        elif kind == "o=":
            origin = origin or value
        elif kind == "s=":
            name = name or value
        elif line[1:2] == "=" and line[:1].isalpha():
            others.append(f"{line[:1]}={value}")
        elif line.strip(" \t\0"):
            malformed.append(Malformed("line of no type", line))
    default = Defaults(session)
    return SessionDescription(
        tuple([read_media(level, default, malformed) for level in levels]),
        origin,
        name,
        session.address,
        default.direction,
        tuple(default.groups),
        tuple(default.attributes),
        tuple(others),
        tuple(malformed),
    )


LONGEST_KEPT = 4096
_read_lately = lru_cache(256)(_read)
"""The same description comes in several messages: on each hop, early and final, refreshed."""
