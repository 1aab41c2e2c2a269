"""RTCP from labelled fields, laid out by hand as the RFCs draw it, and what is to come out."""

from __future__ import annotations

import struct
from collections.abc import Callable

from rtpcap.rtp import rtcp

A, B = 0x11111111, 0x22222222
NTP = 0xE9_00_00_01_80_00_00_00


def part(
    packet_type: int,
    body: bytes = b"",
    *,
    count: int = 0,
    version: int = 2,
    padding: bool = False,
    words: int | None = None,
) -> bytes:
    """A packet: its header and what follows; its length is `words` where that is given."""
    length = len(body) // 4 if words is None else words
    return struct.pack(">BBH", version << 6 | padding << 5 | count, packet_type, length) + body


def sender(
    *, ssrc: int = A, ntp: int = NTP, timestamp: int = 8000, packets: int = 50, octets: int = 8000
) -> bytes:
    """The fields of a sender report before its blocks."""
    return struct.pack(">IQIII", ssrc, ntp, timestamp, packets, octets)


def block(
    *,
    ssrc: int = B,
    fraction: int = 64,
    lost: int = 7,
    highest: int = 0x0001_0203,
    jitter: int = 80,
    last_sr: int = 0x0001_8000,
    delay: int = 65536,
) -> bytes:
    """A report block; the loss is 24 bits with a sign."""
    losses = bytes([fraction]) + lost.to_bytes(3, "big", signed=True)
    return struct.pack(">I4sIIII", ssrc, losses, highest, jitter, last_sr, delay)


def report(**fields: int) -> rtcp.ReportBlock:
    """What `block` with its own values is."""
    values = {"ssrc": B, "fraction_lost": 64, "cumulative_lost": 7, "highest_sequence": 0x10203}
    values |= {"jitter": 80, "last_sr": 0x18000, "delay_since_last_sr": 65536}
    return rtcp.ReportBlock(**values | fields)


def item(kind: int, value: bytes, *, told: int | None = None) -> bytes:
    return bytes((kind, len(value) if told is None else told)) + value


def block_xr(kind: int, body: bytes, *, specific: int = 0, words: int | None = None) -> bytes:
    length = len(body) // 4 if words is None else words
    return struct.pack(">BBH", kind, specific, length) + body


def ssrcs(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


Expected = tuple[tuple[rtcp.Packet, ...], list[tuple[str, int, int, int]]]
"""The packets, and of each fault its reason, offset, needed and available."""
Scenario = Callable[[], tuple[bytes, Expected]]
SCENARIOS: list[Scenario] = []


def scenario(function: Scenario) -> Scenario:
    SCENARIOS.append(function)
    return function


def whole(*packets: rtcp.Packet) -> Expected:
    return packets, []


SR_A = rtcp.SenderReport(A, NTP, 8000, 50, 8000)


@scenario
def sender_report_with_two_blocks() -> tuple[bytes, Expected]:
    body = sender() + block() + block(ssrc=3, lost=-5, fraction=0)
    blocks = (report(), report(ssrc=3, cumulative_lost=-5, fraction_lost=0))
    return part(200, body, count=2), whole(rtcp.SenderReport(A, NTP, 8000, 50, 8000, blocks))


@scenario
def receiver_report_with_the_lowest_loss_and_an_extension() -> tuple[bytes, Expected]:
    raw = part(201, ssrcs(A) + block(lost=-0x800000) + b"more", count=1)
    return raw, whole(rtcp.ReceiverReport(A, (report(cumulative_lost=-0x800000),), b"more"))


@scenario
def empty_receiver_report_before_a_goodbye() -> tuple[bytes, Expected]:
    raw = part(201, ssrcs(A)) + part(203, ssrcs(A, B), count=2)
    return raw, whole(rtcp.ReceiverReport(A), rtcp.Goodbye((A, B)))


@scenario
def description_of_every_item() -> tuple[bytes, Expected]:
    texts = [(kind, f"text {kind}".encode()) for kind in (1, 2, 3, 4, 5, 6, 7, 200)]
    private = b"\x03abcvalue"
    items = b"".join(item(*pair) for pair in texts) + item(8, private)
    body = ssrcs(A) + items + b"\0"
    body += bytes(-len(body) % 4)
    found = (*(rtcp.Item(*pair) for pair in texts), rtcp.Item(8, private))
    return part(202, body, count=1), whole(rtcp.SourceDescription((rtcp.Chunk(A, found),)))


@scenario
def description_of_two_sources_one_without_items() -> tuple[bytes, Expected]:
    body = ssrcs(A) + bytes(4) + ssrcs(B) + item(1, b"ab") + bytes(4)
    chunks = (rtcp.Chunk(A), rtcp.Chunk(B, (rtcp.Item(1, b"ab"),)))
    return part(202, body, count=2), whole(rtcp.SourceDescription(chunks))


@scenario
def description_that_ends_without_its_zero() -> tuple[bytes, Expected]:
    body = ssrcs(A) + item(1, b"ab")
    packet = rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(1, b"ab"),)),))
    return part(202, body, count=1), ((packet,), [("item", 12, 1, 0)])


