"""What is heard, as the verbs print it: dtmf, tones, levels."""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap as package
from tests.audio.sounds import joined, key, silence
from tests.audio.spandsp import spandsp_digits
from tests.cli.harness import FIXTURES, json_of, rtpcap
from tests.reference.facts import require_captures
from tests.streams.made import capture
from tests.streams.spoken import ringing, spoken


def dialled(rows: list[dict[str, object]]) -> str:
    return "".join(str(row["digit"]) for row in rows)


def test_keys_in_the_sound_are_rows_unless_they_are_left_out(tmp_path: Path) -> None:
    parts = [part for digit in "15#" for part in (silence(0.3), key(digit))]
    path = capture(tmp_path, spoken(joined([*parts, silence(0.3)]))).path
    rows = json_of("dtmf", path)
    assert dialled(rows) == "15#"
    assert {row["source"] for row in rows} == {"inband"}
    # 0.3 and 0.1 s in turn: 15 and 5 packets of 20 ms.
    assert [row["frame"] for row in rows] == [16, 36, 56]
    assert json_of("dtmf", path, "--no-inband") == []
    (info,) = json_of("info", path)
    assert info["dtmf"] == 0
    assert "0 keys (events, INFO)" in rtpcap(path).out
    assert json_of("dtmf", path, "--ssrc", "0x1234") == rows


def test_what_packets_tell_is_the_same_with_and_without_the_sound() -> None:
    for name in ("gst-dtmf.pcap", "pj-pcmu.pcap", "ch-pcmu-plain.pcap"):
        rows = json_of("dtmf", FIXTURES / name)
        assert rows == json_of("dtmf", FIXTURES / name, "--no-inband")
        assert rows == package.open(FIXTURES / name).dtmf.rows()


def test_tones_are_rows(tmp_path: Path) -> None:
    path = ringing(tmp_path)
    (row,) = json_of("tones", path)
    assert (row["tone"], row["frequencies"], row["bursts"]) == ("ringback", [440, 480], 2)
    assert row["start_s"] == pytest.approx(1.0, abs=0.01)
    assert row["frame"] == 51
    assert rtpcap("tones", path).lines()[0].split()[:4] == ["tone", "start_s", "duration_s", "Hz"]
    assert json_of("tones", path) == package.open(path).tones.rows()


def test_levels_are_those_of_each_stream() -> None:
    path = FIXTURES / "pj-pcmu.pcap"
    rows = json_of("levels", path)
    cap = package.open(path)
    streams = cap.calls[0].streams
    assert rows == [stream.level_row() for stream in streams]
    frame = cap.streams.to_frame(levels=True)
    assert list(frame["level_dbov"]) == [row["level_dbov"] for row in rows]
    (one,) = json_of("levels", path, "--ssrc", str(rows[0]["ssrc"]))
    assert one == rows[0]
    with pytest.raises(ValueError, match="not both"):
        cap.streams.to_frame(levels=True, quality=True)


def test_a_browser_says_of_its_level_what_is_measured() -> None:
    """Chromium writes RFC 6464 levels; what it encoded in G.711 is what it measured."""
    (row,) = json_of("levels", FIXTURES / "ch-pcmu-plain.pcap")
    assert row["level_dbov"] == pytest.approx(row["sender_level_dbov"], abs=1.0)
    assert row["sender_silent_share"] == 0.0


def test_encrypted_payloads_are_no_keys() -> None:
    """Of `pj-srtp` both sides have events in a clear SDP, and in packets of SRTP."""
    path = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "pj-srtp.pcap"
    if not path.exists():
        pytest.skip("the shared fixtures are not here")
    assert json_of("dtmf", path) == []


# Captures by others, whose keys are in their names, or which libspandsp hears.


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("asterisk+testsuite/ulaw-2013785496.pcap", "2013785496"),
        ("asterisk+testsuite/opus-2013785496.pcap", "2013785496"),
        ("SIPp+sipp/dtmf_2833_7.pcap", "7"),
        ("SIPp+sipp/dtmf_2833_pound.pcap", "#"),
        ("RestComm+mediaserver/dtmf_rfc2833_4_digits_slow.pcap", "1234"),
        ("RestComm+mediaserver/dtmf_rfc2833_2_digit_pairs.pcap", "1122"),
    ],
)
def test_captures_with_their_keys_in_their_names(name: str, keys: str) -> None:
    rows = json_of("dtmf", require_captures() / name)
    assert dialled(rows) == keys
    assert {row["source"] for row in rows} == {"rfc4733"}


def test_keys_that_went_both_ways_are_told_once() -> None:
    """The phone let the beginning of some keys through: 07859 in the sound, of 2013785496."""
    rows = json_of("dtmf", require_captures() / "asterisk+testsuite/ulaw-2013785496.pcap")
    assert dialled([row for row in rows if row["also_in"] == ["inband"]]) == "07859"


@pytest.mark.peer
def test_a_key_that_only_the_sound_has() -> None:
    path = require_captures() / "ALWISHARIFF+wireshark/Analysis_2_vega.pcap"
    rows = json_of("dtmf", path)
    heard = {stream.ssrc: stream.audio() for stream in package.open(path).streams}
    theirs = "".join(spandsp_digits(audio.samples) for audio in heard.values())
    assert dialled(rows) == theirs == "1"
    (row,) = rows
    (stream,) = [s for s in package.open(path).streams if f"0x{s.ssrc:08x}" == row["ssrc"]]
    assert row["frame"] in stream.packets.frame


def test_a_fax_call_has_its_tones() -> None:
    """A gateway's recording of a fax: T.30's calling tone, and the answer of a V.34 modem."""
    rows = json_of("tones", require_captures() / "ALWISHARIFF+wireshark/Analysis_1_vega.pcap")
    tones = [str(row["tone"]) for row in rows]
    assert tones[0] == "CNG"
    assert "ringback" in tones
    assert set(tones[2:]) == {"/ANSam"}
