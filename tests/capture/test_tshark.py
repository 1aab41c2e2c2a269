"""tshark finds the same datagram in every frame, of real captures and of the scenarios."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import pytest

from rtpcap.errors import CaptureError
from tests.capture import scenarios_links, scenarios_tunnels
from tests.capture.build import Frame, enhanced, interface, section
from tests.capture.scenarios import SCENARIOS, Fate, Payload
from tests.capture.tshark import SUFFIXES, Opinion, Udp, differences, opinions
from tests.effort import sample
from tests.peers import require

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
MODULES = {scenarios_links.__name__, scenarios_tunnels.__name__}

pytestmark = pytest.mark.peer

# Tunnels, and links other than Ethernet; all captures are a command: see `tests.capture.tshark`.
CAPTURES = (
    "captures/arkime+arkime/*",
    "captures/dotpcap+packetnet/[8Pt]*",
    "captures/dotpcap+packetnet/ipv6_rt*",
    "captures/irontec+sngrep/ipip.pcap",
    "captures/ntop+nDPI/4in4tunnel.pcap",
    "captures/ntop+nDPI/gtp*",
    "captures/seladb+PcapPlusPlus/[PQV]*",
    "captures/the-tcpdump-group+tcpdump/[8Le]*",
    "captures/the-tcpdump-group+tcpdump/various_gre.pcap",
    "captures/wanduow+libtrace/[qv]*",
    "captures/zeek+zeek/*[ge][tr][ps]*",
    "fixtures/ovs-*.pcap",
    "fixtures/tun-*.pcap",
    "fixtures/br-sll2.pcap",
)
LARGEST = 200_000
"""Bytes of a capture in the default run."""

SHAPE = "it takes whatever is on a tunnel's port for that tunnel"
SETTING = "it has to be told what is inside, or what a port is"
LENGTHS = "it believes the outer header's length, which is wrong here, and the inner one is right"
OTHERWISE: dict[str, tuple[int, str]] = {
    "llc_that_carries_no_ip": (3, LENGTHS),
    "mpls_labels_and_pseudowires": (9, f"it knows no bound of labels; {SETTING}"),
    "pppoe_shapes": (3, f"compressed protocols, codes of no session; {LENGTHS}"),
    "radiotap_headers": (1, "it reads on behind a version that does not exist"),
    "netfilter_logs_of_both_byte_orders": (1, "it takes the machine's own byte order"),
    "netfilter_log_cut_in_its_packet": (1, "it gives up an attribute that is cut"),
    "exported_packets": (5, "exported payloads have no UDP header that it would show"),
    "exported_packets_cut_by_the_snap_length": (2, "the same"),
    "ip_in_ip_of_both_families": (2, "protocol 94 is unknown to it; 4 may hold IPv6"),
    "mpls_and_bridged_ethernet_in_ip": (2, f"it reads on behind a wrong version; {SETTING}"),
    "gre_of_both_families_and_what_it_may_hold": (2, "it reads source routes, and no VLAN tags"),
    "erspan_of_all_three_kinds": (2, "it names the type of IP packets and shows their bytes"),
    "l2tp_version_3_over_ip_and_udp": (8, SETTING),
    "l2tp_version_2": (1, "control protocols of PPP: no network protocol follows"),
    "vxlan_and_its_extensions": (6, f"{SETTING} (8472); {SHAPE}"),
    "vxlan_generic_protocol_extension": (4, f"it knows no MPLS there; {SHAPE}"),
    "geneve_with_options": (2, SHAPE),
    "gtp_user_data": (1, "it knows no bound of extension headers"),
    "teredo": (2, "it lets lengths differ that RFC 4380 section 5.2.3 wants equal"),
    "hep_messages": (10, "it shows the addresses of the agent, and the others as fields"),
    "tunnels_inside_tunnels": (3, f"{SETTING}; the agent's addresses; {SHAPE}"),
    "sixteen_headers_inside_each_other_and_seventeen": (3, "its bound is higher"),
    "frames_of_many_shapes_together_stay_in_order": (12, "the three above, four times"),
    "cut_anywhere_l2tp_3": (41, SETTING),
    "cut_anywhere_vxlan": (15, SHAPE),
    "cut_anywhere_vxlan_gpe": (1, SHAPE),
    "cut_anywhere_l2tp_2": (2, SHAPE),
    "cut_anywhere_teredo": (39, SHAPE),
    "cut_anywhere_hep": (124, "the agent's addresses"),
    "offloaded_tunnels_have_no_outer_lengths": (2, "it takes no length for what it says"),
    "tunnels_on_links_without_ethernet": (1, SHAPE),
    "datagrams_of_a_tunnels_port_at_both_ends": (5, SHAPE),
}
"""Scenario -> how many of its frames tshark 4.0.17 sees otherwise, and why."""


def chosen() -> list[Path]:
    paths = {path for pattern in CAPTURES for path in SHARED.glob(pattern)}
    return sorted(
        path for path in paths if path.suffix in SUFFIXES and path.stat().st_size <= LARGEST
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason="the captures are not beside the project")
def test_tshark_finds_the_same_datagrams_in_real_captures() -> None:
    require("tshark")
    same = 0
    for path in sample(chosen(), 26):
        try:
            agreed, other = differences(path)
        except CaptureError:
            continue
        assert other == [], path.name
        same += agreed
    assert same > 500


def agrees(fate: Fate, opinion: Opinion) -> bool:
    """Whether a frame's fate is what tshark says of it."""
    if not opinion or fate == scenarios_links.CUT_UDP:
        # A fragment; and ports and length stand in a UDP header that ends in its checksum.
        return True
    if isinstance(fate, Payload) and isinstance(opinion, Udp):
        ends = (fate.src, fate.src_port, fate.dst, fate.dst_port)
        same = ends == (opinion.src, opinion.src_port, opinion.dst, opinion.dst_port)
        length = len(fate.payload)
        return same and (length < opinion.length if fate.cut else length == opinion.length)
    return not isinstance(fate, Payload) and not isinstance(opinion, Udp)


def test_tshark_reads_the_scenarios_of_links_and_tunnels_so(tmp_path: Path) -> None:
    """All frames of these scenarios in one file, an interface for each link type."""
    require("tshark")
    names, fates, frames, links = list[str](), list[Fate](), list[tuple[int, Frame]](), list[int]()
    for name, made in SCENARIOS.items():
        scenario = made()
        if made.__module__ not in MODULES or scenario.format != "pcap":
            continue
        (link,) = struct.unpack_from("<I", scenario.file, 20)
        at = 24
        for fate in scenario.fates:
            captured, original = struct.unpack_from("<II", scenario.file, at + 8)
            data = scenario.file[at + 16 : at + 16 + captured]
            frames.append((link, Frame(data, original=original)))
            names.append(name)
            fates.append(fate)
            at += 16 + captured
        links += [link] * (link not in links)
    file = section() + b"".join(interface(link=link) for link in links)
    file += b"".join(enhanced(frame, number=links.index(link)) for link, frame in frames)
    path = tmp_path / "scenarios.pcapng"
    path.write_bytes(file)

    theirs = opinions(path)
    assert len(theirs) == len(frames)
    differing = Counter(
        name
        for frame, (name, fate) in enumerate(zip(names, fates, strict=True), 1)
        if not agrees(fate, theirs[frame])
    )
    assert differing == {name: count for name, (count, _) in OTHERWISE.items()}
    assert sum(differing.values()) < len(frames) // 10
