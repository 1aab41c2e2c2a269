"""Tunnels: sound, cut at every byte, with lengths that are wrong, and what only looks like one."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.capture import build
from tests.capture.build import (
    BRIDGED,
    DST6,
    IPV4,
    IPV6,
    METADATA,
    MPLS,
    OUTER,
    OUTER6,
    OUTER6_FAR,
    OUTER_FAR,
    PPP,
    SRC6,
    TCP,
    UDP,
    VLAN,
    Frame,
    ethernet,
    ipv4,
    ipv6,
    outer,
    outer6,
    outer_udp,
    pcap,
    udp,
)
from tests.capture.scenarios import (
    IPV6_PAYLOAD,
    PAYLOAD,
    SCENARIOS,
    Fate,
    Other,
    Payload,
    Scenario,
    Unread,
    packet,
    packet6,
    scenario,
)
from tests.capture.scenarios_links import CUT, CUT_IP, CUT_UDP, NO_IP, told

GRE, ETHERIP, L2TP3, MPLS_IN_IP, IPIP, SIXIN4, AH = 47, 97, 115, 137, 4, 41, 51
VXLAN, VXLAN_OLD, GPE, GENEVE = 4789, 8472, 4790, 6081
GTP, GTP_0, TEREDO, L2TP, TZSP = 2152, 3386, 3544, 1701, 37008
HEP = 9060
CUT_GRE = Unread("frame ends inside its GRE header")
STP = Other("STP")
TOO_DEEP = Unread("more than 16 headers inside each other")
FRAME, FRAME6 = ethernet(packet()), ethernet(packet6(), ether_type=IPV6)
RTP = struct.pack(">BBHII", 0x80, 0, 7, 160, 0xCAFE) + bytes(160)


def tunnelled(body: bytes, protocol: int) -> bytes:
    return ethernet(outer(body, protocol))


def on_port(body: bytes, port: int) -> bytes:
    return ethernet(outer_udp(body, port))


def stays(body: bytes, port: int, *, cut: bool = False) -> Payload:
    """The datagram between the ends of what is no tunnel."""
    return Payload(body, OUTER, OUTER_FAR, 50_000, port, cut=cut)


def case(body: bytes, port: int) -> tuple[bytes, Fate]:
    """A datagram on a tunnel's port that is none."""
    return on_port(body, port), stays(body, port)


# IP in IP.


@scenario
def ip_in_ip_of_both_families() -> Scenario:
    inner6 = outer6(packet(), IPIP)
    return told(
        (tunnelled(packet(), IPIP), Payload()),
        (tunnelled(packet6(), SIXIN4), IPV6_PAYLOAD),
        (ethernet(inner6, ether_type=IPV6), Payload()),
        (ethernet(outer6(packet6(), SIXIN4), ether_type=IPV6), IPV6_PAYLOAD),
        (tunnelled(packet(), 94), Payload()),
        (tunnelled(outer(packet6(), SIXIN4), IPIP), IPV6_PAYLOAD),
        (tunnelled(ipv4(udp(PAYLOAD), options=bytes(8)), IPIP), Payload()),
        (tunnelled(ipv4(bytes(20), protocol=TCP), IPIP), Other("TCP")),
        (tunnelled(b"", IPIP), CUT_IP),
        (tunnelled(packet6(), IPIP), CUT_IP),
        (tunnelled(packet(), SIXIN4), Unread("IPv6 header damaged or cut")),
        (
            tunnelled(ipv4(udp(PAYLOAD), fragment=0x2000), IPIP),
            Unread("fragment of a packet whose other parts are missing"),
        ),
        # Cut, and whole by its own account: the inner length is the one that says so.
        (tunnelled(ipv4(udp(PAYLOAD, length=508), total_length=528), IPIP), Payload(cut=True)),
        (
            tunnelled(ipv4(udp(PAYLOAD, length=50)), IPIP),
            Unread("UDP length does not fit its IP packet"),
        ),
    )


@scenario
def authentication_headers_in_both_families() -> Scenario:
    plain = build.authentication_header(udp(PAYLOAD), following=UDP)
    tunnel = build.authentication_header(packet(), following=IPIP)
    return told(
        (ethernet(ipv4(plain, protocol=AH)), Payload()),
        (ethernet(ipv6(plain, next_header=AH), ether_type=IPV6), IPV6_PAYLOAD),
        (tunnelled(tunnel, AH), Payload()),
        (tunnelled(build.authentication_header(plain, following=AH), AH), _outer_plain()),
        (tunnelled(plain[:23], AH), Unread("IPv6 extension headers damaged or cut")),
        (tunnelled(build.authentication_header(bytes(9), following=50), AH), Unread(ESP)),
    )


