"""pandas DataFrames of rows and of columns; the only file that imports pandas.

Types, whatever the rows hold: text is ``string``, integers are ``Int64`` (nullable), numbers
``float64`` with nan where there is none, flags ``bool``, lists and objects stay what they are.
Times of day are ``datetime64[ns, UTC]``, NaT where a packet has none. ``frame.attrs["schema"]``
tells of each column its type, its unit and what it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtpcap.codecs.decoder import Heard
from rtpcap.errors import Fault, RtpcapError
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.per_packet import LABELS
from rtpcap.streams.quality import FIGURES
from rtpcap.views.columns import COLUMNS, Column, Row
from rtpcap.views.schema import DTYPES, meaning_of, schema_of
from rtpcap.views.text import json_text

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.audio.audio import Audio
    from rtpcap.streams.call import Call, Calls
    from rtpcap.streams.digits import Digits
    from rtpcap.streams.explain import Explanations
    from rtpcap.streams.findings.finding import Findings
    from rtpcap.streams.gaps import Gaps
    from rtpcap.streams.rows import Rows
    from rtpcap.streams.stream import Stream
    from rtpcap.streams.streams import Streams
    from rtpcap.streams.tones import Tones

__all__ = [
    "audio_frame",
    "call_frame",
    "calls_frame",
    "capture_frame",
    "digits_frame",
    "explanations_frame",
    "findings_frame",
    "gaps_frame",
    "levels_frame",
    "packets_frame",
    "quality_frame",
    "report_frame",
    "rows_frame",
    "streams_frame",
    "tones_frame",
    "write_parquet",
]


def rows_frame(
    rows: Iterable[Row], columns: Sequence[Column], verb: str | None = None
) -> pd.DataFrame:
    """A DataFrame of rows with the columns and types told; keys beyond these are left out.

    With `verb` the columns' meanings stand in ``attrs["schema"]``.
    """
    listed = list(rows)
    cells = {column.name: [row.get(column.name) for row in listed] for column in columns}
    return _frame(cells, columns, verb)


def _frame(
    cells: Mapping[str, list[Any]], columns: Sequence[Column], verb: str | None
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            column.name: pd.Series(cells[column.name], dtype=DTYPES[column.kind])
            for column in columns
        }
    )
    if verb is not None:
        frame.attrs["schema"] = schema_of(verb, columns)
    return frame


def _add(frame: pd.DataFrame, verb: str, name: str, values: Any, *, after: str = "") -> None:
    """Put a column beside those of the verb, last or `after` another, and into the schema."""
    # Assigning a column copies what describes them all.
    schema = frame.attrs.pop("schema")
    place = list(frame.columns).index(after) + 1 if after else frame.shape[1]
    frame.insert(place, name, values)
    told = {"dtype": str(frame[name].dtype), **meaning_of(verb, name)._asdict()}
    rows = [*schema.items()]
    rows.insert(place, (name, told))
    frame.attrs["schema"] = dict(rows)


def capture_frame(capture: Capture) -> pd.DataFrame:
    """One row, columns as ``rtpcap info``."""
    columns = [column for column in COLUMNS["info"] if column.name != "start_time"]
    frame = rows_frame([capture.row()], columns, "info")
    _add(frame, "info", "start_time", _times(_starts([capture.start_ns])), after="bytes")
    return frame


def streams_frame(streams: Iterable[Stream]) -> pd.DataFrame:
    """One row a stream, columns as ``rtpcap streams``, and `start_time`."""
    listed = list(streams)
    # Column by column: rows of ten thousand streams would be as many dicts, and thrice the time.
    cells: dict[str, list[Any]] = {
        column.name: _cells(listed, column.name) for column in COLUMNS["streams"]
    }
    frame = _frame(cells, COLUMNS["streams"], "streams")
    _add(frame, "streams", "start_time", _times(_starts([s.start_ns for s in listed])))
    return frame


def _cells(streams: Sequence[Stream], name: str) -> list[Any]:
    """The values that the rows of streams have under a name."""
    if name == "ssrc":
        return [f"0x{stream.ssrc:08x}" for stream in streams]
    if name in FIGURES:
        return [getattr(stream.quality, name) for stream in streams]
    return [getattr(stream, name) for stream in streams]


def call_frame(call: Call) -> pd.DataFrame:
    """One row a stream of the call, as `streams_frame`, and whose `side` it is on."""
    streams = call.streams
    frame = streams_frame(streams)
    left = {stream.index for stream in call.left}
    sides = ["left" if stream.index in left else "right" for stream in streams]
    _add(frame, "calls", "side", pd.array(sides, dtype="string"))
    return frame


def calls_frame(calls: Calls) -> pd.DataFrame:
    """One row a call, columns as ``rtpcap calls``, and `start_time`."""
    return _with_times(rows_frame(calls.rows(), COLUMNS["calls"], "calls"), "calls", calls)


def gaps_frame(gaps: Gaps) -> pd.DataFrame:
    """One row a gap, columns as ``rtpcap gaps``, and `start_time`."""
    return _with_times(rows_frame(gaps.rows(), COLUMNS["gaps"], "gaps"), "gaps", gaps)


def digits_frame(digits: Digits) -> pd.DataFrame:
    """One row a key press, columns as ``rtpcap dtmf``, and `start_time`."""
    return _with_times(rows_frame(digits.rows(), COLUMNS["dtmf"], "dtmf"), "dtmf", digits)


def findings_frame(findings: Findings) -> pd.DataFrame:
    """One row a finding, columns as ``rtpcap check``."""
    return rows_frame(findings.rows(), COLUMNS["check"], "check")


def tones_frame(tones: Tones) -> pd.DataFrame:
    """One row a tone, columns as ``rtpcap tones``, and `start_time`."""
    return _with_times(rows_frame(tones.rows(), COLUMNS["tones"], "tones"), "tones", tones)


def levels_frame(streams: Streams) -> pd.DataFrame:
    """One row a stream, columns as ``rtpcap levels``."""
    rows = (stream.level_row() for stream in streams)
    return rows_frame(rows, COLUMNS["levels"], "levels")


def explanations_frame(explanations: Explanations) -> pd.DataFrame:
    """One row a flow, columns as ``rtpcap explain``."""
    return rows_frame(explanations.rows(), COLUMNS["explain"], "explain")


def report_frame(rows: Iterable[Row], table: str) -> pd.DataFrame:
    """One row each of a table of RTCP, columns as ``rtpcap rtcp --show`` has them."""
    return rows_frame(rows, COLUMNS[table], table)


def quality_frame(streams: Iterable[Stream]) -> pd.DataFrame:
    """One row a stream, columns as ``rtpcap quality``."""
    rows = (stream.quality_row() for stream in streams)
    return rows_frame(rows, COLUMNS["quality"], "quality")


def _starts(times_ns: Sequence[int | None]) -> npt.NDArray[np.int64]:
    return np.array([NO_TIME if time is None else time for time in times_ns], np.int64)


def _with_times(frame: pd.DataFrame, verb: str, rows: Rows[Any]) -> pd.DataFrame:
    """The frame with `start_time`, the time of day of its `start_s`; NaT where nothing tells."""
    since_s = frame["start_s"].to_numpy()
    known = np.isfinite(since_s) if rows.start_ns is not None else np.zeros(len(frame), np.bool_)
    times = np.full(len(frame), NO_TIME)
    times[known] = (rows.start_ns or 0) + np.rint(since_s[known] * 1e9).astype(np.int64)
    _add(frame, verb, "start_time", _times(times))
    return frame


def packets_frame(stream: Stream) -> pd.DataFrame:
    """One row a packet in capture order: the columns of ``rtpcap packets``, and the ledger's.

    `time` is the packet's time of day, `time_s` seconds from the file's first frame, `extended` its
    sequence number without wraps, `epoch` which run of the sender it belongs to (-1: to none).
    `duplicate`, `captured_twice` (those of them that the capture made) and `reordered` are flags;
    `class` is the packet's only one in the ledger.
    `jitter_ms` is nan where a packet does not update the jitter, and so are `delta_ms`, `skew_ms`
    and `kbps` where it has none. Integers are ``int64``, so that differences of sequence numbers
    do not wrap; `ssrc`, `fault` and `class` are categories.
    """
    packets, ledger, figures = stream.packets, stream.ledger, stream.per_packet
    labels = [fault.label for fault in Fault if fault is not Fault.NONE]
    faults = packets.fault.astype(np.int64) - 1
    absent = packets.time_ns == NO_TIME
    frame = pd.DataFrame(
        {
            "frame": packets.frame.astype(np.int64),
            "time": _times(packets.time_ns),
            "time_ns": pd.arrays.IntegerArray(np.where(absent, 0, packets.time_ns), absent),
            "time_s": stream.time_s,
            "ssrc": pd.Categorical([f"0x{stream.ssrc:08x}"]).repeat(len(packets)),
            "sequence": packets.sequence.astype(np.int64),
            "timestamp": packets.timestamp.astype(np.int64),
            "payload_type": packets.payload_type.astype(np.int64),
            "marker": packets.marker,
            "size": packets.size.astype(np.int64),
            "payload_size": packets.payload_size.astype(np.int64),
            "fault": pd.Categorical.from_codes(faults, pd.Index(labels)),
            "extended": ledger.extended,
            "epoch": ledger.epoch.astype(np.int64),
            "duplicate": ledger.duplicate,
            "captured_twice": ledger.captured_twice,
            "reordered": ledger.reordered,
            "class": pd.Categorical.from_codes(figures.packet_class, pd.Index(LABELS)),
            "delta_ms": figures.delta_ms,
            "skew_ms": figures.skew_ms,
            "jitter_ms": figures.jitter_ms,
            "kbps": figures.kbps,
        }
    )
    return _described(frame, "packets")


def audio_frame(audio: Audio) -> pd.DataFrame:
    """One row a sample: `time_s` from the first one, the samples, and what each is made from.

    One channel is `sample`, two are `left` and `right`, more are `channel_1` and so on. `heard`, or
    for the sides of a call `heard_left` and `heard_right`, are categories: ``received``,
    ``silence`` and the like.
    """

    def named(name: str, count: int) -> list[str]:
        if count == 1:
            return [name]
        sides = ["left", "right"] if count == 2 else [f"channel_{n + 1}" for n in range(count)]
        return sides if name == "sample" else [f"{name}_{side}" for side in sides]

    n = audio.length
    samples, heard = audio.samples.reshape(n, -1), audio.heard.reshape(n, -1)
    labels = pd.Index([each.name.lower() for each in Heard])
    columns: dict[str, Any] = {"time_s": np.arange(n) / audio.rate}
    columns |= zip(named("sample", samples.shape[1]), samples.T, strict=True)
    made = (pd.Categorical.from_codes(codes.astype(np.int64), labels) for codes in heard.T)
    columns |= zip(named("heard", heard.shape[1]), made, strict=True)
    return _described(pd.DataFrame(columns), "audio")


def _described(frame: pd.DataFrame, verb: str) -> pd.DataFrame:
    """The frame with what its columns mean in its schema."""
    frame.attrs["schema"] = {
        str(name): {"dtype": str(dtype), **meaning_of(verb, str(name))._asdict()}
        for name, dtype in frame.dtypes.items()
    }
    return frame


def _times(time_ns: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    """Nanoseconds since 1970 as UTC times; `NO_TIME` is the value that numpy takes for NaT."""
    return pd.DatetimeIndex(time_ns.view("datetime64[ns]")).tz_localize("UTC")


def write_parquet(frame: pd.DataFrame, out: BinaryIO) -> None:
    """The DataFrame as a Parquet file; objects, whose keys differ from row to row, as JSON text.

    Raises RtpcapError, saying what to install, where pyarrow is missing.
    """
    for name in frame.columns:
        if any(isinstance(value, dict) for value in frame[name]):
            frame = frame.assign(**{name: frame[name].map(json_text).astype("string")})
    try:
        frame.to_parquet(out, engine="pyarrow", index=False)
    except ImportError as error:
        raise RtpcapError("parquet needs pyarrow: pip install 'rtpcap[parquet]'") from error
