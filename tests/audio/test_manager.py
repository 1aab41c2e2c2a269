"""RTPPacketManager against the state machine of its contract, written out tick by tick."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.audio.placement import RTPPacketManager

WRAP = 1 << 32


class Model:
    """The contract (SEED.md), with a dictionary of ticks."""

    def __init__(self) -> None:
        self.wipe()

    def wipe(self) -> None:
        self.held: dict[int, int] = {}
        self.origin = False
        self.p = self.n = 0
        self.heard = False

    def write(self, offset: int, data: bytes) -> None:
        if not data:
            return
        if not self.origin:
            self.origin = True
            self.p = self.n = offset
        ahead = (offset - self.n) % WRAP
        at = self.n + (ahead - WRAP if ahead >= WRAP // 2 else ahead)
        if self.p - at > 100_000:
            self.wipe()
            self.origin = True
            self.p = self.n = at
        elif at < self.p and self.heard:
            data = data[self.p - at :]
            if not data:
                return
            at = self.p
        elif at < self.p:
            self.p = at
        for i, byte in enumerate(data):
            self.held[at + i] = byte
        self.n = max(self.n, at)

    def read(self, length: int) -> bytes:
        last = max((tick for tick in self.held if tick >= self.p), default=None)
        if last is None or not length:
            return b"\x80" * length
        stop = min(self.p + length, last + 1)
        out = bytes(self.held.get(tick, 0x80) for tick in range(self.p, stop))
        self.p = stop
        self.heard = True
        return out.ljust(length, b"\x80")


near = st.integers(-300, 300)
far = st.sampled_from([99_999, 100_000, 100_001, -99_999, -100_000, -100_001, 2**31 - 1, -(2**31)])
data = st.binary(max_size=200)
operations = st.one_of(
    st.tuples(st.just("write"), st.one_of(near, near, near, far), data),
    st.tuples(st.just("read"), st.integers(0, 400), st.none()),
    st.tuples(st.just("rebuild"), near, data),
)


@given(st.sampled_from([0, 5, 4000, WRAP - 100, 2**31]), st.lists(operations, max_size=40))
def test_manager_does_as_the_contract_says(
    base: int, steps: list[tuple[str, int, bytes | None]]
) -> None:
    manager, model = RTPPacketManager(), Model()
    at = base
    for what, number, audio in steps:
        if what == "read":
            assert manager.read(number) == model.read(number)
            continue
        assert audio is not None
        at = (at + number) % WRAP
        if what == "rebuild":
            manager.rebuild(reset=True, offset=at, data=audio)
            model.wipe()
        else:
            manager.write(offset=at, data=audio)
        model.write(at, audio)
    for length in (1, 160, 1000):
        assert manager.read(length) == model.read(length)


def test_reading_ahead_of_the_writer_consumes_nothing() -> None:
    manager = RTPPacketManager()
    assert manager.read() == b"\x80" * 160
    manager.write(1000, b"abc")
    assert manager.read(5) == b"abc\x80\x80"
    assert manager.read(2) == b"\x80\x80"
    manager.write(1003, b"def")
    assert manager.read(3) == b"def"


def test_a_hole_reads_as_silence_and_is_filled_by_a_late_packet() -> None:
    manager = RTPPacketManager()
    manager.write(0, b"ab")
    manager.write(4, b"ef")
    assert manager.read(3) == b"ab\x80"
    manager.write(2, b"cd")
    assert manager.read(3) == b"def"


def test_later_bytes_win() -> None:
    manager = RTPPacketManager()
    manager.write(0, b"aaaa")
    manager.write(2, b"bb")
    manager.write(1, b"c")
    assert manager.read(4) == b"acbb"


def test_the_timestamp_wraps() -> None:
    manager = RTPPacketManager()
    manager.write(0, b"after.")
    manager.write(WRAP - 6, b"before")
    assert manager.read(12) == b"beforeafter."


@pytest.mark.parametrize(("back", "kept"), [(100_000, True), (100_001, False)])
def test_over_100_000_ticks_back_begins_anew(back: int, kept: bool) -> None:
    manager = RTPPacketManager()
    manager.write(200_000, b"new")
    manager.write(200_000 - back, b"old")
    assert manager.read(3) == b"old"
    assert manager.read(back) == (b"\x80" * (back - 3) + b"new" if kept else b"\x80" * back)


def test_a_jump_costs_no_memory() -> None:
    manager = RTPPacketManager()
    manager.write(0, b"a")
    manager.write(300_000_000, b"b")
    pages = manager._pages  # what is held is the only way to see what it costs
    assert sum(map(len, pages.values())) < 10_000
    manager.rebuild(True, 300_000_000, b"b")
    assert manager.read(1) == b"b"


def test_what_was_read_is_released() -> None:
    manager = RTPPacketManager()
    for number in range(1000):
        manager.write(160 * number, bytes(160))
        manager.read(160)
    assert sum(map(len, manager._pages.values())) < 10_000


def test_rebuild_without_reset_writes() -> None:
    manager = RTPPacketManager()
    manager.write(0, b"ab")
    manager.rebuild(reset=False, offset=2, data=b"cd")
    assert manager.read(length=4) == b"abcd"
    manager.rebuild(True)
    assert manager.read(2) == b"\x80\x80"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes(kind: type) -> None:
    manager = RTPPacketManager()
    manager.write(0, kind(b"abc"))
    assert manager.read(3) == b"abc"


@pytest.mark.parametrize(
    ("offset", "audio", "error"),
    [
        (-1, b"a", ValueError),
        (WRAP, b"a", ValueError),
        (0, "text", TypeError),
        (0, [1], TypeError),
        (None, b"a", TypeError),
        (1.5, b"a", TypeError),
    ],
)
def test_misuse_is_refused_and_leaves_no_lock(
    offset: object, audio: object, error: type[Exception]
) -> None:
    manager = RTPPacketManager()
    manager.write(5, b"kept")
    with pytest.raises(error):
        manager.write(offset, audio)  # type: ignore[arg-type]
    with pytest.raises(error):
        manager.rebuild(True, offset, audio)  # type: ignore[arg-type]
    read: list[bytes] = []
    other = threading.Thread(target=lambda: read.append(manager.read(4)), daemon=True)
    other.start()
    other.join(5)
    assert read == [b"kept"]


def test_wider_ticks() -> None:
    manager = RTPPacketManager(bytes_per_tick=2, silence=b"\x00\x01")
    manager.write(10, b"aabb")
    manager.write(13, b"dd")
    assert manager.read(10) == b"aabb\x00\x01dd\x00\x01"
    with pytest.raises(ValueError):
        manager.write(14, b"odd")
    with pytest.raises(ValueError):
        manager.read(3)
    with pytest.raises(ValueError):
        RTPPacketManager(bytes_per_tick=2)


def test_threads_may_write_at_once() -> None:
    manager = RTPPacketManager()
    manager.write(0, b"\x00")

    def write(first: int) -> None:
        for number in range(first, 2000, 4):
            manager.write(160 * number, bytes([number % 251]) * 160)

    threads = [threading.Thread(target=write, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = b"".join(bytes([number % 251]) * 160 for number in range(2000))
    assert manager.read(len(expected)) == expected