ESP = "ESP (encrypted)"


def _outer_plain() -> Payload:
    return Payload(src=OUTER, dst=OUTER_FAR)


@scenario
def mpls_and_bridged_ethernet_in_ip() -> Scenario:
    return told(
        (tunnelled(build.mpls(packet(), labels=2), MPLS_IN_IP), Payload()),
        (tunnelled(build.mpls(packet6()), MPLS_IN_IP), IPV6_PAYLOAD),
        (tunnelled(build.mpls(build.control_word(FRAME)), MPLS_IN_IP), Payload()),
        (tunnelled(b"\0\0\0", MPLS_IN_IP), CUT),
        (tunnelled(build.etherip(FRAME), ETHERIP), Payload()),
        (tunnelled(build.etherip(ethernet(packet(), tags=(VLAN,))), ETHERIP), Payload()),
        (tunnelled(build.etherip(FRAME, version=4), ETHERIP), Unread(WRONG_ETHERIP)),
        (tunnelled(b"\x30", ETHERIP), CUT),
        (tunnelled(build.etherip(FRAME[:13]), ETHERIP), CUT),
    )


WRONG_ETHERIP = "EtherIP of an unknown version"


# GRE.


@scenario
def gre_with_every_combination_of_fields() -> Scenario:
    cases: list[tuple[bytes, Fate]] = []
    for bits in range(8):
        fields = {"checksum": bool(bits & 4), "key": bool(bits & 2), "sequence": bool(bits & 1)}
        for protocol, body, fate in (
            (IPV4, packet(), Payload()),
            (IPV6, packet6(), IPV6_PAYLOAD),
            (BRIDGED, FRAME, Payload()),
            (MPLS, build.mpls(packet()), Payload()),
        ):
            cases.append((tunnelled(build.gre(body, protocol=protocol, **fields), GRE), fate))
    return told(*cases)


@scenario
def gre_of_both_families_and_what_it_may_hold() -> Scenario:
    unknown = Unread("GRE of an unknown version, or with source routes")
    keepalive = build.gre(b"", protocol=0)
    tagged = struct.pack(">HH", 5, IPV4) + packet()
    # Cisco's metadata behind GRE: the EtherType first, then version, length, option, group.
    label = struct.pack(">HBBHH", IPV4, 1, 1, 1, 42)
    return told(
        (ethernet(outer6(build.gre(packet()), GRE), ether_type=IPV6), Payload()),
        (tunnelled(build.gre(tagged, protocol=VLAN), GRE), Payload()),
        (tunnelled(build.gre(build.ppp(packet()), protocol=PPP), GRE), Payload()),
        (tunnelled(build.gre(label + packet(), protocol=METADATA), GRE), Payload()),
        (tunnelled(build.gre(label[:7], protocol=METADATA), GRE), CUT_GRE),
        (tunnelled(build.gre(bytes(40), protocol=0x0806), GRE), Other("ARP")),
        (tunnelled(build.gre(bytes(40), protocol=0x2001), GRE), Unread("EtherType 0x2001")),
        (tunnelled(build.gre(bytes(40), protocol=0x00FE), GRE), Unread("GRE protocol 0x00fe")),
        (tunnelled(build.gre(packet(), routing=True), GRE), unknown),
        (tunnelled(build.gre(packet(), version=2), GRE), unknown),
        (tunnelled(keepalive, GRE), Other("GRE keepalive")),
        # What a keepalive asks for is sent back inside it.
        (tunnelled(build.gre(outer(keepalive, GRE)), GRE), Other("GRE keepalive")),
        (tunnelled(b"\0\0\x08", GRE), CUT),
        (tunnelled(build.gre(b"", key=True)[:-1], GRE), CUT_GRE),
        (tunnelled(build.gre(b"", checksum=True, key=True, sequence=True)[:15], GRE), CUT_GRE),
        (tunnelled(build.gre(b""), GRE), CUT_IP),
    )


