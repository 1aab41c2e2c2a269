"""Frames of a capture -> a capture file: pcap, pcapng or rtpdump.

Frames are written as they were captured, in order; a file gets its name when it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.files.pcapng import frame_options
from rtpcap.capture.files.several import Several
from rtpcap.capture.files.source import Source
from rtpcap.capture.layers.names import NO_LINK, NO_PACKET, RTPDUMP, link_name
from rtpcap.capture.tables import Datagram, Flow, Flows, Records, Tally
from rtpcap.capture.writers import (
    ETHERNET,
    RAW_IP,
    InterfaceKey,
    PcapngWriter,
    PcapWriter,
    RtpdumpWriter,
    Written,
    whole_file,
    with_headers,
)
from rtpcap.errors import CaptureError
from rtpcap.rtp.packets import NO_TIME

__all__ = ["Exported", "FileFormat", "export", "format_of", "write_frames"]

FileFormat = Literal["pcap", "pcapng", "rtpdump"]
FORMATS: tuple[FileFormat, ...] = ("pcap", "pcapng", "rtpdump")
SUFFIXES: dict[str, FileFormat] = {
    ".pcap": "pcap",
    ".cap": "pcap",
    ".pcapng": "pcapng",
    ".ntar": "pcapng",
    ".rtpdump": "rtpdump",
    ".rtp": "rtpdump",
}
NOT_WRITTEN = {
    NO_PACKET: "no packet: a journal entry, system call or custom block",
    NO_LINK: "packet of an interface that the file does not describe",
}

Frames = npt.NDArray[np.uint32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Exported:
    """A file that was written."""

    path: str
    format: FileFormat
    frames: int
    """How many frames it holds."""
    bytes: int
    left_out: Tally = field(default_factory=Tally)
    """Frames that were chosen and cannot stand in such a file, by reason."""

    def row(self) -> dict[str, object]:
        """The file with the keys of ``rtpcap export``."""
        return {
            "output": self.path,
            "format": self.format,
            "frames": self.frames,
            "bytes": self.bytes,
            "left_out": len(self.left_out),
        }


def format_of(path: str | os.PathLike[str], to: str | None = None) -> FileFormat:
    """The format to write: `to`, or what the file's ending says. Raises ValueError.

    >>> format_of("calls.pcapng"), format_of("calls.out", "pcap")
    ('pcapng', 'pcap')
    """
    name = os.fspath(path)
    if to is None:
        to = SUFFIXES.get(os.path.splitext(name)[1].lower())
        if to is None:
            raise ValueError(f"{name!r} does not end with {', '.join(SUFFIXES)}: name a format")
    for known in FORMATS:
        if to == known:
            return known
    raise ValueError(f"{to!r} is none of {', '.join(FORMATS)}")


def export(
    source: Source | Several,
    path: str | os.PathLike[str],
    *,
    frames: Frames | None = None,
    to: str | None = None,
) -> Exported:
    """Write frames of a capture, chosen by their numbers (without any: all), to a file.

    The format is `to`, or what the file's ending says. pcapng keeps interfaces, comments, names and
    decryption secrets, and says in a comment which frame each was. rtpdump takes the UDP payloads
    out of the frames. Raises CaptureError where the format cannot hold the frames, ValueError for
    a path that stands for no format or is one of the capture's own files, OSError where it cannot
    be written.
    """
    name, kind = os.fspath(path), format_of(path, to)
    if os.path.realpath(name) in map(os.path.realpath, source.paths):
        raise ValueError(f"{name!r} is a file of the capture itself")
    wanted = None if frames is None else np.unique(frames)
    left_out = Tally()
    with whole_file(name) as file:
        if kind == "rtpdump":
            count = RtpdumpWriter(file).write(_datagrams(source, wanted, left_out))
        else:
            survey = _survey(source, wanted, left_out)
            count = _write(file, kind, source, survey, _rows(source, wanted))
        size = file.tell()
    return Exported(name, kind, count, size, left_out)


def write_frames(
    source: Source | Several, path: str | os.PathLike[str], frames: Iterable[Written]
) -> Exported:
    """Write frames made from those of a capture, in this order, to a pcap or pcapng file.

    Raises as `export` does.
    """
    name, kind = os.fspath(path), format_of(path)
    if kind == "rtpdump":
        raise ValueError(f"{name!r}: frames go to a pcap or pcapng file")
    if os.path.realpath(name) in map(os.path.realpath, source.paths):
        raise ValueError(f"{name!r} is a file of the capture itself")
    left_out = Tally()
    survey = _survey(source, None, left_out)
    # Times that were made are what they are to the nanosecond.
    survey.finer = True
    with whole_file(name) as file:
        count = _write(file, kind, source, survey, frames)
        size = file.tell()
    return Exported(name, kind, count, size, left_out)


def _write(
    file: BinaryIO,
    kind: FileFormat,
    source: Source | Several,
    survey: _Survey,
    frames: Iterable[Written],
) -> int:
    if kind == "pcapng":
        return PcapngWriter(file, source, list(survey.interfaces)).write(frames)
    return PcapWriter(file, survey.link, survey.finer).write(frames)


@dataclass
class _Survey:
    """What has to be known before the first frame is written."""

    interfaces: dict[InterfaceKey, None]
    finer: bool = False
    """Whether times are finer than a microsecond."""

    @property
    def link(self) -> int:
        """The one link type. Raises CaptureError where there are several."""
        links = sorted({key.link for key in self.interfaces})
        if len(links) > 1:
            names = " and ".join(map(link_name, links))
            raise CaptureError(f"a pcap has one link type, these frames have {names}: use pcapng")
        return links[0] if links else ETHERNET


def _survey(source: Source | Several, wanted: Frames | None, left_out: Tally) -> _Survey:
    found = _Survey({})
    for turn in source.turns():
        for records in turn:
            rows = _chosen(records, wanted)
            links = _of(records.link, rows)
            for link, reason in NOT_WRITTEN.items():
                left_out.add(reason, records.frame[rows[links == link]])
            good = ~np.isin(links, list(NOT_WRITTEN))
            rows, links = rows[good], links[good]
            times = records.time_ns[rows]
            found.finer |= bool((times[times != NO_TIME] % 1000).any())
            pairs = np.unique(np.stack([_of(records.interface, rows), links]), axis=1)
            for interface, link in pairs.T.tolist():
                found.interfaces[_key(interface, link)] = None
    return found


def _key(interface: int, link: int) -> InterfaceKey:
    return InterfaceKey(interface, RAW_IP if link == RTPDUMP else link)


def _of(column: npt.NDArray[np.uint16] | int, rows: Rows) -> npt.NDArray[np.uint16]:
    """The values of some rows of a column that may be one number."""
    if isinstance(column, int):
        return np.full(len(rows), column, np.uint16)
    return column[rows]


def _chosen(records: Records, wanted: Frames | None) -> Rows:
    """The rows of a chunk whose frames are wanted."""
    if wanted is None:
        return np.arange(len(records))
    if not len(wanted):
        return np.empty(0, np.int64)
    at = np.minimum(np.searchsorted(wanted, records.frame), len(wanted) - 1)
    return np.flatnonzero(wanted[at] == records.frame)


def _rows(source: Source | Several, wanted: Frames | None) -> Iterator[Written]:
    """The frames to write, in order."""
    sources = source.sources if isinstance(source, Several) else [source]
    for turn in source.turns():
        parts = [
            _rows_of(records, _chosen(records, wanted), sources[records.file].format)
            for records in turn
        ]
        yield from parts[0] if len(parts) == 1 else merge(*parts, key=_number)


def _number(row: Written) -> int:
    return row.number


def _rows_of(records: Records, rows: Rows, format: str) -> Iterator[Written]:
    links, interfaces = _of(records.link, rows), _of(records.interface, rows)
    keys: dict[tuple[int, int], InterfaceKey] = {}
    for number, begin, end, original, time_ns, link, interface in zip(
        records.frame[rows].tolist(),
        records.begin[rows].tolist(),
        records.end[rows].tolist(),
        records.original[rows].tolist(),
        records.time_ns[rows].tolist(),
        links.tolist(),
        interfaces.tolist(),
        strict=True,
    ):
        if link in NOT_WRITTEN:
            continue
        key = keys.get((interface, link))
        if key is None:
            key = keys[interface, link] = _key(interface, link)
        data = records.data[begin:end].tobytes()
        if link == RTPDUMP:
            flow = records.flow or Flow("0.0.0.0", 0, "0.0.0.0", 0)
            data, original = with_headers(data, original, flow)
        yield Written(
            number,
            None if time_ns == NO_TIME else time_ns,
            original,
            data,
            key,
            # What has no time has no options either: a simple packet block.
            frame_options(records.data, begin, end)
            if format == "pcapng" and time_ns != NO_TIME
            else (),
        )


def _datagrams(
    source: Source | Several, wanted: Frames | None, left_out: Tally
) -> Iterator[Datagram]:
    """The UDP payloads in the wanted frames, in order; the frames without one are counted."""
    reason = "no UDP payload"
    decoder = Decoder(Flows(), Tally(), Tally())

    def of(records: Records) -> list[Datagram]:
        chosen = set(records.frame[_chosen(records, wanted)].tolist())
        if not chosen:
            return []
        found = [each for each in decoder.datagrams(records) if each.frame in chosen]
        left_out.add(reason, sorted(chosen - {each.frame for each in found}))
        return found

    for turn in source.turns():
        yield from merge(*map(of, turn), key=lambda datagram: datagram.frame)
