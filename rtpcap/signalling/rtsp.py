"""RTSP (RFC 2326, RFC 7826): which streams a server was asked for, and over which ports."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from rtpcap.signalling.address import split_list
from rtpcap.signalling.arrival import Arrival, Moment
from rtpcap.signalling.head import Malformed, field_name, split_head
from rtpcap.signalling.media import Media
from rtpcap.signalling.parts import media_type
from rtpcap.signalling.sdp import SessionDescription, parse_sdp

__all__ = ["RtspMessage", "RtspSessions", "RtspStream", "parse_rtsp"]

START_LINE = re.compile(
    rb"[\r\n]*+(?:(RTSP/[0-9]\.[0-9])[ \t]++([0-9]{3})(?:[ \t]([^\r\n]*+))?(?=[\r\n]|\Z)"
    rb"|([A-Z_]{3,32}+)[ \t]++([^\r\n]*)[ \t](RTSP/[0-9]\.[0-9])[ \t]*+(?=[\r\n]|\Z))"
)
NUMBER = re.compile(r"[0-9]{1,9}")
PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
SSRC = re.compile(r"[0-9A-Fa-f]{1,8}")

MOST_WAITING = 1024
"""Requests that wait for their answer; the oldest gives way."""
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class RtspMessage:
    """One request or response; of a response `method` is ``""``, of a request `status` is 0."""

    method: str
    uri: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    malformed: tuple[Malformed, ...] = ()
    missing: int = 0
    """Bytes of the body that are not there."""
    end: int = field(default=0, compare=False)
    """Where the message ends in the bytes it was read from."""

    def header(self, name: str) -> str:
        """The first value of a header; ``""`` where absent."""
        wanted = field_name(name)
        return next((value for found, value in self.headers if found == wanted), "")

    @property
    def cseq(self) -> int | None:
        found = NUMBER.match(self.header("CSeq"))
        return int(found[0]) if found else None

    @property
    def sdp(self) -> SessionDescription | None:
        """The description in the body; None without one."""
        is_sdp = media_type(self.header("Content-Type")) == "application/sdp"
        return parse_sdp(self.body) if self.body and is_sdp else None


def parse_rtsp(data: bytes, begin: int = 0) -> RtspMessage | None:
    """The message that begins at `begin`; None where none does."""
    line = START_LINE.match(data, begin)
    if line is None:
        return None
    response, status, reason, method, uri, _ = line.groups()
    head = split_head(data, line.start(1) if response else line.start(4))
    length = 0
    for name, value in head.fields:
        if name == "Content-Length" and NUMBER.fullmatch(value):
            length = int(value)
            break
    end = min(head.body + length, len(data))
    return RtspMessage(
        "" if response else method.decode("ascii"),
        "" if response else uri.decode("utf-8", "replace").strip(" \t"),
        int(status) if response else 0,
        (reason or b"").decode("utf-8", "replace").strip(" \t"),
        tuple(head.fields),
        data[head.body : end],
        tuple(head.malformed),
        head.body + length - end,
        end,
    )


@dataclass(frozen=True, slots=True)
class RtspStream:
    """A media line of a session that was set up; ports are None where it runs inside RTSP."""

    began: Moment
    session: str
    uri: str
    media: Media | None
    """The line of the description that the client asked for; None where none was captured."""
    client: str
    client_port: int | None
    client_rtcp_port: int | None
    server: str
    server_port: int | None
    server_rtcp_port: int | None
    interleaved: tuple[int, int] | None
    """The channels of RTP and RTCP inside the RTSP connection."""
    ssrc: int | None
    """The server's, where it says so."""
    connection: tuple[str, int] = ("", 0)
    """The client's end of the connection that it was set up over."""
    ended: Moment | None = None