@scenario
def gre_of_version_1_is_pptp() -> Scenario:
    told_only = Other("GRE acknowledgement")
    return told(
        (tunnelled(build.pptp(build.ppp(packet())), GRE), Payload()),
        (
            tunnelled(build.pptp(build.ppp(packet(), address=True), acknowledge=True), GRE),
            Payload(),
        ),
        (tunnelled(build.pptp(build.ppp(packet(), compressed=True)), GRE), Payload()),
        (tunnelled(build.pptp(build.ppp(bytes(8), protocol=0xC021)), GRE), Other("PPP control")),
        # Without a sequence number there is no payload, whatever Ethernet pads it with.
        (tunnelled(build.pptp(b"", sequence=False, acknowledge=True), GRE), told_only),
        (tunnelled(build.pptp(b"", sequence=False, acknowledge=True), GRE) + bytes(14), told_only),
        (tunnelled(build.pptp(b"", acknowledge=True)[:-1], GRE), CUT_GRE),
    )


@scenario
def gre_redirected_by_wccp() -> Scenario:
    # Version 1 has the packet at once, version 2 four bytes before it.
    redirect = b"\0\x01\x02\x03"
    return told(
        (tunnelled(build.gre(packet(), protocol=0x883E), GRE), Payload()),
        (tunnelled(build.gre(redirect + packet(), protocol=0x883E), GRE), Payload()),
        (tunnelled(build.gre(redirect[:2], protocol=0x883E), GRE), CUT_GRE),
        (tunnelled(build.gre(b"", protocol=0x883E), GRE), CUT_IP),
    )


@scenario
def erspan_of_all_three_kinds() -> Scenario:
    def span(body: bytes, kind: int, *, sequence: bool = True) -> bytes:
        return tunnelled(build.gre(body, protocol=kind, sequence=sequence), GRE)

    second, third, platform = 0x88BE, 0x22EB, b"\x08" + bytes(7)
    return told(
        (span(FRAME, second, sequence=False), Payload()),
        (span(build.erspan_2(FRAME), second), Payload()),
        (
            span(build.erspan_2(ethernet(packet6(), ether_type=IPV6, tags=(VLAN,))), second),
            IPV6_PAYLOAD,
        ),
        (span(build.erspan_3(FRAME), third), Payload()),
        (span(build.erspan_3(FRAME, subheader=platform), third), Payload()),
        (span(build.erspan_3(FRAME), third, sequence=False), Payload()),
        (span(build.erspan_3(packet(), frame_type=2), third), Payload()),
        (span(build.erspan_3(packet6(), frame_type=2, subheader=platform), third), IPV6_PAYLOAD),
        (span(build.erspan_2(FRAME)[:7], second), CUT_GRE),
        (span(build.erspan_3(FRAME)[:11], third), CUT_GRE),
        (span(build.erspan_3(b"", subheader=platform)[:-1], third), CUT_GRE),
        (span(build.erspan_2(FRAME)[:20], second), CUT),
    )


# L2TP.


@scenario
def l2tp_version_3_over_ip_and_udp() -> Scenario:
    unknown = Unread("L2TPv3 of an unknown session")
    cases: list[tuple[bytes, Fate]] = []
    for size in (0, 4, 8, 12):
        cookie = b"\xc0" * size
        cases.append((tunnelled(build.l2tp3(FRAME, cookie=cookie), L2TP3), Payload()))
        over_udp = b"\0\x03\0\0" + build.l2tp3(FRAME6, cookie=cookie)
        cases.append((on_port(over_udp, L2TP), IPV6_PAYLOAD))
    strange = b"\0\x03\0\0" + build.l2tp3(bytes(40))
    return told(
        *cases,
        (tunnelled(build.l2tp3(bytes(60), session=0), L2TP3), Other("L2TPv3 control")),
        (tunnelled(build.l2tp3(bytes(60)), L2TP3), unknown),
        (tunnelled(build.l2tp3(b""), L2TP3), unknown),
        (tunnelled(build.l2tp3(FRAME[:14]), L2TP3), unknown),
        (tunnelled(b"\0\0\1", L2TP3), CUT),
        (on_port(strange, L2TP), stays(strange, L2TP)),
    )


