"""Captures -> sound files: stereo for the two directions of a call, else one a stream."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rtpcap.audio.rendering import Clock, Fill, Rendering
from rtpcap.batch.manifest import Entry, Manifest
from rtpcap.batch.names import Prefixes, safe_name
from rtpcap.batch.task import Result, run
from rtpcap.capture.files.held import MOST_UNPACKED, is_stream
from rtpcap.errors import CodecUnavailable
from rtpcap.version import __version__

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.audio.files import Written
    from rtpcap.audio.line import Line
    from rtpcap.audio.track import Track
    from rtpcap.streams.call import Call
    from rtpcap.streams.stream import Stream

__all__ = ["DecodeOptions", "Decoded", "decode"]

Row = dict[str, object]

AT_A_TIME = 8
"""Files that are written side by side."""

TO = ("wav", "flac", "opus")
"""File formats."""


@dataclass(frozen=True)
class DecodeOptions:
    """What decides which files are written: another run with the same skips what is done.

    `pt_map` names payload types (``{96: "PCMU/8000"}``), `rtp` endpoints whose datagrams are RTP
    (``("10.0.0.1:4000",)``); the others select streams, as `Streams.select` does.
    """

    split: bool = False
    """One file a stream, also for the two directions of a call."""
    pt_map: Mapping[int, str] = field(default_factory=dict)
    rtp: tuple[str, ...] = ()
    ssrc: int | None = None
    src: str | None = None
    dst: str | None = None
    payload_type: int | None = None
    fill: Fill = "silence"
    """What stands where nothing came, as in `Rendering`; so are the next four."""
    rate: int | None = None
    buffer_ms: float | None = None
    compensate_delay: bool = True
    clock: Clock = "capture"
    to: str = "wav"
    """The file format: ``wav``, ``flac`` or ``opus``."""
    raw: bool = False
    """Frames as they were sent, not decoded, one file a stream."""
    sidecar: bool = False
    """A JSON file beside each, with what each moment is made from, and why."""
    most_unpacked: int = MOST_UNPACKED
    """Bytes that a compressed capture may hold; what was decoded does not depend on it."""
    call: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what makes no sense."""
        _ = self.rendering
        if self.to not in TO:
            raise ValueError(f"a file is {', '.join(TO)}, not {self.to!r}")

    @property
    def rendering(self) -> Rendering:
        """How packets become audio."""
        return Rendering(self.fill, self.rate, self.buffer_ms, self.compensate_delay, self.clock)

    def noted(self) -> dict[str, object]:
        """The options as they stand in the manifest."""
        pt_map = {str(number): str(name) for number, name in self.pt_map.items()}
        noted = {**asdict(self), "pt_map": pt_map, "rtp": list(self.rtp)}
        del noted["most_unpacked"]
        return noted


@dataclass(frozen=True)
class Decoded:
    """What came of one capture: the rows of ``rtpcap decode``, and where the file is damaged."""

    rows: list[Row]
    damage: list[str]
    skipped: bool
    """Whether it was found done and unchanged."""


def decode(
    files: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: DecodeOptions | None = None,
    *,
    jobs: int = 1,
    executor: Executor | None = None,
) -> Iterator[Result[str, Decoded]]:
    """Decode captures to files in the folder `out`, which is made where it is missing.

    One result a capture, each once, in their order; a file appears under its name when it is
    whole. What is in the folder's manifest and unchanged in size, time, options and version is
    skipped. Files with equal names in different folders get different outputs. Raises OSError
    where the folder cannot be made or its manifest not be read.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    by_path: dict[str, str] = {}
    for file in files:
        name = os.fspath(file)
        by_path.setdefault(name if is_stream(name) else os.path.abspath(name), name)
    if any(map(is_stream, by_path)):
        # Other processes have another standard input, and other open files.
        jobs = 1
    return _decode(by_path, Manifest(folder), options or DecodeOptions(), jobs, executor)


def _decode(
    by_path: Mapping[str, str],
    manifest: Manifest,
    options: DecodeOptions,
    jobs: int,
    executor: Executor | None,
) -> Iterator[Result[str, Decoded]]:
    folder = manifest.folder
    prefixes = Prefixes(manifest.prefixes())
    noted, version = options.noted(), __version__
    work: list[_Work] = []
    done: list[Entry | None] = []
    for path in by_path:
        entry = manifest.entries.get(path)
        if entry is not None and entry.holds(folder, noted, version):
            done.append(entry)
        else:
            done.append(None)
            work.append(_Work(path, prefixes.of(path)))
    results = run(work, _Decode(folder.absolute(), options), executor, jobs=jobs)
    try:
        for file, entry in zip(by_path.values(), done, strict=True):
            skipped = entry is not None
            if entry is None:
                result = next(results)
                if result.value is None:
                    yield Result(file, error=result.error)
                    continue
                entry = result.value
                manifest.add(entry)
            rows = [_named(row, file, folder, skipped) for row in entry.rows]
            yield Result(file, Decoded(rows, entry.damage, skipped))
    finally:
        manifest.close()


def _named(row: Row, file: str, folder: Path, skipped: bool) -> Row:
    """A row with the names as this run's user would write them."""
    output = row.get("output")
    output = os.path.join(folder, output) if isinstance(output, str) else None
    return {**row, "input": file, "output": output, "skipped": skipped}


