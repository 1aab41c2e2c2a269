"""Numbers of links and protocols by name, for what is told to people."""

from __future__ import annotations

from rtpcap.capture.chunk import Layer

__all__ = [
    "ETHER_LAYERS",
    "ETHER_OTHER",
    "ETHER_PLACES",
    "FIRST_ETHER_TYPE",
    "IPV6_EXTENSIONS",
    "IP_LAYERS",
    "IP_OTHER",
    "IP_UNREAD",
    "LINK_LAYERS",
    "LINK_NAMES",
    "LLC_OTHER",
    "NO_LINK",
    "NO_PACKET",
    "PKTAP",
    "PPP_LAYERS",
    "RTPDUMP",
    "VLAN_TAGS",
    "ether_name",
    "link_name",
    "told_link",
]

PKTAP = 258
RTPDUMP = 0xFFFD
"""In a link column: a packet of an rtpdump file, which has no headers below its own."""

LINK_NAMES = {
    0: "NULL",
    1: "Ethernet",
    6: "Token ring",
    7: "ARCNET",
    8: "SLIP",
    9: "PPP",
    10: "FDDI",
    12: "Raw IP",
    14: "Raw IP",
    50: "PPP over HDLC",
    51: "PPPoE",
    101: "Raw IP",
    104: "Cisco HDLC",
    105: "802.11",
    108: "Loopback",
    113: "Linux SLL",
    127: "802.11 radiotap",
    149: "PKTAP",
    228: "Raw IPv4",
    229: "Raw IPv6",
    239: "NFLOG",
    252: "Upper PDU",
    PKTAP: "PKTAP",
    276: "Linux SLL2",
    RTPDUMP: "RTP without headers",
}


NO_LINK = 0xFFFF
"""In a link column: a packet whose interface the file does not describe."""
NO_PACKET = 0xFFFE
"""In a link column: a numbered record of the file that is no packet at all."""


def told_link(number: int) -> int:
    """The link type that a file tells: never one of the numbers that have a meaning here alone."""
    return min(number & 0xFFFF, RTPDUMP - 1)


LINK_LAYERS = {
    0: Layer.FAMILY,
    1: Layer.ETHERNET,
    9: Layer.PPP,
    12: Layer.IP,
    14: Layer.IP,
    50: Layer.PPP,
    51: Layer.PPPOE,
    101: Layer.IP,
    104: Layer.HDLC,
    105: Layer.WIFI,
    108: Layer.FAMILY,
    113: Layer.SLL,
    127: Layer.RADIOTAP,
    149: Layer.PKTAP,
    228: Layer.IP,
    229: Layer.IP,
    239: Layer.NFLOG,
    252: Layer.EXPORTED,
    PKTAP: Layer.PKTAP,
    276: Layer.SLL2,
    RTPDUMP: Layer.RTPDUMP,
}
"""Link types that are read, and what their frames begin with; 149 is macOS's number for PKTAP
before it had one of its own."""


def link_name(link: int) -> str:
    """A link type by name, or by number where it has none here."""
    return LINK_NAMES.get(link, f"link type {link}")


ETHER_PLACES = {
    Layer.ETHERNET: (12, 14),
    Layer.HDLC: (2, 4),
    Layer.SLL: (14, 16),
    Layer.SLL2: (0, 20),
}
"""Link header -> (place of the EtherType, place of the network packet), bytes into it."""

FIRST_ETHER_TYPE = 0x600
"""Below this the two bytes are a length (IEEE 802.3), and LLC follows."""

ETHER_LAYERS = {
    0x0800: Layer.IPV4,
    0x86DD: Layer.IPV6,
    0x6558: Layer.ETHERNET,
    0x8847: Layer.MPLS,
    0x8848: Layer.MPLS,
    0x8863: Layer.PPPOE,
    0x8864: Layer.PPPOE,
    0x880B: Layer.PPP,
    0x88E7: Layer.BACKBONE,
    0x8909: Layer.METADATA,
}
"""EtherTypes that are looked into."""

PPP_LAYERS = {
    0x0021: Layer.IPV4,
    0x0057: Layer.IPV6,
    0x0281: Layer.MPLS,
    0x0283: Layer.MPLS,
}
"""Protocols of PPP that are looked into."""

LLC_OTHER = {0x42: "STP", 0xE0: "IPX", 0xF0: "NetBIOS", 0xFE: "OSI", 0xFF: "IPX"}
"""Service access points of IEEE 802.2."""

VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
"""EtherTypes of a tag of four bytes, whose last two are the next EtherType."""

ETHER_OTHER = {
    0x0806: "ARP",
    0x22F0: "AVTP",
    0x2000: "CDP",
    0x8035: "RARP",
    0x809B: "AppleTalk",
    0x80F3: "AppleTalk ARP",
    0x8137: "IPX",
    0x8808: "Ethernet flow control",
    0x8809: "Ethernet slow protocols",
    0x888E: "EAPOL",
    0x8899: "Realtek",
    0x88A2: "ATA over Ethernet",
    0x88CC: "LLDP",
    0x88F7: "PTP",
    0x8902: "CFM",
    0x8906: "FCoE",
    0x9000: "Ethernet loopback",
}
"""EtherTypes that are understood and never carry UDP."""


def ether_name(ether_type: int) -> str:
    """The reason for an EtherType that nothing here reads."""
    return f"EtherType 0x{ether_type:04x}"


IPV6_EXTENSIONS = frozenset((0, 43, 44, 51, 60, 135, 139, 140))
"""IPv6 next headers behind which UDP may follow (RFC 8200 section 4, and the registry)."""

IP_OTHER = {
    1: "ICMP",
    2: "IGMP",
    6: "TCP",
    8: "EGP",
    9: "IGP",
    33: "DCCP",
    46: "RSVP",
    58: "ICMPv6",
    59: "IPv6 without a next header",
    88: "EIGRP",
    89: "OSPF",
    103: "PIM",
    112: "VRRP",
    132: "SCTP",
    136: "UDP-Lite",
}
"""IP protocols that are understood and are not UDP."""

IP_LAYERS = {
    4: Layer.IPV4,
    41: Layer.IPV6,
    47: Layer.GRE,
    94: Layer.IPV4,
    97: Layer.ETHERIP,
    115: Layer.L2TP3,
    137: Layer.MPLS,
}
"""IP protocols that carry packets of their own: RFC 2003, 4213, 2784, 3378, 3931, 4023."""

IP_UNREAD = {50: "ESP (encrypted)"}
"""IP protocols that may carry UDP and do not show it."""
