"""A parser in a process of its own: it may crash, exit and hang, and the next packet is parsed."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from rtpcap.testing import ParserDied, assert_agrees, isolated
from rtpcap.testing.isolate import ended_by
from tests.rtp.build import packet
from tests.testing.made import made

CRASH, EXIT, LEAVE, HANG, RAISE, ODD, WRONG = (bytes([n]) for n in range(7))
SHORT_S = 0.3


class Odd:
    """What cannot travel, with some that can."""

    def __init__(self) -> None:
        self.sequence = 17
        self.lock = threading.Lock()

    @property
    def broken(self) -> int:
        raise RuntimeError("not to be had")


class OddError(Exception):
    """One that cannot travel either."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def parse(data: bytes) -> object:
    if data == CRASH:
        ctypes.string_at(0)
    if data == EXIT:
        os._exit(3)
    if data == LEAVE:
        sys.exit(4)
    if data == HANG:
        time.sleep(60)
    if data == RAISE:
        raise ValueError("no packet")
    if data == ODD:
        return Odd()
    if data == WRONG:
        raise OddError(1, 2)
    return {"sequence": data[-1], "process": os.getpid()}


def test_what_it_returns_comes_back() -> None:
    careful = isolated(parse)
    first = careful(b"abc")
    assert isinstance(first, dict)
    assert first["sequence"] == ord("c")
    assert first["process"] != os.getpid()
    # One process for all packets that do it no harm.
    assert careful(b"abc") == first
    careful.close()


def test_what_it_raises_is_raised() -> None:
    careful = isolated(parse)
    with pytest.raises(ValueError, match="no packet"):
        careful(RAISE)
    with pytest.raises(RuntimeError, match="OddError: 1 and 2"):
        careful(WRONG)
    careful.close()


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (CRASH, r"the parser ended its process: signal 11 \(SIGSEGV\)"),
        (EXIT, "the parser ended its process: exit code 3"),
        (LEAVE, "the parser ended its process: exit code 4"),
    ],
)
def test_its_end_is_told_and_the_next_packet_is_parsed(data: bytes, how: str) -> None:
    careful = isolated(parse, timeout_s=60.0)
    for _ in range(2):
        with pytest.raises(ParserDied, match=how):
            careful(data)
        assert isinstance(careful(b"abc"), dict)
    careful.close()


def test_one_that_hangs_is_ended() -> None:
    careful = isolated(parse, timeout_s=SHORT_S)
    with pytest.raises(ParserDied, match=r"did not end within 0\.3 s"):
        careful(HANG)


def test_what_cannot_travel_comes_as_its_attributes() -> None:
    careful = isolated(parse)
    assert careful(ODD) == SimpleNamespace(sequence=17)
    careful.close()


def test_any_function_will_do() -> None:
    number = 5
    careful = isolated(lambda data: data * number)
    assert careful(b"a") == b"aaaaa"
    careful.close()


def test_large_packets_and_results_pass() -> None:
    careful = isolated(lambda data: data * 64)
    assert careful(bytes(65_535)) == bytes(65_535 * 64)
    careful.close()


def test_closing_ends_its_process_and_not_its_use() -> None:
    careful = isolated(parse)
    first = careful(b"a")
    careful.close()
    careful.close()
    again = careful(b"a")
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    assert first["process"] != again["process"]
    careful.close()


def test_a_crash_fails_the_packet_that_made_it() -> None:
    careful = isolated(lambda data: os._exit(9) if len(data) > 20 else {"pt": data[1]})
    assert_agrees(careful, made(packet(payload=b"")))
    with pytest.raises(AssertionError, match="made:1: the parser ended its process: exit code 9"):
        assert_agrees(careful, made(packet()))
    careful.close()


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="a time of 0 s is none"):
        isolated(parse, timeout_s=0)


def test_an_end_in_words() -> None:
    assert ended_by(None) == "it cannot be told how"
    assert ended_by(-6) == "signal 6 (SIGABRT)"
    assert ended_by(-250) == "signal 250"
