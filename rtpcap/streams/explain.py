"""What each flow of a capture was taken for, why, and what would change that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Datagrams, Flow, Flows
from rtpcap.rtp.payload_types import ASSIGNED, PAYLOAD_NUMBERS, Format
from rtpcap.streams.announced import Announced
from rtpcap.streams.counted import counted
from rtpcap.streams.discover import Candidates, Finder
from rtpcap.streams.endpoints import Endpoints
from rtpcap.streams.formats import PayloadMap
from rtpcap.streams.judge import FEWEST_PACKETS
from rtpcap.streams.kinds import DNS_PORTS, Kind, kinds
from rtpcap.streams.listener import Listener
from rtpcap.streams.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Explainer", "Explanation", "Explanations"]

SHOWN_AS = {
    Kind.UNKNOWN: "unknown",
    Kind.VERSION_2: "unknown",
    Kind.QUIC_SHORT: "unknown",
    Kind.SRTCP: "rtcp",
}
"""Kinds that have no name of their own."""

REASONS = {
    Kind.STUN: "STUN messages: their lengths fit, and the magic cookie is there",
    Kind.DTLS: "DTLS records of a known version, whose lengths fit",
    Kind.ZRTP: "ZRTP messages, with its cookie",
    Kind.TURN: "TURN channel data or indications: all lengths in them fit",
    Kind.QUIC: "QUIC: long headers of a known version",
    Kind.RTCP: "compound RTCP packets: version 2, types 192 to 223, lengths that add up",
    Kind.SRTCP: "RTCP's header before what is no RTCP: encrypted, or damaged",
    Kind.SIP: "SIP requests or responses",
    Kind.RTSP: "RTSP requests or responses",
    Kind.DNS: "DNS: a port of it, and a header that fits",
    Kind.UNKNOWN: "no packet begins as RTP does, with a byte of 128 to 191",
    Kind.QUIC_SHORT: "first bytes of 64 to 127, as of QUIC, but no long header of it; RTP begins "
    "with 128 to 191",
}

HABITS = {45: "AV1"}
"""What a number outside the table usually is (libwebrtc)."""
CLOCKS = (8000, 16000, 48000, 90000)
"""The clock rates that are suggested: that which is nearest to the pace."""


@dataclass(frozen=True)
class Explanation:
    """One flow: its ends, what was in it, and why it is a stream or none; frames are 1-based."""

    flow: Flow
    """Its addresses and ports, and what carried it."""
    first_frame: int
    """The number of its first frame."""
    packets: int
    """Its datagrams."""
    bytes: int
    """Their payloads together."""
    taken_for: str
    """``rtp``, ``rtcp``, ``stun``, ``turn``, ``dtls``, ``zrtp``, ``quic``, ``sip``, ``rtsp``,
    ``dns`` or ``unknown``: what most of its datagrams are."""
    mixture: list[str]
    """Each kind that is in it and its packets, most first: ``["rtp:150", "stun:12"]``."""
    why: str
    """Why it is a stream, or none, in words."""
    to_change: str | None
    """The option under which it would be taken for RTP; None where there is none, or it is."""

    def row(self) -> dict[str, object]:
        """The flow with the keys of ``rtpcap explain``."""
        return {
            "first_frame": self.first_frame,
            "src": self.flow.src,
            "src_port": self.flow.src_port,
            "dst": self.flow.dst,
            "dst_port": self.flow.dst_port,
            "transport": self.flow.transport,
            "packets": self.packets,
            "bytes": self.bytes,
            "taken_for": self.taken_for,
            "mixture": self.mixture,
            "why": self.why,
            "to_change": self.to_change,
        }


class Explanations(Rows[Explanation]):
    """The flows of a capture in order of first frame."""

    def __repr__(self) -> str:
        rtp = sum(flow.taken_for == "rtp" for flow in self)
        return f"<Explanations of {counted(len(self), 'flow')}, {rtp} taken for RTP>"

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a flow."""
        from rtpcap.views.table import explanations_frame

        return explanations_frame(self)