@scenario
def description_with_an_item_longer_than_the_packet() -> tuple[bytes, Expected]:
    body = ssrcs(A) + item(1, b"abcdef", told=20)
    packet = rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(1, b"abcdef"),)),))
    return part(202, body, count=1), ((packet,), [("item", 8, 22, 8)])


@scenario
def private_item_with_a_prefix_longer_than_itself() -> tuple[bytes, Expected]:
    body = ssrcs(A) + item(8, b"\x09ab") + b"\0\0\0"
    packet = rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(8, b"\x09ab"),)),))
    return part(202, body, count=1), ((packet,), [("text", 10, 10, 3)])


@scenario
def description_of_more_sources_than_are_there() -> tuple[bytes, Expected]:
    body = ssrcs(A) + item(1, b"a") + bytes(1)
    packet = rtcp.SourceDescription((rtcp.Chunk(A, (rtcp.Item(1, b"a"),)),))
    return part(202, body, count=3), ((packet,), [("count", 12, 16, 0)])


@scenario
def goodbye_with_a_reason() -> tuple[bytes, Expected]:
    return part(203, ssrcs(A) + b"\x04gone\0\0\0", count=1), whole(rtcp.Goodbye((A,), b"gone"))


@scenario
def goodbye_of_nobody() -> tuple[bytes, Expected]:
    return part(203), whole(rtcp.Goodbye())


@scenario
def goodbye_of_more_than_are_there() -> tuple[bytes, Expected]:
    return part(203, ssrcs(A), count=3), ((rtcp.Goodbye((A,)),), [("count", 8, 8, 0)])


@scenario
def goodbye_with_a_reason_that_is_cut() -> tuple[bytes, Expected]:
    raw = part(203, ssrcs(A) + b"\x09gon", count=1)
    return raw, ((rtcp.Goodbye((A,), b"gon"),), [("text", 8, 10, 4)])


@scenario
def application_packet() -> tuple[bytes, Expected]:
    raw = part(204, ssrcs(A) + b"PINGdata", count=3)
    return raw, whole(rtcp.ApplicationDefined(A, b"PING", 3, b"data"))


@scenario
def application_packet_without_a_name() -> tuple[bytes, Expected]:
    return part(204, ssrcs(A)), ((rtcp.Other(204, 0, ssrcs(A)),), [("fields", 4, 8, 4)])


@scenario
def extended_report_of_all_seven_blocks_and_an_unknown_one() -> tuple[bytes, Expected]:
    span = struct.pack(">IHH", B, 10, 20)
    runs = span + struct.pack(">HH", 0x400A, 0)
    metrics = ssrcs(B) + bytes([26, 13, 128, 0]) + struct.pack(">HHHH", 20, 900, 100, 50)
    metrics += struct.pack(">bbBBBBBBBB", -20, -60, 55, 16, 93, 127, 41, 40, 0xB5, 0)
    metrics += struct.pack(">HHH", 60, 120, 500)
    summary = span + struct.pack(">IIIIIIBBBB", 3, 1, 10, 90, 40, 12, 60, 64, 62, 1)
    body = ssrcs(A)
    body += block_xr(1, runs, specific=2)
    body += block_xr(2, runs)
    body += block_xr(3, span + ssrcs(100, 260))
    body += block_xr(4, struct.pack(">Q", NTP))
    body += block_xr(5, ssrcs(B, 0x18000, 6553))
    body += block_xr(6, summary, specific=0b1110_1000)
    body += block_xr(7, metrics)
    body += block_xr(99, b"what", specific=5)
    blocks = (
        rtcp.LossRLE(B, 10, 20, (0x400A, 0), 2),
        rtcp.DuplicateRLE(B, 10, 20, (0x400A, 0)),
        rtcp.ReceiptTimes(B, 10, 20, (100, 260)),
        rtcp.ReceiverReferenceTime(NTP),
        rtcp.DelaySinceLastRR((rtcp.LastRR(B, 0x18000, 6553),)),
        rtcp.StatisticsSummary(
            ssrc=B,
            begin_sequence=10,
            end_sequence=20,
            has_lost=True,
            has_duplicates=True,
            has_jitter=True,
            hops=1,
            lost=3,
            duplicates=1,
            min_jitter=10,
            max_jitter=90,
            mean_jitter=40,
            dev_jitter=12,
            min_hops=60,
            max_hops=64,
            mean_hops=62,
            dev_hops=1,
        ),
        rtcp.VoIPMetrics(
            ssrc=B,
            loss_rate=26,
            discard_rate=13,
            burst_density=128,
            gap_density=0,
            burst_duration=20,
            gap_duration=900,
            round_trip_delay=100,
            end_system_delay=50,
            signal_level=-20,
            noise_level=-60,
            rerl=55,
            gmin=16,
            r_factor=93,
            external_r_factor=127,
            mos_lq=41,
            mos_cq=40,
            rx_config=0xB5,
            jb_nominal=60,
            jb_maximum=120,
            jb_abs_max=500,
        ),
        rtcp.OtherBlock(99, 5, b"what"),
    )
    return part(207, body), whole(rtcp.ExtendedReport(A, blocks))


