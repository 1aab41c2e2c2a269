"""Stacks of links and tunnels at random: the innermost payload comes out, whatever is around it."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap.capture.layers.chunk import MOST_LAYERS
from tests.capture import build, scenarios_tunnels
from tests.capture.build import IPV4, IPV6, SRC, SRC6, VLAN, Frame, ethernet, ipv4, ipv6, pcap, udp
from tests.capture.read import Reading, read_bytes
from tests.effort import examples

IP_KIND = {"4": IPV4, "6": IPV6}
PPP_KIND = {"4": 0x21, "6": 0x57}
GPE_KIND = {"4": 1, "6": 2, "e": 3}
EXPORT_KIND = {"4": b"ip", "6": b"ipv6", "e": b"eth"}


@dataclass(frozen=True)
class Stack:
    """Some headers round a datagram, and what the outermost of them is.

    Kinds: an IPv4 or IPv6 packet, an Ethernet frame, or 802.2 LLC.
    """

    data: bytes
    kind: str
    layers: int


Wrap = Callable[[Stack], Stack]


def around(kind: str, layers: int, build_it: Callable[[Stack], bytes]) -> Wrap:
    return lambda stack: Stack(build_it(stack), kind, stack.layers + layers)


def over(protocol: int, layers: int, build_it: Callable[[Stack], bytes]) -> dict[str, Wrap]:
    """Something that IP carries, over both families."""
    return {
        "4": around("4", layers, lambda stack: build.outer(build_it(stack), protocol)),
        "6": around("6", layers, lambda stack: build.outer6(build_it(stack), protocol)),
    }


def over_udp(port: int, build_it: Callable[[Stack], bytes], layers: int = 1) -> dict[str, Wrap]:
    return over(
        build.UDP,
        layers,
        lambda stack: udp(build_it(stack), src_port=50_000, dst_port=port),
    )


def gre_kind(stack: Stack) -> int:
    return build.BRIDGED if stack.kind == "e" else IP_KIND[stack.kind]


def gre(checksum: bool, key: bool, sequence: bool) -> Callable[[Stack], bytes]:
    return lambda stack: build.gre(
        stack.data, protocol=gre_kind(stack), checksum=checksum, key=key, sequence=sequence
    )


# Name -> the kinds it may stand around, and the ways to do so.
WRAPS: dict[str, tuple[str, dict[str, Wrap]]] = {
    "ip in ip": ("4", over(4, 1, lambda stack: stack.data)),
    "ipv6 in ip": ("6", over(41, 1, lambda stack: stack.data)),
    "ethernet": (
        "46",
        {"e": around("e", 1, lambda s: ethernet(s.data, ether_type=IP_KIND[s.kind]))},
    ),
    "vlan": (
        "46",
        {
            "e": around(
                "e",
                1,
                lambda s: ethernet(s.data, ether_type=IP_KIND[s.kind], tags=(0x88A8, VLAN)),
            )
        },
    ),
    "mpls": (
        "46",
        {"e": around("e", 2, lambda s: ethernet(build.mpls(s.data, labels=3), ether_type=0x8847))},
    ),
    "pseudowire": (
        "e",
        {
            "e": around(
                "e",
                2,
                lambda s: ethernet(build.mpls(build.control_word(s.data)), ether_type=0x8847),
            )
        },
    ),
    "pppoe": (
        "46",
        {
            "e": around(
                "e",
                3,
                lambda s: ethernet(
                    build.pppoe(build.ppp(s.data, protocol=PPP_KIND[s.kind])), ether_type=0x8864
                ),
            )
        },
    ),
    "snap": (
        "46",
        {
            "e": around(
                "e",
                2,
                lambda s: build.MACS + b"\x00\x40" + build.snap(s.data, kind=IP_KIND[s.kind]),
            )
        },
    ),
    "backbone": (
        "e",
        {"e": around("e", 2, lambda s: ethernet(build.backbone(s.data), ether_type=0x88E7))},
    ),
    "metadata": (
        "46",
        {
            "e": around(
                "e",
                2,
                lambda s: ethernet(
                    build.metadata(s.data, ether_type=IP_KIND[s.kind]), ether_type=0x8909
                ),
            )
        },
    ),
    **{
        f"gre {bits}": ("46e", over(47, 2, gre(bool(bits & 4), bool(bits & 2), bool(bits & 1))))
        for bits in range(8)
    },
    "pptp": (
        "46",
        over(47, 3, lambda s: build.pptp(build.ppp(s.data, protocol=PPP_KIND[s.kind]))),
    ),
    "erspan 2": (
        "e",
        over(47, 2, lambda s: build.gre(build.erspan_2(s.data), protocol=0x88BE, sequence=True)),
    ),
    "erspan 3": (
        "e",
        over(
            47,
            2,
            lambda s: build.gre(
                build.erspan_3(s.data, subheader=bytes(8)), protocol=0x22EB, sequence=True
            ),
        ),
    ),
    "etherip": ("e", over(97, 2, lambda s: build.etherip(s.data))),
    "l2tp 3": ("e", over(115, 2, lambda s: build.l2tp3(s.data, cookie=b"\xc0" * 8))),
    "mpls in ip": ("46", over(137, 2, lambda s: build.mpls(s.data))),
    "authentication": (
        "4",
        over(51, 1, lambda s: build.authentication_header(s.data, following=4)),
    ),
    "vxlan": ("e", over_udp(4789, lambda s: build.vxlan(s.data))),
    "vxlan gpe": (
        "46e",
        over_udp(4790, lambda s: build.vxlan_gpe(s.data, next_protocol=GPE_KIND[s.kind])),
    ),
    "geneve": (
        "46e",
        over_udp(6081, lambda s: build.geneve(s.data, protocol=gre_kind(s), options=bytes(12))),
    ),
    "gtp": ("46", over_udp(2152, lambda s: build.gtp(s.data, extensions=[b"\0\x09"]), 2)),
    "teredo": ("6", over_udp(3544, lambda s: build.teredo(s.data, authentication=bytes(4)))),
    "l2tp 2": (
        "46",
        over_udp(
            1701,
            lambda s: build.l2tp(build.ppp(s.data, protocol=PPP_KIND[s.kind]), length=True),
            2,
        ),
    ),
    "tzsp": ("e", over_udp(37008, lambda s: build.tzsp(s.data))),
}

# How a file holds it: link type and frame.
LINKS: dict[str, list[Callable[[Stack], tuple[int, bytes]]]] = {
    "ip": [
        lambda s: (101, s.data),
        lambda s: (12, s.data),
        lambda s: (113, build.sll(s.data, protocol=IP_KIND[s.kind])),
        lambda s: (276, build.sll2(s.data, protocol=IP_KIND[s.kind])),
        lambda s: (0, b"\x02\0\0\0" + s.data),
        lambda s: (108, b"\0\0\0\x02" + s.data),
        lambda s: (9, build.ppp(s.data, protocol=PPP_KIND[s.kind], address=True)),
        lambda s: (104, b"\x0f\0" + IP_KIND[s.kind].to_bytes(2, "big") + s.data),
        lambda s: (239, build.nflog(s.data)[: 8 + len(s.data)]),
        lambda s: (105, build.wifi(build.snap(s.data, kind=IP_KIND[s.kind]))),
        lambda s: (
            127,
            build.radiotap(build.wifi(build.snap(s.data, kind=IP_KIND[s.kind]), subtype=8)),
        ),
        lambda s: (252, build.exported(s.data, (12, EXPORT_KIND[s.kind]))),
    ],
    "e": [
        lambda s: (1, s.data),
        lambda s: (1, s.data),
        lambda s: (258, build.pktap(s.data)),
        lambda s: (252, build.exported(s.data, (12, EXPORT_KIND[s.kind]))),
    ],
}
LINK_LAYERS = 3
"""No more of them are in any of these links, before the packet or frame."""


@dataclass(frozen=True)
class Made:
    """A frame with a datagram at its heart."""

    link: int
    frame: bytes
    names: list[str]
    payload: bytes
    src: str
    port: int


@st.composite
def stacks(draw: st.DrawFn) -> Made:
    payload = draw(st.binary(max_size=30))
    port = draw(st.integers(10_000, 30_000))
    datagram = udp(payload, dst_port=port)
    kind = draw(st.sampled_from("46"))
    stack = Stack(ipv4(datagram) if kind == "4" else ipv6(datagram), kind, 1)
    names: list[str] = []
    for _ in range(draw(st.integers(0, 6))):
        # Each takes three levels of headers at most.
        if stack.layers + 3 + LINK_LAYERS > MOST_LAYERS:
            break
        name = draw(st.sampled_from([n for n, (kinds, _) in WRAPS.items() if stack.kind in kinds]))
        way = draw(st.sampled_from(sorted(WRAPS[name][1])))
        stack = WRAPS[name][1][way](stack)
        names.append(f"{name} over {way}")
    link, frame = draw(st.sampled_from(LINKS["e" if stack.kind == "e" else "ip"]))(stack)
    return Made(link, frame, names, payload, SRC if kind == "4" else SRC6, port)


def read(data: bytes) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        return read_bytes(Path(folder), data)


@settings(max_examples=examples(50), deadline=None)
@given(stacks())
def test_the_innermost_datagram_comes_out_of_any_stack(made: Made) -> None:
    begin = len(made.frame) - len(made.payload)
    frames = [Frame(made.frame[:size], original=len(made.frame)) for size in range(len(made.frame))]
    reading = read(pcap([*frames, Frame(made.frame)], link=made.link))
    found = {datagram.frame - 1: i for i, datagram in enumerate(reading.datagrams)}
    # A part of the payload comes out of each frame that was cut within it.
    for size in range(begin, len(made.frame) + 1):
        datagram = reading.datagrams[found[size]]
        assert (datagram.src, datagram.dst_port) == (made.src, made.port)
        assert datagram.payload == made.frame[begin:size]
        assert reading.cut[found[size]] == (size < len(made.frame))
        assert reading.header[found[size]] == begin
    # What was cut before it is a tunnel's datagram, or not understood; never this flow.
    for i, datagram in enumerate(reading.datagrams):
        if datagram.frame - 1 < begin:
            assert (datagram.src, datagram.dst_port) != (made.src, made.port)
            assert reading.cut[i]


@settings(max_examples=examples(30), deadline=None)
@given(stacks(), st.integers(0, 2**32))
def test_any_bytes_in_any_layer_have_one_fate(made: Made, seed: int) -> None:
    """`read` asserts that each frame is counted once."""
    chance = random.Random(seed)
    frames: list[Frame] = []
    for _ in range(40):
        changed = bytearray(made.frame)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(changed))
            changed[place] = chance.choice((0, 0xFF, chance.randrange(256), changed[place] ^ 1))
        if chance.random() < 0.3:
            place = chance.randrange(len(changed))
            changed[place:] = chance.randbytes(len(changed) - place)
        frames.append(Frame(bytes(changed), original=len(changed) + chance.choice((0, 0, 40))))
    data = pcap(frames, link=made.link)
    reading = read(data)
    assert reading.frames == len(frames)
    with tempfile.TemporaryDirectory() as folder:
        assert read_bytes(Path(folder), data, 300).facts == reading.facts


@settings(max_examples=examples(50), deadline=None)
@given(
    st.sampled_from((1701, 2152, 3386, 3544, 4789, 4790, 6081, 8472, 37008)),
    st.integers(0x80, 0xBF),
    st.binary(min_size=11, max_size=200),
    st.booleans(),
)
def test_no_rtp_is_taken_for_a_tunnel(port: int, first: int, rest: bytes, back: bool) -> None:
    """RFC 3550 section 5.1: version 2 in the first two bits, and that is all that is sure."""
    body = bytes([first]) + rest
    datagram = (
        udp(body, src_port=port, dst_port=9) if back else udp(body, src_port=9, dst_port=port)
    )
    (found,) = read(pcap([Frame(ethernet(ipv4(datagram)))])).datagrams
    assert found.payload == body


@pytest.mark.parametrize(
    ("frame", "header"),
    [
        # Ethernet 14, IPv4 20, UDP 8; the tunnel; and what is inside it.
        (scenarios_tunnels.FRAME, 42),
        (scenarios_tunnels.on_port(build.vxlan(scenarios_tunnels.FRAME), 4789), 42 + 8 + 42),
        (scenarios_tunnels.tunnelled(build.gre(ipv4(udp(b"x")), key=True), 47), 34 + 8 + 28),
        (
            scenarios_tunnels.on_port(
                build.hep3(*build.hep_ends(), build.hep_chunk(15, b"x")), 9060
            ),
            42 + 6 + 7 + 7 + 10 + 10 + 8 + 8 + 6,
        ),
        (scenarios_tunnels.nested(16), 14 + 20 + 8 + 7 * (20 + 4)),
    ],
)
def test_the_header_is_all_that_stands_before_the_payload(frame: bytes, header: int) -> None:
    assert read(pcap([Frame(frame)])).header == [header]


def test_a_header_of_more_bytes_than_its_column_holds() -> None:
    frame = build.nflog(ipv4(udp(b"x")), before=[(10, bytes(40_000)), (10, bytes(40_000))])
    reading = read(pcap([Frame(frame)], link=239))
    assert [datagram.payload for datagram in reading.datagrams] == [b"x"]
    assert reading.header == [0xFFFF]


def test_hostile_frames_cost_no_more_calls_than_layers_times_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames that each go their own way through the layers are looked at together."""
    from rtpcap.capture import decoder

    calls = 0

    def counted(layer: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            nonlocal calls
            calls += 1
            layer(*arguments)

        return call

    layers = {layer: counted(function) for layer, function in decoder.LAYERS.items()}
    monkeypatch.setattr(decoder, "LAYERS", layers)
    ways = [WRAPS["ip in ip"], WRAPS["gre 0"], WRAPS["gre 7"], WRAPS["vxlan gpe"]]
    frames: list[Frame] = []
    for number in range(4**6):
        stack = Stack(ipv4(udp(b"x")), "4", 1)
        for level in range(6):
            stack = ways[number >> 2 * level & 3][1]["4"](stack)
        frames.append(Frame(ethernet(stack.data)))
    reading = read(pcap(frames))
    assert len(reading.datagrams) == 4**6
    assert calls <= len(layers) * MOST_LAYERS
