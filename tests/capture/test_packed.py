"""Compressed captures: told by content, read as far as they go, and never without a bound."""

from __future__ import annotations

import random
import shutil
import subprocess
import zlib
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from rtpcap.capture.formats import is_capture, open_source
from rtpcap.capture.held import MOST_UNPACKED
from rtpcap.capture.packed import Unpacker
from rtpcap.errors import CaptureError
from tests.capture.build import Frame, enhanced, ethernet, interface, ipv4, pcap, section, udp
from tests.capture.packs import PACKS, skippable
from tests.capture.read import read_bytes, read_path
from tests.peers import require

RANDOM = random.Random(5)
PAYLOADS = [RANDOM.randbytes(100) for _ in range(40)]
FILES = {
    "pcap": pcap([Frame(ethernet(ipv4(udp(payload)))) for payload in PAYLOADS]),
    "pcapng": section()
    + interface()
    + b"".join(enhanced(Frame(ethernet(ipv4(udp(payload))))) for payload in PAYLOADS),
}


def payloads(folder: Path, data: bytes) -> list[bytes]:
    reading = read_bytes(folder, data)
    assert reading.damage == []
    return [datagram.payload for datagram in reading.datagrams]


@pytest.mark.parametrize("kind", PACKS)
@pytest.mark.parametrize("name", FILES)
def test_a_compressed_capture_is_the_capture(name: str, kind: str, tmp_path: Path) -> None:
    plain = read_bytes(tmp_path, FILES[name])
    packed = read_bytes(tmp_path, PACKS[kind](FILES[name]))
    assert packed.facts == plain.facts
    assert packed.source.format == name
    assert packed.source.packed == (kind,)
    assert packed.source.size == len(FILES[name])
    assert packed.facts == read_path(tmp_path / "capture", 100).facts


@pytest.mark.parametrize("inner", PACKS)
@pytest.mark.parametrize("outer", PACKS)
def test_two_levels_but_not_three(outer: str, inner: str, tmp_path: Path) -> None:
    twice = PACKS[outer](PACKS[inner](FILES["pcap"]))
    assert payloads(tmp_path, twice) == PAYLOADS
    assert is_capture(tmp_path / "capture")
    with pytest.raises(CaptureError, match="capture: compressed more than 2 times over"):
        read_bytes(tmp_path, PACKS[outer](twice))
    assert not is_capture(tmp_path / "capture")


@pytest.mark.parametrize("kind", PACKS)
def test_many_members_one_behind_the_other(kind: str, tmp_path: Path) -> None:
    pack, file = PACKS[kind], FILES["pcap"]
    cuts = [0, 1, 30, 31, 700, len(file)]
    members = [pack(file[a:b]) for a, b in pairwise(cuts)]
    assert payloads(tmp_path, b"".join([*members, pack(b"")])) == PAYLOADS


@pytest.mark.parametrize("kind", PACKS)
def test_very_many_small_members(kind: str) -> None:
    """A quick test: one that takes minutes says that each costs what is left, not the same."""
    members = PACKS[kind](b"x") * 10_000
    pieces = [members[at : at + 100_001] for at in range(0, len(members), 100_001)]
    assert sum(map(len, Unpacker(pieces, 1 << 20))) == 10_000


@pytest.mark.parametrize("kind", ["gzip", "xz"])
def test_zeros_behind_a_member_are_padding(kind: str, tmp_path: Path) -> None:
    pack, file = PACKS[kind], FILES["pcap"]
    data = pack(file[:500]) + bytes(4) + pack(file[500:]) + bytes(100_000)
    assert payloads(tmp_path, data) == PAYLOADS


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_frames_that_are_passed_over(kind: str, tmp_path: Path) -> None:
    pack, file = PACKS[kind], FILES["pcap"]
    data = skippable(b"index") + pack(file[:500]) + skippable(b"") + pack(file[500:])
    assert payloads(tmp_path, data + skippable(bytes(70_000))) == PAYLOADS
    assert is_capture(tmp_path / "capture")


@pytest.mark.parametrize("kind", PACKS)
def test_what_stands_behind_is_told(kind: str, tmp_path: Path) -> None:
    packed = PACKS[kind](FILES["pcap"])
    reading = read_bytes(tmp_path, packed + b"and so on")
    assert [datagram.payload for datagram in reading.datagrams] == PAYLOADS
    (damage,) = reading.damage
    assert str(damage) == (f"behind the {kind} data stands something else (offset {len(packed)})")


@pytest.mark.parametrize("kind", PACKS)
def test_cut_at_every_byte(kind: str, tmp_path: Path) -> None:
    """What a cut file gives is the begin of what the whole one gives, and the cut is told."""
    few = [payload[:20] for payload in PAYLOADS[:5]]
    frames = [Frame(ethernet(ipv4(udp(payload)))) for payload in few]
    # A member each: some kinds give nothing of a block until all of it is there.
    pieces = [pcap([]), *(pcap([frame])[24:] for frame in frames)]
    members = [PACKS[kind](piece) for piece in pieces]
    whole, ends = b"".join(members), list(accumulate(map(len, members)))
    counts = []
    for size in range(ends[0], len(whole) + 1):
        reading = read_bytes(tmp_path, whole[:size])
        found = [datagram.payload for datagram in reading.datagrams]
        assert found == few[: len(found)]
        assert len(found) >= sum(end <= size for end in ends) - 1
        told = [] if size in ends else [f"the {kind} data are cut off"]
        assert [damage.reason for damage in reading.damage][:1] == told
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[-1] == len(few)


