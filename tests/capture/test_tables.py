"""The tables themselves: flows as text, tallies, damage, and datagrams one by one."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import numpy as np
import pytest

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.files.formats import open_source
from rtpcap.capture.tables import Damage, Flow, Flows, Tally
from tests.capture.build import IPV6, START_NS, Frame, ethernet, ipv4, ipv6, pcap, udp
from tests.capture.read import read_bytes


def test_flows_are_numbered_in_order_of_frames_over_both_families(tmp_path: Path) -> None:
    def v4(port: int) -> Frame:
        return Frame(ethernet(ipv4(udp(b"", src_port=port))))

    def v6(port: int) -> Frame:
        return Frame(ethernet(ipv6(udp(b"", src_port=port)), ether_type=IPV6))

    order = [v6(1), v4(2), v6(3), v4(2), v6(1), v4(4)]
    for chunk_bytes in (100, 1 << 20):
        flows = read_bytes(tmp_path, pcap(order), chunk_bytes).flows
        assert [flow.src_port for flow in flows] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "address",
    ["::", "::1", "2001:db8::ff00:42:8329", "fe80::1:0:0:1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8"],
)
def test_ipv6_addresses_are_written_compressed_and_lower_case(address: str, tmp_path: Path) -> None:
    frame = Frame(ethernet(ipv6(udp(b"x"), src=address, dst="ABCD::"), ether_type=IPV6))
    (flow,) = read_bytes(tmp_path, pcap([frame])).flows
    assert (flow.src, flow.dst) == (str(ipaddress.IPv6Address(address)), "abcd::")
    assert flow == Flow(flow.src, 4000, "abcd::", 4002)


def test_flows_made_by_hand() -> None:
    flows = Flows()
    src = np.array([0x0A000001, 0xFFFFFFFF, 0x0A000001], np.uint32)
    dst = np.array([0x0A000002, 0x00000000, 0x0A000002], np.uint32)
    ports = np.array([0xFFFF0001, 0, 0xFFFF0001], np.uint32)
    assert flows.number(flows.ipv4(src, dst, ports)).tolist() == [0, 1, 0]
    assert flows.number(flows.ipv4(src, dst, ports, tcp=True)).tolist() == [2, 3, 2]
    assert len(flows) == 4
    assert flows[0] == Flow("10.0.0.1", 65535, "10.0.0.2", 1)
    assert flows[1] == Flow("255.255.255.255", 0, "0.0.0.0", 0)
    assert flows[2] == flows[0]._replace(transport="tcp")
    with pytest.raises(IndexError):
        flows[4]


def test_datagrams_as_columns_and_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "two.pcap"
    payloads = [b"first", b"the second"]
    path.write_bytes(pcap([Frame(ethernet(ipv4(udp(payload)))) for payload in payloads]))
    (records,) = open_source(path).chunks()
    flows = Flows()
    datagrams = Decoder(flows, Tally(), Tally()).datagrams(records)

    assert len(datagrams) == len(records) == 2
    assert datagrams.flows is flows
    assert [each.payload for each in datagrams] == payloads
    assert [each.frame for each in datagrams] == datagrams.frame.tolist() == [1, 2]
    assert datagrams.time_ns.tolist() == [START_NS] * 2
    file = path.read_bytes()
    for begin, end, payload in zip(datagrams.begin, datagrams.end, payloads, strict=True):
        # Payloads are addressed by their place in the file.
        assert file[datagrams.base + begin : datagrams.base + end] == payload
    for name in ("block", "frame", "time_ns", "flow", "begin", "end", "cut"):
        assert getattr(datagrams, name).shape == (2,)


def test_tally_rows_come_in_order_of_first_frame() -> None:
    tally = Tally()
    assert (len(tally), tally.rows(), repr(tally)) == (0, [], "<Tally nothing>")
    tally.add("ARP", np.array([7, 9], np.uint32))
    tally.add("TCP", [3])
    tally.add("ARP", [5, 11])
    tally.add("nothing of this", np.empty(0, np.uint32))
    assert tally.rows() == [
        {"reason": "TCP", "count": 1, "first_frame": 3},
        {"reason": "ARP", "count": 4, "first_frame": 5},
    ]
    assert len(tally) == 5
    assert repr(tally) == "<Tally 1 TCP, 4 ARP>"


def test_damage_reads_as_one_sentence() -> None:
    assert str(Damage("the end is missing", 12, 900)) == "the end is missing (frame 12, offset 900)"
    assert str(Damage("no header", None, 0)) == "no header (offset 0)"


def test_first_and_last_time_are_those_of_the_file(tmp_path: Path) -> None:
    times = [START_NS, START_NS - 5_000, START_NS + 9_000]
    frames = [Frame(ethernet(ipv4(udp(b""))), time_ns=time) for time in times]
    for chunk_bytes in (70, 1 << 20):
        source = read_bytes(tmp_path, pcap(frames), chunk_bytes).source
        assert (source.first_time_ns, source.last_time_ns) == (times[0], times[-1])
