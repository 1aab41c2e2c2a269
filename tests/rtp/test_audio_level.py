"""RFC 6464 levels: read, recognised by behaviour, and told from what looks alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap.audio.levels import measure
from rtpcap.rtp.audio_level import SILENCE_DBOV, AudioLevels, guess_extension, read_levels
from rtpcap.rtp.extensions import ONE_BYTE, TWO_BYTE, build_elements, find_elements
from rtpcap.rtp.packets import Packets
from tests.reference.facts import require_captures
from tests.rtp.build import extension, packet

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
COUNT = 300


def sent(elements: Callable[[int], list[tuple[int, bytes]]], *, two_byte: bool = False) -> Packets:
    """300 packets of one stream, with the elements that a function gives for each number."""
    raws = []
    for number in range(COUNT):
        data = build_elements(elements(number), two_byte=two_byte)
        head = extension(TWO_BYTE if two_byte else ONE_BYTE, len(data) // 4, data)
        raws.append(packet(sequence=number, extension=head))
    ends = np.cumsum([len(raw) for raw in raws])
    begin = np.concatenate([[0], ends[:-1]])
    return Packets.parse((np.frombuffer(b"".join(raws), np.uint8),), begin, ends)


def speech() -> list[tuple[bool, int]]:
    """(voice, level) as a sender writes them: words between pauses."""
    chosen = np.random.default_rng(4)
    out = []
    for number in range(COUNT):
        voice = number // 40 % 2 == 0
        level = 22 + 9 * np.sin(number / 4) if voice else 62 + 4 * np.sin(number / 9)
        out.append((voice, int(level + chosen.normal(0, 2))))
    return out


SPEECH = speech()


def level_byte(number: int) -> bytes:
    voice, level = SPEECH[number]
    return bytes([voice << 7 | level])


def check(levels: AudioLevels | None, number: int, *, guessed: bool) -> None:
    assert levels is not None
    assert (levels.extension, levels.guessed) == (number, guessed)
    assert levels.row.tolist() == list(range(COUNT))
    assert levels.level_dbov.tolist() == [-level for _, level in SPEECH]
    assert levels.voice.tolist() == [voice for voice, _ in SPEECH]


@pytest.mark.parametrize("two_byte", [False, True])
def test_levels_of_a_known_and_of_a_guessed_id(two_byte: bool) -> None:
    chosen = np.random.default_rng(1)
    packets = sent(
        lambda n: [(3, chosen.bytes(3)), (7, level_byte(n)), (9, b"0"), (2, n.to_bytes(2, "big"))],
        two_byte=two_byte,
    )
    check(read_levels(packets, 7), 7, guessed=False)
    check(read_levels(packets), 7, guessed=True)
    assert read_levels(packets, 8) is None


def test_figures() -> None:
    levels = read_levels(sent(lambda n: [(1, bytes([(20, 127)[n % 2]]))]), 1)
    assert levels is not None
    assert levels.level_dbov.tolist()[:2] == [-20, SILENCE_DBOV]
    assert levels.silent_share == 0.5
    # Half of the time nothing: 3.01 dB less.
    assert levels.mean_dbov == pytest.approx(-23.01, abs=0.01)
    silent = read_levels(sent(lambda n: [(1, b"\xff")]), 1)
    assert silent is not None
    assert silent.mean_dbov == SILENCE_DBOV


LOOKALIKES: dict[str, Callable[[int], list[tuple[int, bytes]]]] = {
    "a constant, as MID is": lambda n: [(1, b"0")],
    "orientation of video": lambda n: [(1, bytes([n // 90]))],
    "a counter": lambda n: [(1, bytes([n & 0xFF]))],
    "a counter by threes": lambda n: [(1, bytes([3 * n & 0x7F]))],
    "ciphertext (RFC 6904)": lambda n: [(1, np.random.default_rng(n).bytes(1))],
    "voice that is softer than its background": lambda n: [(1, bytes([level_byte(n)[0] ^ 0x80]))],
    "levels of two bytes": lambda n: [(1, level_byte(n) + b"\0")],
    "two that behave alike": lambda n: [(1, level_byte(n)), (2, level_byte(n))],
    "now and then": lambda n: [(1, level_byte(n))] if n % 2 else [(2, b"0")],
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_is_not_taken_for_levels(name: str) -> None:
    assert guess_extension(find_elements(sent(LOOKALIKES[name]))) is None


def test_a_few_packets_are_too_few() -> None:
    packets = sent(lambda n: [(1, level_byte(n))])
    assert read_levels(packets[:40]) is None
    assert read_levels(packets[:60]) is not None


def test_a_sender_that_never_says_voice() -> None:
    levels = read_levels(sent(lambda n: [(1, bytes([level_byte(n)[0] & 0x7F]))]))
    assert levels is not None
    assert not levels.voice.any()


def test_an_offer_names_the_id_that_is_guessed() -> None:
    # The offer of this call: a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    found = [
        read_levels(stream.packets) for stream in rtpcap.open(FIXTURES / "ai-opus.pcap").streams
    ]
    assert [levels and levels.extension for levels in found] == [2, 2]


def test_a_browser_says_the_level_of_what_it_sends() -> None:
    streams = rtpcap.open(FIXTURES / "ch-pcmu-plain.pcap").streams
    (stream,) = [one for one in streams if read_levels(one.packets) is not None]
    levels = read_levels(stream.packets)
    assert levels is not None
    assert levels.extension == 1
    # Its level is the sound's, rounded to whole dB, before mu-law.
    own = measure(stream.track()).level_dbov
    assert levels.mean_dbov == pytest.approx(own, abs=1)


@pytest.mark.parametrize(
    ("name", "streams"),
    [("WebRTC_PCMA_Turn_SDES_Call_1.pcap", 2), ("wifi-tcp_to_3g_2.pcap", 2)],
)
def test_levels_of_encrypted_streams(name: str, streams: int) -> None:
    path = require_captures() / "veondigital+srtp_decoder" / name
    found = [read_levels(stream.packets) for stream in rtpcap.open(path).streams]
    read = [levels for levels in found if levels is not None]
    assert [levels.extension for levels in read] == [1] * streams
    for levels in read:
        assert levels.mean_dbov is not None
        assert -45 < levels.mean_dbov < -15