@scenario
def l2tp_version_2() -> Scenario:
    cases: list[tuple[bytes, Fate]] = []
    for bits in range(4):
        length, sequence = bool(bits & 2), bool(bits & 1)
        for offset in (None, 0, 5):
            body = build.l2tp(
                build.ppp(packet(), address=not bits),
                length=length,
                sequence=sequence,
                offset=offset,
            )
            cases.append((on_port(body, L2TP), Payload()))
    answer = udp(build.l2tp(build.ppp(packet())), src_port=L2TP, dst_port=50_000)
    control = struct.pack(">HHHHHH", 0xC802, 12, 1, 0, 0, 0)
    return told(
        *cases,
        (on_port(build.l2tp(build.ppp(packet6(), protocol=0x57)), L2TP), IPV6_PAYLOAD),
        (on_port(build.l2tp(build.ppp(packet(), compressed=True)), L2TP), Payload()),
        (on_port(build.l2tp(build.ppp(bytes(9), protocol=0xC021)), L2TP), Other("PPP control")),
        (ethernet(outer(answer, UDP)), Payload()),
        case(control, L2TP),
        case(build.l2tp(b"", offset=60_000), L2TP),
        case(build.l2tp(build.ppp(bytes(20), protocol=0x0033)), L2TP),
        case(build.l2tp(b""), L2TP),
        case(b"\0\x02", L2TP),
        case(b"", L2TP),
        case(RTP, L2TP),
    )


# Over UDP, with an Ethernet frame or an IP packet inside.


@scenario
def vxlan_and_its_extensions() -> Scenario:
    answer = udp(build.vxlan(FRAME), src_port=VXLAN, dst_port=50_000)
    return told(
        (on_port(build.vxlan(FRAME), VXLAN), Payload()),
        (on_port(build.vxlan(FRAME6), VXLAN_OLD), IPV6_PAYLOAD),
        (on_port(build.vxlan(ethernet(packet(), tags=(VLAN,))), VXLAN), Payload()),
        (on_port(build.vxlan(FRAME, flags=0x88, policy=99), VXLAN), Payload()),
        (on_port(build.vxlan(build.length_and_llc(build.snap(packet()))), VXLAN), Payload()),
        (on_port(build.vxlan(build.length_and_llc(b"\x42\x42\x03" + bytes(35))), VXLAN), STP),
        (on_port(build.vxlan(ethernet(bytes(40), ether_type=0x0806)), VXLAN), Other("ARP")),
        (ethernet(outer(answer, UDP)), Payload()),
        (ethernet(ipv6(udp(build.vxlan(FRAME), dst_port=VXLAN)), ether_type=IPV6), Payload()),
        case(build.vxlan(FRAME, flags=0), VXLAN),
        case(build.vxlan(bytes(60)), VXLAN),
        case(build.vxlan(FRAME)[:7], VXLAN),
        case(build.vxlan(ethernet(packet6())), VXLAN),
        case(build.vxlan(ethernet(bytes(60), ether_type=0x4321)), VXLAN),
        case(b"", VXLAN),
        case(RTP, VXLAN),
    )


@scenario
def vxlan_generic_protocol_extension() -> Scenario:
    twelve_sources = struct.pack(">BBHII", 0x8C, 0, 1, 160, 0xCAFE) + bytes(48 + 160)
    return told(
        (on_port(build.vxlan_gpe(packet(), next_protocol=1), GPE), Payload()),
        (on_port(build.vxlan_gpe(packet6(), next_protocol=2), GPE), IPV6_PAYLOAD),
        (on_port(build.vxlan_gpe(FRAME, next_protocol=3), GPE), Payload()),
        (on_port(build.vxlan_gpe(build.mpls(packet()), next_protocol=5), GPE), Payload()),
        # Without the bit for it the next protocol is 0, and Ethernet; some set it all the same.
        (on_port(build.vxlan_gpe(FRAME, next_protocol=0, flags=0x08), GPE), Payload()),
        (on_port(build.vxlan_gpe(packet(), next_protocol=1, flags=0x08), GPE), Payload()),
        case(build.vxlan_gpe(packet(), next_protocol=4), GPE),
        case(build.vxlan_gpe(packet(), next_protocol=2), GPE),
        case(build.vxlan_gpe(packet(), next_protocol=1, flags=0x3C), GPE),
        case(build.vxlan_gpe(b"", next_protocol=1), GPE),
        # RTP with twelve sources begins with these bits.
        case(twelve_sources, GPE),
        case(RTP, GPE),
    )


