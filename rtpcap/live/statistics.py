"""What a session has sent and received so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

__all__ = ["SourceFigures", "Statistics"]


@dataclass(frozen=True)
class SourceFigures:
    """One SSRC that came in."""

    ssrc: int
    packets: int
    """Copies included."""
    expected: int
    lost: int
    duplicates: int
    reordered: int
    jitter_ms: float
    """Interarrival jitter of RFC 3550, as it is now."""


@dataclass(frozen=True)
class Statistics:
    """Counts since the session was made."""

    ssrc: int
    """The session's own."""
    sent_packets: int
    sent_octets: int
    """Payload bytes (RFC 3550 section 6.4.1)."""
    source: SourceFigures | None
    """The SSRC that is listened to; None before any came."""
    sources: list[SourceFigures]
    """All that are remembered."""
    digits: int
    """Key presses received."""
    ignored: dict[str, int] = field(default_factory=dict)
    """Datagrams that were no audio, by reason."""
    rtcp_sent: int = 0
    rtcp_received: int = 0
    rtt_ms: float | None = None
    """The round trip, by the last report of the other side (RFC 3550 section 6.4.1)."""
    remote_lost: int | None = None
    """Packets of ours that the other side says were lost, with its sign."""
    remote_jitter_ms: float | None = None
    send_errors: int = 0
    """Datagrams that the operating system refused to send."""
    callback_errors: int = 0
    """How often the `dtmf` callback raised."""

    def row(self) -> dict[str, object]:
        """All of it as a dict."""
        return asdict(self)
