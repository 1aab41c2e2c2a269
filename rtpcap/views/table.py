"""pandas DataFrames of rows and of columns; the only file that imports pandas.

Types, whatever the rows hold: text is ``string``, integers are ``Int64`` (nullable), numbers
``float64`` with nan where there is none, flags ``bool``, lists and objects stay what they are.
Times of day are ``datetime64[ns, UTC]``, NaT where a packet has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from rtpcap.errors import Fault, RtpcapError
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.per_packet import LABELS
from rtpcap.views.columns import COLUMNS, Column, Kind, Row
from rtpcap.views.text import json_text

if TYPE_CHECKING:
    from rtpcap.streams.call import Calls
    from rtpcap.streams.digits import Digits
    from rtpcap.streams.explain import Explanations
    from rtpcap.streams.findings.finding import Findings
    from rtpcap.streams.gaps import Gaps
    from rtpcap.streams.stream import Stream
    from rtpcap.streams.streams import Streams
    from rtpcap.streams.tones import Tones

__all__ = [
    "calls_frame",
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

_DTYPES: dict[Kind, str] = {
    "text": "string",
    "integer": "Int64",
    "number": "float64",
    "flag": "bool",
    "list": "object",
    "object": "object",
}


def rows_frame(rows: Iterable[Row], columns: Sequence[Column]) -> pd.DataFrame:
    """A DataFrame of rows with the columns and types told; keys beyond these are left out."""
    listed = list(rows)
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [row.get(column.name) for row in listed], dtype=_DTYPES[column.kind]
            )
            for column in columns
        }
    )


def streams_frame(streams: Streams) -> pd.DataFrame:
    """One row a stream, columns as ``rtpcap streams``, and `start_time`."""
    frame = rows_frame(streams.rows(), COLUMNS["streams"])
    starts = [NO_TIME if s.start_ns is None else s.start_ns for s in streams]
    frame["start_time"] = _times(np.array(starts, np.int64))
    return frame


def calls_frame(calls: Calls) -> pd.DataFrame:
    """One row a call, columns as ``rtpcap calls``."""
    return rows_frame(calls.rows(), COLUMNS["calls"])


def gaps_frame(gaps: Gaps) -> pd.DataFrame:
    """One row a gap, columns as ``rtpcap gaps``."""
    return rows_frame(gaps.rows(), COLUMNS["gaps"])


def digits_frame(digits: Digits) -> pd.DataFrame:
    """One row a key press, columns as ``rtpcap dtmf``."""
    return rows_frame(digits.rows(), COLUMNS["dtmf"])


def tones_frame(tones: Tones) -> pd.DataFrame:
    """One row a tone, columns as ``rtpcap tones``."""
    return rows_frame(tones.rows(), COLUMNS["tones"])


def levels_frame(streams: Streams) -> pd.DataFrame:
    """One row a stream, columns as ``rtpcap levels``."""
    return rows_frame((stream.level_row() for stream in streams), COLUMNS["levels"])


def explanations_frame(explanations: Explanations) -> pd.DataFrame:
    """One row a flow, columns as ``rtpcap explain``."""
    return rows_frame(explanations.rows(), COLUMNS["explain"])


def findings_frame(findings: Findings) -> pd.DataFrame:
    """One row a finding, columns as ``rtpcap check``."""
    return rows_frame(findings.rows(), COLUMNS["check"])


def report_frame(rows: Iterable[Row], table: str) -> pd.DataFrame:
    """One row each of a table of RTCP, columns as ``rtpcap rtcp --show`` has them."""
    return rows_frame(rows, COLUMNS[table])


def quality_frame(streams: Streams) -> pd.DataFrame:
    """One row a stream, columns as ``rtpcap quality``."""
    return rows_frame((stream.quality_row() for stream in streams), COLUMNS["quality"])


def packets_frame(stream: Stream) -> pd.DataFrame:
    """One row a packet in capture order: the columns of ``rtpcap packets``, and the ledger's.

    `time` is the packet's time of day, `extended` its sequence number without wraps, `epoch` which
    run of the sender it belongs to (-1: to none). `duplicate`, `captured_twice` (those of them that
    the capture made) and `reordered` are flags; `class` is the packet's only one in the ledger.
    `jitter_ms` is nan where a packet does not update the jitter, and so are `delta_ms`, `skew_ms`
    and `kbps` where it has none. Integers are ``int64``, so that differences of sequence numbers
    do not wrap; `ssrc`, `fault` and `class` are categories.
    """
    packets, ledger, figures = stream.packets, stream.ledger, stream.per_packet
    labels = [fault.label for fault in Fault if fault is not Fault.NONE]
    faults = packets.fault.astype(np.int64) - 1
    absent = packets.time_ns == NO_TIME
    return pd.DataFrame(
        {
            "frame": packets.frame.astype(np.int64),
            "time": _times(packets.time_ns),
            "time_ns": pd.array(np.where(absent, 0, packets.time_ns), dtype="Int64"),
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
    ).assign(time_ns=lambda frame: frame["time_ns"].mask(absent))


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