class Explainer:
    """Takes a capture's datagrams chunk by chunk and tells of its flows at the end.

    It finds streams as a capture does, with a second `Finder` beside it to which every payload
    number is told: what that one finds more has only its number against it.
    """

    def __init__(self, flows: Flows, told: PayloadMap, named: Endpoints) -> None:
        self._flows = flows
        self._numbers = {*ASSIGNED, *told}
        self._named = named
        self._listener = Listener()
        self._finder = Finder(told, named, self._listener)
        nameless = Format("unknown", CLOCKS[0])
        self._wide = Finder(dict.fromkeys(range(PAYLOAD_NUMBERS), nameless), named)
        self._of_flow = _Counts()
        self._of_candidate = _Counts()
        self._bytes = np.zeros(0, np.int64)
        self._first = np.zeros(0, np.int64)
        self._dns = np.zeros(0, np.bool_)

    def feed(self, datagrams: Datagrams) -> None:
        """Count a chunk's datagrams under their flows."""
        if not len(datagrams):
            return
        self._grow()
        flow = datagrams.flow
        np.minimum.at(self._first, flow, datagrams.frame)
        kind = kinds(datagrams, self._dns[flow])
        self._of_flow.add(flow, kind)
        np.add.at(self._bytes, flow, datagrams.end - datagrams.begin)
        kept, candidate = self._finder.feed(datagrams)
        self._of_candidate.add(candidate, kind[kept])
        self._wide.feed(datagrams)

    def _grow(self) -> None:
        """Room for the flows that are new in a chunk."""
        known = len(self._bytes)
        new = len(self._flows) - known
        if not new:
            return
        self._first = np.concatenate([self._first, np.full(new, np.iinfo(np.int64).max)])
        self._bytes = np.concatenate([self._bytes, np.zeros(new, np.int64)])
        ends = [self._flows[number] for number in range(known, len(self._flows))]
        ports = [end.src_port in DNS_PORTS or end.dst_port in DNS_PORTS for end in ends]
        self._dns = np.concatenate([self._dns, np.array(ports, np.bool_)])

    def finish(self) -> Explanations:
        """The flows, in order of first frame."""
        count = len(self._bytes)
        held = self._of_flow.table(count)
        announced = Announced(*self._listener.finish())
        found, wide = self._finder.candidates(announced), self._wide.candidates()
        highest = int(found.number.max(initial=-1)) + 1
        of_candidate = self._of_candidate.table(highest)[found.number]
        # Those that were laid aside were counted for no candidate.
        of_candidate[:, Kind.VERSION_2] += found.recovered
        taken = np.flatnonzero(found.taken)
        np.subtract.at(held, found.flow[taken], of_candidate[taken])
        np.add.at(held[:, Kind.RTP], found.flow[taken], of_candidate[taken].sum(axis=1))

        ends = [self._flows[number] for number in range(count)]
        long = {ends[i][:4] for i in np.flatnonzero(held[:, Kind.QUIC]).tolist()}
        for i in np.flatnonzero(held[:, Kind.QUIC_SHORT]).tolist():
            src, src_port, dst, dst_port, _ = ends[i]
            if (src, src_port, dst, dst_port) in long or (dst, dst_port, src, src_port) in long:
                held[i, Kind.QUIC] += held[i, Kind.QUIC_SHORT]
                held[i, Kind.QUIC_SHORT] = 0

        streams = _by_flow(found, found.taken)
        keys = set(zip(found.flow[taken].tolist(), found.ssrc[taken].tolist(), strict=True))
        rest = [key not in keys for key in zip(wide.flow.tolist(), wide.ssrc.tolist(), strict=True)]
        others = _by_flow(wide, np.array(rest, np.bool_))
        explained = [
            self._explained(
                number,
                ends[number],
                held[number],
                found,
                streams.get(number, []),
                wide,
                others.get(number, []),
            )
            for number in range(count)
        ]
        return Explanations(sorted(explained, key=lambda flow: flow.first_frame))

    def _explained(
        self,
        number: int,
        flow: Flow,
        held: npt.NDArray[np.int64],
        found: Candidates,
        streams: list[int],
        wide: Candidates,
        others: list[int],
    ) -> Explanation:
        shares: dict[str, int] = {}
        for kind in Kind:
            name = SHOWN_AS.get(kind, kind.name.lower())
            if held[kind]:
                shares[name] = shares.get(name, 0) + int(held[kind])
        order = sorted(shares, key=lambda name: -shares[name])
        why, to_change = [], None
        taken_for = order[0]
        if streams:
            why.append(self._of_streams(flow, found, streams))
        most = max(Kind, key=lambda kind: int(held[kind]) if kind != Kind.RTP else -1)
        if taken_for != "rtp" and most == Kind.UNKNOWN and (streams or held[Kind.VERSION_2]):
            why.append("most packets do not begin as RTP does, with a byte of 128 to 191")
        elif taken_for != "rtp" and most in REASONS:
            why.append(REASONS[most])
        if others and (held[Kind.VERSION_2] or held[Kind.TURN]):
            reason, to_change = self._against(flow, wide, others)
            why.append(reason)
        elif held[Kind.VERSION_2] and taken_for == "unknown":
            why.append("packets of RTP's version hold no whole header of 12 bytes")
        return Explanation(
            flow=flow,
            first_frame=int(self._first[number]),
            packets=int(held.sum()),
            bytes=int(self._bytes[number]),
            taken_for=taken_for,
            mixture=[f"{name}:{shares[name]}" for name in order],
            why="; ".join(why),
            to_change=to_change,
        )

    def _of_streams(self, flow: Flow, found: Candidates, streams: list[int]) -> str:
        """Why a flow's streams are such, by the longest that is one of itself."""
        judgement = found.judgement
        i = max(streams, key=lambda i: (bool(judgement.passed[i]), int(judgement.packets[i])))
        what = f"SSRC 0x{int(found.ssrc[i]):08x}"
        if len(streams) > 1:
            what = f"{len(streams)} streams, such as {what}"
        if judgement.passed[i]:
            return f"{what}: {judgement.reason(i)}"
        if found.announced[i]:
            return f"{what}: signalling announced the flow and its payload number"
        if self._named.isdisjoint({flow[:2], flow[2:4]}):
            return f"{what}: sequence numbers advance, a stream of another SSRC is in the flow"
        return f"{what}: an end of the flow was named"

    def _against(self, flow: Flow, wide: Candidates, others: list[int]) -> tuple[str, str | None]:
        """Why what begins as RTP does is no stream, by the longest row of packets."""
        judgement = wide.judgement
        i = max(others, key=lambda i: (bool(judgement.passed[i]), int(judgement.packets[i])))
        address = f"[{flow.dst}]" if ":" in flow.dst else flow.dst
        named = f"--rtp {address}:{flow.dst_port}"
        if judgement.passed[i]:
            unknown = [n for n in wide.payload_types[i] if n not in self._numbers]
            numbers = ", ".join(map(str, unknown))
            are = "s {} are" if len(unknown) > 1 else " {} is"
            rate = min(CLOCKS, key=lambda clock: abs(clock - float(judgement.pace[i])))
            options = [f"--map {n}={HABITS.get(n, 'CODEC')}/{rate}" for n in unknown]
            reason = f"payload type{are.format(numbers)} not assigned, else it behaves as RTP"
            return reason, " ".join(options) or named
        if len(others) > 1 and judgement.packets[i] < FEWEST_PACKETS:
            total = int(judgement.packets[others].sum())
            reason = (
                f"{counted(total, 'packet')} of RTP's version have {len(others):,} different "
                f"SSRCs; a stream keeps its own for {FEWEST_PACKETS} packets"
            )
        else:
            reason = f"SSRC 0x{int(wide.ssrc[i]):08x}: {judgement.reason(i)}"
        return reason, named


def _by_flow(candidates: Candidates, wanted: npt.NDArray[np.bool_]) -> dict[int, list[int]]:
    """Flow -> its wanted candidates."""
    rows: dict[int, list[int]] = {}
    numbers = np.flatnonzero(wanted)
    for i, flow in zip(numbers.tolist(), candidates.flow[numbers].tolist(), strict=True):
        rows.setdefault(flow, []).append(i)
    return rows


class _Counts:
    """Packets of each kind, by something that is numbered."""

    def __init__(self) -> None:
        self._table = np.zeros((0, len(Kind)), np.int64)

    def add(self, number: npt.NDArray[np.int32], kind: npt.NDArray[np.uint8]) -> None:
        if not len(number):
            return
        self._reach(int(number.max()) + 1)
        np.add.at(self._table, (number, kind), 1)

    def _reach(self, count: int) -> None:
        missing = count - len(self._table)
        if missing > 0:
            # By half as much again, so that growing stays linear.
            room = np.zeros((missing + count // 2, len(Kind)), np.int64)
            self._table = np.concatenate([self._table, room])

    def table(self, count: int) -> npt.NDArray[np.int64]:
        """Shape (count, kinds)."""
        self._reach(count)
        return self._table[:count].copy()
