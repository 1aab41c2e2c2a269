"""What RTCP tells beside streams; and beside each case one in which all is well."""

from __future__ import annotations

from pathlib import Path

import pytest

import rtpcap
from rtpcap.rtp import rtcp
from tests.streams.findings.scenes import ids, of, slow
from tests.streams.made import Sent, capture

THERE, BACK = 0xA, 0xB
SECONDS = 40.0


def reports(
    *blocks: rtcp.ReportBlock, ssrc: int = BACK, at_s: tuple[float, ...] = (2.0, 15.0, 38.0)
) -> list[Sent]:
    """Reports of one side, each with one of the blocks, or with none where there are no more."""
    rows = [blocks[i : i + 1] for i in range(len(at_s))]
    return [
        (time_s, rtcp.build([rtcp.ReceiverReport(ssrc, tuple(row))]))
        for time_s, row in zip(at_s, rows, strict=True)
    ]


def block(highest: int, lost: int = 0, about: int = THERE) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(about, 0, lost, highest, 0, 0, 0)


def shown(
    folder: Path,
    control: list[Sent],
    *,
    missing: frozenset[int] = frozenset(),
    back: bool = True,
    control_port: int = 4001,
) -> rtpcap.Capture:
    """A conversation of 40 s in packets of 200 ms, and RTCP of the callee to a port."""
    there, answer = slow(SECONDS, ssrc=THERE, without=missing), slow(SECONDS, ssrc=BACK)
    flows, ports = [there], [(4000, 5000)]
    if back:
        flows.append(answer)
        ports.append((5000, 4000))
    # A flow to other ports first, so that the way back of RTCP is told from the way there.
    flows += [[(0.5, b"\0" * 20)], control]
    ports += [(control_port, 5001), (5001, control_port)]
    return capture(folder, *flows, ports=ports)


def test_no_rtcp_at_all(tmp_path: Path) -> None:
    (finding,) = of(shown(tmp_path, []), "missing-rtcp")
    assert (finding.severity, finding.call, finding.ssrc) == ("note", "guessed-1", None)
    # 200 packets: from the first to the last 199 steps of 0.2 s.
    assert finding.numbers == {"streams": 2, "seconds": pytest.approx(39.8)}


def test_there_is_rtcp_beside_them(tmp_path: Path) -> None:
    assert ids(shown(tmp_path, reports(block(5), block(70), block(185)))) == []


def test_a_stream_alone_may_have_been_cut_out(tmp_path: Path) -> None:
    assert "missing-rtcp" not in ids(shown(tmp_path, [], back=False))


def test_the_far_end_reports_on_others_only(tmp_path: Path) -> None:
    other = 0xC
    told = reports(*(block(5, about=other) for _ in range(3)))
    (finding,) = of(shown(tmp_path, told), "no-reports-back")
    assert (finding.severity, finding.ssrc) == ("warning", THERE)
    assert finding.numbers == {"datagrams": 3}
    assert len(finding.frames) == 3


@pytest.mark.parametrize(("port", "told"), [(4000, True), (4001, True), (4101, False)])
def test_reports_of_another_call_between_the_same_hosts(
    port: int, told: bool, tmp_path: Path
) -> None:
    control = reports(*(block(5, about=0xC) for _ in range(3)))
    if port == 4000:
        # On the port of RTP itself (RFC 5761).
        there, back = slow(SECONDS, ssrc=THERE), slow(SECONDS, ssrc=BACK)
        both = capture(tmp_path, there, [*back, *control], ports=[(4000, 5000), (5000, 4000)])
    else:
        both = shown(tmp_path, control, control_port=port)
    assert ("no-reports-back" in ids(both)) is told


def test_a_report_is_enough(tmp_path: Path) -> None:
    told = reports(block(5, about=0xC), block(70), block(185, about=0xC))
    assert "no-reports-back" not in ids(shown(tmp_path, told))


# Packets come at 1 + 0.2 i s: the reports at 2, 15 and 38 s see those up to 5, 70 and 185.


def test_the_far_end_lost_more_than_the_capture(tmp_path: Path) -> None:
    told = reports(block(5), block(70, lost=2), block(185, lost=8))
    (finding,) = of(shown(tmp_path, told), "loss-after-capture")
    assert (finding.severity, finding.ssrc) == ("warning", THERE)
    assert finding.numbers == {
        "expected": 180,
        "lost_at_receiver": 8,
        "lost_at_capture": 0,
        "lost_after_pct": pytest.approx(100 * 8 / 180),
    }
    assert len(finding.frames) == 2


def test_both_lost_the_same(tmp_path: Path) -> None:
    told = reports(block(5), block(70), block(185, lost=8))
    found = ids(shown(tmp_path, told, missing=frozenset(range(100, 108))))
    assert "loss-after-capture" not in found
    assert "capture-dropped-packets" not in found


def test_the_capture_lost_what_the_far_end_received(tmp_path: Path) -> None:
    told = reports(block(5), block(70), block(185))
    capture = shown(tmp_path, told, missing=frozenset(range(100, 108)))
    (finding,) = of(capture, "capture-dropped-packets")
    assert (finding.severity, finding.ssrc) == ("warning", THERE)
    assert finding.numbers == {"expected": 180, "lost_at_receiver": 0, "lost_at_capture": 8}