@scenario
def geneve_with_options() -> Scenario:
    option = struct.pack(">HBB", 0x0102, 0x80, 1) + bytes(4)
    longest = b"".join([struct.pack(">HBB", 1, 1, 31) + bytes(124)] * 1) + bytes(4) * 31
    assert len(longest) == 252
    return told(
        (on_port(build.geneve(FRAME), GENEVE), Payload()),
        (on_port(build.geneve(FRAME6, options=option), GENEVE), IPV6_PAYLOAD),
        (on_port(build.geneve(FRAME, options=longest), GENEVE), Payload()),
        (on_port(build.geneve(packet(), protocol=IPV4, control=True), GENEVE), Payload()),
        (on_port(build.geneve(packet6(), protocol=IPV6), GENEVE), IPV6_PAYLOAD),
        (on_port(build.geneve(build.mpls(packet()), protocol=MPLS), GENEVE), Payload()),
        case(build.geneve(b"", options=longest)[:100], GENEVE),
        case(build.geneve(FRAME, protocol=0x4321), GENEVE),
        case(b"\x40" + build.geneve(FRAME)[1:], GENEVE),
        case(build.geneve(FRAME)[:7] + b"\1" + FRAME, GENEVE),
        case(build.geneve(FRAME)[:7], GENEVE),
        case(b"", GENEVE),
        case(RTP, GENEVE),
    )


@scenario
def gtp_user_data() -> Scenario:
    session, number = b"\x00\x09", bytes(6)
    chain = [session, number, bytes(1018)]
    endless = build.gtp(packet(), extensions=[session] * 17)
    # An extension of no units would never end.
    empty = build.gtp(b"", extensions=[])[:-1] + b"\x85\x00" + packet()
    version_0 = struct.pack(">BBHHHI8s", 0x1E, 255, len(packet()), 1, 2, 0xFFFFFFFF, bytes(8))
    return told(
        (on_port(build.gtp(packet()), GTP), Payload()),
        (on_port(build.gtp(packet6()), GTP), IPV6_PAYLOAD),
        (on_port(build.gtp(packet(), sequence=True), GTP), Payload()),
        (on_port(build.gtp(packet(), number=True), GTP), Payload()),
        (on_port(build.gtp(packet(), extensions=[]), GTP), Payload()),
        (on_port(build.gtp(packet(), extensions=[session]), GTP), Payload()),
        (on_port(build.gtp(packet(), sequence=True, extensions=chain), GTP), Payload()),
        (on_port(build.gtp(packet(), extensions=[session] * 16), GTP), Payload()),
        (on_port(version_0 + packet(), GTP_0), Payload()),
        case(version_0, GTP_0),
        case(build.gtp(packet(), kind=1), GTP),
        case(build.gtp(bytes(60)), GTP),
        case(build.gtp(build.ppp(packet(), address=True)), GTP),
        case(endless, GTP),
        case(empty, GTP),
        case(build.gtp(b"", extensions=[bytes(1018)])[:400], GTP),
        case(build.gtp(b""), GTP),
        case(b"\x30\xff", GTP),
        case(b"", GTP),
        case(RTP, GTP),
    )


@scenario
def teredo() -> Scenario:
    def of(body: bytes) -> tuple[bytes, Fate]:
        return on_port(body, TEREDO), IPV6_PAYLOAD

    bubble = ipv6(b"", next_header=59)
    answer = udp(build.teredo(packet6()), src_port=TEREDO, dst_port=50_000)
    return told(
        of(build.teredo(packet6())),
        of(build.teredo(packet6(), origin=True)),
        of(build.teredo(packet6(), authentication=b"")),
        of(build.teredo(packet6(), authentication=bytes(20), origin=True)),
        (ethernet(outer(answer, UDP)), IPV6_PAYLOAD),
        (on_port(build.teredo(bubble), TEREDO), Other("IPv6 without a next header")),
        case(build.teredo(packet6()) + b"\0", TEREDO),
        case(build.teredo(packet6())[:-1], TEREDO),
        case(build.teredo(packet()), TEREDO),
        case(build.teredo(b"", authentication=bytes(9)), TEREDO),
        case(build.teredo(b"", origin=True), TEREDO),
        case(b"\x60", TEREDO),
        case(b"", TEREDO),
        case(RTP, TEREDO),
        # A binding request of STUN (RFC 8489 section 5) begins like an authentication.
        case(struct.pack(">HHI12s", 1, 0, 0x2112A442, bytes(12)), TEREDO),
    )


@scenario
def tzsp_with_tags() -> Scenario:
    radio = build.wifi(build.snap(packet()))
    return told(
        (on_port(build.tzsp(FRAME), TZSP), Payload()),
        (on_port(build.tzsp(FRAME6, tags=b"\x01"), TZSP), IPV6_PAYLOAD),
        (on_port(build.tzsp(FRAME, tags=b"\0\0\0\x0a\x00\x01"), TZSP), Payload()),
        (on_port(build.tzsp(radio, encapsulation=18), TZSP), Payload()),
        (on_port(build.tzsp(b""), TZSP), CUT),
        case(build.tzsp(FRAME, encapsulation=119), TZSP),
        case(build.tzsp(b"", tags=b"\x0a\xff\0"), TZSP),
        case(build.tzsp(b"", tags=b"\0" * 30), TZSP),
        case(b"\x01\x04\0\x01\x01" + FRAME, TZSP),
        case(b"\x01\0\0", TZSP),
        case(b"", TZSP),
        case(RTP, TZSP),
    )


