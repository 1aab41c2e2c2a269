"""Every kind of packet from labelled fields, whole and damaged, read and written."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from rtpcap.rtp import rtcp
from tests.rtp.rtcp.build import NTP, SCENARIOS, A, B, Scenario, block, part, sender, ssrcs


@pytest.mark.parametrize("function", SCENARIOS, ids=lambda function: function.__name__)
def test_parse(function: Scenario) -> None:
    raw, (packets, faults) = function()
    found = rtcp.parse(raw)
    assert found.packets == packets
    told = [(f.reason.label, f.offset, f.needed, f.available) for f in found.faults]
    assert told == faults
    assert found.protection is None


@pytest.mark.parametrize("function", SCENARIOS, ids=lambda function: function.__name__)
def test_build_what_is_whole(function: Scenario) -> None:
    raw, (packets, faults) = function()
    if not faults:
        assert rtcp.build(packets) == raw


def test_transport_wide_feedback_as_libwebrtc_fills_it_up() -> None:
    # As Chromium sends it: P is set, and the last byte counts the two that fill the word.
    body = struct.pack(">HHIH", 5, 4, 0, 0x2004) + bytes([4, 8, 1, 2])
    packet = rtcp.TransportCC(A, B, 5, 4, 0, 0, (0x2004,), (4, 8, 1, 2))
    found = rtcp.parse(part(205, ssrcs(A, B) + body + b"\0\2", count=15, padding=True))
    assert (found.packets, found.padding, found.faults) == ((packet,), 0, ())
    # It is written as the draft has it, with zeros alone.
    assert rtcp.build(found.packets) == part(205, ssrcs(A, B) + body + b"\0\0", count=15)
    wrong = rtcp.parse(part(205, ssrcs(A, B) + body + b"\0\3", count=15, padding=True))
    assert [fault.reason.label for fault in wrong.faults] == ["trailing"]


def test_padding_of_the_last_packet_both_ways() -> None:
    raw = part(201, ssrcs(A) + bytes(7) + b"\x08", padding=True)
    found = rtcp.parse(raw)
    assert (found.packets, found.padding, found.faults) == ((rtcp.ReceiverReport(A),), 8, ())
    assert rtcp.build(found.packets, padding=8) == raw


def test_reduced_size() -> None:
    assert rtcp.parse(part(206, ssrcs(A, B), count=1)).is_reduced  # RFC 5506
    assert not rtcp.parse(part(201, ssrcs(A))).is_reduced
    assert not rtcp.parse(b"").is_reduced


def test_a_fault_says_what_was_missing() -> None:
    (fault,) = rtcp.parse(part(203, ssrcs(A), count=3)).faults
    assert str(fault) == "RTCP BYE, count: needs 8 bytes from offset 8, 0 available"


def test_kinds_and_sources() -> None:
    raw = part(200, sender()) + part(206, ssrcs(B, A), count=1) + part(215) + part(203)
    found = rtcp.parse(raw).packets
    assert [packet.kind for packet in found] == ["SR", "PLI", "215", "BYE"]
    assert [packet.source for packet in found] == [A, B, None, None]
    assert rtcp.parse(part(208, ssrcs(B))).packets[0].kind == "AVB"
    assert rtcp.parse(part(208, ssrcs(B))).packets[0].source == B


def test_private_items() -> None:
    item = rtcp.Item.private("pre", "text")
    assert (item.name, item.prefix, item.text, item.value) == (
        "PRIV",
        "pre",
        "text",
        b"\x03pretext",
    )
    named = rtcp.Chunk(A, (item, rtcp.Item(1, b"me@host"), rtcp.Item(1, b"other")))
    assert named.cname == "me@host"
    assert named.get(2) is None
    assert rtcp.Item(1, b"\xff").text == "\N{REPLACEMENT CHARACTER}"
    # Senders that count the zero of a string in C.
    assert rtcp.Item(1, b"me@host\0").text == "me@host"
    assert rtcp.Goodbye((A,), b"gone\0").text == "gone"
    assert rtcp.Goodbye((A,)).text is None
    with pytest.raises(ValueError):
        rtcp.Item.private("p" * 255, "")


def test_what_runs_and_vectors_say() -> None:
    # Section 4.1: a run of 3 received; a vector of 15 whose first two bits are 0 1; the end.
    chunks = (0x4003, 0x8000 | 0b010_0000_0000_0000, 0)
    block = rtcp.LossRLE(B, 65534, 3, chunks)
    assert block.sequences == (65534, 65535, 0, 1, 2)
    assert block.flags == (True, True, True, False, True)
    assert rtcp.LossRLE(B, 65534, 3, (0x4003, 0)).flags == (True, True, True)
    # Thinning of 2: multiples of four only.
    assert rtcp.DuplicateRLE(B, 10, 20, (), thinning=2).sequences == (12, 16)


def test_figures_of_voip_metrics() -> None:
    metrics = next(
        found
        for packet in rtcp.parse(
            _of("extended_report_of_all_seven_blocks_and_an_unknown_one")
        ).packets
        if isinstance(packet, rtcp.ExtendedReport)
        for found in packet.blocks
        if isinstance(found, rtcp.VoIPMetrics)
    )
    assert metrics.loss_pct == 100 * 26 / 256
    assert metrics.discard_pct == 100 * 13 / 256
    assert (metrics.r, metrics.listening_mos, metrics.conversational_mos) == (93, 4.1, 4.0)
    assert (metrics.signal_dbm0, metrics.noise_dbm0) == (-20, -60)
    # 0xb5: 10 11 0101, section 4.7.6.
    assert (metrics.concealment, metrics.jitter_buffer) == ("enhanced", "adaptive")


def test_figures_of_feedback() -> None:
    assert rtcp.NACK(A, B, ((65535, 0b101), (7, 0))).sequences == (65535, 0, 2, 7)
    assert rtcp.BitRate(B, 3, 100_000, 40).bits_per_second == 800_000
    assert rtcp.REMB(A, 0, 2, 200_000).bits_per_second == 800_000


def test_arrivals_of_transport_wide_feedback() -> None:
    (packet,) = rtcp.parse(_of("transport_wide_feedback")).packets
    assert isinstance(packet, rtcp.TransportCC)
    start = -2 * 64_000_000
    came = {arrival.sequence: arrival.time_ns for arrival in packet.arrivals}
    assert len(came) == 18
    assert {number: time for number, time in came.items() if time is not None} == {
        0: start + 4 * 250_000,
        2: start + 12 * 250_000,
        14: start + 13 * 250_000,
        15: start + 10 * 250_000,
    }


def _of(name: str) -> bytes:
    return next(function()[0] for function in SCENARIOS if function.__name__ == name)


@pytest.mark.parametrize(
    "packet",
    [
        rtcp.ReceiverReport(1 << 32),
        rtcp.ReceiverReport(A, (rtcp.ReportBlock(B, 256, 0, 0, 0, 0, 0),)),
        rtcp.ReceiverReport(A, (rtcp.ReportBlock(B, 0, 1 << 23, 0, 0, 0, 0),)),
        rtcp.ReceiverReport(A, (rtcp.ReportBlock(B, 0, 0, 0, 0, 0, 0),) * 32),
        rtcp.ReceiverReport(A, (), b"abc"),
        rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(0, b""),)),)),
        rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(1, bytes(256)),)),)),
        rtcp.Goodbye((), bytes(256)),
        rtcp.ApplicationDefined(A, b"ABC"),
        rtcp.ApplicationDefined(A, b"ABCD", 32),
        rtcp.ExtendedReport(A, (rtcp.OtherBlock(9, 0, b"abc"),)),
        rtcp.ExtendedReport(A, (rtcp.LossRLE(B, 0, 0, (0,)),)),
        rtcp.TransportCC(A, B, 0, 3, 0, 0, (0x2003,), (4, 8)),
        rtcp.REMB(A, 0, 64, 0),
        rtcp.Other(200, 0, bytes(1 << 19)),
    ],
    ids=lambda packet: repr(packet)[:60],
)
def test_values_that_do_not_fit(packet: rtcp.Packet) -> None:
    with pytest.raises(ValueError):
        rtcp.build([packet])


@pytest.mark.parametrize("padding", [1, 256, -4])
def test_padding_that_cannot_be(padding: int) -> None:
    with pytest.raises(ValueError):
        rtcp.build([rtcp.Goodbye()], padding=padding)
    with pytest.raises(ValueError):
        rtcp.build([], padding=4)


NOISE = np.random.default_rng(7).integers(0, 256, 40, np.uint8).tobytes()
REPORT = part(201, ssrcs(A) + block(), count=1)


@pytest.mark.parametrize(
    ("trailer", "size"),
    [
        (NOISE + (1 << 31 | 9).to_bytes(4, "big") + NOISE[:10], 14),
        (NOISE + (1 << 31 | 9).to_bytes(4, "big") + NOISE[:4], 8),
        (NOISE + NOISE[:16] + (1 << 31 | 9).to_bytes(4, "big"), 20),
        (NOISE + (1 << 31 | 9).to_bytes(4, "big") + b"\x01" + NOISE[:10], 15),
        (NOISE + (1 << 31 | 9).to_bytes(4, "big") + b"\0\0\0\x01" + NOISE[:10], 18),
    ],
    ids=["sha1 80", "sha1 32", "gcm", "mki of one byte", "mki of four"],
)
def test_encrypted_is_recognised_and_left(trailer: bytes, size: int) -> None:
    found = rtcp.parse(REPORT[:8] + NOISE[: len(REPORT) - 8] + trailer)
    assert found == rtcp.Compound(protection=rtcp.SRTCP(201, A, 9, True, size))


def test_authenticated_only_is_read() -> None:
    found = rtcp.parse(REPORT + (9).to_bytes(4, "big") + NOISE[:10])
    assert found.packets == rtcp.parse(REPORT).packets
    assert found.protection == rtcp.SRTCP(201, A, 9, False, 14)
    assert found.faults == ()


def test_ntp_in_the_middle() -> None:
    from rtpcap.rtp.rtcp.reports import middle

    assert middle(NTP) == 0x0001_8000