@dataclass(frozen=True)
class _Work:
    path: str
    prefix: str


@dataclass(frozen=True)
class _Decode:
    """The task: one capture into files, in whatever process it runs."""

    folder: Path
    options: DecodeOptions

    def __call__(self, work: _Work) -> Entry:
        from rtpcap.api import open

        # Before anything is read: what changes from here on is seen as changed in the next run.
        size, mtime_ns = _stamp(work.path)
        capture = open(
            work.path,
            pt_map=self.options.pt_map,
            rtp=self.options.rtp,
            most_unpacked=self.options.most_unpacked,
            progress=False,
        )
        entry = Entry(
            input=work.path,
            prefix=work.prefix,
            size=size,
            mtime_ns=mtime_ns,
            options=self.options.noted(),
            version=__version__,
        )
        units = _units(capture, self.options)
        write = self._stored if self.options.raw else self._decoded
        rows: list[Row] = []
        outputs: dict[str, int] = {}
        for row, paths in write(capture, units, work.prefix):
            rows.append(row)
            outputs |= {path.name: os.stat(path).st_size for path in paths}
        damage = [str(found) for found in capture.damage]
        return replace(entry, outputs=outputs, rows=rows, damage=damage)

    def _decoded(
        self, capture: Capture, units: list[_Unit], prefix: str
    ) -> Iterator[tuple[Row, list[Path]]]:
        """A row a unit, and the files that were written for it."""
        from rtpcap.audio.files import write_files

        options = self.options
        audible = _audible(units, options.rendering)
        while turn := list(islice(audible, AT_A_TIME)):
            files = {
                i: (
                    self.folder / f"{prefix}.{unit.name}.{options.to}",
                    [side.line for side in sides],
                )
                for i, (unit, sides, _) in enumerate(turn)
                if sides
            }
            made = write_files(
                list(files.values()), capture.release, to=options.to, stretches=options.sidecar
            )
            written = dict(zip(files, made, strict=True))
            for i, (unit, sides, why_not) in enumerate(turn):
                row = {**unit.row(), "why_not": why_not}
                if sides is None:
                    yield row, []
                    continue
                path = files[i][0]
                row |= _written(written[i], sides)
                row["lost_after_repair"] = unit.lost - sum(
                    track.repaired for side in sides for track in side.tracks
                )
                row["output"] = path.name
                yield row, [path, *self._beside(path, written[i], sides)]

    def _beside(self, path: Path, written: Written, sides: list[_Side]) -> list[Path]:
        """The sidecar of a file, where it is wanted."""
        from rtpcap.audio.sidecar import ENDING, Told, write_sidecar

        if not self.options.sidecar:
            return []
        beside = path.with_name(path.name + ENDING)
        write_sidecar(beside, path.name, written, [Told(side.ssrc, side.tracks) for side in sides])
        return [beside]

    def _stored(
        self, capture: Capture, units: list[_Unit], prefix: str
    ) -> Iterator[tuple[Row, list[Path]]]:
        """A row a stream, and the file with its frames."""
        for unit in units:
            row = unit.row()
            try:
                frames = unit.streams[0].stored_frames()
            except CodecUnavailable as error:
                yield {**row, "why_not": str(error)}, []
                continue
            path = self.folder / f"{prefix}.{unit.name}{frames.file.ending}"
            frames.write(path)
            capture.release()
            duration_s, received_s = frames.duration_s, frames.received_s
            row |= {"output": path.name, "rate": frames.rate, "channels": frames.channels}
            row |= {"duration_s": duration_s, "received_s": received_s}
            row["filled_s"] = max(duration_s - received_s, 0.0)
            yield row, [path]


