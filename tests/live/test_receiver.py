"""What a session makes of what comes in, on a made-up clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtpcap import PayloadType, TransmitType
from rtpcap.live import Session
from tests.live.made import MS, SECOND, START_NS, packet, session

STUN = bytes.fromhex("000100002112a442") + bytes(12)
DTLS = b"\x16\xfe\xff" + bytes(20)


def body(number: int) -> bytes:
    """160 codes of the loudest 40, which decode to 40 different values of 8 bits."""
    return bytes([number % 40]) * 160


def feed(
    made: Session,
    numbers: list[int],
    *,
    ssrc: int = 0x1234,
    timestamp: int = 0,
    begin_ns: int = START_NS,
) -> None:
    """Packets of 20 ms, each at its time."""
    for number in numbers:
        data = packet(number, timestamp + number * 160, body(number), ssrc=ssrc)
        made.receive(data, begin_ns + number * 20 * MS)


def heard(made: Session, packets: int) -> list[int]:
    """Which packets the audio read is from; -1 for silence."""
    from rtpcap.live.coding import AUDIO

    codes = {AUDIO["PCMU"][code]: code for code in range(40)}
    audio = made.receiver.buffer.read(160 * packets)
    assert all(len(set(audio[at : at + 160])) == 1 for at in range(0, len(audio), 160))
    return [codes.get(audio[at], -1) for at in range(0, len(audio), 160)]


def test_audio_is_laid_where_timestamps_put_it() -> None:
    made = session()
    feed(made, [0, 1, 3, 2, 6])
    assert heard(made, 7) == [0, 1, 2, 3, -1, -1, 6]


@pytest.mark.parametrize("timestamp", [0, (1 << 32) - 5 * 160, 1 << 31])
def test_receiving_over_the_wrap_of_the_timestamp(timestamp: int) -> None:
    made = session()
    feed(made, list(range(10)), timestamp=timestamp)
    assert heard(made, 10) == list(range(10))


@pytest.mark.parametrize("direction", [TransmitType.SENDONLY, TransmitType.INACTIVE])
def test_sendrecv_sendonly_and_inactive_deliver_nothing_and_count(direction: TransmitType) -> None:
    made = session(direction)
    feed(made, list(range(10)))
    assert made.receiver.buffer.held == 0
    source = made.statistics().source
    assert source is not None
    assert source.packets == 10


def test_rebuild_when_a_timestamp_step_is_10_s_off_the_elapsed_time() -> None:
    made = session()
    feed(made, [0, 1, 2])
    assert heard(made, 2) == [0, 1]
    # A sender that begins anew 300,000,000 ticks further on: what was held is dropped.
    data = packet(3, 300_000_000, body(39))
    made.receive(data, START_NS + 60 * MS)
    assert heard(made, 1) == [39]


def test_a_long_pause_that_the_clock_agrees_with_is_no_rebuild() -> None:
    made = session()
    feed(made, [0, 1, 2])
    # Silence suppression over half a minute: 30 s are 240,000 ticks, and 30 s passed.
    data = packet(3, 2 * 160 + 240_000, body(39))
    made.receive(data, START_NS + 40 * MS + 30 * SECOND)
    assert heard(made, 3) == [0, 1, 2]
    assert set(made.receiver.buffer.read(240_000 - 160)) == {0x80}
    assert heard(made, 1) == [39]


def test_another_source_is_listened_to_when_it_alone_is_heard() -> None:
    made = session()
    feed(made, [0, 1, 2])
    assert heard(made, 3) == [0, 1, 2]
    feed(made, [10, 11, 12, 13, 14, 15, 16], ssrc=9, timestamp=77, begin_ns=START_NS)
    # Nothing of it is lost to the time in which it was watched.
    assert heard(made, 7) == [10, 11, 12, 13, 14, 15, 16]
    source = made.statistics().source
    assert source is not None
    assert source.ssrc == 9


def test_two_sources_at_once_do_not_take_turns() -> None:
    made = session()
    for number in range(40):
        feed(made, [number])
        feed(made, [number], ssrc=9, timestamp=1 << 30)
        feed(made, [number], ssrc=10, timestamp=1 << 20)
    assert heard(made, 40) == list(range(40))


def test_a_source_that_came_back_has_to_show_itself_again() -> None:
    made = session()
    feed(made, [0, 1, 2])
    feed(made, list(range(10, 20)), ssrc=9, timestamp=77)
    feed(made, [20])
    feed(made, [21, 22], ssrc=9, timestamp=77)
    assert heard(made, 13) == [*range(10, 20), -1, 21, 22]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=30))
def test_survives_any_datagram_without_losing_a_good_packet(hostile: list[bytes]) -> None:
    made = session()
    for number in range(40):
        feed(made, [number])
        for data in hostile[number % 3 :: 3]:
            made.receive(data, START_NS + number * 20 * MS)
    source = made.receiver.sources.get(0x1234)
    assert source is not None
    assert source.lost == 0
    if not any(data[8:12] == b"\x00\x00\x12\x34" for data in hostile):
        assert heard(made, 40) == list(range(40))


HOSTILE = {
    "empty": b"",
    "one byte": b"\x80",
    "eleven bytes": packet(1, 2)[:11],
    "version 0": b"\x00" + packet(1, 2)[1:],
    "version 1": b"\x40" + packet(1, 2)[1:],
    "unknown payload type": packet(1, 2, payload_type=77, ssrc=5),
    "unnamed dynamic": packet(1, 2, payload_type=119, ssrc=5),
    "no decoder": packet(1, 2, payload_type=18, ssrc=5),
    "csrc list": b"\x8f" + packet(1, 2, b"")[1:],
    "extension": b"\x90" + packet(1, 2, b"")[1:],
    "padding": b"\xa0" + packet(1, 2, b"\xff", ssrc=5)[1:],
    "stun": STUN,
    "dtls": DTLS,
    "rtcp": bytes.fromhex("80c90001 00000005"),
    "rtcp, length lies": bytes.fromhex("80c9ffff 00000005"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_survives_and_counts(what: str) -> None:
    made = session()
    for number in range(20):
        feed(made, [number])
        assert made.receive(HOSTILE[what], START_NS + number * 20 * MS) == []
    assert heard(made, 20) == list(range(20))
    told = made.statistics()
    known = sum(told.ignored.values()) + told.rtcp_received
    known += sum(source.packets + 100 for source in told.sources if source.ssrc == 5)
    assert known >= 20


def test_a_thousand_sources_are_not_all_remembered() -> None:
    made = session()
    feed(made, [0])
    for ssrc in range(100, 1100):
        made.receive(packet(1, 160, ssrc=ssrc), START_NS + ssrc)
    assert len(made.receiver.sources) <= 32
    assert 0x1234 in made.receiver.sources


def test_a_thousand_presses_are_not_all_remembered() -> None:
    from tests.live.made import event

    made = session()
    keys = [made.receive(event(8000 * n, 5, 160), START_NS) for n in range(1000)]
    assert keys == [["5"]] * 1000


def test_audio_that_nobody_reads_is_kept_for_five_minutes() -> None:
    made = session()
    feed(made, list(range(50 * 400)))
    assert made.receiver.buffer.held == 300 * 8000
    assert heard(made, 1) == [(50 * 100) % 40]


def test_comfort_noise_is_silence_and_no_complaint() -> None:
    made = session()
    feed(made, [0])
    made.receive(packet(1, 160, b"\x40", payload_type=13), START_NS + 20 * MS)
    feed(made, [2])
    assert heard(made, 3) == [0, -1, 2]
    assert made.statistics().ignored == {"comfort noise": 1}


def test_payload_types_of_both_laws_mix() -> None:
    made = session()
    made.receive(packet(0, 0, b"\xff" * 160), START_NS)
    made.receive(packet(1, 160, b"\xd5" * 160, payload_type=8), START_NS + 20 * MS)
    # Zero of either law; A-law has no 0, its smallest value is 8, which is 0 in 8 bits.
    assert made.receiver.buffer.read(320) == b"\x80" * 320


def test_16_bits_keep_what_8_bits_drop() -> None:
    from rtpcap.codecs.g711 import MU_LAW

    made = session(width=2)
    payload = bytes(range(256))
    made.receive(packet(0, 0, payload), START_NS)
    assert made.receiver.buffer.read(512) == MU_LAW.tobytes()


def test_static_formats_need_no_assoc() -> None:
    made = session(assoc={0: PayloadType.PCMU})
    made.receive(packet(0, 0, b"\xd5" * 160, payload_type=8), START_NS)
    assert made.receiver.buffer.held == 160