# HEP3, whose own fields say who talked to whom.


def hep_of(payload: bytes, *ends: bytes) -> bytes:
    rest = [
        build.hep_chunk(9, struct.pack(">I", 1_700_000_000)),
        build.hep_chunk(11, b"\x01"),
        build.hep_chunk(12, struct.pack(">I", 2001)),
    ]
    return build.hep3(*ends, *rest, build.hep_chunk(15, payload))


@scenario
def hep_messages() -> Scenario:
    ends = build.hep_ends()
    ends6 = build.hep_ends(src=SRC6, dst=DST6)
    whole = hep_of(PAYLOAD, *ends)
    foreign = build.hep_chunk(15, b"other", vendor=7)
    compressed = build.hep3(*ends, build.hep_chunk(16, b"\x78\x9c"))
    wrong_size = build.hep3(*ends, build.hep_chunk(15, PAYLOAD, size=5))
    return told(
        (on_port(whole, HEP), Payload()),
        (on_port(hep_of(PAYLOAD, *ends6), HEP), IPV6_PAYLOAD),
        # On any port: the first four bytes are nothing else's.
        (on_port(whole, 12_345), Payload()),
        (on_port(whole + b"\0\0\0", HEP), Payload()),
        (on_port(hep_of(PAYLOAD, foreign, *ends, foreign), HEP), Payload()),
        (on_port(hep_of(b"", *ends), HEP), Payload(b"")),
        (on_port(compressed, HEP), Unread("HEP3 with a compressed payload")),
        (on_port(build.hep3(*ends), HEP), Other("HEP3 without a payload")),
        (on_port(build.hep3(), HEP), Other("HEP3 without a payload")),
        (on_port(hep_of(PAYLOAD, *ends[:2]), HEP), Other("HEP3 without a payload")),
        case(wrong_size, HEP),
        case(build.hep3(*ends, build.hep_chunk(15, PAYLOAD, size=900)), HEP),
        case(build.hep3(*ends, length=900), HEP),
        case(build.hep3(*ends, length=5), HEP),
        case(b"HEP3", HEP),
        case(b"HEP", HEP),
        case(b"H", HEP),
        case(b"HEP2" + whole[4:], HEP),
    )


# Tunnels inside tunnels.


