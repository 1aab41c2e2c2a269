"""DataFrames: the columns of OUTPUT in their order, with types that hold whatever the rows hold."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rtpcap
from rtpcap.views.columns import COLUMNS
from rtpcap.views.table import rows_frame, write_parquet
from tests.views.build import START_S, Sent, capture, eventful, steady, without_times

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

DTYPES = {
    "text": "string",
    "integer": "Int64",
    "number": "float64",
    "flag": "bool",
    "list": "object",
    "object": "object",
}


@pytest.mark.parametrize("verb", COLUMNS)
@pytest.mark.parametrize("empty", [True, False], ids=["no rows", "rows without values"])
def test_types_do_not_depend_on_the_rows(verb: str, empty: bool) -> None:
    columns = COLUMNS[verb]
    row: dict[str, object] = {c.name: False for c in columns if c.kind == "flag"}
    frame = rows_frame([] if empty else [row, row], columns)
    assert list(frame.columns) == [column.name for column in columns]
    assert [str(dtype) for dtype in frame.dtypes] == [DTYPES[column.kind] for column in columns]
    assert len(frame) == (0 if empty else 2)


def test_streams(tmp_path: Path) -> None:
    found = rtpcap.open(FIXTURES / "pj-pcmu.pcap").streams
    frame = found.to_frame()
    assert list(frame.columns) == [*found[0].row(), "start_time"]
    assert frame["packets"].tolist() == [250, 250]
    assert frame["payload_types"][0] == found[0].payload_types
    assert str(frame["start_time"].dtype) == "datetime64[ns, UTC]"
    assert frame["start_time"].astype("int64").tolist() == [s.start_ns for s in found]


def test_packets(tmp_path: Path) -> None:
    sent = eventful()
    sent[5].tail = 100
    stream = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams[0]
    frame = stream.to_frame()
    assert list(frame.columns[:2]) == ["frame", "time"]
    assert set(next(iter(stream.rows()))) <= set(frame.columns)
    assert len(frame) == len(sent) == 470
    assert frame["frame"].tolist() == list(range(1, 471))
    assert frame["time"][0] == pd.Timestamp(START_S, unit="s", tz="UTC")
    assert frame["time_ns"].tolist() == [START_S * 10**9 + round(p.time_s * 1e9) for p in sent]
    assert frame["sequence"].tolist() == [p.sequence for p in sent]
    assert frame["timestamp"].tolist() == [p.timestamp for p in sent]
    assert frame["fault"].isna().sum() == 469
    assert frame["fault"][5] == "cut"
    assert frame["duplicate"].sum() == frame["reordered"].sum() == 1
    assert frame["epoch"].value_counts().to_dict() == {0: 171, 1: 299}
    assert frame["sequence"].diff().min() < 0
    types = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert types["time"] == "datetime64[ns, UTC]"
    assert types["time_ns"] == "Int64"
    assert types["sequence"] == types["timestamp"] == types["frame"] == "int64"
    assert types["marker"] == types["duplicate"] == "bool"
    assert types["jitter_ms"] == "float64"


def test_packets_without_times(tmp_path: Path) -> None:
    frame = rtpcap.open(without_times(tmp_path / "c.pcapng", steady(30))).streams[0].to_frame()
    assert frame["time"].isna().all()
    assert frame["time_ns"].isna().all()
    assert frame["jitter_ms"].isna().all()
    assert frame["sequence"].tolist() == list(range(30))


def test_gaps_digits_and_calls() -> None:
    gaps = rtpcap.open(FIXTURES / "gst-loss.pcap").gaps.to_frame()
    assert gaps["packets"].sum() == 12
    assert gaps["reason"].unique().tolist() == ["lost"]
    digits = rtpcap.open(FIXTURES / "gst-dtmf.pcap").dtmf.to_frame()
    assert "".join(digits["digit"]) == "1590*#AD"
    np.testing.assert_allclose(digits["duration_s"], 0.32)
    calls = rtpcap.open(FIXTURES / "pj-pcmu.pcap").calls.to_frame()
    assert calls["guessed"].tolist() == [False]
    assert len(calls["streams"][0]) == 2


def test_parquet_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    frame = rows_frame([], COLUMNS["dtmf"])
    with pytest.raises(rtpcap.RtpcapError, match=r"pip install 'rtpcap\[parquet\]'"):
        write_parquet(frame, io.BytesIO())


def test_parquet_round_trip() -> None:
    pytest.importorskip("pyarrow")
    capture_ = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    for frame in (
        capture_.streams.to_frame(),
        capture_.dtmf.to_frame(),
        capture_.gaps.to_frame(),
        capture_.streams[0].to_frame(),
        rows_frame([capture_.row()], COLUMNS["info"]),
    ):
        out = io.BytesIO()
        write_parquet(frame, out)
        back = pd.read_parquet(io.BytesIO(out.getvalue()))
        assert list(back.columns) == list(frame.columns)
        assert len(back) == len(frame)


def test_every_handle_shows_itself_in_a_notebook() -> None:
    capture_ = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    shown = (
        capture_,
        capture_.streams,
        capture_.streams[0],
        capture_.calls,
        capture_.calls[0],
        capture_.dtmf,
        capture_.gaps,
    )
    for handle in shown:
        assert "\n" not in repr(handle)
        assert handle._repr_html_().startswith("<table>")


def test_a_stream_of_other_packets_has_no_named_codec(tmp_path: Path) -> None:
    sent = [Sent(i, 960 * i, 0.02 * i, bytes(40), payload_type=96) for i in range(30)]
    frame = rtpcap.open(capture(tmp_path / "c.pcap", sent)).streams.to_frame()
    assert frame["codec"].isna().all()
    assert frame["clock_rate"].isna().all()
    assert "--map 96=" in frame["why_not"][0]
