"""What a pcapng says beside its packets."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from rtpcap.capture.formats import open_source
from rtpcap.capture.kept import MOST_BLOCKS, Kept, Names, Secrets, Statistics
from rtpcap.capture.options import build_options, parse_options
from rtpcap.capture.source import Source
from tests.capture.build import (
    Frame,
    Order,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    option,
    pcap,
    section,
    udp,
)

KEY_LOG = 0x544C534B
FRAME = Frame(ethernet(ipv4(udp(b"hello"))))


def secrets(data: bytes, *, order: Order = "<", size: int | None = None) -> bytes:
    length = len(data) if size is None else size
    return block(10, struct.pack(f"{order}II", KEY_LOG, length) + data, order=order)


def names(*records: tuple[int, bytes], order: Order = "<") -> bytes:
    body = b"".join(option(kind, value, order=order) for kind, value in records)
    return block(4, body + option(0, b"", order=order), order=order)


def statistics(number: int, *, order: Order = "<", **counts: int) -> bytes:
    codes = {"received": 4, "dropped": 5, "dropped_by_system": 7}
    body = struct.pack(f"{order}III", number, 0, 0)
    for name, count in counts.items():
        body += option(codes[name], struct.pack(f"{order}Q", count), order=order)
    return block(5, body, order=order)


def sound(order: Order) -> bytes:
    return b"".join(
        [
            section(order=order, options=option(1, b"of a section", order=order)),
            interface(order=order, snap_length=1500),
            names((1, b"\x0a\0\0\x01host\0"), order=order),
            secrets(b"CLIENT_RANDOM 1 2\n", order=order),
            enhanced(FRAME, order=order),
            interface(order=order, link=101),
            statistics(0, order=order, received=10, dropped=1),
            statistics(1, order=order, dropped_by_system=2**40),
            statistics(7, order=order, received=1),
            statistics(0, order=order, received=11, dropped=2),
        ]
    )


def read(folder: Path, data: bytes, chunk_bytes: int = 4 << 20) -> tuple[Source, list[int]]:
    """The source after a pass, and the interface of each frame."""
    path = folder / "capture"
    path.write_bytes(data)
    source, numbers = open_source(path), list[int]()
    for records in source.chunks(chunk_bytes):
        column = records.interface
        numbers += [column] * len(records) if isinstance(column, int) else column.tolist()
    return source, numbers


@pytest.mark.parametrize("chunk_bytes", [100, 4 << 20])
@pytest.mark.parametrize("orders", ["<", ">", "<>", "><<"])
def test_it_is_kept_section_by_section(orders: str, chunk_bytes: int, tmp_path: Path) -> None:
    data = b"".join(sound("<" if order == "<" else ">") for order in orders)
    source, numbers = read(tmp_path, data, chunk_bytes)
    kept, sections = source.kept, range(len(orders))
    assert source.damage == []
    assert numbers == [2 * section for section in sections]
    assert kept.comments == ["of a section"] * len(orders)
    assert kept.secrets == [Secrets(s, KEY_LOG, b"CLIENT_RANDOM 1 2\n") for s in sections]
    assert kept.names == [Names(s, ((1, b"\x0a\0\0\x01host\0"),)) for s in sections]
    described = [(i.section, i.link, i.snap_length, i.name) for i in kept.interfaces]
    assert described == [
        row for s in sections for row in ((s, 1, 1500, "eth0"), (s, 101, 0, "eth0"))
    ]
    assert kept.statistics == {
        number: counts
        for s in sections
        for number, counts in (
            (2 * s, Statistics(11, 2, None)),
            (2 * s + 1, Statistics(None, None, 2**40)),
        )
    }


def test_a_file_without_such_blocks_keeps_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, pcap([FRAME]))[0].kept.blocks == []


def test_what_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    head = section() + interface()
    for odd in (
        secrets(b"cut", size=1000),
        block(10, b"\1\2\3\4"),
        block(4, b""),
        block(4, option(1, b"1234host")[:7]),
        block(5, b"\0\0\0\0"),
        statistics(0)[:-8] + struct.pack("<I", 24),
    ):
        source, numbers = read(tmp_path, head + odd + enhanced(FRAME))
        assert (numbers, source.kept.secrets) == ([0], []) or source.damage
        assert source.kept.statistics.keys() <= {0}
        assert isinstance(source.kept.names, list)


def test_hostile_options_end_where_they_end(tmp_path: Path) -> None:
    rng = random.Random(9)
    for _ in range(300):
        body = rng.randbytes(rng.randrange(60)) + b"\xff\xff"
        for order in ("<", ">"):
            options = parse_options(body, "<" if order == "<" else ">")
            assert sum(4 + len(value) for _, value in options) <= len(body)
        data = section(options=body + bytes(-len(body) % 4)) + block(1, bytes(8) + body)
        source, _ = read(tmp_path, data + block(5, bytes(12) + body) + enhanced(FRAME))
        assert source.frames == 1
        assert all(isinstance(text, str) for text in source.kept.comments)
        assert len(source.kept.interfaces) == 1
        assert source.kept.interfaces[0].name is None or source.kept.interfaces[0].options


def test_options_there_and_back() -> None:
    options = ((1, b"a comment"), (2, b"\1\0\0\0"), (1, b""), (999, bytes(65_535)))
    assert parse_options(build_options(options), "<") == options
    assert build_options([]) == b""


def test_there_is_an_end_to_what_is_kept() -> None:
    kept = Kept()
    for _ in range(MOST_BLOCKS + 5):
        kept.add(10, bytes(8), "<")
    assert (len(kept.blocks), kept.left_out) == (MOST_BLOCKS, 5)
    kept = Kept()
    kept.add(10, bytes(65 << 20), "<")
    kept.add(1, bytes(8), "<")
    assert (kept.blocks, kept.left_out) == ([], 2)
