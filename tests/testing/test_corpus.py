"""The corpus: what `rtpcap corpus` writes, and that it says of each packet what packets() says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtpcap.testing import SCHEMA_VERSION, SchemaError, packets, read_corpus
from rtpcap.testing.kinds import KINDS, Kind
from tests.cli.harness import FIXTURES, json_of, rtpcap
from tests.streams.made import talk
from tests.testing.test_captured import segments, written

CALL = FIXTURES / "pj-pcmu.pcap"


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_what_was_read(kind: Kind, index: bool, tmp_path: Path) -> None:
    names = ("pj-pcmu", "ch-pcmu-plain", "pj-g729vad", "ff-rtsp")
    files = [FIXTURES / f"{name}.pcap" for name in names]
    extra = ["--index"] if index else []
    (row,) = json_of("corpus", *files, "-o", tmp_path, "--kind", kind, "--unique", *extra)
    wanted = {p.id: p for p in packets(files, kind=kind, unique=True)}
    found = {p.id: p for p in read_corpus(tmp_path)}
    assert (row["packets"], row["bytes"]) == (len(found), sum(len(p.data) for p in found.values()))
    assert found.keys() == wanted.keys()
    for name, packet in found.items():
        assert packet.row() == wanted[name].row()
        assert (packet.data, packet.reading) == (wanted[name].data, wanted[name].reading)


def test_a_packet_is_a_file_and_its_fields_are_json(tmp_path: Path) -> None:
    done = rtpcap("corpus", CALL, "-o", tmp_path / "out", "--limit", "1")
    assert done.err == "rtpcap: there are more than 1 packets: --limit takes more\n"
    (first,) = packets(CALL, limit=1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "pj-pcmu-9.bin",
        "pj-pcmu-9.json",
    ]
    assert (tmp_path / "out/pj-pcmu-9.bin").read_bytes() == first.data
    told = json.loads((tmp_path / "out/pj-pcmu-9.json").read_text(encoding="utf-8"))
    assert list(told)[:3] == ["schema", "id", "kind"]
    assert (told["schema"], told["id"], told["kind"]) == (1, "pj-pcmu.pcap:9", "rtp")
    assert told["data"] == "pj-pcmu-9.bin"
    # The header of the packet, by hand.
    head = first.data[:12]
    assert told["fields"]["sequence"] == int.from_bytes(head[2:4], "big")
    assert told["fields"]["ssrc"] == int.from_bytes(head[8:12], "big")
    assert told["fields"]["payload"] == first.data[12:].hex()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    arguments = ("corpus", CALL, "-o", tmp_path, "--kind", "sdp")
    assert rtpcap(*arguments).code == 0
    again = rtpcap(*arguments)
    assert (again.code, again.out) == (2, "")
    assert again.err.startswith(f"rtpcap corpus: {tmp_path / 'pj-pcmu-1.bin'}: is there already")
    assert len(again.err.splitlines()) == 1
    assert rtpcap(*arguments, "--force").code == 0


def test_names_are_safe(tmp_path: Path) -> None:
    source = written(tmp_path, [data for _, data in talk(30)], name="a b;é.pcap")
    assert rtpcap("corpus", source, "-o", tmp_path / "out", "--unique").code == 0
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert names
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.") for name in names)


def test_several_of_a_frame_are_several_files(tmp_path: Path) -> None:
    source = segments(tmp_path / "tcp.pcap", [data for _, data in talk(30)], 3)
    (row,) = json_of("corpus", source, "-o", tmp_path / "out")
    assert row["packets"] == 30
    names = sorted(path.name for path in (tmp_path / "out").glob("*.bin"))
    assert names[:4] == ["tcp-1.bin", "tcp-10.bin", "tcp-10_2.bin", "tcp-10_3.bin"]
    assert len(list(read_corpus(tmp_path / "out"))) == 30


def test_captures_of_one_name_do_not_meet(tmp_path: Path) -> None:
    sources = [
        written(tmp_path / folder, [data for _, data in talk(30)]) for folder in ("one", "two")
    ]
    (row,) = json_of("corpus", *sources, "-o", tmp_path / "out")
    assert (row["captures"], row["packets"]) == (2, 60)
    assert len(list((tmp_path / "out").glob("*.bin"))) == 60


def test_what_cannot_be_done_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    none = rtpcap("corpus", FIXTURES / "gst-loss.pcap", "-o", out, "--kind", "sip")
    assert (none.code, none.err) == (
        1,
        f"rtpcap: {FIXTURES / 'gst-loss.pcap'}: no sip packet\n",
    )
    assert not out.exists()
    bad = tmp_path / "bad.pcap"
    bad.write_text("no capture")
    wrong = rtpcap("corpus", bad, "-o", out)
    assert (wrong.code, len(wrong.err.splitlines())) == (3, 1)
    some = rtpcap("corpus", bad, CALL, "-o", out, "--unique")
    assert (some.code, len(some.err.splitlines())) == (4, 1)
    file = tmp_path / "file"
    file.write_text("")
    blocked = rtpcap("corpus", CALL, "-o", file, "--kind", "sdp")
    assert (blocked.code, len(blocked.err.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"schema": 2}', "of schema 2, this rtpcap reads 1: make it again with rtpcap corpus"),
        ("{}", "of no schema, this rtpcap reads 1: make it again with rtpcap corpus"),
        ("[]", "no expectation of a packet: make it again with rtpcap corpus"),
        ("{", "no JSON"),
        ('{"schema": 1}', "no expectation of a packet"),
        ('{"schema": true}', "of schema True"),
    ],
)
def test_an_expectation_that_is_none_of_ours_is_one_line(
    text: str, line: str, tmp_path: Path
) -> None:
    assert SCHEMA_VERSION == 1
    path = tmp_path / "call-1.json"
    path.write_text(text)
    with pytest.raises(SchemaError) as raised:
        list(read_corpus(tmp_path))
    assert str(raised.value).startswith(f"{path}: {line}")
    assert "\n" not in str(raised.value)


def test_a_corpus_names_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    out = tmp_path / "out"
    assert rtpcap("corpus", CALL, "-o", out, "--kind", "sdp").code == 0
    path = out / "pj-pcmu-1.json"
    path.write_text(path.read_text().replace("pj-pcmu-1.bin", "../secret"))
    with pytest.raises(SchemaError, match=r"data '\.\./secret'"):
        list(read_corpus(out))