def nested(layers: int) -> bytes:
    """An Ethernet frame of so many headers: GRE and IPv4 in turns, behind Ethernet and IPv4."""
    inner = packet()
    for _ in range((layers - 2) // 2):
        inner = outer(build.gre(inner), GRE)
    return ethernet(outer(inner, IPIP) if layers % 2 else inner)


@scenario
def tunnels_inside_tunnels() -> Scenario:
    gtp = outer_udp(build.gtp(packet()), GTP)
    vxlan = outer_udp(build.vxlan(ethernet(gtp, tags=(VLAN,))), VXLAN)
    session = ethernet(build.pppoe(build.ppp(vxlan)), ether_type=build.PPPOE)
    return told(
        (ethernet(vxlan), Payload()),
        (session, Payload()),
        (ethernet(build.mpls(build.control_word(session)), ether_type=MPLS), Payload()),
        (on_port(hep_of(vxlan, *build.hep_ends()), HEP), Payload(vxlan)),
        (on_port(build.geneve(on_port(build.teredo(packet6()), TEREDO)), GENEVE), IPV6_PAYLOAD),
        (on_port(build.vxlan(on_port(RTP, VXLAN)), VXLAN), stays(RTP, VXLAN)),
    )


@scenario
def sixteen_headers_inside_each_other_and_seventeen() -> Scenario:
    return told(
        (nested(2), Payload()),
        (nested(3), Payload()),
        (nested(15), Payload()),
        (nested(16), Payload()),
        (nested(17), TOO_DEEP),
        (nested(18), TOO_DEEP),
        (nested(200), TOO_DEEP),
    )


@scenario
def frames_of_many_shapes_together_stay_in_order() -> Scenario:
    shapes: list[tuple[bytes, Fate]] = [
        (on_port(build.vxlan(on_port(build.gtp(packet()), GTP)), VXLAN), Payload()),
        (FRAME, Payload()),
        (tunnelled(build.gre(packet6(), protocol=IPV6), GRE), IPV6_PAYLOAD),
        case(RTP, VXLAN),
        (on_port(hep_of(PAYLOAD, *build.hep_ends()), HEP), Payload()),
        (ethernet(packet(), tags=(VLAN,)), Payload()),
        (tunnelled(packet(), IPIP), Payload()),
        (nested(17), TOO_DEEP),
        (on_port(build.teredo(packet6()), TEREDO), IPV6_PAYLOAD),
        (ethernet(bytes(46), ether_type=0x0806), Other("ARP")),
    ]
    return told(*shapes * 4)


# Cut at every byte.


def _cut(name: str, whole: bytes, parts: Sequence[tuple[int, Fate | None]]) -> None:
    """A scenario of a frame cut behind each of its bytes.

    A part is so many bytes and the fate of a frame that ends inside it; without one that is the
    datagram of a tunnel whose shape does not show yet. The payload is behind the last part.
    """

    def made() -> Scenario:
        body = whole[42:]
        port = struct.unpack_from(">H", whole, 36)[0]
        fates = list[Fate]()
        for size, fate in parts:
            for _ in range(size):
                place = len(fates) - 42
                fates.append(stays(body[:place], port, cut=True) if fate is None else fate)
        inner = whole[len(fates) :]
        assert inner == PAYLOAD
        for size in range(len(inner) + 1):
            fates.append(Payload(inner[:size], cut=size < len(inner)))
        frames = [Frame(whole[:size], original=len(whole)) for size in range(len(whole) + 1)]
        return Scenario(pcap(frames), fates)

    SCENARIOS[f"cut_anywhere_{name}"] = made


HEAD: list[tuple[int, Fate | None]] = [(14, CUT), (20, CUT_IP)]
HEAD_UDP: list[tuple[int, Fate | None]] = [*HEAD, (8, CUT_UDP)]
INNER: list[tuple[int, Fate | None]] = [(20, CUT_IP), (8, CUT_UDP)]
ETHER: list[tuple[int, Fate | None]] = [(14, CUT), *INNER]
# A shape shows with the first byte of the packet in the frame inside.
SHOWN: list[tuple[int, Fate | None]] = [(19, CUT_IP), (8, CUT_UDP)]

_cut("ip_in_ip", tunnelled(packet(), IPIP), [*HEAD, *INNER])
_cut("gre", tunnelled(build.gre(packet()), GRE), [*HEAD, (4, CUT), *INNER])
_cut(
    "gre_of_all_fields",
    tunnelled(build.gre(packet(), checksum=True, key=True, sequence=True), GRE),
    [*HEAD, (4, CUT), (12, CUT_GRE), *INNER],
)
_cut(
    "pptp",
    tunnelled(build.pptp(build.ppp(packet()), acknowledge=True), GRE),
    [*HEAD, (4, CUT), (12, CUT_GRE), (2, CUT), *INNER],
)
_cut(
    "erspan_2",
    tunnelled(build.gre(build.erspan_2(FRAME), protocol=0x88BE, sequence=True), GRE),
    [*HEAD, (4, CUT), (12, CUT_GRE), *ETHER],
)
_cut(
    "erspan_3",
    tunnelled(build.gre(build.erspan_3(FRAME), protocol=0x22EB, sequence=True), GRE),
    [*HEAD, (4, CUT), (16, CUT_GRE), *ETHER],
)
_cut("etherip", tunnelled(build.etherip(FRAME), ETHERIP), [*HEAD, (2, CUT), *ETHER])
_cut(
    "l2tp_3",
    tunnelled(build.l2tp3(FRAME, cookie=bytes(4)), L2TP3),
    [*HEAD, (4, CUT), (19, Unread("L2TPv3 of an unknown session")), *SHOWN],
)
_cut(
    "authentication_header",
    tunnelled(build.authentication_header(packet(), following=IPIP), AH),
    [*HEAD, (24, Unread("IPv6 extension headers damaged or cut")), *INNER],
)
_cut("vxlan", on_port(build.vxlan(FRAME), VXLAN), [*HEAD_UDP, (8 + 15, None), *SHOWN])
_cut(
    "vxlan_gpe",
    on_port(build.vxlan_gpe(packet(), next_protocol=1), GPE),
    [*HEAD_UDP, (8 + 1, None), *SHOWN],
)
_cut(
    "geneve",
    on_port(build.geneve(packet(), protocol=IPV4, options=bytes(8)), GENEVE),
    [*HEAD_UDP, (16, None), *INNER],
)
_cut(
    "gtp",
    on_port(build.gtp(packet(), extensions=[b"\x00\x09", bytes(6)]), GTP),
    [*HEAD_UDP, (8 + 4 + 4 + 8 + 1, None), *SHOWN],
)
_cut(
    "l2tp_2",
    on_port(build.l2tp(build.ppp(packet()), length=True), L2TP),
    # As many bytes as PPP's own header may have.
    [*HEAD_UDP, (8 + 4, None), (18, CUT_IP), (8, CUT_UDP)],
)
_cut(
    "tzsp",
    on_port(build.tzsp(FRAME), TZSP),
    [*HEAD_UDP, (9, None), *ETHER],
)


def _teredo_cut() -> Scenario:
    whole = on_port(build.teredo(packet6(), origin=True), TEREDO)
    begin = 42 + 8 + 40 + 8
    fates: list[Fate] = []
    for size in range(42, len(whole) + 1):
        if size < 42 + 8 + 40:
            fates.append(stays(whole[42:size], TEREDO, cut=True))
        elif size < begin:
            fates.append(CUT_UDP)
        else:
            cut = size < len(whole)
            fates.append(Payload(whole[begin:size], SRC6, DST6, cut=cut))
    frames = [Frame(whole[:size], original=len(whole)) for size in range(42, len(whole) + 1)]
    return Scenario(pcap(frames), fates)


def _hep_cut() -> Scenario:
    whole = on_port(hep_of(PAYLOAD, *build.hep_ends()), HEP)
    begin = len(whole) - len(PAYLOAD)
    fates: list[Fate] = []
    for size in range(42, len(whole) + 1):
        if size < 42 + 6:
            fates.append(stays(whole[42:size], HEP, cut=True))
        elif size < begin:
            fates.append(Other("HEP3 without a payload"))
        else:
            fates.append(Payload(whole[begin:size], cut=size < len(whole)))
    frames = [Frame(whole[:size], original=len(whole)) for size in range(42, len(whole) + 1)]
    return Scenario(pcap(frames), fates)


SCENARIOS["cut_anywhere_teredo"] = _teredo_cut
SCENARIOS["cut_anywhere_hep"] = _hep_cut


@scenario
def trailers_inside_and_outside_of_tunnels_are_no_payload() -> Scenario:
    inner = ethernet(ipv4(udp(b"short"))) + bytes(13)
    return told(
        (on_port(build.vxlan(inner), VXLAN) + b"\xde\xad\xbe\xef", Payload(b"short")),
        (tunnelled(build.gre(inner, protocol=BRIDGED), GRE) + bytes(9), Payload(b"short")),
        (on_port(build.gtp(ipv4(udp(b"short"))), GTP) + bytes(9), Payload(b"short")),
    )


@scenario
def offloaded_tunnels_have_no_outer_lengths() -> Scenario:
    body = udp(build.vxlan(FRAME), dst_port=VXLAN, length=0)
    outside = ipv4(body, src=OUTER, dst=OUTER_FAR, total_length=0)
    over6 = ipv6(build.gre(packet()), src=OUTER6, dst=OUTER6_FAR, next_header=GRE, payload_length=0)
    return told((ethernet(outside), Payload()), (ethernet(over6, ether_type=IPV6), Payload()))


@scenario
def tunnels_on_links_without_ethernet() -> Scenario:
    return told(
        (outer(build.gre(packet()), GRE), Payload()),
        (outer_udp(build.vxlan(FRAME), VXLAN), Payload()),
        (outer6(packet(), IPIP), Payload()),
        (outer_udp(RTP, VXLAN), stays(RTP, VXLAN)),
        (b"", NO_IP),
        link=101,
        name="Raw IP",
    )


@scenario
def datagrams_of_a_tunnels_port_at_both_ends() -> Scenario:
    # RTP between two such ports, which ffmpeg and others choose at will.
    ports = (VXLAN, VXLAN_OLD, GPE, GENEVE, GTP, GTP_0, TEREDO, L2TP, TZSP, HEP)
    cases: list[tuple[bytes, Fate]] = []
    for port in ports:
        for first in (0x80, 0x8C, 0x90, 0xA0, 0xBF):
            body = bytes([first]) + RTP[1:]
            frame = ethernet(outer(udp(body, src_port=port, dst_port=port), UDP))
            cases.append((frame, Payload(body, OUTER, OUTER_FAR, port, port)))
    return told(*cases)
