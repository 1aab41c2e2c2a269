"""Packet: the bytes that a parser gets, where they are from, and what we read from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rtpcap.capture.tables import Flow
from rtpcap.testing.fields import Reading, RTPValues, read, rtp_fields
from rtpcap.testing.kinds import Kind
from rtpcap.testing.schema import SCHEMA_VERSION, to_json

__all__ = ["Origin", "Packet"]

NO_FLOW = Flow("", 0, "", 0)


class Origin(NamedTuple):
    """A capture: its path as it was named, and the short name that ids begin with."""

    path: str
    name: str


class Packet:
    """One packet of a capture, or one grown from it; made by `packets` and by the strategies.

    `fields` are plain Python values by the words of the RFCs (see `rtpcap.testing.fields`).
    Where the bytes are no sound packet, `fault` says why and `fields` are empty: with `refused` a
    parser has to raise or return None for them, without it the standards leave it open.
    """

    __slots__ = (
        "_fields",
        "_reading",
        "_values",
        "change",
        "data",
        "flow",
        "frame",
        "kind",
        "number",
        "origin",
        "time_ns",
    )

    def __init__(
        self,
        kind: Kind,
        data: bytes,
        origin: Origin,
        frame: int,
        number: int = 1,
        time_ns: int | None = None,
        flow: Flow = NO_FLOW,
        values: RTPValues | None = None,
        reading: Reading | None = None,
        change: str = "",
    ) -> None:
        self.kind = kind
        self.data = data
        self.origin = origin
        self.frame = frame
        """1-based number of its frame; of several, the one that completes it."""
        self.number = number
        """Which of those of its kind that its frame completes, from 1."""
        self.time_ns = time_ns
        """Nanoseconds since 1970; None where the capture gives no time."""
        self.flow = flow
        self.change = change
        """How it was changed, where it is no longer what was captured."""
        self._values = values
        self._reading = reading
        self._fields: Mapping[str, object] | None = None

    @property
    def id(self) -> str:
        """``call.pcap:1842``; ``call.pcap:1842#2`` for a second one that the frame completes."""
        number = f"#{self.number}" if self.number > 1 else ""
        change = f" ({self.change})" if self.change else ""
        return f"{self.origin.name}:{self.frame}{number}{change}"

    @property
    def file(self) -> str:
        """The capture as it was named."""
        return self.origin.path

    @property
    def src(self) -> str:
        return self.flow.src

    @property
    def src_port(self) -> int:
        return self.flow.src_port

    @property
    def dst(self) -> str:
        return self.flow.dst

    @property
    def dst_port(self) -> int:
        return self.flow.dst_port

    @property
    def transport(self) -> str:
        """``udp``, or ``tcp`` where it was framed in a byte stream."""
        return self.flow.transport

    @property
    def fields(self) -> Mapping[str, object]:
        """What we read; empty where there is a fault."""
        if self._fields is None:
            if self._values is not None:
                self._fields = rtp_fields(self.data, self._values)
            else:
                self._fields = self.reading.fields
        return self._fields

    @property
    def reading(self) -> Reading:
        """Fields and fault together."""
        if self._reading is None:
            if self._values is not None:
                self._reading = Reading(rtp_fields(self.data, self._values))
            else:
                self._reading = read(self.kind, self.data)
        return self._reading

    @property
    def fault(self) -> str | None:
        """Why it is no sound packet; None where it is one."""
        return self.reading.fault

    @property
    def refused(self) -> bool:
        """Whether the standard says that this is no packet: a parser may not take it for one."""
        return self.reading.refused

    def changed(self, data: bytes, change: str) -> Packet:
        """Other bytes grown from this packet, with the fields that these have."""
        both = f"{self.change}, {change}" if self.change else change
        return Packet(
            self.kind, data, self.origin, self.frame, self.number, self.time_ns, self.flow,
            change=both,
        )  # fmt: skip

    def unsettled(self) -> Packet:
        """The same packet, of which nothing is asked but what the standard forbids."""
        reading = self.reading if self.refused else Reading({}, self.fault or "changed")
        return Packet(
            self.kind, self.data, self.origin, self.frame, self.number, self.time_ns, self.flow,
            reading=reading, change=self.change,
        )  # fmt: skip

    def row(self) -> dict[str, object]:
        """All that is known of it, as `rtpcap corpus` writes it: with `schema`, for JSON."""
        return {
            "schema": SCHEMA_VERSION,
            "id": self.id,
            "kind": self.kind,
            "file": self.origin.name,
            "frame": self.frame,
            "number": self.number,
            "time_ns": self.time_ns,
            "src": self.src,
            "src_port": self.src_port,
            "dst": self.dst,
            "dst_port": self.dst_port,
            "transport": self.transport,
            "bytes": len(self.data),
            "fault": self.fault,
            "refused": self.refused,
            "fields": to_json(self.fields),
        }

    def __repr__(self) -> str:
        fault = f", {self.fault}" if self.fault else ""
        return f"<Packet {self.id}, {self.kind}, {len(self.data)} bytes{fault}>"
