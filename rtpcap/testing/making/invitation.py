"""The SIP of a made call: INVITE with an offer, ringing, the answer, ACK, and BYE in the end."""

from __future__ import annotations

from dataclasses import dataclass

from rtpcap.capture.tables import Flow
from rtpcap.rtp.payload_types import Format

__all__ = ["SIP_PORT", "Invitation"]

SIP_PORT = 5060


@dataclass(frozen=True)
class Invitation:
    """Who calls whom, to where, with which formats; the messages of their call as bytes."""

    caller: tuple[str, int]
    """Address and port at which the caller wants the media."""
    callee: tuple[str, int]
    formats: dict[int, Format]
    packet_ms: int
    call_id: str

    @property
    def there(self) -> Flow:
        """The way of what the caller says."""
        return Flow(self.caller[0], SIP_PORT, self.callee[0], SIP_PORT)

    @property
    def back(self) -> Flow:
        return Flow(self.callee[0], SIP_PORT, self.caller[0], SIP_PORT)

    def invite(self) -> bytes:
        return self._request("INVITE", 1, body=self._description(self.caller))

    def ringing(self) -> bytes:
        return self._response(180, "Ringing", "INVITE", 1)

    def answer(self) -> bytes:
        return self._response(200, "OK", "INVITE", 1, body=self._description(self.callee))

    def ack(self) -> bytes:
        return self._request("ACK", 1, tagged=True)

    def info(self, number: int, key: str, press_ms: int) -> list[bytes]:
        """A key press (``application/dtmf-relay``) and its answer."""
        body = f"Signal={key}\r\nDuration={press_ms}\r\n"
        kind = "application/dtmf-relay"
        request = self._request("INFO", 1 + number, tagged=True, body=body, kind=kind)
        return [request, self._response(200, "OK", "INFO", 1 + number)]

    def bye(self, number: int) -> list[bytes]:
        """The caller's last request, and its answer."""
        request = self._request("BYE", number, tagged=True)
        return [request, self._response(200, "OK", "BYE", number)]

    def _description(self, end: tuple[str, int]) -> str:
        host, port = end
        version = "IP6" if ":" in host else "IP4"
        lines = [
            "v=0",
            f"o=- 1 1 IN {version} {host}",
            "s=-",
            f"c=IN {version} {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {' '.join(map(str, self.formats))}",
        ]
        for number, fmt in self.formats.items():
            lines.append(f"a=rtpmap:{number} {fmt}")
            if fmt.parameters:
                lines.append(f"a=fmtp:{number} {fmt.parameters}")
        return "\r\n".join([*lines, f"a=ptime:{self.packet_ms}", "a=sendrecv", ""])

    def _request(
        self,
        method: str,
        number: int,
        *,
        tagged: bool = False,
        body: str = "",
        kind: str = "application/sdp",
    ) -> bytes:
        start = f"{method} {self._uri('callee')} SIP/2.0"
        return self._message(start, method, number, tagged, body, kind)

    def _response(
        self, status: int, reason: str, method: str, number: int, *, body: str = ""
    ) -> bytes:
        start = f"SIP/2.0 {status} {reason}"
        return self._message(start, method, number, True, body, "application/sdp")

    def _uri(self, name: str) -> str:
        host = (self.caller if name == "caller" else self.callee)[0]
        return f"sip:{name}@[{host}]" if ":" in host else f"sip:{name}@{host}"

    def _message(
        self, start: str, method: str, number: int, tagged: bool, body: str, kind: str
    ) -> bytes:
        host = self._uri("caller").partition("@")[2]
        to = f"<{self._uri('callee')}>" + (";tag=callee" if tagged else "")
        lines = [
            start,
            f"Via: SIP/2.0/UDP {host}:{SIP_PORT};branch=z9hG4bK-{method.lower()}-{number}",
            "Max-Forwards: 70",
            f"From: <{self._uri('caller')}>;tag=caller",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <{self._uri('caller')}>",
        ]
        if body:
            lines.append(f"Content-Type: {kind}")
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()
