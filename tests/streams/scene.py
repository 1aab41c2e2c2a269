"""Capture files with signalling and media, for tests that go the whole way from the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rtpcap
from tests.capture.build import START_NS, Frame, ethernet, ipv4, pcap, udp
from tests.signalling.build import audio, request, response
from tests.streams.made import Sent

__all__ = ["ALICE_AT", "BOB_AT", "End", "Film"]

End = tuple[str, int]
ALICE_AT, BOB_AT = ("10.0.0.1", 5060), ("10.0.0.2", 5060)


@dataclass
class Film:
    """Datagrams with their times in seconds, in whatever order they are added."""

    sent: list[tuple[float, End, End, bytes]] = field(default_factory=list)

    def say(self, at_s: float, src: End, dst: End, data: bytes) -> None:
        self.sent.append((at_s, src, dst, data))

    def speak(self, src: End, dst: End, packets: Iterable[Sent]) -> None:
        self.sent += [(at_s, src, dst, data) for at_s, data in packets]

    def answered(
        self,
        offer: bytes = b"",
        answer: bytes = b"",
        *,
        at_s: float = 0.0,
        call_id: str = "call-1@example.org",
        cseq: int = 1,
        to_tag: str = "",
        between: tuple[End, End] = (ALICE_AT, BOB_AT),
        branch: str = "",
    ) -> None:
        """INVITE, ringing, 200 and ACK, a tenth of a second apart."""
        one, other = between
        branch = branch or f"z9hG4bK-{call_id}-{cseq}"
        offer, answer = offer or audio(4000), answer or audio(5000, host="10.0.0.2")
        invite = request(
            "INVITE", body=offer, to_tag=to_tag, call_id=call_id, cseq=cseq, branch=branch
        )
        self.say(at_s, one, other, invite)
        if not to_tag:
            ringing = response(180, "Ringing", call_id=call_id, cseq=cseq, branch=branch)
            self.say(at_s + 0.1, other, one, ringing)
        ok = response(200, "OK", body=answer, call_id=call_id, cseq=cseq, branch=branch)
        self.say(at_s + 0.2, other, one, ok)
        ack = request("ACK", call_id=call_id, cseq=cseq, to_tag="b", branch=branch + "-ack")
        self.say(at_s + 0.3, one, other, ack)

    def hung_up(
        self,
        at_s: float,
        *,
        call_id: str = "call-1@example.org",
        between: tuple[End, End] = (ALICE_AT, BOB_AT),
    ) -> None:
        """BYE by the caller and its answer."""
        branch = f"z9hG4bK-bye-{call_id}"
        bye = request("BYE", cseq=9, to_tag="b", call_id=call_id, branch=branch)
        self.say(at_s, *between, bye)
        answer = response(200, "OK", method="BYE", cseq=9, call_id=call_id, branch=branch)
        self.say(at_s + 0.1, between[1], between[0], answer)

    def frames(self) -> list[Frame]:
        ordered = sorted(self.sent, key=lambda each: each[0])
        return [
            Frame(
                ethernet(ipv4(udp(data, src_port=src[1], dst_port=dst[1]), src=src[0], dst=dst[0])),
                START_NS + round(at_s * 1e9),
            )
            for at_s, src, dst, data in ordered
        ]

    def write(self, folder: Path, frames: Sequence[Frame] | None = None) -> Path:
        path = folder / "scene.pcap"
        path.write_bytes(pcap(self.frames() if frames is None else frames, nanoseconds=True))
        return path

    def shown(self, folder: Path, pt_map: Mapping[int, str] | None = None) -> rtpcap.Capture:
        return rtpcap.open(self.write(folder), pt_map=pt_map)