def _stamp(path: str) -> tuple[int, int]:
    """A file's size and time of change; what no file on a disk has where it is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return -1, 0
    return found.st_size, found.st_mtime_ns


def _ssrc(stream: Stream) -> str:
    return f"0x{stream.ssrc:08x}"


@dataclass(frozen=True, eq=False)
class _Side:
    """What goes into one channel of a file, or into all of a file that has one stream."""

    line: Line
    tracks: list[Track]
    ssrc: list[str]


@dataclass(frozen=True, eq=False)
class _Unit:
    """The streams that go into one file: the two directions of a call, or one stream."""

    name: str
    streams: list[Stream]
    call: Call | None = None

    def sides(self, rendering: Rendering) -> list[_Side]:
        """Their audio, one line a side. Raises CodecUnavailable."""
        if self.call is None:
            (stream,) = self.streams
            track = stream.track(rendering=rendering)
            return [_Side(track, [track], [_ssrc(stream)])]
        found = []
        for (line, tracks), streams in zip(
            self.call.sides(rendering), self.call.heard(), strict=True
        ):
            found.append(_Side(line, tracks, [_ssrc(stream) for stream in streams]))
        return found

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return sum(stream.quality.lost for stream in self.streams)

    def row(self) -> Row:
        """The row of ``rtpcap decode``, before a file is written."""
        codecs = dict.fromkeys(stream.codec for stream in self.streams if stream.codec)
        return {
            "input": None,
            "output": None,
            "ssrc": [_ssrc(stream) for stream in self.streams],
            "call": self.streams[0].call,
            "rate": None,
            "channels": None,
            "duration_s": None,
            "received_s": None,
            "filled_s": None,
            "repaired_s": None,
            "concealed_s": None,
            "noise_s": None,
            "lost": self.lost,
            "lost_after_repair": None,
            "late": None,
            "codec": ", ".join(codecs) or None,
            "why_not": None,
        }


def _units(capture: Capture, options: DecodeOptions) -> list[_Unit]:
    """What to write, in order of first frame; a call only where all of it is selected."""
    calls = capture.calls
    selected = capture.streams.select(
        call=options.call,
        ssrc=options.ssrc,
        src=options.src,
        dst=options.dst,
        payload_type=options.payload_type,
    )
    left = {stream.index: stream for stream in selected}
    units = []
    for call in [] if options.split or options.raw else calls:
        if call.streams and all(stream.index in left for stream in call.streams):
            spoken = [left.pop(stream.index) for stream in call.streams if stream.decodable]
            if spoken:
                units.append(_Unit(safe_name(call.call_id), spoken, call))
    return _in_order([*units, *map(_alone, left.values())])


def _audible(
    units: list[_Unit], rendering: Rendering
) -> Iterator[tuple[_Unit, list[_Side] | None, str | None]]:
    """Each unit with its audio, or with None and why there is none.

    A call with a side that has no audio, or two sides that do not fit into one file, falls apart
    into its streams.
    """
    waiting = list(units)
    while waiting:
        unit = waiting.pop(0)
        try:
            yield unit, unit.sides(rendering), None
        except CodecUnavailable as error:
            if unit.call is None:
                yield unit, None, str(error)
            else:
                waiting = _in_order([*waiting, *map(_alone, unit.streams)])


def _alone(stream: Stream) -> _Unit:
    return _Unit(f"{stream.index + 1}-{stream.ssrc:08x}", [stream])


def _in_order(units: list[_Unit]) -> list[_Unit]:
    return sorted(units, key=lambda unit: unit.streams[0].first_frame)


def _written(file: Written, sides: list[_Side]) -> Row:
    """What a file holds, with the keys of ``rtpcap decode``."""
    from rtpcap.codecs.decoder import Heard

    tracks = [track for side in sides for track in side.tracks]
    return {
        "rate": file.rate,
        "channels": file.channels,
        "duration_s": file.duration_s,
        "received_s": file.received_s,
        "filled_s": file.duration_s - file.received_s,
        "repaired_s": file.heard_s[Heard.REPAIRED],
        "concealed_s": file.heard_s[Heard.CONCEALED],
        "noise_s": file.heard_s[Heard.NOISE],
        "late": sum(track.late for track in tracks),
    }
