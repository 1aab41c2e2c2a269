"""What DataFrames say of themselves: types, units and meanings, and times of day in UTC."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rtpcap
from rtpcap.streams.findings.finding import Finding, Findings
from rtpcap.views.columns import COLUMNS
from rtpcap.views.schema import DTYPES, schema_of
from rtpcap.views.table import write_parquet
from tests.views.build import START_S, capture, eventful, steady, without_times

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

VERBS = (
    "info",
    "streams",
    "quality",
    "calls",
    "gaps",
    "dtmf",
    "packets",
    "explain",
    "check",
    "tones",
    "levels",
    "rtcp",
    "round-trips",
    "loss",
    "clocks",
    "participants",
    "vq",
)
"""Those whose rows come as DataFrames too."""

FINDINGS = Findings([Finding("burst-loss", "error", "it crackled", {"lost": 3}, (4, 5), None, 7)])


def frames() -> dict[str, pd.DataFrame]:
    cap = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    return {
        "info": cap.to_frame(),
        "streams": cap.streams.to_frame(),
        "quality": cap.streams.to_frame(quality=True),
        "calls": cap.calls.to_frame(),
        "call": cap.calls[0].to_frame(),
        "gaps": rtpcap.open(FIXTURES / "gst-loss.pcap").gaps.to_frame(),
        "dtmf": rtpcap.open(FIXTURES / "gst-dtmf.pcap").dtmf.to_frame(),
        "packets": cap.streams[0].to_frame(),
        "explain": cap.explain().to_frame(),
        "check": FINDINGS.to_frame(),
    }


@pytest.mark.parametrize("verb", VERBS)
def test_every_column_says_what_it_means(verb: str) -> None:
    schema = schema_of(verb)
    assert list(schema) == [column.name for column in COLUMNS[verb]]
    for column in COLUMNS[verb]:
        told = schema[column.name]
        assert told["dtype"] == DTYPES[column.kind]
        assert len(told["meaning"]) > 2


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("lost_pct", "%"),
        ("jitter_ms", "ms"),
        ("start_s", "s"),
        ("drift_ppm", "ppm"),
        ("kbps", "kbit/s"),
        ("clock_rate", "Hz"),
        ("lost", ""),
    ],
)
def test_units_are_those_in_the_names(name: str, unit: str) -> None:
    verb = "streams" if name in {c.name for c in COLUMNS["streams"]} else "quality"
    assert schema_of(verb)[name]["unit"] == unit


def test_the_schema_is_that_of_the_frame() -> None:
    for name, frame in frames().items():
        schema = frame.attrs["schema"]
        assert list(schema) == list(frame.columns), name
        assert {key: told["dtype"] for key, told in schema.items()} == {
            str(key): str(dtype) for key, dtype in frame.dtypes.items()
        }, name
        assert all(set(told) == {"dtype", "unit", "meaning"} for told in schema.values())


def test_it_is_still_there_in_parquet() -> None:
    pytest.importorskip("pyarrow")
    frame = rtpcap.open(FIXTURES / "pj-pcmu.pcap").streams.to_frame()
    out = io.BytesIO()
    write_parquet(frame, out)
    assert pd.read_parquet(io.BytesIO(out.getvalue())).attrs == frame.attrs


def test_times_of_day_are_utc_to_the_nanosecond(tmp_path: Path) -> None:
    sent = eventful()
    cap = rtpcap.open(capture(tmp_path / "c.pcap", sent))
    gaps, packets = cap.gaps.to_frame(), cap.streams[0].to_frame()
    for frame in (gaps, cap.streams.to_frame(), cap.to_frame(), cap.calls.to_frame()):
        assert str(frame["start_time"].dtype) == "datetime64[ns, UTC]"
    assert cap.to_frame()["start_time"][0] == pd.Timestamp(START_S, unit="s", tz="UTC")
    # A gap begins with the packet before it, whose own time is known exactly.
    before = packets.set_index("frame")["time"]
    assert gaps["start_time"].tolist() == before[gaps["frame_before"]].tolist()
    np.testing.assert_allclose(packets["time_s"], [p.time_s for p in sent], atol=1e-9)


def test_the_table_of_streams_has_what_their_rows_have() -> None:
    streams = rtpcap.open(FIXTURES / "gst-loss.pcap").streams
    frame = streams.to_frame()
    for name, value in streams[0].row().items():
        cell = frame[name][0]
        assert cell == value or (value is None and pd.isna(cell)), name


def test_a_slice_of_gaps_keeps_the_time_of_day(tmp_path: Path) -> None:
    gaps = rtpcap.open(capture(tmp_path / "c.pcap", eventful())).gaps
    assert gaps[1:].to_frame()["start_time"][0] == gaps.to_frame()["start_time"][1]


def test_without_times_there_is_no_time_of_day(tmp_path: Path) -> None:
    path = without_times(tmp_path / "c.pcapng", [p for p in steady(60) if p.sequence != 30])
    cap = rtpcap.open(path)
    for frame in (cap.to_frame(), cap.streams.to_frame(), cap.gaps.to_frame()):
        assert len(frame) == 1
        assert frame["start_time"].isna().all()


def test_a_call_s_streams_have_their_side() -> None:
    call = rtpcap.open(FIXTURES / "pj-pcmu.pcap").calls[0]
    frame = call.to_frame()
    assert sorted(frame["side"]) == ["left", "right"]
    (left,) = frame.loc[frame["side"] == "left", "ssrc"]
    assert left == f"0x{call.left[0].ssrc:08x}"


def test_findings() -> None:
    frame = FINDINGS.to_frame()
    assert frame["ssrc"].tolist() == ["0x00000007"]
    assert frame["call"].isna().all()
    assert frame["numbers"][0] == {"lost": 3}


def test_audio_has_a_row_a_sample() -> None:
    cap = rtpcap.open(FIXTURES / "pj-pcmu.pcap")
    both = cap.calls[0].audio()
    frame = both.to_frame()
    assert list(frame.columns) == ["time_s", "left", "right", "heard_left", "heard_right"]
    assert list(frame.attrs["schema"]) == list(frame.columns)
    assert frame.attrs["schema"]["time_s"]["unit"] == "s"
    np.testing.assert_array_equal(frame[["left", "right"]], both.samples)
    assert (frame["heard_left"] == "received").sum() == both.received[:, 0].sum()
    assert frame["time_s"].iloc[8000] == 1.0
    one = cap.streams[0].audio().to_frame()
    assert list(one.columns) == ["time_s", "sample", "heard"]
    many = rtpcap.Audio(np.zeros((4, 6), np.int16), 48000, np.ones(4, np.uint8)).to_frame()
    assert list(many.columns) == ["time_s", *(f"channel_{n}" for n in range(1, 7)), "heard"]
