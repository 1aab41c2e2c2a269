"""A capture file read from end to end, as plain values; the sum invariant is always checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.formats import Source, open_source
from rtpcap.capture.tables import Damage, Datagram, Flow, Flows, Tally

CHUNK = 4 << 20


@dataclass(frozen=True)
class Reading:
    """All that a pass through a file gives."""

    source: Source
    datagrams: list[Datagram]
    cut: list[bool]
    header: list[int]
    flows: list[Flow]
    other: dict[str, tuple[int, int]]
    """Reason -> (count, first frame)."""
    not_understood: dict[str, tuple[int, int]]
    damage: list[Damage]
    frames: int

    @property
    def facts(self) -> tuple[object, ...]:
        """What must not depend on how the file was read."""
        return (
            self.datagrams,
            self.cut,
            self.header,
            self.flows,
            self.other,
            self.not_understood,
            self.damage,
            self.frames,
            self.source.link_types,
            self.source.first_time_ns,
            self.source.last_time_ns,
        )


def read_path(path: Path, chunk_bytes: int = CHUNK) -> Reading:
    source = open_source(path)
    flows, other, not_understood = Flows(), Tally(), Tally()
    decoder = Decoder(flows, other, not_understood)
    datagrams: list[Datagram] = []
    cut: list[bool] = []
    header: list[int] = []
    frame = 1
    for records in source.chunks(chunk_bytes):
        assert records.frame.tolist() == list(range(frame, frame + len(records)))
        frame += len(records)
        chunk = decoder.datagrams(records)
        datagrams += chunk
        cut += chunk.cut.tolist()
        header += chunk.header.tolist()
    rest = decoder.finish()
    datagrams += rest
    cut += rest.cut.tolist()
    header += rest.header.tolist()
    assert source.frames == frame - 1
    frames = [datagram.frame for datagram in datagrams if datagram.transport == "udp"]
    assert source.frames == len(frames) + len(other) + len(not_understood)
    assert frames == sorted(set(frames))
    return Reading(
        source=source,
        datagrams=datagrams,
        cut=cut,
        header=header,
        flows=[flows[i] for i in range(len(flows))],
        other=by_reason(other),
        not_understood=by_reason(not_understood),
        damage=list(source.damage),
        frames=source.frames,
    )


def read_bytes(folder: Path, data: bytes, chunk_bytes: int = CHUNK) -> Reading:
    path = folder / "capture"
    path.write_bytes(data)
    return read_path(path, chunk_bytes)


def by_reason(tally: Tally) -> dict[str, tuple[int, int]]:
    return {
        str(row["reason"]): (int(row["count"]), int(row["first_frame"])) for row in tally.rows()
    }
