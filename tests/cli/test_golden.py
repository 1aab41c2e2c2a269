"""The verbs expect and verify."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtpcap.testing import expect, verify
from tests.cli.harness import FIXTURES, csv_of, json_of, rtpcap

LOSS, PLAIN = FIXTURES / "gst-loss.pcap", FIXTURES / "ff-pcmu.pcap"


def test_one_capture_goes_to_stdout_and_several_into_a_folder(tmp_path: Path) -> None:
    done = rtpcap("expect", PLAIN)
    assert (done.code, done.err, done.out) == (0, "", expect(PLAIN).to_json())
    rows = json_of("expect", PLAIN, LOSS, "-o", tmp_path / "golden")
    assert [row["output"] for row in rows] == [
        str(tmp_path / "golden" / f"{name}.json") for name in ("ff-pcmu", "gst-loss")
    ]
    assert [(row["streams"], row["gaps"]) for row in rows] == [(1, 0), (1, 12)]
    done = rtpcap("verify", *(str(row["output"]) for row in rows))
    assert (done.code, done.out, done.err) == (0, "", "")


def test_differences_are_rows(tmp_path: Path) -> None:
    golden = tmp_path / "loss.json"
    assert rtpcap("expect", LOSS, "-o", golden, "--tolerance", "packets=2").code == 0
    content = json.loads(golden.read_text())
    assert content["tolerances"]["packets"] == 2
    row = content["streams"]["0xc3cd4bf6"]
    row["lost"], row["packets"], row["codec"] = 11, 149, "PCMU"
    golden.write_text(json.dumps(content))
    done = rtpcap("verify", golden, "--format", "json")
    assert (done.code, done.err) == (1, "")
    place = "streams[0xc3cd4bf6]"
    assert sorted(done.rows(), key=lambda row: str(row["path"])) == [
        {"path": f"{place}.codec", "expected": "PCMU", "found": "PCMA", "tolerance": None,
         "sentence": ""},
        {"path": f"{place}.lost", "expected": 11, "found": 12, "tolerance": 0.0, "sentence": ""},
    ]  # fmt: skip
    assert [each.row() for each in verify(golden)] == done.rows()
    done = rtpcap("verify", golden, columns=120)
    assert done.code == 1
    assert f"{place}.lost" in done.out
    done = rtpcap("verify", golden, "--format", "csv", "--tolerance", "lost=1")
    assert done.lines()[1:] == [f"{place}.codec,PCMU,PCMA,,"]
    done = rtpcap("verify", golden, "--tolerance", "lost=1", "--tolerance", "codec=any")
    assert (done.code, done.out) == (0, "")
    assert csv_of("verify", golden, "--tolerance", "lost=any", "--tolerance", "codec=any") == []


def test_a_capture_that_was_changed_is_a_note(tmp_path: Path) -> None:
    golden, copy = tmp_path / "loss.json", tmp_path / "copy.pcap"
    assert rtpcap("expect", LOSS, "-o", golden).code == 0
    # The high half of the file's time zone, which nothing reads.
    data = bytearray(LOSS.read_bytes())
    data[8] ^= 1
    copy.write_bytes(data)
    done = rtpcap("verify", golden, "--capture", copy)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"rtpcap: note: {copy}: another file than was written down")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("expect", PLAIN, LOSS), 2, "several files need -o DIR"),
        (("expect", PLAIN, "-o", PLAIN), 2, "not written over: "),
        (("expect", PLAIN, "--tolerance", "lost"), 2, "'lost' is not as lost=2"),
        (("verify", "{good}", "--tolerance", "lots=2"), 2, "no value has the name or unit 'lots'"),
        (("expect", FIXTURES / "README.md"), 3, "README.md: "),
        (("verify", "none.json"), 3, "none.json: No such file"),
        (("verify", FIXTURES), 3, "Is a directory"),
        (("verify", PLAIN), 3, "ff-pcmu.pcap: no expectation, which rtpcap expect writes"),
        (("verify", "{good}", "--capture", "none.pcap"), 3, "none.pcap: No such file"),
        (("verify", "{good}", "--capture", FIXTURES / "README.md"), 3, "README.md: "),
        (("verify", "{good}", "none.json"), 4, "none.json: No such file"),
        (("verify", "{old}"), 3, "of schema 0, this rtpcap reads 1: write it again with rtpcap"),
        (("verify", "{moved}"), 3, "gone.pcap: the capture of an expectation is not there"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: tuple[str | Path, ...], code: int, says: str, tmp_path: Path
) -> None:
    before = PLAIN.read_bytes()
    good = tmp_path / "good.json"
    expect(PLAIN, sound=False).write(good)
    text = good.read_text()
    (tmp_path / "old.json").write_text(text.replace('"schema": 1', '"schema": 0'))
    (tmp_path / "moved.json").write_text(text.replace("ff-pcmu.pcap", "gone.pcap"))
    given = [str(each).format(**{n: tmp_path / f"{n}.json" for n in ("good", "old", "moved")})
             for each in arguments]  # fmt: skip
    done = rtpcap(*given)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert PLAIN.read_bytes() == before
