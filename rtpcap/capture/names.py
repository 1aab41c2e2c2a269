"""Numbers of links and protocols by name, for what is told to people."""

from __future__ import annotations

__all__ = [
    "ETHER_OTHER",
    "ETHER_PLACES",
    "IPV6_EXTENSIONS",
    "IP_OTHER",
    "IP_TUNNELS",
    "LINK_NAMES",
    "NO_LINK",
    "NO_PACKET",
    "RTPDUMP",
    "UNCOMMON_LINKS",
    "VLAN_TAGS",
    "ether_name",
    "link_name",
]

LINK_NAMES = {
    0: "NULL",
    1: "Ethernet",
    9: "PPP",
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
    228: "Raw IPv4",
    229: "Raw IPv6",
    239: "NFLOG",
    252: "Upper PDU",
    258: "PKTAP",
    276: "Linux SLL2",
    0xFFFD: "RTP without headers",
}


NO_LINK = 0xFFFF
"""In a link column: a packet whose interface the file does not describe."""
NO_PACKET = 0xFFFE
"""In a link column: a numbered record of the file that is no packet at all."""
RTPDUMP = 0xFFFD
"""In a link column: an RTP or RTCP packet without any headers, of an rtpdump file."""

UNCOMMON_LINKS = frozenset((9, 50, 51, 105, 127, 239, 258))
"""Link types that are read frame by frame."""


def link_name(link: int) -> str:
    """A link type by name, or by number where it has none here."""
    return LINK_NAMES.get(link, f"link type {link}")


ETHER_PLACES = {1: (12, 14), 104: (2, 4), 113: (14, 16), 276: (0, 20)}
"""Link type -> (place of the EtherType, place of the network packet), bytes into the frame:
Ethernet, Cisco HDLC, and the two kinds of Linux cooked captures."""

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

IP_TUNNELS = {
    4: "IPv4 in IP",
    41: "IPv6 in IP",
    47: "GRE",
    50: "ESP",
    51: "AH",
    94: "IPIP",
    97: "EtherIP",
    115: "L2TPv3",
    137: "MPLS in IP",
}
"""IP protocols that may carry UDP further in."""
