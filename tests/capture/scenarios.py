"""Capture files, a function each, with what is in them: run through every way of reading."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.capture import build
from tests.capture.build import (
    DST,
    DST6,
    DST_PORT,
    IPV4,
    IPV6,
    RAW,
    SLL,
    SLL2,
    SRC,
    SRC6,
    SRC_PORT,
    START_NS,
    TCP,
    UDP,
    VLAN,
    Frame,
    Order,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    old_packet,
    option,
    pcap,
    section,
    simple,
    sll,
    sll2,
    udp,
)

PAYLOAD = bytes(range(100, 140))


@dataclass(frozen=True)
class Payload:
    """A frame that is a UDP datagram."""

    payload: bytes = PAYLOAD
    src: str = SRC
    dst: str = DST
    src_port: int = SRC_PORT
    dst_port: int = DST_PORT
    time_ns: int | None = START_NS
    cut: bool = False


@dataclass(frozen=True)
class Other:
    """A frame that is understood and no datagram."""

    reason: str


@dataclass(frozen=True)
class Unread:
    """A frame that is not understood."""

    reason: str


Fate = Payload | Other | Unread
IPV6_PAYLOAD = Payload(src=SRC6, dst=DST6)


@dataclass(frozen=True)
class Scenario:
    """A file, the fate of each of its frames in order, its link types and the damage, if any."""

    file: bytes
    fates: Sequence[Fate]
    links: list[str] = field(default_factory=lambda: ["Ethernet"])
    format: str = "pcap"
    damage: str = ""


SCENARIOS: dict[str, Callable[[], Scenario]] = {}


def scenario(function: Callable[[], Scenario]) -> Callable[[], Scenario]:
    SCENARIOS[function.__name__] = function
    return function


def one(data: bytes, fate: Fate, *, link: int = 1, name: str = "Ethernet") -> Scenario:
    """A pcap of this frame between two sound ones, so that its end and the next begin are tested.

    The sound ones are of the same link type only where that is Ethernet; else it stands alone.
    """
    if link != 1:
        return Scenario(pcap([Frame(data)], link=link), [fate], [name])
    sound = Frame(ethernet(ipv4(udp(PAYLOAD))))
    return Scenario(pcap([sound, Frame(data), sound]), [Payload(), fate, Payload()])


def packet() -> bytes:
    """An IPv4 packet with the usual payload."""
    return ipv4(udp(PAYLOAD))


def packet6() -> bytes:
    return ipv6(udp(PAYLOAD))


# Formats: classic pcap.


ORDERS: dict[str, Order] = {"little": "<", "big": ">"}


def _pcap(name: str, order: Order, nanoseconds: bool, modified: bool) -> None:
    def made() -> Scenario:
        times = [START_NS, START_NS + 20_000_789]
        seen = times if nanoseconds else [time // 1000 * 1000 for time in times]
        frames = [Frame(ethernet(packet()), time_ns=time) for time in times]
        file = pcap(frames, order=order, nanoseconds=nanoseconds, modified=modified)
        return Scenario(file, [Payload(time_ns=time) for time in seen])

    SCENARIOS[name] = made


for _end, _order in ORDERS.items():
    _pcap(f"pcap_microseconds_{_end}", _order, False, False)
    _pcap(f"pcap_nanoseconds_{_end}", _order, True, False)
    _pcap(f"pcap_modified_{_end}", _order, False, True)


@scenario
def pcap_of_no_frames() -> Scenario:
    return Scenario(pcap([]), [])


@scenario
def pcap_whose_link_word_says_a_frame_check_sequence() -> Scenario:
    # Bit 26 is set and bits 28-31 count 16-bit words: two of them, four bytes.
    file = pcap([Frame(ethernet(packet()) + b"\xde\xad\xbe\xef")], link=1 | 1 << 26 | 2 << 28)
    return Scenario(file, [Payload()])


@scenario
def pcap_after_2038() -> Scenario:
    late = 4_000_000_000 * 1_000_000_000
    return Scenario(pcap([Frame(ethernet(packet()), time_ns=late)]), [Payload(time_ns=late)])


@scenario
def pcap_cut_by_its_snap_length() -> Scenario:
    whole = ethernet(packet())
    frames = [Frame(whole[:60], original=len(whole)), Frame(whole[:40], original=len(whole))]
    return Scenario(
        pcap(frames, snap_length=60),
        [Payload(PAYLOAD[:18], cut=True), Unread("capture ends inside the UDP header")],
    )


@scenario
def pcap_with_an_empty_record() -> Scenario:
    file = pcap([Frame(b"", original=60), Frame(ethernet(packet()))])
    return Scenario(file, [Unread("frame ends inside its link headers"), Payload()])


@scenario
def pcap_of_runs_and_single_lengths() -> Scenario:
    sizes = [160] * 9 + [20, 33] * 5 + [160] * 100 + [1400] + [0] * 7
    payloads = [bytes([i % 256]) * size for i, size in enumerate(sizes)]
    frames = [Frame(ethernet(ipv4(udp(payload)))) for payload in payloads]
    return Scenario(pcap(frames), [Payload(payload) for payload in payloads])


@scenario
def pcap_with_an_absurd_length() -> Scenario:
    file = pcap([Frame(ethernet(packet()))] * 3)
    where = f"(frame 4, offset {len(file)})"
    file += struct.pack("<IIII", 1, 0, 300_000_000, 60) + bytes(500)
    return Scenario(
        file,
        [Payload()] * 3,
        damage=f"a record claims more than 262144 captured bytes {where}",
    )


# Formats: pcapng.


def _pcapng(name: str, order: Order) -> None:
    def made() -> Scenario:
        frame = Frame(ethernet(packet()))
        file = section(order=order) + interface(order=order)
        file += enhanced(frame, order=order, comment=b"a comment")
        file += simple(frame, order=order) + old_packet(frame, order=order)
        return Scenario(file, [Payload(), Payload(time_ns=None), Payload()], format="pcapng")

    SCENARIOS[name] = made


_pcapng("pcapng_enhanced_simple_and_old_packets_little", "<")
_pcapng("pcapng_enhanced_simple_and_old_packets_big", ">")


@scenario
def pcapng_of_only_a_section_header() -> Scenario:
    return Scenario(section(), [], links=[], format="pcapng")


@scenario
def pcapng_sections_in_both_orders() -> Scenario:
    frame = Frame(ethernet(packet()))
    raw = Frame(packet())
    file = b""
    for order in (">", "<", "<", ">"):
        file += section(order=order, options=option(2, b"x" * 244, order=order))
        file += interface(order=order, link=RAW) + interface(order=order)
        file += enhanced(raw, order=order) + enhanced(frame, order=order, number=1)
    return Scenario(file, [Payload()] * 8, links=["Raw IP", "Ethernet"], format="pcapng")


@scenario
def pcapng_interfaces_with_their_own_clocks_and_links() -> Scenario:
    tick_of = {None: 1000, 9: 1, 6: 1000, 3: 1_000_000, 0: 1_000_000_000}
    file, fates = section(), list[Fate]()
    for number, (resolution, tick_ns) in enumerate(tick_of.items()):
        link = (1, RAW)[number % 2]
        data = packet() if link == RAW else ethernet(packet())
        file += interface(link=link, tsresol=resolution)
        file += enhanced(Frame(data), number=number, ticks=START_NS // tick_ns)
        fates.append(Payload(time_ns=START_NS // tick_ns * tick_ns))
    return Scenario(file, fates, links=["Ethernet", "Raw IP"], format="pcapng")


@scenario
def pcapng_times_finer_than_nanoseconds_are_rounded_down() -> Scenario:
    # 10**-12 s; 2**-10 s; 2**-64 s, where all 64 bits are a fraction of a second.
    file = section() + interface(tsresol=12) + interface(tsresol=0x8A) + interface(tsresol=0xC0)
    frame = Frame(ethernet(packet()))
    file += enhanced(frame, ticks=1_999_999) + enhanced(frame, number=1, ticks=1025)
    file += enhanced(frame, number=2, ticks=(1 << 64) - 1)
    times = [1999, 1_000_000_000 + 976_562, 999_999_999]
    return Scenario(file, [Payload(time_ns=time) for time in times], format="pcapng")


@scenario
def pcapng_time_offset_is_signed_seconds() -> Scenario:
    frame = Frame(ethernet(packet()))
    file = section() + interface(tsoffset=-3600) + interface(tsoffset=7)
    file += enhanced(frame) + enhanced(frame, number=1)
    times = [START_NS - 3600 * 10**9, START_NS + 7 * 10**9]
    return Scenario(file, [Payload(time_ns=time) for time in times], format="pcapng")


@scenario
def pcapng_simple_packets_are_cut_by_the_first_interface() -> Scenario:
    whole = ethernet(packet())
    file = section() + interface(snap_length=60) + interface()
    file += simple(Frame(whole[:60], original=len(whole)))
    return Scenario(file, [Payload(PAYLOAD[:18], time_ns=None, cut=True)], format="pcapng")


@scenario
def pcapng_simple_packets_end_before_their_padding() -> Scenario:
    # No length within says where the payload ends: only the packet's own does.
    file = section() + interface()
    payloads = [PAYLOAD[:size] for size in (20, 21, 22, 23)]
    for payload in payloads:
        file += simple(Frame(ethernet(ipv4(udp(payload, length=0), total_length=0))))
    fates = [Payload(payload, time_ns=None) for payload in payloads]
    return Scenario(file, fates, format="pcapng")


@scenario
def pcapng_packet_of_an_interface_described_only_later() -> Scenario:
    frame = Frame(ethernet(packet()))
    file = section() + interface() + enhanced(frame, number=1) + interface()
    file += enhanced(frame, number=1) + section() + enhanced(frame)
    missing = Unread("packet of an interface that the file does not describe")
    return Scenario(file, [missing, Payload(), missing], format="pcapng")


@scenario
def pcapng_blocks_that_are_numbered_as_frames_and_others() -> Scenario:
    # tshark 4.0.17 gives a frame number to kinds 9, 0x204, 0xBAD and 0x40000BAD, none to the rest.
    frame = Frame(ethernet(packet()))
    file = section() + interface()
    for kind in (4, 5, 7, 8, 10, 0x77, 9, 0x204, 0xBAD, 0x40000BAD):
        file += block(kind, bytes(44))
    file += enhanced(frame)
    nothing = Unread("no packet: a journal entry, system call or custom block")
    return Scenario(file, [nothing] * 4 + [Payload()], format="pcapng")


@scenario
def pcapng_with_interface_options_that_do_not_fit() -> Scenario:
    bad = struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 9, 60) + b"\x09\0\0\0"
    file = section() + block(1, bad) + enhanced(Frame(ethernet(packet())))
    return Scenario(file, [Payload()], format="pcapng")


def _pcapng_damage(name: str, damaged: bytes, reason: str) -> None:
    def made() -> Scenario:
        frame = Frame(ethernet(packet()))
        before = section() + interface() + enhanced(frame)
        where = f"(frame 2, offset {len(before)})"
        return Scenario(
            before + damaged + enhanced(frame),
            [Payload()],
            format="pcapng",
            damage=f"{reason} {where}",
        )

    SCENARIOS[name] = made


_pcapng_damage(
    "pcapng_two_lengths_differ", block(6, bytes(60), trailer=60), "a block's two lengths differ"
)
_pcapng_damage(
    "pcapng_packet_longer_than_its_block",
    enhanced(Frame(bytes(60)), captured=61),
    "a packet is longer than its block",
)
_pcapng_damage(
    "pcapng_block_too_short_for_its_kind",
    block(6, bytes(16)),
    "a block is too short for its kind",
)
_pcapng_damage(
    "pcapng_block_length_not_of_four",
    struct.pack("<II", 4, 13) + bytes(20),
    "a block's length cannot be",
)
_pcapng_damage(
    "pcapng_block_of_three_hundred_megabytes",
    struct.pack("<II", 4, 300 << 20) + bytes(20),
    "a block's length cannot be",
)
_pcapng_damage(
    "pcapng_section_of_an_unknown_version",
    section(major=2),
    "a section of an unknown pcapng version",
)
_pcapng_damage(
    "pcapng_section_without_byte_order",
    block(0x0A0D0D0A, b"\x01\x02\x03\x04" + bytes(12)),
    "a section header has no byte-order magic",
)


# Link types.


@scenario
def ethernet_trailer_is_no_payload() -> Scenario:
    return one(ethernet(ipv4(udp(b"short"))) + bytes(13), Payload(b"short"))


@scenario
def vlan_stacks() -> Scenario:
    stacks = [(VLAN,), (0x88A8, VLAN), (0x9100, 0x9200, VLAN), (VLAN,) * 8, (VLAN,) * 16]
    frames = [Frame(ethernet(packet(), tags=stack)) for stack in stacks]
    frames += [Frame(ethernet(packet6(), ether_type=IPV6, tags=stack)) for stack in stacks]
    return Scenario(pcap(frames), [Payload()] * 5 + [IPV6_PAYLOAD] * 5)


@scenario
def vlan_tags_without_end() -> Scenario:
    return one(ethernet(packet(), tags=(VLAN,) * 40), Unread("more than 16 VLAN tags"))


@scenario
def vlan_tag_cut_off() -> Scenario:
    return one(ethernet(b"\0\1", ether_type=VLAN), Unread("frame ends inside its link headers"))


@scenario
def vlan_tag_that_would_go_on_in_the_next_record() -> Scenario:
    # The next record's time, in little-endian order, has the EtherType of IPv4 where the tag's is.
    late = Frame(ethernet(packet()), time_ns=0x00080000 * 1_000_000_000)
    file = pcap([Frame(build.MACS + b"\x81\x00"), late])
    fates: list[Fate] = [
        Unread("frame ends inside its link headers"),
        Payload(time_ns=late.time_ns),
    ]
    return Scenario(file, fates)


@scenario
def frame_shorter_than_ethernet() -> Scenario:
    return one(build.MACS + b"\x08", Unread("frame ends inside its link headers"))


@scenario
def ether_types_that_are_something_else() -> Scenario:
    kinds = {0x0806: "ARP", 0x88CC: "LLDP", 0x888E: "EAPOL"}
    frames = [Frame(ethernet(bytes(46), ether_type=kind)) for kind in kinds]
    frames.append(Frame(ethernet(bytes(46), ether_type=0x4321)))
    fates: list[Fate] = [Other(name) for name in kinds.values()]
    return Scenario(pcap(frames), [*fates, Unread("EtherType 0x4321")])


@scenario
def linux_cooked_1() -> Scenario:
    frames = [
        Frame(sll(packet())),
        Frame(sll(packet6(), protocol=IPV6)),
        Frame(sll(struct.pack(">HH", 5, IPV4) + packet(), protocol=VLAN)),
        Frame(sll(bytes(40), protocol=0x0806)),
        Frame(sll(bytes(40), protocol=0x0060)),
        Frame(sll(b"\xaa\xaa\x03\0\0\0\x08\x00" + packet(), protocol=4)),
    ]
    return Scenario(
        pcap(frames, link=SLL),
        [
            Payload(),
            IPV6_PAYLOAD,
            Payload(),
            Other("ARP"),
            Unread("Linux cooked protocol 96"),
            Payload(),
        ],
        ["Linux SLL"],
    )


@scenario
def linux_cooked_2() -> Scenario:
    frames = [Frame(sll2(packet())), Frame(sll2(packet6(), protocol=IPV6)), Frame(bytes(19))]
    return Scenario(
        pcap(frames, link=SLL2),
        [Payload(), IPV6_PAYLOAD, Unread("frame ends inside its link headers")],
        ["Linux SLL2"],
    )


def _raw(link: int, name: str) -> None:
    def made() -> Scenario:
        frames = [Frame(packet()), Frame(packet6()), Frame(b"\x00" * 30)]
        fates: list[Fate] = [Payload(), IPV6_PAYLOAD, Unread("no IP packet")]
        return Scenario(pcap(frames, link=link), fates, [name])

    SCENARIOS[f"raw_ip_{link}"] = made


for _link, _name in (
    (12, "Raw IP"),
    (14, "Raw IP"),
    (101, "Raw IP"),
    (228, "Raw IPv4"),
    (229, "Raw IPv6"),
):
    _raw(_link, _name)


def _loopback(link: int, name: str, order: Order) -> None:
    def made() -> Scenario:
        frames = [Frame(struct.pack(f"{order}I", 2) + packet())]
        for family in (10, 24, 28, 30):
            frames.append(Frame(struct.pack(f"{order}I", family) + packet6()))
        frames += [Frame(struct.pack(f"{order}I", 7) + bytes(20)), Frame(b"\0\0\0")]
        frames.append(Frame(struct.pack(f"{order}I", 2)))
        return Scenario(
            pcap(frames, link=link),
            [
                Payload(),
                *[IPV6_PAYLOAD] * 4,
                Unread("address family 7"),
                Unread("frame ends inside its link headers"),
                Unread("no IP packet"),
            ],
            [name],
        )

    SCENARIOS[f"loopback_{link}_{'little' if order == '<' else 'big'}"] = made


_loopback(0, "NULL", "<")
_loopback(0, "NULL", ">")
_loopback(108, "Loopback", ">")


@scenario
def cisco_hdlc() -> Scenario:
    return one(b"\x0f\x00\x08\x00" + packet(), Payload(), link=104, name="Cisco HDLC")


def _of_fixed_length(link: int, name: str, head: bytes) -> None:
    def made() -> Scenario:
        frames = [Frame(head + packet()), Frame(head + packet6()), Frame(head[:-1])]
        fates: list[Fate] = [
            Payload(),
            IPV6_PAYLOAD,
            Unread("frame ends inside its link headers"),
        ]
        return Scenario(pcap(frames, link=link), fates, [name])

    SCENARIOS[f"header_of_one_length_{link}"] = made


# Access and frame control, destination, source, LLC with SNAP; without access control in FDDI.
_of_fixed_length(6, "Token ring", b"\x10\x40" + build.MACS + build.snap(b""))
_of_fixed_length(10, "FDDI", b"\x57" + build.MACS + build.snap(b""))
# RFC 1201: source, destination, protocol 212, split flag, sequence number.
_of_fixed_length(7, "ARCNET", b"\x01\x02\xd4\x00\x00\x01")
# BSD's SLIP: the direction, and 15 bytes of compressed header.
_of_fixed_length(8, "SLIP", bytes(16))


@scenario
def link_type_that_nothing_reads() -> Scenario:
    return one(bytes(60), Unread("link type 147 is not read"), link=147, name="link type 147")


@scenario
def llc_and_snap() -> Scenario:
    def frame(llc: bytes) -> Frame:
        return Frame(build.MACS + struct.pack(">H", len(llc)) + llc)

    frames = [
        frame(b"\xaa\xaa\x03\0\0\0\x08\x00" + packet()),
        frame(b"\xaa\xaa\x03\0\0\0\x81\x00\x00\x64\x08\x00" + packet()),
        frame(b"\x42\x42\x03" + bytes(35)),
        frame(b"\xaa\xaa\x03\x00\x00\x0c\x20\x00" + bytes(30)),
        frame(b"\x06\x06\x03" + packet()),
        frame(b""),
    ]
    fates: list[Fate] = [
        Payload(),
        Payload(),
        Other("STP"),
        Other("SNAP"),
        Payload(),
        Unread("frame ends inside its link headers"),
    ]
    return Scenario(pcap(frames), fates)


@scenario
def pppoe() -> Scenario:
    def session(body: bytes) -> Frame:
        head = struct.pack(">BBHH", 0x11, 0, 17, len(body))
        return Frame(ethernet(head + body, ether_type=0x8864))

    discovery = ethernet(struct.pack(">BBHH", 0x11, 9, 0, 4) + bytes(40), ether_type=0x8863)
    frames = [
        session(b"\x00\x21" + packet()),
        session(b"\x21" + packet()),
        session(b"\x00\x57" + packet6()),
        session(b"\xc0\x21\x09\x00\x00\x08" + bytes(4)),
        Frame(discovery),
        session(b"\x00\xfd" + bytes(20)),
    ]
    fates: list[Fate] = [
        Payload(),
        Payload(),
        IPV6_PAYLOAD,
        Other("PPP control"),
        Other("PPPoE discovery"),
        Unread("PPP protocol 0x00fd"),
    ]
    return Scenario(pcap(frames), fates)


def _ppp(link: int, name: str) -> None:
    def made() -> Scenario:
        frames = [
            Frame(b"\xff\x03\x00\x21" + packet()),
            Frame(b"\x00\x21" + packet()),
            Frame(b"\xff\x03\x00\x57" + packet6()),
            Frame(b"\xff\x03"),
        ]
        fates: list[Fate] = [
            Payload(),
            Payload(),
            IPV6_PAYLOAD,
            Unread("frame ends inside its link headers"),
        ]
        return Scenario(pcap(frames, link=link), fates, [name])

    SCENARIOS[f"ppp_{link}"] = made


_ppp(9, "PPP")
_ppp(50, "PPP over HDLC")


@scenario
def pppoe_as_link_type() -> Scenario:
    body = b"\x00\x21" + packet()
    frame = struct.pack(">BBHH", 0x11, 0, 17, len(body)) + body
    return one(frame, Payload(), link=51, name="PPPoE")


@scenario
def mpls() -> Scenario:
    def labels(*bottoms: int) -> bytes:
        return b"".join(struct.pack(">I", 16 << 12 | bottom << 8 | 64) for bottom in bottoms)

    frames = [
        Frame(ethernet(labels(1) + packet(), ether_type=0x8847)),
        Frame(ethernet(labels(0, 0, 1) + packet6(), ether_type=0x8848)),
        Frame(ethernet(labels(1) + bytes(30), ether_type=0x8847)),
        Frame(ethernet(labels(*[0] * 40), ether_type=0x8847)),
        Frame(ethernet(labels(0, 0), ether_type=0x8847)),
    ]
    fates: list[Fate] = [
        Payload(),
        IPV6_PAYLOAD,
        Unread("MPLS pseudowire"),
        Unread("more than 16 MPLS labels"),
        Unread("frame ends inside its link headers"),
    ]
    return Scenario(pcap(frames), fates)


@scenario
def provider_backbone_bridge() -> Scenario:
    return one(ethernet(bytes(4) + ethernet(packet()), ether_type=0x88E7), Payload())


@scenario
def wifi() -> Scenario:
    llc = b"\xaa\xaa\x03\0\0\0\x08\x00" + packet()

    def data(subtype: int, flags: int, body: bytes) -> bytes:
        return bytes([subtype << 4 | 8, flags]) + bytes(22) + body

    frames = [
        Frame(data(0, 0x01, llc)),
        Frame(data(0, 0x03, bytes(6) + llc)),
        Frame(data(8, 0x02, bytes(2) + llc)),
        Frame(data(8, 0x82, bytes(6) + llc)),
        Frame(data(0, 0x41, llc)),
        Frame(data(0, 0x05, llc)),
        Frame(data(8, 0x02, b"\x80\0" + llc)),
        Frame(data(4, 0x01, b"")),
        Frame(b"\x80\x00" + bytes(40)),
    ]
    fates: list[Fate] = [
        *[Payload()] * 4,
        Unread("802.11 encrypted"),
        Unread("802.11 fragment"),
        Unread("802.11 aggregate"),
        *[Other("802.11 without data")] * 2,
    ]
    return Scenario(pcap(frames, link=105), fates, ["802.11"])


@scenario
def wifi_behind_radiotap() -> Scenario:
    radiotap = struct.pack("<BBHIHH", 0, 0, 12, 0, 0, 0)
    body = b"\x08\x01" + bytes(22) + b"\xaa\xaa\x03\0\0\0\x08\x00" + packet()
    return one(radiotap + body, Payload(), link=127, name="802.11 radiotap")


@scenario
def netfilter_log() -> Scenario:
    prefix = struct.pack("<HH", 9, 10) + b"drop\0" + bytes(3)
    body = struct.pack("<HH", 4 + len(packet()), 9) + packet()
    return one(b"\x02\0\0\0" + prefix + body, Payload(), link=239, name="NFLOG")


@scenario
def apple_pktap() -> Scenario:
    def wrapped(inner: int, body: bytes, length: int = 108) -> Frame:
        return Frame(struct.pack("<III", length, 1, inner) + bytes(96) + body)

    frames = [
        wrapped(1, ethernet(packet())),
        wrapped(12, packet()),
        wrapped(0, struct.pack("<I", 2) + packet()),
        wrapped(258, packet()),
        wrapped(1, ethernet(packet()), length=1 << 31),
        wrapped(147, packet()),
        wrapped(276, b"\x08\x00"),
    ]
    fates: list[Fate] = [
        *[Payload()] * 3,
        Unread("PKTAP header damaged"),
        Unread("frame ends inside its link headers"),
        Unread("link type 147 is not read"),
        Unread("frame ends inside its link headers"),
    ]
    return Scenario(pcap(frames, link=258), fates, ["PKTAP"])


@scenario
def uncommon_frames_stay_in_order_of_frames() -> Scenario:
    label = struct.pack(">I", 16 << 12 | 1 << 8 | 64)
    session = struct.pack(">BBHH", 0x11, 0, 17, 2 + len(packet())) + b"\x00\x21" + packet()
    shapes = [
        ethernet(session, ether_type=0x8864),
        ethernet(label + packet(), ether_type=0x8847),
        ethernet(ipv6(build.option_header(UDP) + udp(PAYLOAD), next_header=0), ether_type=IPV6),
        ethernet(bytes(46), ether_type=0x0806),
    ]
    fates: list[Fate] = [Payload(), Payload(), IPV6_PAYLOAD, Other("ARP")]
    return Scenario(pcap([Frame(shape) for shape in shapes * 5]), fates * 5)


# Network and transport headers.


@scenario
def ipv4_options() -> Scenario:
    frames = [Frame(ethernet(ipv4(udp(PAYLOAD), options=bytes(4 * n)))) for n in (1, 5, 10)]
    return Scenario(pcap(frames), [Payload()] * 3)


@scenario
def ipv4_headers_that_cannot_be() -> Scenario:
    frames = [
        Frame(ethernet(ipv4(udp(PAYLOAD), version=5))),
        Frame(ethernet(ipv4(udp(PAYLOAD), header_words=4))),
        Frame(ethernet(ipv4(b"", header_words=15))),
        Frame(ethernet(packet()[:12])),
        Frame(ethernet(b"")),
    ]
    return Scenario(pcap(frames), [Unread("IPv4 header damaged or cut")] * 5)


@scenario
def ipv4_fragments() -> Scenario:
    # More to come at offset 0; the last at offset 185; the don't-fragment flag alone is none.
    frames = [Frame(ethernet(ipv4(udp(PAYLOAD), fragment=bits))) for bits in (0x2000, 185, 0x4000)]
    return Scenario(
        pcap(frames),
        [*[Unread("fragment of a packet whose other parts are missing")] * 2, Payload()],
    )


@scenario
def ip_protocols_that_are_something_else() -> Scenario:
    names = {TCP: "TCP", 1: "ICMP", 2: "IGMP", 132: "SCTP"}
    frames = [Frame(ethernet(ipv4(bytes(20), protocol=number))) for number in names]
    frames += [
        Frame(ethernet(ipv6(bytes(20), next_header=58), ether_type=IPV6)),
        Frame(ethernet(ipv4(bytes(20), protocol=50))),
        Frame(ethernet(ipv4(bytes(20), protocol=253))),
    ]
    fates: list[Fate] = [Other(name) for name in names.values()]
    fates += [Other("ICMPv6"), Unread("ESP (encrypted)")]
    return Scenario(pcap(frames), [*fates, Unread("IP protocol 253")])


@scenario
def offloaded_segments_have_no_ip_length() -> Scenario:
    frames = [
        Frame(ethernet(ipv4(udp(PAYLOAD), total_length=0))),
        Frame(ethernet(ipv4(udp(PAYLOAD, length=0), total_length=0))),
        Frame(ethernet(ipv6(udp(PAYLOAD), payload_length=0), ether_type=IPV6)),
        Frame(ethernet(ipv6(udp(PAYLOAD, length=0), payload_length=0), ether_type=IPV6)),
        Frame(ethernet(ipv4(udp(PAYLOAD, length=0), total_length=0)), original=114),
    ]
    # Of the last one 114 bytes were on the wire: 42 of headers, 72 of payload.
    fates = [Payload(), Payload(), IPV6_PAYLOAD, IPV6_PAYLOAD, Payload(cut=True)]
    return Scenario(pcap(frames), fates)


@scenario
def ip_length_beyond_what_was_captured() -> Scenario:
    data = ethernet(ipv4(udp(PAYLOAD, length=508), total_length=528))
    return one(data, Payload(cut=True))


@scenario
def udp_lengths_that_cannot_be() -> Scenario:
    wrong = [ethernet(ipv4(udp(PAYLOAD, length=size))) for size in (0, 7, 49, 65535)]
    wrong.append(ethernet(ipv6(udp(PAYLOAD, length=49)), ether_type=IPV6))
    wrong.append(ethernet(ipv4(udp(PAYLOAD), total_length=24)))
    return Scenario(
        pcap([Frame(data) for data in wrong]),
        [Unread("UDP length does not fit its IP packet")] * len(wrong),
    )


@scenario
def udp_lengths_below_what_ip_says() -> Scenario:
    data = ethernet(ipv4(udp(PAYLOAD, length=20)))
    return one(data, Payload(PAYLOAD[:12]))


@scenario
def udp_without_payload() -> Scenario:
    return one(ethernet(ipv4(udp(b""))), Payload(b""))


@scenario
def ipv6_plain_and_cut() -> Scenario:
    frames = [
        Frame(ethernet(packet6(), ether_type=IPV6)),
        Frame(ethernet(packet6()[:39], ether_type=IPV6)),
        Frame(ethernet(ipv6(udp(PAYLOAD), version=7), ether_type=IPV6)),
    ]
    return Scenario(pcap(frames), [IPV6_PAYLOAD, *[Unread("IPv6 header damaged or cut")] * 2])


@scenario
def ipv6_extension_headers() -> Scenario:
    body = udp(PAYLOAD)
    routing = struct.pack(">BBBBI", 60, 2, 0, 0, 0) + bytes(16)
    # The length of an authentication header counts words of four bytes, less two.
    authentication = struct.pack(">BBHII", UDP, 4, 0, 1, 1) + bytes(12)
    atomic = build.fragment_header(UDP)
    stacks = [
        (0, build.option_header(UDP) + body),
        (0, build.option_header(43) + routing + build.option_header(UDP, 3) + body),
        (51, authentication + body),
        (44, atomic + body),
        (60, build.option_header(TCP) + bytes(20)),
        (44, build.fragment_header(UDP, more=True) + body),
        (44, build.fragment_header(UDP, offset=10) + body),
        (0, build.option_header(UDP, 20)[:20]),
        (0, build.option_header(0) * 20),
        (60, build.option_header(4) + packet()),
        (0, build.option_header(59)),
        (0, build.option_header(UDP) + body[:6]),
    ]
    frames = [
        Frame(ethernet(ipv6(rest, next_header=kind), ether_type=IPV6)) for kind, rest in stacks
    ]
    fates: list[Fate] = [
        *[IPV6_PAYLOAD] * 4,
        Other("TCP"),
        *[Unread("fragment of a packet whose other parts are missing")] * 2,
        Unread("IPv6 extension headers damaged or cut"),
        Unread("more than 16 IPv6 extension headers"),
        Payload(),
        Other("IPv6 without a next header"),
        Unread("capture ends inside the UDP header"),
    ]
    return Scenario(pcap(frames), fates)


@scenario
def many_flows_of_both_families() -> Scenario:
    frames, fates = list[Frame](), list[Fate]()
    for i in range(300):
        port, src, src6 = 1000 + i, f"192.0.2.{i % 250}", f"2001:db8::{i % 250 + 1:x}"
        body = udp(PAYLOAD, src_port=port)
        frames.append(Frame(ethernet(ipv4(body, src=src))))
        frames.append(Frame(ethernet(ipv6(body, src=src6), ether_type=IPV6)))
        fates += [
            Payload(src=src, src_port=port),
            Payload(src=src6, dst=DST6, src_port=port),
        ]
    return Scenario(pcap(frames), fates)
