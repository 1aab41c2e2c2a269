"""What machines read: the keys of each verb, and that every format says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtpcap import open as open_capture
from tests.cli.harness import FIXTURES, Row, csv_of, json_of, rtpcap
from tests.effort import sample
from tests.streams.spoken import ringing
from tests.views.build import capture, eventful, steady, without_times

KEYS = {
    "info": "file format link_types packets bytes start_time duration_s calls streams dtmf "
    "not_understood",
    "streams": "ssrc src src_port dst dst_port codec clock_rate payload_types packets expected "
    "lost lost_pct duplicates captured_twice reordered jitter_ms jitter_max_ms jitter_last_ms "
    "first_frame last_frame start_s duration_s encrypted decodable why_not call",
    "packets": "frame time_ns ssrc sequence timestamp payload_type marker size payload_size fault "
    "class delta_ms skew_ms jitter_ms kbps",
    "quality": "ssrc src src_port dst dst_port codec packets expected lost lost_pct duplicates "
    "captured_twice reordered jitter_ms jitter_max_ms jitter_last_ms cum_lost_rfc3550 restarts "
    "jitter_rfc_ms jitter_rfc_max_ms delta_min_ms delta_ms delta_max_ms skew_min_ms skew_ms "
    "skew_max_ms drift_ppm drift_error_ppm ptime_ms kbps longest_outage longest_outage_ms bursts "
    "burst_density_pct burst_ms gap_density_pct gap_ms rfc3611_burst_density rfc3611_gap_density "
    "rfc3611_burst_ms rfc3611_gap_ms loss_after_buffer_pct buffer_delay_ms burst_ratio r mos_nb "
    "mos_wb mos_provisional emodel_delay_ms emodel_delay_source emodel_codec emodel_ie emodel_bpl "
    "emodel_codec_source emodel_band round_trip_ms round_trip_path far_lost far_lost_pct "
    "far_jitter_ms",
    "ledger": "ssrc src src_port dst dst_port codec packets packets_used packets_reordered "
    "packets_late packets_padding_only packets_malformed packets_duplicate packets_captured_twice "
    "packets_foreign slots expected slots_received slots_repaired slots_lost slots_discarded_late "
    "slots_silent slots_restart",
    "calls": "call_id caller callee state status start_s setup_s duration_s streams guessed",
    "sip": "frame time_s src dst text call_id again",
    "gaps": "ssrc first_sequence packets start_s duration_s frame_before frame_after reason",
    "rtcp": "frame time_ns start_s src src_port dst dst_port kind ssrc about_ssrc lost "
    "fraction_lost_pct highest_sequence jitter jitter_ms rtt_ms last_sr delay_ms ntp_time "
    "rtp_timestamp sender_packets sender_octets cname detail fault",
    "dtmf": "ssrc digit start_s duration_s source frame also_in",
    "tones": "ssrc tone start_s duration_s source frame frequencies level_dbov bursts places also "
    "also_in",
    "levels": "ssrc src src_port dst dst_port codec start_s duration_s received_s level_dbov "
    "active_level_dbov activity peak_dbov noise_dbov silent_share clipped clipped_s dead_air "
    "dead_air_s dead_air_longest_s dc_offset sender_level_dbov sender_silent_share call why_not",
    "check": "id severity call ssrc sentence numbers frames",
    "explain": "first_frame src src_port dst dst_port transport packets bytes taken_for mixture "
    "why to_change",
    "decode": "input output ssrc call rate channels duration_s received_s filled_s codec",
}
FILES = {
    "info": FIXTURES / "ovs-qinq.pcap",
    "streams": FIXTURES / "pj-pcmu.pcap",
    "calls": FIXTURES / "pj-pcmu.pcap",
    "sip": FIXTURES / "pj-pcmu.pcap",
    "packets": FIXTURES / "gst-dtmf.pcap",
    "gaps": FIXTURES / "gst-loss.pcap",
    "dtmf": FIXTURES / "gst-dtmf.pcap",
    "quality": FIXTURES / "gst-loss.pcap",
    "ledger": FIXTURES / "gst-dup.pcap",
    "rtcp": FIXTURES / "pj-pcmu.pcap",
    "levels": FIXTURES / "pj-pcmu.pcap",
    "check": FIXTURES / "tun-twice.pcap",
    "explain": FIXTURES / "pj-pcmu.pcap",
    "decode": FIXTURES / "pj-pcmu.pcap",
}


def arguments(verb: str, folder: Path) -> list[str | Path]:
    if verb == "tones":
        return [ringing(folder)]
    return [FILES[verb], "-o", folder / "out"] if verb == "decode" else [FILES[verb]]


@pytest.mark.parametrize("verb", KEYS)
def test_the_keys_come_first_and_in_order(verb: str, tmp_path: Path) -> None:
    keys = KEYS[verb].split()
    rows = json_of(verb, *arguments(verb, tmp_path))
    assert rows
    for row in rows:
        assert list(row)[: len(keys)] == keys


@pytest.mark.parametrize("verb", KEYS)
def test_lines_are_the_same_objects(verb: str, tmp_path: Path) -> None:
    first = arguments(verb, tmp_path)
    rows = json_of(verb, *first)
    done = rtpcap(verb, *first, "--format", "jsonl")
    skipped = [{**row, "skipped": True} for row in rows] if verb == "decode" else rows
    assert [json.loads(line) for line in done.out.splitlines()] == skipped


def csv_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list):
        if any(isinstance(inside, dict) for inside in value):
            return json.dumps(value)
        return " ".join(map(str, value))
    return str(value)


@pytest.mark.parametrize("verb", [verb for verb in KEYS if verb != "decode"])
def test_csv_is_the_same_table(verb: str, tmp_path: Path) -> None:
    (path,) = arguments(verb, tmp_path)
    rows = json_of(verb, path)
    table = csv_of(verb, path)
    assert list(table[0]) == list(rows[0])
    expected = [{key: csv_text(value) for key, value in row.items()} for row in rows]
    assert table == expected


def test_streams_are_those_of_the_package() -> None:
    found = open_capture(FILES["streams"])
    assert len(found.calls) == 1
    rows = json_of("streams", FILES["streams"])
    assert rows == found.streams.rows()
    assert {row["call"] for row in rows} == {found.calls[0].call_id}


def test_a_file_without_a_verb_is_info() -> None:
    for name in ("pj-pcmu.pcap", "ff-l16m.pcapng"):
        done = rtpcap(FIXTURES / name, "--format", "json")
        assert done.rows() == json_of("info", FIXTURES / name)
        assert done.rows() == [open_capture(FIXTURES / name).row()]
    text = rtpcap(FILES["streams"])
    assert text == rtpcap("info", FILES["streams"])
    assert "2 RTP streams" in text.out


def test_info_counts_what_was_not_understood() -> None:
    (row,) = json_of("info", FILES["info"])
    told = row["not_understood"]
    assert isinstance(told, list)
    for reason in told:
        assert list(reason) == ["reason", "count", "first_frame"]
    assert row["start_time"] == open_capture(FILES["info"]).start_time
    assert str(row["start_time"])[-11] == "."


def test_values_of_gaps(tmp_path: Path) -> None:
    rows = json_of("gaps", capture(tmp_path / "c.pcap", eventful()))
    assert [(row["reason"], row["packets"], row["first_sequence"]) for row in rows] == [
        ("lost", 30, 100),
        ("restart", 0, 60012),
        ("lost", 1, 60100),
        ("dtx", 0, 60201),
    ]
    assert rows[0]["duration_s"] == pytest.approx(0.6)
    assert rows[3]["duration_s"] == pytest.approx(2.0)
    assert [row["frame_before"] for row in rows] == sorted(
        int(str(r["frame_before"])) for r in rows
    )


def test_values_of_dtmf() -> None:
    rows = json_of("dtmf", FILES["dtmf"])
    assert "".join(str(row["digit"]) for row in rows) == "1590*#AD"
    assert {row["source"] for row in rows} == {"rfc4733"}
    assert {row["duration_s"] for row in rows} == {0.32}


def test_values_of_packets(tmp_path: Path) -> None:
    sent = eventful()
    rows = json_of("packets", capture(tmp_path / "c.pcap", sent))
    assert [row["sequence"] for row in rows] == [packet.sequence for packet in sent]
    assert {(row["size"], row["payload_size"], row["marker"]) for row in rows} == {
        (172, 160, False)
    }
    assert {row["ssrc"] for row in rows} == {"0x00001234"}


def test_what_has_no_time_is_null(tmp_path: Path) -> None:
    path = without_times(tmp_path / "c.pcapng", [p for p in steady(40) if p.sequence != 20])
    (stream,) = json_of("streams", path)
    for key in ("jitter_ms", "jitter_max_ms", "jitter_last_ms", "start_s", "duration_s"):
        assert stream[key] is None
    (info,) = json_of("info", path)
    assert info["start_time"] is info["duration_s"] is None
    assert {row["time_ns"] for row in json_of("packets", path)} == {None}
    (gap,) = json_of("gaps", path)
    assert gap["start_s"] is None


def test_several_inputs_say_which() -> None:
    files = [FIXTURES / "gst-loss.pcap", FIXTURES / "gst-dup.pcap"]
    rows = json_of("streams", *files)
    assert [row["file"] for row in rows] == [str(file) for file in files]
    assert next(iter(rows[0])) == "file"
    assert [row["file"] for row in csv_of("streams", *files)] == [str(file) for file in files]
    assert "file" not in json_of("streams", files[0])[0]


@pytest.mark.parametrize("verb", [verb for verb in KEYS if verb != "decode"])
@pytest.mark.parametrize("columns", [80, 132])
def test_tables_fit_the_terminal(verb: str, columns: int) -> None:
    paths = sorted(FIXTURES.glob("*.pcap*"))
    # Where there is more room, fewer captures say the same.
    for path in paths if columns == 80 else sample(paths, 12):
        done = rtpcap(verb, path, columns=columns)
        assert done.code == 0
        assert max(map(len, done.lines()), default=0) <= max(columns, len(str(path)) + 1)


def first_of(row: Row, *keys: str) -> list[object]:
    return [row[key] for key in keys]


def test_the_selectors() -> None:
    path = FILES["streams"]
    one, other = json_of("streams", path)
    ssrc = str(one["ssrc"])
    assert json_of("streams", path, "--ssrc", ssrc) == [one]
    assert json_of("streams", path, "--ssrc", str(int(ssrc, 16))) == [one]
    source = f"{other['src']}:{other['src_port']}"
    assert json_of("streams", path, "--src", source) == [other]
    assert json_of("streams", path, "--dst", source) == [one]
    assert json_of("streams", path, "--src", str(one["src"])) == [one, other]
    assert json_of("streams", path, "--pt", "0") == [one, other]
    assert json_of("streams", path, "--pt", "120") == [one]
    assert {row["ssrc"] for row in json_of("packets", path, "--ssrc", ssrc)} == {ssrc}
    assert json_of("dtmf", path, "--ssrc", str(other["ssrc"])) == []


def test_a_payload_type_is_named(tmp_path: Path) -> None:
    sent = steady(40)
    for packet in sent:
        packet.payload_type = 96
    path = capture(tmp_path / "c.pcap", sent)
    (row,) = json_of("streams", path)
    assert first_of(row, "codec", "clock_rate", "decodable") == [None, None, False]
    (row,) = json_of("streams", path, "--map", "96=PCMU/8000", "--map", "97=PCMA/8000")
    assert first_of(row, "codec", "clock_rate", "decodable") == ["PCMU", 8000, True]