@pytest.mark.parametrize("kind", PACKS)
def test_a_file_cut_before_anything_came_out_is_none(kind: str, tmp_path: Path) -> None:
    for size in range(1, len(PACKS[kind](b"")) // 2):
        with pytest.raises(CaptureError, match=str(tmp_path / "capture")):
            read_bytes(tmp_path, PACKS[kind](FILES["pcap"])[:size])


@pytest.mark.parametrize("kind", PACKS)
def test_mutations_give_a_begin_or_an_error(kind: str, tmp_path: Path) -> None:
    whole = PACKS[kind](FILES["pcap"])
    rng = random.Random(kind)
    for _ in range(40):
        broken = bytearray(whole)
        for _ in range(rng.choice((1, 3))):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            reading = read_bytes(tmp_path, bytes(broken))
        except CaptureError:
            continue
        if bytes(broken) != whole and not reading.damage:
            # Only what no checksum covers may change unseen: names and times in headers.
            assert [datagram.payload for datagram in reading.datagrams] == PAYLOADS


def test_a_wrong_checksum_loses_nothing(tmp_path: Path) -> None:
    whole = bytearray(PACKS["gzip"](FILES["pcap"]))
    whole[-8] ^= 1
    reading = read_bytes(tmp_path, bytes(whole))
    assert [datagram.payload for datagram in reading.datagrams] == PAYLOADS
    (damage,) = reading.damage
    assert damage.reason.startswith("the gzip data are damaged: ")


@pytest.mark.parametrize("kind", PACKS)
def test_a_bomb_names_the_limit_and_how_to_raise_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pcap"
    path.write_bytes(PACKS[kind](pcap([Frame(bytes(60_000))] * 40)))
    with pytest.raises(CaptureError) as caught:
        open_source(path, most_unpacked=2 << 20)
    assert str(caught.value) == (
        f"{path}: holds more than 2 MiB when it is unpacked: "
        "the limit is raised by --unpack-limit, or most_unpacked in rtpcap.open"
    )
    assert open_source(path, most_unpacked=4 << 20).size == 24 + 40 * (16 + 60_000)
    assert is_capture(path)


def test_a_bomb_inside_that_would_come_to_nothing(tmp_path: Path) -> None:
    """What is passed over at the second level still counts at the first."""
    path = tmp_path / "bomb"
    inner = PACKS["zstd"](FILES["pcap"]) + skippable(bytes(3 << 20))
    path.write_bytes(PACKS["gzip"](inner))
    with pytest.raises(CaptureError, match="holds more than 2 MiB"):
        open_source(path, most_unpacked=2 << 20)
    path.write_bytes(PACKS["gzip"](skippable(bytes(8 << 20)) + inner))
    assert not is_capture(path)


def test_the_limit_is_as_told() -> None:
    assert MOST_UNPACKED == 8 * 1024**3


@pytest.mark.parametrize("kind", PACKS)
def test_a_bomb_goes_off_in_small_steps(kind: str) -> None:
    packed = PACKS[kind](bytes(20 << 20))
    pieces = Unpacker([packed], 1 << 40)
    assert max(map(len, pieces)) <= 64 << 10


def test_memory_for_xz_is_bounded(tmp_path: Path) -> None:
    import lzma

    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 512 << 20}]
    # Only a header is needed: it says how large a dictionary has to be.
    made = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=filters)
    data = made.compress(FILES["pcap"]) + made.flush()
    with pytest.raises(CaptureError, match=r"the xz data are damaged: Memory usage limit"):
        read_bytes(tmp_path, data)


def test_an_archive_of_nothing_is_no_capture(tmp_path: Path) -> None:
    for kind, pack in PACKS.items():
        with pytest.raises(CaptureError, match=r"capture: empty file"):
            read_bytes(tmp_path, pack(b""))
        with pytest.raises(CaptureError, match="begins with 48 65 6c 6c when it is unpacked"):
            read_bytes(tmp_path, pack(b"Hello, world"))
        assert not is_capture(tmp_path / "capture"), kind


def test_is_capture_looks_inside(tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    for pack in PACKS.values():
        for file in FILES.values():
            path.write_bytes(pack(file))
            assert is_capture(path)
            path.write_bytes(pack(file)[:9])
            assert not is_capture(path)


def test_deflated_without_a_header_is_no_gzip(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no capture: begins with 78 "):
        read_bytes(tmp_path, zlib.compress(FILES["pcap"]))


@pytest.mark.peer
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("gzip", ["-1"]),
        ("zstd", ["-q", "-19", "--no-check"]),
        ("zstd", ["-q", "--long=27"]),
        ("lz4", ["-q", "-9", "-BD", "--content-size"]),
        ("xz", ["-9", "--block-size=1000"]),
        ("bzip2", ["-1"]),
    ],
)
def test_files_of_the_programs_themselves(
    program: str, arguments: list[str], tmp_path: Path
) -> None:
    command = [require(program), *arguments, "-c"]
    done = subprocess.run(command, input=FILES["pcapng"], capture_output=True, check=True)
    assert payloads(tmp_path, done.stdout) == PAYLOADS


def test_the_file_itself_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "call.pcap.gz"
    path.write_bytes(PACKS["gzip"](FILES["pcap"]))
    source = open_source(path)
    shutil.move(path, tmp_path / "elsewhere")
    # It was unpacked when it was opened.
    assert sum(len(records) for records in source.chunks()) == len(PAYLOADS)
