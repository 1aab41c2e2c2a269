"""Who takes part, as source descriptions and goodbyes tell (RFC 3550 sections 6.5 and 6.6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtpcap.capture.tables import Flow
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.rtcp.description import SourceDescription
from rtpcap.rtp.rtcp.goodbye import Goodbye
from rtpcap.streams.reports.control import Control

__all__ = ["Participant", "participants"]

NAMES = ("CNAME", "NAME", "EMAIL", "PHONE", "LOC", "TOOL", "NOTE")
"""The items of RFC 3550 that are a text each."""
PRIVATE = "PRIV "


@dataclass
class Participant:
    """A source that was described or said goodbye, in one direction."""

    ssrc: int
    flow: Flow
    first_frame: int
    """Where it was first described, or said goodbye."""
    items: dict[str, str] = field(default_factory=dict)
    """What was said of it last: ``{"CNAME": "alice@host"}``; PRIV stands as ``"PRIV prefix"``."""
    bye_frame: int | None = None
    """Its first goodbye."""
    bye_time_ns: int | None = None
    bye_reason: str | None = None

    @property
    def cname(self) -> str | None:
        """The name that stays the same when its SSRC changes."""
        return self.items.get("CNAME")

    def row(self) -> dict[str, object]:
        """The source with the keys of ``rtpcap rtcp --show participants``."""
        private = [
            f"{key[len(PRIVATE) :]}={text}"
            for key, text in self.items.items()
            if key.startswith(PRIVATE)
        ]
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "src": self.flow.src,
            "src_port": self.flow.src_port,
            "dst": self.flow.dst,
            "dst_port": self.flow.dst_port,
            **{name.lower(): self.items.get(name) for name in NAMES},
            "private": " ".join(private) or None,
            "first_frame": self.first_frame,
            "bye_frame": self.bye_frame,
            "bye_time_ns": self.bye_time_ns,
            "bye_reason": self.bye_reason,
        }


def participants(control: Control) -> list[Participant]:
    """Everybody that descriptions and goodbyes name, in order of first frame."""
    found: dict[tuple[int, int], Participant] = {}
    rows = zip(
        control.compounds,
        control.flow.tolist(),
        control.frame.tolist(),
        control.time_ns.tolist(),
        strict=True,
    )
    for compound, number, frame, time_ns in rows:
        flow = control.flows[number]
        for packet in compound.packets:
            if isinstance(packet, SourceDescription):
                for chunk in packet.chunks:
                    who = found.setdefault(
                        (chunk.ssrc, number), Participant(chunk.ssrc, flow, frame)
                    )
                    for item in chunk.items:
                        prefix = item.prefix
                        who.items[f"{item.name} {prefix}" if prefix else item.name] = item.text
            elif isinstance(packet, Goodbye):
                for ssrc in packet.sources:
                    who = found.setdefault((ssrc, number), Participant(ssrc, flow, frame))
                    if who.bye_frame is None:
                        who.bye_frame = frame
                        who.bye_time_ns = None if time_ns == NO_TIME else time_ns
                        who.bye_reason = packet.text
    return list(found.values())
