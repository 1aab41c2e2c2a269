"""The verb explain, and --rtp on the verbs that read captures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.harness import FIXTURES, csv_of, json_of, rtpcap
from tests.streams.made import capture, rtp, talk

END = "10.0.0.2:5000"


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A capture of two packets, which are too few to be found."""
    return Path(capture(tmp_path, talk(2)).path)


@pytest.fixture
def unassigned(tmp_path: Path) -> Path:
    sent = [(0.04 * i, rtp(i, 3600 * i, bytes(40), payload_type=45)) for i in range(30)]
    return Path(capture(tmp_path, sent).path)


def test_words_for_a_person(unassigned: Path) -> None:
    done = rtpcap("explain", unassigned)
    assert (done.code, done.err) == (0, "")
    assert done.lines() == [
        "10.0.0.1:4000 > 10.0.0.2:5000  30 packets, 1,560 bytes, from frame 1",
        "  unknown: payload type 45 is not assigned, else it behaves as RTP",
        "  to change that: --map 45=AV1/90000",
    ]


def test_what_is_advised_helps(unassigned: Path) -> None:
    (row,) = json_of("explain", unassigned)
    advice = str(row["to_change"]).split()
    (after,) = json_of("explain", unassigned, *advice)
    assert (after["taken_for"], after["to_change"]) == ("rtp", None)
    (stream,) = json_of("streams", unassigned, *advice)
    assert (stream["codec"], stream["packets"]) == ("AV1", 30)


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("name", ["pj-pcmu.pcap", "tun-ipv6.pcap", "ovs-qinq.pcap"])
def test_it_fits_the_terminal(name: str, columns: int) -> None:
    done = rtpcap("explain", FIXTURES / name, columns=columns)
    assert done.code == 0
    # An address and its port are not broken.
    longest = max(done.lines(), key=len)
    assert len(longest) <= columns or " " not in longest.strip()


def test_every_datagram_is_in_one_row() -> None:
    rows = json_of("explain", FIXTURES / "pj-pcmu.pcap")
    taken = [row["taken_for"] for row in rows]
    assert taken.count("rtp") == 2
    assert {"rtcp", "sip"} <= set(taken)
    for row in rows:
        mixture = [str(part).rpartition(":") for part in row["mixture"]]  # type: ignore[attr-defined]
        assert sum(int(count) for _, _, count in mixture) == row["packets"]


def test_several_files_are_told_apart(short: Path) -> None:
    other = FIXTURES / "ff-pcmu.pcap"
    rows = json_of("explain", short, other)
    assert {row["file"] for row in rows} == {str(short), str(other)}
    assert next(iter(csv_of("explain", short, other)[0])) == "file"
    assert {str(short), str(other)} <= set(rtpcap("explain", short, other).lines())


def test_a_capture_without_datagrams(tmp_path: Path) -> None:
    path = Path(capture(tmp_path, []).path)
    assert rtpcap("explain", path).lines() == ["no UDP payload in it"]
    assert json_of("explain", path) == []


@pytest.mark.parametrize("verb", ["streams", "packets", "gaps", "dtmf"])
def test_rows_of_a_named_endpoint(verb: str, short: Path) -> None:
    assert rtpcap(verb, short).code == 1
    assert rtpcap(verb, short, "--rtp", END).code == 0
    assert rtpcap(verb, short, "--rtp", "10.9.9.9:9", "--rtp", END).code == 0


def test_info_plot_and_decode_of_a_named_endpoint(short: Path, tmp_path: Path) -> None:
    done = rtpcap("info", short, "--rtp", END, "--format", "json")
    assert done.rows()[0]["streams"] == 1
    assert rtpcap(short, "--rtp", END).out.count("0x00001234") == 1
    assert rtpcap("plot", short, "--rtp", END, "-o", tmp_path / "gaps.svg").code == 0
    out = tmp_path / "out"
    (row,) = json_of("decode", short, "--rtp", END, "-o", out)
    assert row["duration_s"] == pytest.approx(0.04)
    # Another endpoint is another run: nothing is taken for done.
    done = rtpcap("decode", short, "--rtp", "10.9.9.9:9", "-o", out, "--format", "json")
    assert (done.code, json.loads(done.out)) == (1, [])


@pytest.mark.parametrize("end", ["10.0.0.2", "10.0.0.2:x", "fd09::1:5", "10.0.0.2:70000"])
def test_what_is_no_endpoint_is_wrong_usage(end: str, short: Path) -> None:
    done = rtpcap("streams", short, "--rtp", end)
    assert (done.code, done.out) == (2, "")
    assert "no address and port" in done.err