@scenario
def extended_block_with_another_types_length() -> tuple[bytes, Expected]:
    raw = part(207, ssrcs(A) + block_xr(4, b"four"))
    packet = rtcp.ExtendedReport(A, (rtcp.OtherBlock(4, 0, b"four"),))
    return raw, ((packet,), [("block", 8, 12, 8)])


@scenario
def extended_block_longer_than_its_packet() -> tuple[bytes, Expected]:
    raw = part(207, ssrcs(A) + block_xr(7, b"four", words=8))
    packet = rtcp.ExtendedReport(A, (rtcp.OtherBlock(7, 0, b"four"),))
    return raw, ((packet,), [("block", 12, 32, 4)])


@scenario
def generic_nack() -> tuple[bytes, Expected]:
    raw = part(205, ssrcs(A, B) + struct.pack(">HHHH", 65535, 0b101, 7, 0), count=1)
    return raw, whole(rtcp.NACK(A, B, ((65535, 0b101), (7, 0))))


@scenario
def temporary_rate_request_and_notification() -> tuple[bytes, Expected]:
    # 6 bits of exponent, 17 of mantissa, 9 of overhead: 100,000 * 2**3, 40.
    word = 3 << 26 | 100_000 << 9 | 40
    raw = part(205, ssrcs(A, 0, B, word), count=3) + part(205, ssrcs(A, 0), count=4)
    return raw, whole(rtcp.TMMBR(A, 0, (rtcp.BitRate(B, 3, 100_000, 40),)), rtcp.TMMBN(A, 0, ()))


@scenario
def transport_wide_feedback() -> tuple[bytes, Expected]:
    # A run of 2 not received, then one-bit statuses: 1 of the 3 left; then 2 bits each.
    chunks = (0x0002, 0x8000 | 0b10_1000_0000_0000, 0xC000 | 0b01_10 << 10)
    head = struct.pack(">HHI", 65534, 2 + 14 + 2, (-2 & 0xFFFFFF) << 8 | 9)
    body = head + struct.pack(">HHH", *chunks) + bytes([4, 8, 1]) + struct.pack(">h", -3)
    body += bytes(-len(body) % 4)
    packet = rtcp.TransportCC(A, B, 65534, 18, -2, 9, chunks, (4, 8, 1, -3))
    return part(205, ssrcs(A, B) + body, count=15), whole(packet)


@scenario
def transport_wide_feedback_with_fewer_deltas_than_packets() -> tuple[bytes, Expected]:
    body = struct.pack(">HHIH", 5, 3, 0, 0x2003) + bytes([4, 8])
    packet = rtcp.TransportCC(A, B, 5, 3, 0, 0, (0x2003,), (4, 8))
    return part(205, ssrcs(A, B) + body, count=15), ((packet,), [("feedback", 24, 1, 0)])


@scenario
def picture_loss() -> tuple[bytes, Expected]:
    return part(206, ssrcs(A, B), count=1), whole(rtcp.PLI(A, B))


@scenario
def slice_loss() -> tuple[bytes, Expected]:
    raw = part(206, ssrcs(A, B, 100 << 19 | 22 << 6 | 5), count=2)
    return raw, whole(rtcp.SLI(A, B, (rtcp.LostSlice(100, 22, 5),)))


@scenario
def reference_picture() -> tuple[bytes, Expected]:
    raw = part(206, ssrcs(A, B) + b"\x08\x60\xab\0", count=3)
    return raw, whole(rtcp.RPSI(A, B, 0x60, 8, b"\xab\0"))


@scenario
def full_picture_request_to_two() -> tuple[bytes, Expected]:
    raw = part(206, ssrcs(A, 0, B, 7 << 24, 3, 255 << 24), count=4)
    return raw, whole(rtcp.FIR(A, 0, (rtcp.Command(B, 7), rtcp.Command(3, 255))))


