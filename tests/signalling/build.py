"""SIP messages from named fields, and scenes of who sent what to whom.

Fields that are not given are those of a sound message from Alice to Bob.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rtpcap.signalling import Arrival, Dialog, Dialogs, Signalling, SipMessage, parse_sip

START_NS = 1_700_000_000_000_000_000
ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"
CALL_ID = "call-1@example.org"

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Place:
    """An end of the signalling."""

    host: str
    port: int = 5060


A, B = Place("10.0.0.1"), Place("10.0.0.2")
PROXY = Place("10.0.0.9")


def audio(
    port: int = 4000,
    formats: str = "0 8 101",
    *,
    host: str = "10.0.0.1",
    lines: Sequence[str] = ("a=rtpmap:101 telephone-event/8000",),
    protocol: str = "RTP/AVP",
) -> bytes:
    """A description with one audio line."""
    return text(
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} {protocol} {formats}",
        *lines,
    )


def text(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def message(
    start: str, fields: Fields, body: bytes = b"", *, length: int | str | None = None
) -> bytes:
    """Start line, fields, Content-Length, body; no Content-Length where `length` is ``""``."""
    told = len(body) if length is None else length
    lines = [start, *(f"{name}: {value}" for name, value in fields)]
    if told != "":
        lines.append(f"Content-Length: {told}")
    return text(*lines, "") + body


def request(
    method: str,
    *,
    uri: str = BOB,
    call_id: str = CALL_ID,
    cseq: int = 1,
    caller: str = ALICE,
    callee: str = BOB,
    from_tag: str = "a",
    to_tag: str = "",
    branch: str = "",
    sent_by: str = "10.0.0.1",
    more: Fields = (),
    body: bytes = b"",
    content_type: str = "application/sdp",
) -> bytes:
    """A request; the branch is its method, CSeq and From tag where not given."""
    branch = branch or f"z9hG4bK-{method}-{cseq}-{from_tag}"
    fields = [
        ("Via", f"SIP/2.0/UDP {sent_by};branch={branch}"),
        ("From", f"<{caller}>;tag={from_tag}"),
        ("To", f"<{callee}>" + (f";tag={to_tag}" if to_tag else "")),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
        *more,
    ]
    if body:
        fields.append(("Content-Type", content_type))
    return message(f"{method} {uri} SIP/2.0", fields, body)


def response(
    status: int,
    reason: str = "",
    *,
    method: str = "INVITE",
    call_id: str = CALL_ID,
    cseq: int = 1,
    caller: str = ALICE,
    callee: str = BOB,
    from_tag: str = "a",
    to_tag: str = "b",
    branch: str = "",
    sent_by: str = "10.0.0.1",
    more: Fields = (),
    body: bytes = b"",
) -> bytes:
    """A response to the request that `request` makes of the same fields."""
    branch = branch or f"z9hG4bK-{method}-{cseq}-{from_tag}"
    fields = [
        ("Via", f"SIP/2.0/UDP {sent_by};branch={branch}"),
        ("From", f"<{caller}>;tag={from_tag}"),
        ("To", f"<{callee}>" + (f";tag={to_tag}" if to_tag else "")),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
        *more,
    ]
    if body:
        fields.append(("Content-Type", "application/sdp"))
    return message(f"SIP/2.0 {status} {reason}", fields, body)


def build(built: SipMessage) -> bytes:
    """The bytes of a message as `parse_sip` gave it: what it would be sent as."""
    start = (
        f"{built.version} {built.status} {built.reason}"
        if built.status
        else f"{built.method} {built.uri} {built.version}"
    )
    return text(start, *(f"{name}: {value}" for name, value in built.headers), "") + built.body


@dataclass
class Scene:
    """Messages in the order of their frames; one a frame, a second apart where not said."""

    sent: list[tuple[Arrival, SipMessage]] = field(default_factory=list)
    frame: int = 0

    def send(
        self, src: Place, dst: Place, data: bytes, *, at_s: float | None = None, frame: int = 0
    ) -> int:
        """Put a message on the wire; its frame."""
        self.frame = frame or self.frame + 1
        seconds = float(self.frame) if at_s is None else at_s
        parsed = parse_sip(data)
        assert parsed is not None
        arrival = Arrival(
            self.frame, START_NS + round(seconds * 1e9), src.host, src.port, dst.host, dst.port
        )
        self.sent.append((arrival, parsed))
        return self.frame

    def told(self, *, timed: bool = True) -> Signalling:
        """What all of it tells; without times where not `timed`."""
        dialogs = Dialogs()
        for arrival, parsed in self.sent:
            dialogs.feed(parsed, arrival if timed else arrival._replace(time_ns=None))
        return dialogs.finish()

    def call(self) -> Dialog:
        """The one call of the scene."""
        (call,) = self.told().calls
        return call

    def answered(self, *, offer: bytes = b"", answer: bytes = b"", cseq: int = 1) -> None:
        """INVITE, 180, 200 and ACK between A and B."""
        self.send(A, B, request("INVITE", cseq=cseq, body=offer or audio()))
        self.send(B, A, response(180, "Ringing", cseq=cseq))
        given = answer or audio(5000, host="10.0.0.2")
        self.send(B, A, response(200, "OK", cseq=cseq, body=given))
        self.send(A, B, request("ACK", cseq=cseq, to_tag="b"))

    def hung_up(self, *, cseq: int = 2) -> None:
        """BYE by A and its answer."""
        self.send(A, B, request("BYE", cseq=cseq, to_tag="b"))
        self.send(B, A, response(200, "OK", method="BYE", cseq=cseq))
