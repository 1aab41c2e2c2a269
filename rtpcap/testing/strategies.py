"""Strategies of hypothesis: packets grown from real ones, each with the fields that it has.

``@given(valid("rtp", from_="captures/"))`` draws packets for `assert_agrees`. `valid` ones are
sound and combine what the real ones have; `mutated` ones have some bytes changed; `hostile` ones
lie where a parser may believe them: lengths, counts, ends. What a drawn packet is worth is read
anew from its bytes, so a mutation that leaves it sound has to be parsed, and one that does not has
to be refused where the standard says so. Of text (``sip``, ``sdp``) that was mutated, and of STUN
under an integrity check, nothing more is asked: to refuse it is as right as to make sense of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "rtpcap.testing.strategies needs hypothesis: pip install hypothesis"
    ) from error

from rtpcap.errors import CaptureError
from rtpcap.testing.attacks import ANY, HOSTILE
from rtpcap.testing.captured import packets
from rtpcap.testing.captures import Paths, listed
from rtpcap.testing.grown import BOUND, GROWN
from rtpcap.testing.kinds import Kind, check_kind
from rtpcap.testing.packet import Packet

__all__ = ["hostile", "mutated", "valid"]

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
DEFAULT: dict[Kind, str] = {
    "rtp": "ai-opus ch-pcmu-plain gst-dtmf gst-red pj-pcmu",
    "rtcp": "ai-opus ch-pcmu-plain pj-g729vad pj-pcmu",
    "sip": "pj-pcmu pj-tcp",
    "sdp": "ff-rtsp pj-amr pj-pcmu",
    "stun": "ai-opus ch-pcmu-plain",
}
"""The project's own captures that packets grow from where no others are named."""
MOST_SEEDS = 256
MOST_CHANGES = 8
BYTE = st.integers(0, 255)


def valid(kind: Kind = "rtp", from_: Paths | None = None) -> st.SearchStrategy[Packet]:
    """Sound packets: real ones with other numbers, other options, other parts of others.

    `from_` are captures as in `packets`; left out, those that come with the project's sources.
    Raises ValueError for a kind that is none, CaptureError where the captures hold none of it.
    """
    seeds = _seeds(kind, from_)
    grow = GROWN[kind]

    @st.composite
    def drawn(draw: st.DrawFn) -> Packet:
        packet = grow(draw, draw(st.sampled_from(seeds)), seeds)
        assert packet.fault is None, f"{packet}: {packet.data.hex()}"
        return packet

    return drawn()


def mutated(
    kind: Kind = "rtp", from_: Paths | None = None, *, most: int = MOST_CHANGES
) -> st.SearchStrategy[Packet]:
    """Real packets with one to `most` changes: bits, bytes, pieces taken out, doubled, put in.

    Raises as `valid`, and ValueError for less than one change.
    """
    if most < 1:
        raise ValueError(f"{most} changes are none")
    seeds = _seeds(kind, from_)

    @st.composite
    def drawn(draw: st.DrawFn) -> Packet:
        packet = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(1, most))):
            packet = draw(st.sampled_from(MUTATIONS))(draw, packet)
        return _settled(packet)

    return drawn()


def hostile(kind: Kind = "rtp", from_: Paths | None = None) -> st.SearchStrategy[Packet]:
    """Real packets in which a length, a count, a version or an end lies; also none and huge ones.

    Raises as `valid`.
    """
    seeds = _seeds(kind, from_)
    attacks = [*ANY, *HOSTILE[kind]]

    @st.composite
    def drawn(draw: st.DrawFn) -> Packet:
        attack = draw(st.sampled_from(attacks))
        return _settled(attack(draw, draw(st.sampled_from(seeds))))

    return drawn()


def _settled(packet: Packet) -> Packet:
    """The packet, unless a careful parser may refuse it, and a tolerant one make sense of it.

    That is so for text, and for what an attribute of STUN was computed from.
    """
    fields: Any = packet.fields
    bound = packet.kind == "stun" and any(
        each["type"] in BOUND for each in fields.get("attributes", ())
    )
    return packet.unsettled() if packet.kind in ("sip", "sdp") or bound else packet


def _seeds(kind: Kind, from_: Paths | None) -> Sequence[Packet]:
    check_kind(kind)
    if from_ is not None:
        return _read(kind, tuple(listed(from_)))
    files = [FIXTURES / f"{name}.pcap" for name in DEFAULT[kind].split()]
    there = tuple(os.fspath(file) for file in files if file.exists())
    if not there:
        raise ValueError("the project's own captures are not installed: name some with from_=")
    return _read(kind, there)


@lru_cache
def _read(kind: Kind, paths: tuple[str, ...]) -> Sequence[Packet]:
    found = packets(paths, kind=kind, unique=True, limit=MOST_SEEDS)
    sound = [packet for packet in found if packet.fault is None]
    if not sound:
        raise CaptureError(f"{', '.join(paths)}: no sound {kind} packet")
    return sound


Mutation = Callable[[st.DrawFn, Packet], Packet]


def _place(draw: st.DrawFn, packet: Packet) -> int:
    return draw(st.integers(0, max(len(packet.data) - 1, 0)))


def _flip(draw: st.DrawFn, packet: Packet) -> Packet:
    if not packet.data:
        return packet
    at, bit = _place(draw, packet), draw(st.integers(0, 7))
    data = bytearray(packet.data)
    data[at] ^= 1 << bit
    return packet.changed(bytes(data), f"bit {bit} of byte {at} flipped")


def _set(draw: st.DrawFn, packet: Packet) -> Packet:
    if not packet.data:
        return packet
    at, value = _place(draw, packet), draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)) | BYTE)
    data = bytearray(packet.data)
    data[at] = value
    return packet.changed(bytes(data), f"byte {at} set to {value:02x}")


def _take_out(draw: st.DrawFn, packet: Packet) -> Packet:
    at, size = _place(draw, packet), draw(st.integers(1, 16))
    data = packet.data[:at] + packet.data[at + size :]
    return packet.changed(data, f"{size} bytes from {at} taken out")


def _put_in(draw: st.DrawFn, packet: Packet) -> Packet:
    at, more = _place(draw, packet), draw(st.binary(min_size=1, max_size=16))
    data = packet.data[:at] + more + packet.data[at:]
    return packet.changed(data, f"{more.hex()} put in before byte {at}")


def _double(draw: st.DrawFn, packet: Packet) -> Packet:
    at, size = _place(draw, packet), draw(st.integers(1, 32))
    part = packet.data[at : at + size]
    data = packet.data[:at] + part + packet.data[at:]
    return packet.changed(data, f"{len(part)} bytes from {at} doubled")


def _cut(draw: st.DrawFn, packet: Packet) -> Packet:
    at = _place(draw, packet)
    return packet.changed(packet.data[:at], f"cut to {at} bytes")


MUTATIONS: tuple[Mutation, ...] = (_flip, _set, _take_out, _put_in, _double, _cut)