class RtspSessions:
    """Takes in the RTSP messages of a capture in order."""

    def __init__(self) -> None:
        self.streams: list[RtspStream] = []
        """In order of set-up."""
        self._waiting: dict[tuple[str, int, str, int, int], RtspMessage] = {}
        self._described: dict[str, tuple[str, SessionDescription]] = {}

    def feed(self, message: RtspMessage, arrival: Arrival) -> None:
        """Take a message in."""
        number = message.cseq
        if number is None:
            return
        _, _, src, src_port, dst, dst_port, _ = arrival
        if message.method:
            while len(self._waiting) >= MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[src, src_port, dst, dst_port, number] = message
            self._describe(message.uri, message)
            return
        asked = self._waiting.pop((dst, dst_port, src, src_port, number), None)
        if asked is None or not 200 <= message.status < 300:
            return
        if asked.method == "DESCRIBE":
            self._describe(asked.uri, message)
        elif asked.method == "SETUP":
            self._set_up(asked, message, arrival)
        elif asked.method == "TEARDOWN":
            self._tear_down(asked, arrival.moment)

    def _describe(self, uri: str, message: RtspMessage) -> None:
        """A description that a server gives (DESCRIBE) or a client brings (ANNOUNCE)."""
        described = message.sdp
        if described is None:
            return
        base = message.header("Content-Base") or message.header("Content-Location") or uri
        while len(self._described) >= MOST_WAITING:
            del self._described[next(iter(self._described))]
        self._described[_bare(uri)] = (base, described)

    def _set_up(self, asked: RtspMessage, answer: RtspMessage, arrival: Arrival) -> None:
        transport = answer.header("Transport") or asked.header("Transport")
        told = _parameters(split_list(transport)[0])
        client, client_rtcp = _pair(told.get("client_port", told.get("port", "")))
        server, server_rtcp = _pair(told.get("server_port", ""))
        channel, rtcp_channel = _pair(told.get("interleaved", ""))
        ssrc = SSRC.fullmatch(told.get("ssrc", ""))
        self.streams.append(
            RtspStream(
                arrival.moment,
                answer.header("Session").partition(";")[0].strip(),
                asked.uri,
                self._media(asked.uri),
                # The answer travels from the server to the client.
                told.get("destination") or arrival.dst,
                client,
                client_rtcp,
                told.get("source") or arrival.src,
                server,
                server_rtcp,
                None if channel is None else (channel, rtcp_channel or channel),
                int(ssrc[0], 16) if ssrc else None,
                (arrival.dst, arrival.dst_port),
            )
        )

    def _media(self, uri: str) -> Media | None:
        """The media line whose ``a=control`` is this URI (RFC 2326 appendix C.1.1)."""
        wanted = _bare(uri)
        for base, described in reversed(self._described.values()):
            root = _bare(base)
            if not wanted.startswith(root) and not wanted.startswith(_bare(_server(base))):
                continue
            for media in described.media:
                control = dict(reversed(media.attributes)).get("control", "")
                if control and wanted in (_bare(control), f"{root}/{control.strip('/')}"):
                    return media
            if wanted == root and len(described.media) == 1:
                return described.media[0]
        return None

    def _tear_down(self, asked: RtspMessage, at: Moment) -> None:
        session = asked.header("Session").partition(";")[0].strip()
        whole = _bare(asked.uri)
        for row, stream in enumerate(self.streams):
            mine = stream.session == session and _bare(stream.uri).startswith(whole)
            if mine and stream.ended is None:
                self.streams[row] = replace(stream, ended=at)


def _server(uri: str) -> str:
    """``rtsp://host:554/a/b`` -> ``rtsp://host:554``."""
    return "/".join(uri.split("/")[:3])


def _bare(uri: str) -> str:
    return uri.strip(" \t").rstrip("/")


def _parameters(transport: str) -> dict[str, str]:
    pieces = (piece.partition("=") for piece in transport.split(";"))
    return {name.strip(" \t").lower(): value.strip(' \t"') for name, _, value in pieces}


def _pair(text: str) -> tuple[int | None, int | None]:
    """``4588-4589`` -> (4588, 4589); ``4588`` -> (4588, 4589)."""
    found = PORTS.fullmatch(text)
    if found is None or int(found[1]) > HIGHEST_PORT:
        return None, None
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    return first, second if second <= HIGHEST_PORT else None
