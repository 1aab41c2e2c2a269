"""Packets from labelled bytes, as the kit has them."""

from __future__ import annotations

from rtpcap.testing.kinds import Kind
from rtpcap.testing.packet import Origin, Packet
from tests.rtp.build import SCENARIOS

MADE = Origin("made", "made")


def made(data: bytes, kind: Kind = "rtp", frame: int = 1) -> Packet:
    return Packet(kind, data, MADE, frame)


def scenarios() -> list[Packet]:
    """The scenarios of RTP headers: each sound one, and each way to be none."""
    return [made(build()[0], frame=number) for number, build in enumerate(SCENARIOS, 1)]
