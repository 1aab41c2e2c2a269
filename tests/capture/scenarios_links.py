"""Links: each header sound, cut, with lengths that are wrong; written from their specifications."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

from tests.capture import build
from tests.capture.build import (
    BRIDGED,
    DST,
    DST6,
    DST_PORT,
    IPV4,
    IPV6,
    METADATA,
    MPLS,
    PPPOE,
    SRC,
    SRC6,
    SRC_PORT,
    VLAN,
    Frame,
    enhanced,
    ethernet,
    interface,
    ipv4,
    pcap,
    section,
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

CUT = Unread("frame ends inside its link headers")
NO_IP = Unread("no IP packet")


def told(
    *cases: tuple[bytes, Fate], link: int = 1, name: str = "Ethernet", original: int | None = None
) -> Scenario:
    """A pcap of these frames, and what each is."""
    frames = [Frame(data, original=original) for data, _ in cases]
    return Scenario(pcap(frames, link=link), [fate for _, fate in cases], [name])


def cuts(
    name: str, headers: Sequence[bytes], reasons: Sequence[Fate], link: int, shown: str
) -> None:
    """A scenario of one frame, cut behind each of its bytes.

    A cut inside a header has that header's fate; from the payload on there is a part of it.
    """

    def made() -> Scenario:
        whole = b"".join(headers) + PAYLOAD
        fates = list[Fate]()
        for header, reason in zip(headers, reasons, strict=True):
            fates += [reason] * len(header)
        fates += [Payload(PAYLOAD[:size], cut=size < len(PAYLOAD)) for size in range(41)]
        frames = [Frame(whole[:size], original=len(whole)) for size in range(len(whole) + 1)]
        return Scenario(pcap(frames, link=link), fates, [shown])

    SCENARIOS[f"cut_anywhere_{name}"] = made


IP_HEAD, UDP_HEAD = packet()[:20], packet()[20:28]
CUT_IP = Unread("IPv4 header damaged or cut")
CUT_UDP = Unread("capture ends inside the UDP header")


def _cuts_of_links() -> None:
    ends = [IP_HEAD, UDP_HEAD]
    fates = [CUT_IP, CUT_UDP]
    mac = build.MACS + b"\x08\x00"
    heads: dict[str, tuple[list[bytes], list[Fate], int, str]] = {
        "ethernet": ([mac], [CUT], 1, "Ethernet"),
        "vlan": ([ethernet(b"", tags=(VLAN,))], [CUT], 1, "Ethernet"),
        "qinq": ([ethernet(b"", tags=(0x88A8, VLAN))], [CUT], 1, "Ethernet"),
        "snap": ([build.length_and_llc(build.snap(packet()))[:22]], [CUT], 1, "Ethernet"),
        "pppoe": (
            [ethernet(build.pppoe(build.ppp(packet())), ether_type=PPPOE)[:22]],
            [CUT],
            1,
            "Ethernet",
        ),
        "metadata": (
            [ethernet(build.metadata(b""), ether_type=METADATA)],
            [CUT],
            1,
            "Ethernet",
        ),
        "backbone": (
            [ethernet(build.backbone(mac), ether_type=0x88E7)],
            [CUT],
            1,
            "Ethernet",
        ),
        "bridged": ([ethernet(mac, ether_type=BRIDGED)], [CUT], 1, "Ethernet"),
        "sll": ([build.sll(b"")], [CUT], 113, "Linux SLL"),
        "sll2": ([build.sll2(b"")], [CUT], 276, "Linux SLL2"),
        "hdlc": ([b"\x0f\0\x08\0"], [CUT], 104, "Cisco HDLC"),
        "raw": ([], [], 101, "Raw IP"),
    }
    for name, (head, reasons, link, shown) in heads.items():
        if name == "raw":
            # The first four bits tell that it is IP at all.
            cuts(name, [IP_HEAD[:1], IP_HEAD[1:], UDP_HEAD], [NO_IP, *fates], link, shown)
        else:
            cuts(name, [*head, *ends], [*reasons, *fates], link, shown)
    label = ethernet(build.mpls(b""), ether_type=MPLS)
    first, rest = IP_HEAD[:1], IP_HEAD[1:]
    cuts(
        "mpls",
        [label, first, rest, UDP_HEAD],
        [CUT, Unread("MPLS pseudowire"), *fates],
        1,
        "Ethernet",
    )
    for name, family in (("null", b"\x02\0\0\0"), ("loop", b"\0\0\0\x02")):
        link, shown = {"null": (0, "NULL"), "loop": (108, "Loopback")}[name]
        cuts(name, [family, first, rest, UDP_HEAD], [CUT, NO_IP, *fates], link, shown)
    wifi = build.wifi(build.snap(b""), subtype=8, flags=0x02)
    cuts("wifi", [wifi, *ends], [CUT, *fates], 105, "802.11")
    cuts("radiotap", [build.radiotap(wifi), *ends], [CUT, *fates], 127, "802.11 radiotap")
    cuts(
        "pktap",
        [build.pktap(mac), *ends],
        [CUT, *fates],
        258,
        "PKTAP",
    )


_cuts_of_links()


@scenario
def llc_that_carries_no_ip() -> Scenario:
    def frame(llc: bytes) -> bytes:
        return build.length_and_llc(llc)

    return told(
        (frame(build.snap(packet(), organisation=0x0000F8)), Payload()),
        (frame(build.snap(packet6(), kind=IPV6)), IPV6_PAYLOAD),
        (frame(build.snap(build.mpls(packet()), kind=MPLS)), Payload()),
        (frame(build.snap(bytes(30), kind=0x0806)), Other("ARP")),
        (frame(build.snap(bytes(30), kind=0x2004, organisation=0x00000C)), Other("SNAP")),
        (frame(build.snap(bytes(30), kind=5)), Unread("SNAP damaged")),
        (frame(b"\xaa\xaa\x03\0\0\0\x08"), CUT),
        (frame(b"\xaa\xaa\xbf" + bytes(30)), Other("LLC")),
        (frame(b"\xe0\xe0\x03" + bytes(30)), Other("IPX")),
        (frame(b"\xff\xff" + bytes(30)), Other("IPX")),
        (frame(b"\xf0\xf0\x7f" + bytes(30)), Other("NetBIOS")),
        (frame(b"\xfe\xfe\x03" + bytes(30)), Other("OSI")),
        (frame(b"\x06\x06\x03"), NO_IP),
        (frame(b"\x06\x06"), CUT),
        # The length of IEEE 802.3 is not asked: the packet has its own.
        (build.MACS + b"\0\x03" + build.snap(packet()), Payload()),
        (build.MACS + b"\x05\xff" + build.snap(packet()), Payload()),
        # Neither a length nor an EtherType (IEEE 802.3 clause 3.2.6): read as a length.
        (build.MACS + b"\x05\xe0" + build.snap(packet()), Payload()),
    )


@scenario
def vlan_tags_before_whatever_follows_an_ether_type() -> Scenario:
    tags = (0x88A8, VLAN)
    return told(
        (ethernet(build.mpls(packet()), ether_type=MPLS, tags=tags), Payload()),
        (ethernet(build.pppoe(build.ppp(packet())), ether_type=PPPOE, tags=tags), Payload()),
        (ethernet(build.snap(packet()), ether_type=8 + len(packet()), tags=tags), Payload()),
        (ethernet(bytes(40), ether_type=0x0806, tags=tags), Other("ARP")),
        (ethernet(bytes(40), ether_type=0x4321, tags=tags), Unread("EtherType 0x4321")),
        (ethernet(b"", ether_type=IPV4, tags=tags), CUT_IP),
        (ethernet(b"", tags=tags)[:-1], CUT),
    )


@scenario
def mpls_labels_and_pseudowires() -> Scenario:
    frame = ethernet(packet())
    pseudowire = Unread("MPLS pseudowire")
    # A destination address that begins with four bits other than 0, 4 and 6.
    odd = b"\xa2" + frame[1:]

    def case(body: bytes) -> bytes:
        return ethernet(body, ether_type=MPLS)

    return told(
        (case(build.mpls(packet(), labels=16)), Payload()),
        (case(build.mpls(packet(), labels=17)), Unread("more than 16 MPLS labels")),
        (case(build.mpls(build.control_word(frame), labels=2)), Payload()),
        (case(build.mpls(build.control_word(frame, sequence=7))), Payload()),
        (case(build.mpls(odd)), Payload()),
        (case(build.mpls(frame)), Payload()),
        (case(build.mpls(build.control_word(odd))), Payload()),
        (case(build.mpls(build.control_word(ethernet(packet6(), ether_type=IPV6)))), IPV6_PAYLOAD),
        (
            case(build.mpls(build.control_word(build.length_and_llc(build.snap(packet()))))),
            Payload(),
        ),
        (case(build.mpls(b"")), pseudowire),
        (case(build.mpls(build.control_word(b""))), pseudowire),
        (case(build.mpls(build.control_word(frame[:14]))), pseudowire),
        (case(build.mpls(b"\x10\0\0\x21" + packet())), pseudowire),
        (case(build.mpls(b"", bottom=False)), CUT),
        (case(build.mpls(packet(), labels=3)[:11]), CUT),
    )


@scenario
def frames_that_end_where_the_next_one_would_tell_what_they_are() -> Scenario:
    # Behind Ethernet headers of IPv4 within a pseudowire: the time of the next record in the file,
    # whose first byte, 0x45, would be an IP packet's.
    ends = ethernet(build.mpls(build.control_word(ethernet(b""))), ether_type=MPLS)
    late = Frame(ends, time_ns=0x45 * 1_000_000_000)
    pseudowire = Unread("MPLS pseudowire")
    return Scenario(pcap([Frame(ends), late, late]), [pseudowire] * 3)


@scenario
def pppoe_shapes() -> Scenario:
    def case(body: bytes, **fields: int) -> bytes:
        return ethernet(build.pppoe(body, **fields), ether_type=PPPOE)

    return told(
        (case(build.ppp(packet(), compressed=True)), Payload()),
        (case(build.ppp(packet(), address=True)), Payload()),
        (case(build.ppp(build.mpls(packet()), protocol=0x281)), Payload()),
        (case(build.ppp(packet()), length=3), Payload()),
        (case(build.ppp(packet()), code=0xA7), Other("PPPoE discovery")),
        (case(build.ppp(bytes(8), protocol=0xC021)), Other("PPP control")),
        (case(build.ppp(bytes(8), protocol=0x8021)), Other("PPP control")),
        (case(build.ppp(bytes(8), protocol=0x003D)), Unread("PPP protocol 0x003d")),
        (case(b""), CUT),
        (case(b"\0"), CUT),
        (case(b"\xff\x03\0"), CUT),
        (case(b"\x21"), CUT_IP),
    )


def _ppp_links(link: int, name: str) -> None:
    def made() -> Scenario:
        cisco = b"\x0f\0"
        return told(
            (build.ppp(packet(), compressed=True), Payload()),
            (build.ppp(packet(), address=True, compressed=True), Payload()),
            (build.ppp(packet6(), protocol=0x57, address=True, compressed=True), IPV6_PAYLOAD),
            (build.ppp(bytes(9), protocol=0xC023, address=True), Other("PPP control")),
            # RFC 1547 section 4.3.1: Cisco's framing on the same kind of line.
            (cisco + b"\x08\0" + packet(), Payload()),
            (b"\x8f\0\x86\xdd" + packet6(), IPV6_PAYLOAD),
            (cisco + b"\x80\x35" + bytes(20), Other("RARP")),
            (cisco + b"\x08", CUT),
            (b"", CUT),
            (b"\0", CUT),
            link=link,
            name=name,
        )

    SCENARIOS[f"ppp_compressed_and_cisco_{link}"] = made


_ppp_links(9, "PPP")
_ppp_links(50, "PPP over HDLC")


@scenario
def cisco_hdlc_has_no_lengths() -> Scenario:
    return told(
        (b"\x0f\0\x88\x47" + build.mpls(packet()), Payload()),
        (b"\x0f\0\x05\xdc" + build.snap(packet()), Unread("EtherType 0x05dc")),
        (b"\x0f\0\x20\0" + bytes(30), Other("CDP")),
        link=104,
        name="Cisco HDLC",
    )


@scenario
def cooked_captures_hold_what_ethernet_does() -> Scenario:
    return told(
        (build.sll(build.mpls(packet()), protocol=MPLS), Payload()),
        (build.sll(build.pppoe(build.ppp(packet())), protocol=PPPOE), Payload()),
        (build.sll(build.snap(packet()), protocol=4), Payload()),
        (build.sll(bytes(40), protocol=1), Unread("Linux cooked protocol 1")),
        (build.sll(b"\xe0\xe0\x03" + bytes(30), protocol=4), Other("IPX")),
        link=113,
        name="Linux SLL",
    )


@scenario
def cooked_captures_of_the_second_kind() -> Scenario:
    return told(
        (build.sll2(struct.pack(">HH", 5, IPV4) + packet(), protocol=VLAN), Payload()),
        (build.sll2(bytes(40), protocol=0x0806), Other("ARP")),
        (build.sll2(bytes(40), protocol=12), Unread("Linux cooked protocol 12")),
        (build.sll2(build.snap(packet()), protocol=4), Payload()),
        link=276,
        name="Linux SLL2",
    )


@scenario
def metadata_and_backbone_hold_what_ethernet_does() -> Scenario:
    inner = ethernet(packet6(), ether_type=IPV6, tags=(VLAN,))
    tagged = struct.pack(">HH", 5, IPV4) + packet()
    return told(
        (ethernet(build.metadata(packet()), ether_type=METADATA), Payload()),
        (
            ethernet(build.metadata(packet6(), ether_type=IPV6), ether_type=METADATA),
            IPV6_PAYLOAD,
        ),
        (ethernet(build.metadata(tagged, ether_type=VLAN), ether_type=METADATA), Payload()),
        (ethernet(build.backbone(inner), ether_type=0x88E7, tags=(0x88A8,)), IPV6_PAYLOAD),
        (ethernet(build.metadata(bytes(30), ether_type=0x0806), ether_type=METADATA), Other("ARP")),
    )


@scenario
def numbers_of_links_that_have_a_meaning_here_alone() -> Scenario:
    # 0xFFFD to 0xFFFF stand in a link column for what is no frame of the file's.
    file, fates = section(), list[Fate]()
    for number, link in enumerate((0xFFFD, 0xFFFE, 0xFFFF, 1)):
        file += interface(link=link)
        file += enhanced(Frame(ethernet(packet())), number=number)
        fates.append(Payload() if link == 1 else Unread("link type 65532 is not read"))
    return Scenario(file, fates, ["link type 65532", "Ethernet"], format="pcapng")


def _own_number(link: int) -> None:
    def made() -> Scenario:
        frame = ethernet(packet())
        told_fate = Unread("link type 65532 is not read")
        return told((frame, told_fate), link=link, name="link type 65532")

    SCENARIOS[f"pcap_of_link_type_{link}"] = made


for _link in (0xFFFD, 0xFFFE, 0xFFFF):
    _own_number(_link)


# 802.11.


@scenario
def wifi_frames_of_all_types() -> Scenario:
    llc = build.snap(packet())
    without = Other("802.11 without data")
    cases: list[tuple[bytes, Fate]] = []
    # IEEE 802.11-2020 table 9-1: type 2 and subtypes with bit 2 clear carry data.
    for kind in range(4):
        for subtype in range(16):
            sound = kind == 2 and not subtype & 4
            cases.append(
                (
                    build.wifi(llc, kind=kind, subtype=subtype),
                    Payload() if sound else without,
                )
            )
    return told(*cases, link=105, name="802.11")


@scenario
def wifi_headers_of_all_lengths() -> Scenario:
    llc = build.snap(packet())
    encrypted, aggregate = Unread("802.11 encrypted"), Unread("802.11 aggregate")
    fragment = Unread("802.11 fragment")
    return told(
        (build.wifi(llc, flags=0x00), Payload()),
        (build.wifi(llc, flags=0x03), Payload()),
        (build.wifi(llc, subtype=8, flags=0x03), Payload()),
        (build.wifi(llc, subtype=8, flags=0x83), Payload()),
        (build.wifi(llc, subtype=8, flags=0x01, quality=0x60), Payload()),
        (build.wifi(llc, flags=0x41), encrypted),
        (build.wifi(llc, flags=0x05), fragment),
        (build.wifi(llc, fragment=3), fragment),
        # The sequence number is in the upper twelve bits.
        (build.wifi(llc, fragment=0x30), Payload()),
        (build.wifi(llc, subtype=8, quality=0x80), aggregate),
        (build.wifi(build.snap(packet6(), kind=IPV6)), IPV6_PAYLOAD),
        (build.wifi(build.snap(bytes(30), kind=0x888E)), Other("EAPOL")),
        (build.wifi(b""), CUT),
        (build.wifi(b"", subtype=8)[:24], CUT),
        (b"\x08", CUT),
        (b"", CUT),
        link=105,
        name="802.11",
    )


@scenario
def radiotap_headers() -> Scenario:
    llc = build.snap(packet())
    frame = build.wifi(llc)
    quality = build.wifi(llc, subtype=8)
    padded = build.wifi(llc, subtype=8, padding=b"\0\0")
    flags, clock, more = 1 << 1, 1 << 0, 1 << 31
    damaged = Unread("radiotap header damaged")
    return told(
        (build.radiotap(frame), Payload()),
        (build.radiotap(frame, fields=bytes(28)), Payload()),
        (build.radiotap(quality, present=flags, fields=b"\x10"), Payload()),
        # The flag 0x20: the body begins at a multiple of four bytes.
        (build.radiotap(padded, present=flags, fields=b"\x20"), Payload()),
        (build.radiotap(padded, present=flags | clock, fields=bytes(8) + b"\x20"), Payload()),
        (
            build.radiotap(
                padded,
                present=flags | clock | more,
                # Another word of presence, then the time at a multiple of eight.
                fields=struct.pack("<I", 1 << 5) + bytes(4) + bytes(8) + b"\x20",
            ),
            Payload(),
        ),
        (build.radiotap(build.wifi(llc, padding=b""), present=flags, fields=b"\x20"), Payload()),
        (build.radiotap(frame, version=1), damaged),
        (struct.pack("<BBHI", 0, 0, 7, 0) + frame, damaged),
        (struct.pack("<BBHI", 0, 0, 900, 0) + frame, CUT),
        (struct.pack("<BBHI", 0, 0, 8, 0), CUT),
        (b"\0\0\x08", CUT),
        link=127,
        name="802.11 radiotap",
    )


# NFLOG, PKTAP, exported.


@scenario
def netfilter_logs_of_both_byte_orders() -> Scenario:
    before = [(10, b"drop\0"), (1, b"\x08\0\x01\0"), (2, b"")]
    nothing = Unread("NFLOG without a packet")
    return told(
        (build.nflog(packet()), Payload()),
        (build.nflog(packet6(), before=before), IPV6_PAYLOAD),
        (build.nflog(packet(), before=before, order=">"), Payload()),
        (build.nflog(b""), NO_IP),
        (build.nflog(b"")[:4], nothing),
        (b"\x02\0\0", CUT),
        (b"\x02\0\0\0" + struct.pack("<HH", 0, 9) + packet(), nothing),
        (b"\x02\0\0\0" + struct.pack("<HH", 3, 10) + packet(), nothing),
        (b"\x02\0\0\0" + struct.pack("<HH", 900, 10) + packet(), nothing),
        link=239,
        name="NFLOG",
    )


@scenario
def netfilter_log_cut_in_its_packet() -> Scenario:
    whole = build.nflog(packet(), before=[(10, b"x\0")])
    return told(
        (whole[: -len(PAYLOAD) + 7], Payload(PAYLOAD[:7], cut=True)),
        (whole[: -len(PAYLOAD) - 1], CUT_UDP),
        link=239,
        name="NFLOG",
        original=len(whole),
    )


@scenario
def apple_pktap_of_other_links() -> Scenario:
    return told(
        (build.pktap(build.ppp(packet()), link=9), Payload()),
        (build.pktap(build.radiotap(build.wifi(build.snap(packet()))), link=127), Payload()),
        (
            build.pktap(build.pktap(ethernet(packet()))[:-1], link=149),
            Payload(PAYLOAD[:-1], cut=True),
        ),
        (build.pktap(ethernet(packet()), link=258), Unread("PKTAP header damaged")),
        # The numbers that stand for what is no frame of a file.
        (build.pktap(packet(), link=0xFFFD), Unread("link type 65532 is not read")),
        (build.pktap(packet(), link=0x10000), Unread("PKTAP header damaged")),
        (build.pktap(packet(), length=11), Unread("PKTAP header damaged")),
        (build.pktap(b""), CUT),
        (bytes(11), CUT),
        link=149,
        name="PKTAP",
    )


END_OF_TAGS, DISSECTOR, SRC4, DST4, SRC16, DST16 = 0, 12, 20, 21, 22, 23
PORT_TYPE, SRC_PORT_TAG, DST_PORT_TAG, FRAME_NUMBER = 24, 25, 26, 30
# From Wireshark's list of port types: 1 is SCTP, 2 TCP, 3 UDP.


def ends(src: str, dst: str, port_type: int = 3) -> list[tuple[int, bytes]]:
    kinds = (SRC4, DST4) if ":" not in src else (SRC16, DST16)
    packed = [ipaddress.ip_address(end).packed for end in (src, dst)]
    ports = [struct.pack(">I", number) for number in (port_type, SRC_PORT, DST_PORT)]
    numbers = (PORT_TYPE, SRC_PORT_TAG, DST_PORT_TAG)
    return [*zip(kinds, packed, strict=True), *zip(numbers, ports, strict=True)]


@scenario
def exported_packets() -> Scenario:
    sip = (DISSECTOR, b"sip\0")
    without = Unread("exported packet without addresses")
    endless = Unread("exported packet whose tags do not end")
    whole = build.exported(PAYLOAD, sip, *ends(SRC, DST))
    return told(
        (whole, Payload()),
        (build.exported(PAYLOAD, (DISSECTOR, b"rtp\0"), *ends(SRC6, DST6)), IPV6_PAYLOAD),
        # Older: the length of all tags before them, the frame's number behind.
        (
            build.exported(PAYLOAD, (10, b"\0\0\0\x44"), sip, *ends(SRC, DST), (30, b"\0\0\0\x07")),
            Payload(),
        ),
        # No port type; tags of a text and of a heuristic dissector.
        (
            build.exported(PAYLOAD, (13, b"rtp_udp\0"), *ends(SRC, DST, 0), (33, b"RTP\0")),
            Payload(),
        ),
        (build.exported(packet(), (DISSECTOR, b"ip\0\0")), Payload()),
        (build.exported(packet6(), (DISSECTOR, b"ipv6")), IPV6_PAYLOAD),
        (build.exported(ethernet(packet()), (DISSECTOR, b"eth_withoutfcs\0\0")), Payload()),
        (build.exported(PAYLOAD, sip, *ends(SRC, DST, 1)), Other("SCTP")),
        (build.exported(PAYLOAD, sip), without),
        (build.exported(PAYLOAD, sip, (SRC4, b"\x0a\0\0"), (DST4, b"\x0a\0\0\1")), without),
        (build.exported(PAYLOAD, sip, (SRC4, bytes(4)), (DST16, bytes(16))), without),
        (build.exported(b"", sip, *ends(SRC, DST)), Payload(b"")),
        (whole[:-41], endless),
        (whole[:7], endless),
        (struct.pack(">HH", DISSECTOR, 900) + PAYLOAD, endless),
        (b"", endless),
        link=252,
        name="Upper PDU",
    )


@scenario
def exported_packets_cut_by_the_snap_length() -> Scenario:
    whole = build.exported(PAYLOAD, (DISSECTOR, b"rtp\0"), *ends(SRC, DST))
    inner = build.exported(packet(), (DISSECTOR, b"ip\0\0"))
    return told(
        (whole[:-30], Payload(PAYLOAD[:10], cut=True)),
        (whole[:-40], Payload(b"", cut=True)),
        (inner[:-30], Payload(PAYLOAD[:10], cut=True)),
        link=252,
        name="Upper PDU",
        original=200,
    )


@scenario
def address_families_that_there_are_none_of() -> Scenario:
    return told(
        (b"\x12\x34\x56\x78" + packet(), Unread("no address family")),
        (b"\0\x01\0\x01" + packet(), Unread("no address family")),
        (b"\xff\xff\0\0" + packet(), Unread("address family 65535")),
        (b"\0\0\xff\xff" + packet(), Unread("address family 65535")),
        (b"\0\0\0\0" + packet(), Unread("address family 0")),
        link=0,
        name="NULL",
    )


# Whatever may follow a header stands at the very end of the file, too.


@scenario
def ethernet_frame_of_one_header_at_the_end_of_the_file() -> Scenario:
    return told((ethernet(b"", ether_type=IPV6), Unread("IPv6 header damaged or cut")))


@scenario
def ipv4_udp_length_zero_behind_an_authentication_header() -> Scenario:
    # RFC 2675's length of 0 is one of IPv6 alone.
    body = build.authentication_header(udp(PAYLOAD, length=0), following=17)
    sound = build.authentication_header(udp(PAYLOAD), following=17)
    return told(
        (ethernet(ipv4(sound, protocol=51)), Payload()),
        (ethernet(ipv4(body, protocol=51)), Unread("UDP length does not fit its IP packet")),
    )
