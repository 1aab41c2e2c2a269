"""A call to another program: enough of SIP (RFC 3261) to be answered, on loopback."""

from __future__ import annotations

import re
import socket
import time
from types import TracebackType
from typing import Self

__all__ = ["Dialled"]

HOST = "127.0.0.1"
PATIENCE_S = 10.0


class Dialled:
    """A call to the SIP port of a program that answers; `media_port` is where it wants PCMU."""

    def __init__(self, sip_port: int, own_media_port: int) -> None:
        self._peer = (HOST, sip_port)
        self._media = own_media_port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.2)
        self._to = f"<sip:peer@{HOST}:{sip_port}>"
        self.media_port = 0

    def _request(self, method: str, number: int, body: str = "") -> None:
        own = f"{HOST}:{self._socket.getsockname()[1]}"
        lines = [
            f"{method} sip:peer@{HOST}:{self._peer[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{method}{number}",
            "Max-Forwards: 70",
            f"From: <sip:test@{own}>;tag=1",
            f"To: {self._to}",
            "Call-ID: 1",
            f"CSeq: {number} {method}",
            f"Contact: <sip:test@{own}>",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self._peer)

    def __enter__(self) -> Self:
        offer = [
            "v=0",
            f"o=- 1 1 IN IP4 {HOST}",
            "s=-",
            f"c=IN IP4 {HOST}",
            "t=0 0",
            f"m=audio {self._media} RTP/AVP 0",
            "a=rtpmap:0 PCMU/8000",
        ]
        end = time.monotonic() + PATIENCE_S
        answer = ""
        while not answer.startswith("SIP/2.0 200"):
            assert time.monotonic() < end, "nobody answered"
            # Sent again until something comes: the program may not listen yet.
            if not answer:
                self._request("INVITE", 1, "\r\n".join(offer) + "\r\n")
            try:
                answer = self._socket.recv(4096).decode()
            except (TimeoutError, ConnectionError):
                continue
        to, port = re.search(r"(?m)^To: (.*?)\r", answer), re.search(r"m=audio (\d+)", answer)
        assert to is not None
        assert port is not None
        self._to, self.media_port = to[1], int(port[1])
        self._request("ACK", 1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._request("BYE", 2)
        self._socket.close()
