"""Streams found without signalling, over all captures: none false, none missed."""

from __future__ import annotations

import pytest

import rtpcap
from tests.reference.discovery import FIXTURE, Judged, judge, verdicts
from tests.reference.facts import capture_names, require_captures


@pytest.fixture(scope="module")
def judged() -> Judged:
    require_captures()
    return judge(capture_names())


def test_no_stream_is_false(judged: Judged) -> None:
    assert judged.false == []


def test_no_stream_is_missed(judged: Judged) -> None:
    assert judged.missed == []


def test_both_kinds_of_captures_are_there(judged: Judged) -> None:
    assert len(judged.without_rtp) > 100
    assert len(judged.with_rtp) > 100


def test_each_judgement_is_needed_and_has_a_reason(judged: Judged) -> None:
    assert {key for key in verdicts() if not key[0].startswith(FIXTURE)} == judged.used
    assert all(reason for _, reason in verdicts().values())


def test_explanations_agree_with_the_streams() -> None:
    folder = require_captures()
    wrong = {}
    for name in capture_names():
        try:
            capture = rtpcap.open(folder / name)
            packets = sum(len(stream) for stream in capture.streams)
        except rtpcap.CaptureError:
            continue
        flows = capture.explain()
        told = sum(
            int(part.removeprefix("rtp:"))
            for flow in flows
            for part in flow.mixture
            if part.startswith("rtp:")
        )
        datagrams = sum(len(chunk) for chunk in capture.datagram_chunks())
        if (told, sum(flow.packets for flow in flows)) != (packets, datagrams):
            wrong[name] = (told, packets, datagrams)
    assert wrong == {}
