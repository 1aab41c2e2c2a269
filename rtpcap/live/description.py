"""SDP of what a session sends, for the program that is to receive it (RFC 8866)."""

from __future__ import annotations

from rtpcap.live.session import Session

__all__ = ["describe"]


def describe(session: Session, host: str, port: int, *, mux: bool = False) -> str:
    """A session description with one audio line: what goes to `host` and `port`, and as what."""
    version = "IP6" if ":" in host else "IP4"
    numbers = [session.preference]
    if session.event_number is not None:
        numbers.append(session.event_number)
    lines = [
        "v=0",
        f"o=- {session.ssrc} 1 IN {version} {host}",
        "s=-",
        f"c=IN {version} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, numbers))}",
    ]
    fmt = session.encoding.format
    lines.append(f"a=rtpmap:{session.preference} {fmt}")
    if fmt.parameters:
        lines.append(f"a=fmtp:{session.preference} {fmt.parameters}")
    if session.event_number is not None:
        # RFC 4733 section 2.1: events have the clock of the audio they stand in for.
        lines.append(f"a=rtpmap:{session.event_number} telephone-event/{fmt.clock_rate}")
        lines.append(f"a=fmtp:{session.event_number} 0-15")
    encoding = session.encoding
    packet_ms = encoding.packet_samples * 1000 // encoding.shape.sample_rate
    lines += [f"a=ptime:{packet_ms}", "a=sendonly"]
    if mux:
        lines.append("a=rtcp-mux")
    return "\r\n".join(lines) + "\r\n"
