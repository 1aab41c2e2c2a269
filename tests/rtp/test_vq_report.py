"""Voice quality reports of SIP: RFC 6035's lines, and what others make of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.rtp.vq_report import VQAddress, parse_vq_report

SESSION = b"""VQSessionReport: CallTerm\r
CallID: 17@alice.example.org\r
LocalID: Alice <sip:alice@example.org>\r
RemoteID: Bill <sip:bill@example.net>\r
LocalAddr: IP=10.0.0.1 PORT=5000 SSRC=1a3b5c7d\r
RemoteAddr: IP=2001:db8::7 PORT=5002 SSRC=0x2468abcd\r
LocalMetrics:\r
Timestamps:START=2024-02-01T18:23:43Z STOP=2024-02-01T18:26:02Z\r
SessionDesc:PT=18 PD=G729 SR=8000 FD=20 FO=20 FPP=2 PPS=50\r
  FMTP="annexb=no" PLC=3 SSUP=on\r
JitterBuffer:JBA=3 JBR=2 JBN=40 JBM=80 JBX=120\r
PacketLoss:NLR=5.0 JDR=2.0\r
BurstGapLoss:BLD=0 BD=0 GLD=2.0 GD=500 GMIN=16\r
Delay:RTD=200 ESD=140 SOWD=200 IAJ=2 MAJ=10\r
Signal:SL=-21 NL=-50 RERL=55\r
QualityEst:RLQ=90 RCQ=85 EXTRI=90 MOSLQ=4.2 MOSCQ=4.3 QoEEstAlg=P.564\r
RemoteMetrics:\r
PacketLoss:NLR=0.5 JDR=x\r
Signal:SL=127 NL=127\r
QualityEst:RLQ=127 MOSLQ=4.1\r
DialogID:17@alice.example.org;to-tag=8472761;from-tag=9123dh311\r
"""


def test_session_report() -> None:
    report = parse_vq_report(SESSION)
    assert report is not None
    assert (report.kind, report.event, report.call_id) == (
        "session",
        "CallTerm",
        "17@alice.example.org",
    )
    assert report.fields["localid"] == "Alice <sip:alice@example.org>"
    assert report.fields["dialogid"].endswith("from-tag=9123dh311")
    assert report.local_address == VQAddress("10.0.0.1", 5000, 0x1A3B5C7D)
    assert report.remote_address == VQAddress("2001:db8::7", 5002, 0x2468ABCD)
    local, remote = report.local, report.remote
    assert local is not None
    assert remote is not None
    assert (local.loss_pct, local.discard_pct, local.jitter_ms) == (5.0, 2.0, 2.0)
    assert (local.round_trip_ms, local.end_system_ms) == (200.0, 140.0)
    assert (local.signal_dbm0, local.noise_dbm0) == (-21.0, -50.0)
    assert (local.r_lq, local.r_cq, local.mos_lq, local.mos_cq) == (90.0, 85.0, 4.2, 4.3)
    assert (local.codec, local.algorithm) == ("G729", "P.564")
    assert (local.start, local.stop) == ("2024-02-01T18:23:43Z", "2024-02-01T18:26:02Z")
    assert local.text("sessiondesc", "fmtp") == "annexb=no"
    assert local.text("sessiondesc", "ssup") == "on"
    assert local.figure("burstgaploss", "gmin") == 16
    assert (remote.loss_pct, remote.discard_pct, remote.mos_lq) == (0.5, None, 4.1)
    assert (remote.signal_dbm0, remote.noise_dbm0, remote.r_lq) == (None, None, None)
    assert (remote.codec, remote.mos_cq) == (None, None)


def test_alert_and_interval() -> None:
    alert = parse_vq_report(b"VQAlertReport: Type=NLR Severity=Critical Dir=local\nCallID:9\n")
    assert alert is not None
    assert (alert.kind, alert.event) == ("alert", "Type=NLR Severity=Critical Dir=local")
    assert (alert.call_id, alert.local, alert.local_address) == ("9", None, None)
    interval = parse_vq_report(b"vqintervalreport:\nlocalmetrics:\npacketloss: nlr = 1.5\n")
    assert interval is not None
    assert interval.local is not None
    assert (interval.kind, interval.local.loss_pct) == ("interval", 1.5)


@pytest.mark.parametrize(
    "body", [b"", b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n", b"CallID: 9\r\n", b"\xff"]
)
def test_other_bodies_are_none(body: bytes) -> None:
    assert parse_vq_report(body) is None


def test_numbers_that_are_none() -> None:
    report = parse_vq_report(
        b"LocalAddr: IP=1 PORT=x SSRC=zz\nLocalMetrics:\nPacketLoss:NLR=nan JDR=inf\nDelay:RTD="
    )
    assert report is not None
    assert report.local is not None
    assert report.local_address == VQAddress("1", None, None)
    assert (report.local.loss_pct, report.local.discard_pct) == (None, None)
    assert report.local.round_trip_ms is None


lines = st.sampled_from([*SESSION.splitlines(keepends=True), b" \n", b"=\n", b'a="\n', b":\n"])


@given(st.lists(lines | st.binary(max_size=12), max_size=12).map(b"".join))
def test_any_bytes(body: bytes) -> None:
    report = parse_vq_report(body)
    for metrics in (report.local, report.remote) if report else ():
        if metrics is not None:
            assert metrics.mos_lq is None or metrics.mos_lq == metrics.mos_lq


@pytest.mark.parametrize("body", [b"a" * 500_000, b"a " * 200_000, b'a="' * 200_000])
def test_long_lines_take_no_longer_than_they_are(body: bytes) -> None:
    # Quadratic work would take minutes here.
    report = parse_vq_report(b"LocalMetrics:\nDelay:=" + body)
    assert report is not None
    assert report.local is not None
