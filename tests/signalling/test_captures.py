"""Captures that others made: the same messages, calls and announced streams as tshark has.

Part A of a reference file counts SIP messages and lists the streams that signalling announced; its
part C counts the Call-IDs of INVITEs. What cannot be met stands in ``differences.tsv``, a reason
each. The messages are those of `rtpcap.Capture.messages`, whatever carried them.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.signalling import Dialog
from tests.effort import sample
from tests.peers import require
from tests.reference.facts import (
    CAPTURES,
    REFERENCE,
    capture_names,
    require_captures,
    stream_tables,
)
from tests.signalling.read import Told, read

OWN = CAPTURES.parent / "fixtures"
DIFFERENCES = Path(__file__).with_name("differences.tsv")
SEVERAL = 771
"""Calls of the capture with the most."""

MESSAGES = re.compile(r"Number of SIP messages: (\d+)")
STATUSES = re.compile(r"^  SIP (\d+) .*?: +(\d+) Packets", re.MULTILINE)
METHODS = re.compile(r"^  ([A-Z]+) +: +(\d+) Packets", re.MULTILINE)
INVITES = re.compile(r'"sip_invite_call_ids": (\d+)')


@dataclass(frozen=True)
class Reference:
    """What the reference file of a capture says of its SIP."""

    messages: int
    methods: Counter[str]
    statuses: Counter[int]
    call_ids: int


def reference(capture: str) -> Reference:
    path = REFERENCE / (capture.replace("/", "__") + ".streams.txt")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    part_a = text[: text.find("### B.")]
    count, call_ids = MESSAGES.search(part_a), INVITES.search(text)
    statuses: Counter[int] = Counter()
    for status, packets in STATUSES.findall(part_a):
        statuses[int(status)] += int(packets)
    return Reference(
        int(count[1]) if count else 0,
        Counter({method: int(packets) for method, packets in METHODS.findall(part_a)}),
        statuses,
        int(call_ids[1]) if call_ids else 0,
    )


def differences() -> dict[tuple[str, str], str]:
    """(capture, messages or streams) -> the reason why they cannot be the same."""
    with DIFFERENCES.open(encoding="utf-8", newline="") as file:
        return {
            (row["capture"], row["what"]): row["reason"]
            for row in csv.DictReader(file, delimiter="\t")
        }


@cache
def told(path: Path) -> Told | None:
    try:
        return read(path)
    except rtpcap.CaptureError:
        return None


def captures_with_sip() -> list[str]:
    """Those where the reference has SIP messages or streams that signalling announced."""
    return [
        name
        for name in capture_names()
        if reference(name).messages or any(row.announced for row in stream_tables(name))
    ]


@pytest.fixture(params=captures_with_sip() or [""])
def capture(request: pytest.FixtureRequest) -> str:
    require_captures()
    name: str = request.param
    return name


def test_messages_and_calls_as_in_the_reference(capture: str) -> None:
    ours = told(CAPTURES / capture)
    theirs = reference(capture)
    if ours is None:
        assert theirs.messages == 0
        return
    mine = (ours.signalling.messages, ours.methods, ours.statuses, len(ours.invited))
    told_there = (theirs.messages, theirs.methods, theirs.statuses, theirs.call_ids)
    if (capture, "messages") in differences():
        assert mine != told_there, "the difference is none any more"
    else:
        assert mine == told_there
    with_invite = {call.call_id for call in ours.signalling.calls}
    assert ours.invited <= with_invite


def test_streams_that_signalling_announced_have_an_endpoint(capture: str) -> None:
    ours = told(CAPTURES / capture)
    announced = [row.key for row in stream_tables(capture) if row.announced]
    if ours is None:
        return
    ends = ours.signalling.endpoints
    lost = [
        key
        for key in announced
        # The other end may be behind an address translator, or in a message that is not there.
        if not ends.at(key[2], key[3]) and not ends.at(key[0], key[1])
    ]
    assert bool(lost) is ((capture, "streams") in differences()), lost


def test_every_difference_is_of_a_capture_and_has_a_reason() -> None:
    require_captures()
    names = set(capture_names())
    for (name, what), reason in differences().items():
        assert name in names
        assert what in ("messages", "streams")
        assert reason


def test_the_capture_with_the_most_calls() -> None:
    name = "goffinet+sip_captures/uac-uas-scenario-sipp.pcapng"
    require_captures()
    ours = told(CAPTURES / name)
    assert ours is not None
    calls = ours.signalling.calls
    assert len(calls) == SEVERAL
    # Three BYEs are missing: 771 INVITEs and 768 BYEs are in the reference.
    assert Counter((call.state, call.status, call.hung_up) for call in calls) == {
        ("completed", 200, "caller"): 768,
        ("in-progress", 200, None): 3,
    }
    assert {(call.caller, call.callee) for call in calls} == {
        ("sip:sipp@127.0.1.1:5061", "sip:service@127.0.0.1:5060")
    }


# tshark, message by message


@dataclass(frozen=True)
class Row:
    """A SIP message as tshark reads it."""

    frame: int
    time_s: float
    method: str
    status: int
    call_id: str
    cseq_method: str
    caller: str
    callee: str
    to_tag: str


FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "sip.Method",
    "sip.Status-Code",
    "sip.Call-ID",
    "sip.CSeq.method",
    "sip.from.addr",
    "sip.to.addr",
    "sip.to.tag",
)


def tshark_rows(path: Path) -> list[Row]:
    command = [require("tshark"), "-n", "-r", str(path), "-Y", "sip", "-T", "json"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, check=True)
    rows = []
    for packet in json.loads(done.stdout.decode("utf-8", "replace")):
        layers = packet["_source"]["layers"]

        def one(name: str, layers: dict[str, list[str]] = layers) -> str:
            return layers.get(name, [""])[0]

        rows.append(
            Row(
                int(one("frame.number")),
                float(one("frame.time_epoch")),
                one("sip.Method"),
                int(one("sip.Status-Code") or 0),
                one("sip.Call-ID"),
                one("sip.CSeq.method"),
                one("sip.from.addr"),
                one("sip.to.addr"),
                one("sip.to.tag"),
            )
        )
    return rows


def state_of(rows: list[Row], end_s: float) -> str:
    """The state of a call from its rows, by the words of OUTPUT: no hops, no forks."""
    finals = [row.status for row in rows if row.cseq_method == "INVITE" and row.status >= 200]
    methods = {row.method for row in rows}
    byes = "BYE" in methods or any(row.cseq_method == "BYE" for row in rows)
    if any(status < 300 for status in finals):
        return "completed" if byes else "in-progress"
    if finals:
        last = finals[-1]
        return {487: "cancelled", 486: "rejected", 600: "rejected", 603: "rejected"}.get(
            last, "failed"
        )
    if "CANCEL" in methods:
        return "cancelled"
    if byes:
        return "completed"
    if any(row.cseq_method == "INVITE" and 180 <= row.status <= 183 for row in rows):
        return "ringing"
    return "failed" if end_s - rows[-1].time_s > 32 else "in-progress"


def brief(call: Dialog) -> tuple[str, str, str]:
    return call.caller, call.callee, call.state


SITUATIONS = ("br-hold", "br-ipv6", "pj-cancel487", "pj-infodtmf", "pj-reject486", "sipp-pcap")
"""Our own captures of different ends and turns of a call."""


def sip_files() -> Iterator[Path]:
    """The captures with several calls whose messages are all read here, and some of our own."""
    if CAPTURES.is_dir():
        excused = {name for name, what in differences() if what == "messages"}
        for name in capture_names():
            if name not in excused and reference(name).call_ids > 1:
                yield CAPTURES / name
    if OWN.is_dir():
        yield from (OWN / f"{name}.pcap" for name in SITUATIONS)


@pytest.mark.peer
@pytest.mark.parametrize(
    "path",
    sample([*sip_files()], 14) or [Path()],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_parties_and_states_as_from_tshark(path: Path) -> None:
    require_captures()
    ours = told(path)
    assert ours is not None
    rows = [row for row in tshark_rows(path) if row.frame in ours.frames]
    end_s = max((row.time_s for row in rows), default=0)
    by_call: dict[str, list[Row]] = {}
    for row in rows:
        by_call.setdefault(row.call_id, []).append(row)
    theirs = {}
    for call_id, said in by_call.items():
        invites = [row for row in said if row.cseq_method == "INVITE"]
        if invites:
            first = invites[0]
            theirs[call_id] = (first.caller, first.callee, state_of(said, end_s))
    mine = {
        call.call_id: brief(call)
        for call in ours.signalling.calls
        if call.call_id in theirs or call.invited is not None
    }
    assert mine == theirs


# Our own captures: every stream is where an answered offer said, in a format that it named


def own_captures() -> list[Path]:
    # SIPp says PCMU and plays a file of PCMA.
    kinds = ("br-*.pcap", "pj-*.pcap")
    return [path for kind in kinds for path in sorted(OWN.glob(kind))]


@pytest.mark.parametrize("path", own_captures() or [Path()], ids=lambda path: path.name)
def test_streams_of_our_own_captures_are_where_signalling_says(path: Path) -> None:
    if not OWN.is_dir():
        pytest.skip("the folder shared/fixtures is not beside the project")
    ours = told(path)
    assert ours is not None
    calls = ours.signalling.calls
    if not calls:
        return
    ends = ours.signalling.endpoints
    for stream in rtpcap.open(path).streams:
        place = ends.find(stream.dst, stream.dst_port, stream.last_frame)
        assert place is not None
        assert place.kind == "rtp"
        epoch = calls[place.dialog].epochs[place.epoch]
        formats = epoch.media(place.side)[place.media].formats
        assert set(np.unique(stream.packets.payload_type).tolist()) <= set(formats)


# The calls of a capture, with their streams


@cache
def opened(capture: str) -> rtpcap.Capture | None:
    try:
        found = rtpcap.open(CAPTURES / capture)
        _ = found.calls
    except rtpcap.CaptureError:
        return None
    return found


def test_the_capture_has_the_calls_that_its_messages_tell(capture: str) -> None:
    ours, found = told(CAPTURES / capture), opened(capture)
    if ours is None or found is None:
        return
    calls = [call for call in found.calls if call.dialog is not None]
    assert [brief(call.dialog) for call in calls if call.dialog is not None] == [
        brief(call) for call in ours.signalling.calls
    ]
    assert len({call.call_id for call in calls}) == len(calls)
    claimed = [stream.index for call in found.calls for stream in call.streams]
    assert len(claimed) == len(set(claimed))


def test_announced_streams_belong_to_a_call(capture: str) -> None:
    found = opened(capture)
    if found is None:
        return
    calls = {
        (stream.src, stream.src_port, stream.dst, stream.dst_port, stream.ssrc): stream.call
        for call in found.calls
        if call.dialog is not None
        for stream in call.streams
    }
    announced = [row.key for row in stream_tables(capture) if row.announced]
    there = {(s.src, s.src_port, s.dst, s.dst_port, s.ssrc) for s in found.streams}
    lost = [key for key in announced if key in there and key not in calls]
    assert bool(lost) is ((capture, "streams") in differences()), lost


@pytest.mark.parametrize("path", own_captures() or [Path()], ids=lambda path: path.name)
def test_each_stream_of_our_own_captures_is_of_its_call(path: Path) -> None:
    if not OWN.is_dir():
        pytest.skip("the folder shared/fixtures is not beside the project")
    found = rtpcap.open(path)
    calls = [call for call in found.calls if call.dialog is not None]
    if not calls:
        return
    (call,) = calls
    assert call.streams == list(found.streams)
    assert {call.matched(stream) for stream in found.streams} <= {"announced"}
    # Who offered is left: its media comes from where the offer said.
    assert call.dialog is not None
    offered = {
        (media.address, media.port)
        for epoch in call.dialog.epochs
        for media in epoch.media("caller")
    }
    assert all((stream.src, stream.src_port) in offered for stream in call.left)
    assert all((stream.dst, stream.dst_port) in offered for stream in call.right)
