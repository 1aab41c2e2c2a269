"""Which stream a report is about, where one SSRC is on several legs."""

from __future__ import annotations

import pytest

from rtpcap.capture.tables import Flow
from rtpcap.streams.reports.subjects import Subjects, back

AGENT, PHONE, OTHER = "10.0.0.9", "10.0.0.1", "10.0.0.2"
SSRC = 0x90000001
LEGS = (
    Flow(PHONE, 4000, AGENT, 6000),  # through an agent that keeps the SSRC ...
    Flow(AGENT, 6002, OTHER, 5000),  # ... to the other phone
    Flow(AGENT, 6004, OTHER, 5010),  # ... and moved to other ports
)
SUBJECTS = Subjects([(SSRC, flow) for flow in LEGS] + [(7, LEGS[0])])


@pytest.mark.parametrize(
    ("report", "stream"),
    [
        (Flow(AGENT, 6001, PHONE, 4001), 0),  # the ports after those of the media
        (Flow(AGENT, 6000, PHONE, 4000), 0),  # the same (RFC 5761)
        (Flow(OTHER, 5001, AGENT, 6003), 1),
        (Flow(OTHER, 5011, AGENT, 6005), 2),
        (Flow(OTHER, 9000, AGENT, 9001), 1),  # agreed ports: the first between the addresses
        (Flow("10.0.0.5", 1, "10.0.0.6", 2), None),  # nobody's
    ],
)
def test_ports_decide_then_addresses(report: Flow, stream: int | None) -> None:
    assert SUBJECTS.about(SSRC, report) == stream
    assert SUBJECTS.of(SSRC, back(report)) == stream


def test_the_only_one_of_an_ssrc_is_meant_wherever_the_report_comes_from() -> None:
    assert SUBJECTS.about(7, Flow("10.0.0.5", 1, "10.0.0.6", 2)) == 3
    assert SUBJECTS.about(8, back(LEGS[0])) is None
