"""What each flow was taken for, why, and what would change that."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import rtpcap
from rtpcap.streams.explain import Explanation
from tests.streams.made import Sent, capture, rtp, talk

RANDOM = random.Random(7983)
COOKIE = 0x2112A442


def every_20_ms(payloads: list[bytes]) -> list[Sent]:
    return [(0.02 * i, payload) for i, payload in enumerate(payloads)]


def explained(folder: Path, *flows: list[Sent], **options: object) -> list[Explanation]:
    return list(capture(folder, *flows, **options).explain())  # type: ignore[arg-type]


def alone(folder: Path, payloads: list[bytes], **options: object) -> Explanation:
    (flow,) = explained(folder, every_20_ms(payloads), **options)
    return flow


# --- what is known by its own bytes


def stun() -> bytes:
    return struct.pack(">HHI", 1, 4, COOKIE) + bytes(16)


def old_stun() -> bytes:
    return struct.pack(">HHI", 1, 0, 7) + bytes(12)


def dtls() -> bytes:
    return struct.pack(">BHHIHH", 22, 0xFEFD, 0, 0, 1, 5) + bytes(5)


def zrtp() -> bytes:
    return struct.pack(">HHI", 0x1000, 1, 0x5A525450) + bytes(20)


def channel_data() -> bytes:
    return struct.pack(">HH", 0x4001, 5) + b"hello"


def quic() -> bytes:
    return b"\xc3" + struct.pack(">I", 1) + RANDOM.randbytes(1200)


def sip() -> bytes:
    return b"OPTIONS sip:a@example.org SIP/2.0\r\n\r\n"


def rtcp() -> bytes:
    return struct.pack(">BBHI", 0x80, 201, 1, 7)


@pytest.mark.parametrize(
    ("make", "kind", "word"),
    [
        (stun, "stun", "STUN"),
        (old_stun, "stun", "STUN"),
        (dtls, "dtls", "DTLS"),
        (zrtp, "zrtp", "ZRTP"),
        (channel_data, "turn", "TURN"),
        (quic, "quic", "QUIC"),
        (sip, "sip", "SIP"),
        (rtcp, "rtcp", "lengths that add up"),
    ],
)
def test_other_protocols(make: Callable[[], bytes], kind: str, word: str, tmp_path: Path) -> None:
    flow = alone(tmp_path, [make() for _ in range(5)])
    assert (flow.taken_for, flow.mixture, flow.to_change) == (kind, [f"{kind}:5"], None)
    assert word in flow.why


def test_dns_is_known_by_port_and_header(tmp_path: Path) -> None:
    query = struct.pack(">HHHHHH", 0x8012, 0x0100, 1, 0, 0, 0) + b"\x01a\x00\x00\x01\x00\x01"
    flows = explained(tmp_path, [(0.0, query)], [(0.1, query)], ports=[(4000, 53), (4000, 54)])
    assert [flow.taken_for for flow in flows] == ["dns", "unknown"]


def test_short_headers_are_quic_beside_long_ones_in_either_direction(tmp_path: Path) -> None:
    short = [b"\x41" + RANDOM.randbytes(50) for _ in range(9)]
    flows = explained(
        tmp_path,
        every_20_ms([quic()]),
        every_20_ms(short),
        every_20_ms(short),
        ports=[(4000, 443), (443, 4000), (4000, 444)],
    )
    assert [flow.taken_for for flow in flows] == ["quic", "quic", "unknown"]
    assert "no long header" in flows[2].why


def test_encrypted_rtcp_is_rtcp(tmp_path: Path) -> None:
    flow = alone(tmp_path, [rtcp() + RANDOM.randbytes(30) for _ in range(3)])
    assert flow.taken_for == "rtcp"
    assert "encrypted" in flow.why


# --- RTP, and what could be


def test_a_stream(tmp_path: Path) -> None:
    (flow,) = explained(tmp_path, talk())
    assert (flow.taken_for, flow.mixture, flow.packets, flow.bytes) == ("rtp", ["rtp:50"], 50, 8600)
    assert flow.why == (
        "SSRC 0x00001234: sequence numbers advance in 100 % of the steps, timestamps run at "
        "8,000 ticks a second"
    )
    assert flow.to_change is None
    assert flow.flow[:4] == ("10.0.0.1", 4000, "10.0.0.2", 5000)


def test_a_mixture_counts_each_datagram_once(tmp_path: Path) -> None:
    mixed = sorted([*talk(), *((0.1 * i, stun()) for i in range(12)), (0.5, rtcp())])
    (flow,) = explained(tmp_path, mixed)
    assert (flow.taken_for, flow.mixture) == ("rtp", ["rtp:50", "stun:12", "rtcp:1"])
    assert flow.packets == 63


def test_a_relayed_stream_is_counted_as_one(tmp_path: Path) -> None:
    wrapped = [(t, struct.pack(">HH", 0x4001, len(raw)) + raw) for t, raw in talk()]
    flow = alone(tmp_path, [*(raw for _, raw in wrapped), channel_data()])
    assert (flow.taken_for, flow.mixture) == ("rtp", ["rtp:50", "turn:1"])


@pytest.mark.parametrize(
    ("payloads", "reason"),
    [
        pytest.param(
            [rtp(i, 160 * i) for i in range(2)],
            "only 2 packets, 3 are needed",
            id="too few",
        ),
        pytest.param(
            [rtp(i, 7, bytes(100)) for i in range(30)],
            "timestamps do not step",
            id="a counter without a clock",
        ),
        pytest.param(
            [rtp(i, 10_000 - 160 * i, bytes(100)) for i in range(30)],
            "timestamps fall in 100 % of the steps; of 29 steps 25 % may",
            id="a clock that runs backwards",
        ),
        pytest.param(
            # 0, 1, 2000, 2001, 4000 ...: of 99 steps 50 advance by one.
            [rtp(2000 * (i // 2) + i % 2, 160 * i) for i in range(100)],
            "sequence numbers go on in 50.5 % of the steps; RTP needs 80 %",
            id="jumps",
        ),
        pytest.param(
            [rtp(5, 5) for _ in range(100)],
            "sequence numbers advance 0 times in 99 steps",
            id="the same again and again",
        ),
        pytest.param(
            [rtp(i, i, bytes(100)) for i in range(100)],
            "timestamps run at 50 ticks a second; clocks of RTP run at 1,000 to 1,000,000",
            id="a slow clock",
        ),
        pytest.param(
            [rtp(i, 1_000_000 * i, bytes(100)) for i in range(100)],
            "timestamps jump by more than 900,000 ticks in 100 % of the steps",
            id="no clock at all",
        ),
        pytest.param(
            # Up and down by turns: of 99 steps 49 fall.
            [rtp(i, 160 * (i % 2), bytes(100)) for i in range(100)],
            "timestamps fall in 49.4 % of the steps; of 99 steps 25 % may",
            id="to and fro",
        ),
    ],
)
def test_the_judges_own_figures(payloads: list[bytes], reason: str, tmp_path: Path) -> None:
    flow = alone(tmp_path, payloads)
    assert flow.taken_for == "unknown"
    assert flow.why.startswith(f"SSRC 0x00001234: {reason}")
    assert flow.to_change == "--rtp 10.0.0.2:5000"


def test_many_sources_of_one_packet(tmp_path: Path) -> None:
    flow = alone(tmp_path, [rtp(i, 160 * i, ssrc=i) for i in range(500)])
    assert "500 packets of RTP's version have 500 different SSRCs" in flow.why


@pytest.mark.parametrize(
    ("number", "step", "option"),
    [(45, 1800, "--map 45=AV1/90000"), (35, 160, "--map 35=CODEC/8000"), (77, 960, None)],
)
def test_an_unassigned_number(number: int, step: int, option: str | None, tmp_path: Path) -> None:
    packets = [rtp(i, step * i, bytes(100), payload_type=number) for i in range(50)]
    flow = alone(tmp_path, packets)
    assert flow.taken_for == "unknown"
    assert flow.why == f"payload type {number} is not assigned, else it behaves as RTP"
    assert flow.to_change == (option or f"--map {number}=CODEC/48000")
    named = alone(tmp_path, packets, pt_map={number: "AV1/90000"})
    assert (named.taken_for, named.to_change) == ("rtp", None)


def test_what_would_change_it_does(tmp_path: Path) -> None:
    path = Path(capture(tmp_path, talk(2)).path)
    (before,) = rtpcap.open(path).explain()
    assert before.to_change is not None
    option, end = before.to_change.split()
    assert option == "--rtp"
    named = rtpcap.open(path, rtp=[end])
    assert [stream.quality.packets for stream in named.streams] == [2]
    (after,) = named.explain()
    assert (after.taken_for, after.to_change) == ("rtp", None)
    assert after.why == "SSRC 0x00001234: an end of the flow was named"


def test_nothing_like_rtp(tmp_path: Path) -> None:
    flow = alone(tmp_path, [b"\x0a" + RANDOM.randbytes(30) for _ in range(4)])
    assert flow.why == "no packet begins as RTP does, with a byte of 128 to 191"
    assert flow.to_change is None


def test_less_than_a_header(tmp_path: Path) -> None:
    flow = alone(tmp_path, [rtp(1, 1)[:11], b"\x80"])
    assert "no whole header" in flow.why


def test_probes_beside_a_stream_are_streams(tmp_path: Path) -> None:
    probes = [(0.301 + 0.001 * i, rtp(i, 7, bytes(200), payload_type=97, ssrc=9)) for i in range(8)]
    found = capture(tmp_path, sorted([*talk(), *probes]), probes)
    assert [(s.ssrc, s.quality.packets, s.dst_port) for s in found.streams] == [
        (0x1234, 50, 5000),
        (9, 8, 5000),
    ]
    with_stream, without = found.explain()
    assert with_stream.mixture == ["rtp:58"]
    assert "no stream of another SSRC is in the flow" in without.why


def test_rows_are_in_order_of_frames_and_agree_with_the_streams(tmp_path: Path) -> None:
    flows = [talk(30, start_s=0.1), talk(20), every_20_ms([stun()] * 9), talk(2, ssrc=8)]
    found = capture(tmp_path, *flows)
    rows = [flow.row() for flow in found.explain()]
    firsts = [int(str(row["first_frame"])) for row in rows]
    assert firsts == sorted(firsts)
    assert sum(int(str(row["packets"])) for row in rows) == found.frames
    rtp_packets = sum(s.quality.packets for s in found.streams)
    told = [part for flow in found.explain() for part in flow.mixture if part.startswith("rtp:")]
    assert sum(int(part.partition(":")[2]) for part in told) == rtp_packets == 50
    assert list(found.explain().to_frame().columns) == list(rows[0])


def test_no_datagram_at_all(tmp_path: Path) -> None:
    found = capture(tmp_path, [])
    assert len(found.explain()) == 0
    assert repr(found.explain()) == "<Explanations of 0 flows, 0 taken for RTP>"