@scenario
def trade_off_request_and_notification() -> tuple[bytes, Expected]:
    entry = ssrcs(B, 9 << 24 | 31)
    raw = part(206, ssrcs(A, 0) + entry, count=5) + part(206, ssrcs(A, 0) + entry, count=6)
    trades = (rtcp.TradeOff(B, 9, 31),)
    return raw, whole(rtcp.TSTR(A, 0, trades), rtcp.TSTN(A, 0, trades))


@scenario
def estimated_maximum_bitrate() -> tuple[bytes, Expected]:
    # One source, exponent 6 bits, mantissa 18 bits: 200,000 * 2**2.
    raw = part(206, ssrcs(A, 0) + b"REMB" + ssrcs(1 << 24 | 2 << 18 | 200_000, B), count=15)
    return raw, whole(rtcp.REMB(A, 0, 2, 200_000, (B,)))


@scenario
def estimate_of_more_sources_than_are_there() -> tuple[bytes, Expected]:
    raw = part(206, ssrcs(A, 0) + b"REMB" + ssrcs(2 << 24 | 7, B), count=15)
    return raw, ((rtcp.REMB(A, 0, 0, 7, (B,)),), [("feedback", 20, 8, 4)])


@scenario
def application_feedback_of_another_kind() -> tuple[bytes, Expected]:
    raw = part(206, ssrcs(A, B) + b"MSRTmore", count=15)
    return raw, whole(rtcp.OtherFeedback(A, B, 206, 15, b"MSRTmore"))


@scenario
def feedback_without_a_media_source() -> tuple[bytes, Expected]:
    raw = part(206, ssrcs(A), count=1)
    return raw, ((rtcp.Other(206, 1, ssrcs(A)),), [("fields", 4, 8, 4)])


@scenario
def nack_of_nothing() -> tuple[bytes, Expected]:
    raw = part(205, ssrcs(A, B), count=1)
    return raw, ((rtcp.NACK(A, B, ()),), [("feedback", 12, 4, 0)])


@scenario
def packet_of_an_unknown_type() -> tuple[bytes, Expected]:
    return part(215, b"some", count=9), whole(rtcp.Other(215, 9, b"some"))


@scenario
def sender_report_cut_in_its_second_block() -> tuple[bytes, Expected]:
    raw = part(200, sender() + block() + block(), count=2)
    packet = rtcp.SenderReport(A, NTP, 8000, 50, 8000, (report(),), block()[:10])
    faults = [("length", 0, 76, 62), ("count", 52, 24, 10)]
    return raw[:62], ((packet,), faults)


@scenario
def sender_report_without_room_for_its_fields() -> tuple[bytes, Expected]:
    raw = part(200, ssrcs(A, 1, 2)) + part(201, ssrcs(B))
    packets = (rtcp.Other(200, 0, ssrcs(A, 1, 2)), rtcp.ReceiverReport(B))
    return raw, (packets, [("fields", 4, 24, 12)])


@scenario
def second_packet_of_version_1() -> tuple[bytes, Expected]:
    raw = part(200, sender()) + part(202, version=1)
    return raw, ((SR_A,), [("version", 28, 0, 4)])


@scenario
def second_packet_of_no_rtcp_type() -> tuple[bytes, Expected]:
    raw = part(200, sender()) + part(96)
    return raw, ((SR_A,), [("type", 28, 0, 4)])


@scenario
def three_bytes_behind_a_packet() -> tuple[bytes, Expected]:
    return part(200, sender()) + b"\x80\xca\0", ((SR_A,), [("header", 28, 4, 3)])


@scenario
def nothing() -> tuple[bytes, Expected]:
    return b"", ((), [("header", 0, 4, 0)])


@scenario
def padding_before_the_last_packet() -> tuple[bytes, Expected]:
    raw = part(200, sender() + b"\0\0\0\x04", padding=True) + part(203)
    return raw, ((SR_A, rtcp.Goodbye()), [("padding early", 31, 4, 1)])


@scenario
def padding_of_three_bytes() -> tuple[bytes, Expected]:
    raw = part(201, ssrcs(A) + b"\0\0\0\x03", padding=True)
    return raw, ((rtcp.ReceiverReport(A, (), b"\0\0\0\x03"),), [("padding", 11, 3, 1)])


@scenario
def padding_longer_than_the_packet() -> tuple[bytes, Expected]:
    raw = part(203, b"\0\0\0\x08", padding=True)
    packet = rtcp.Goodbye((), b"")
    return raw, ((packet,), [("padding", 7, 8, 1), ("trailing", 5, 0, 3)])
