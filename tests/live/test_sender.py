"""What a session sends, on a made-up clock."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from rtpcap import Format, PayloadType, RTPParseError, TransmitType
from rtpcap.codecs.g711 import MU_LAW
from rtpcap.live import Session
from tests.live.made import MS, SECOND, START_NS, message, sent, session

DAY_S = 86_400


def test_sending_has_absolute_deadlines_so_no_drift() -> None:
    made = session()
    # Looked at late by up to 9 ms each time: the deadlines stay where they were.
    times = []
    now = START_NS
    for number in range(1000):
        due_ns = made.next_ns
        assert due_ns == START_NS + number * 20 * MS
        now = due_ns + (number * 7 % 10) * MS
        times += [now for _ in made.due(now)]
    assert len(times) == 1000


def test_days_of_sending_stay_on_the_clock() -> None:
    made = session()
    # The audio of 11,025 Hz has 220.5 samples in 20 ms: 40 ms have a whole number.
    odd = Session({96: PayloadType.L16}, formats={96: Format("L16", 11025)}, packet_ms=40, width=2)
    odd.begin(START_NS)
    for each, packets_a_day in ((made, 50 * DAY_S), (odd, 25 * DAY_S)):
        step_ns = DAY_S * SECOND // packets_a_day
        each.due(START_NS)
        # As a process that slept for three days: what was due is left out, the line is kept.
        now = START_NS + 3 * DAY_S * SECOND
        out = each.due(now)
        assert 1 <= len(out) <= 2
        assert each.next_ns == now + step_ns
        ticks = message_timestamp(out[-1].data) - message_timestamp(each.due(now + step_ns)[0].data)
        assert -ticks & 0xFFFFFFFF == each.encoding.packet_ticks


def message_timestamp(data: bytes) -> int:
    (timestamp,) = struct.unpack_from(">I", data, 4)
    assert isinstance(timestamp, int)
    return timestamp


def test_sequence_and_timestamp_wrap_cleanly() -> None:
    made = session(sequence=65533, timestamp=(1 << 32) - 400)
    messages = [message(data) for _, data in sent(made, 0.12)]
    assert [m.sequence for m in messages] == [65533, 65534, 65535, 0, 1, 2]
    assert [m.timestamp for m in messages] == [
        (1 << 32) - 400,
        (1 << 32) - 240,
        (1 << 32) - 80,
        80,
        240,
        400,
    ]
    assert {m.SSRC for m in messages} == {7}


def test_a_whole_cycle_of_sequence_numbers_has_no_seam() -> None:
    made = session(sequence=12, timestamp=1 << 31)
    numbers = np.array([message(data).sequence for _, data in sent(made, 0.02 * 70_000)])
    assert len(numbers) == 70_000
    assert set(np.diff(numbers) % 65536) == {1}


def test_ssrc_is_32_bits_and_random() -> None:
    drawn = {Session({0: PayloadType.PCMU}).ssrc for _ in range(64)}
    assert len(drawn) == 64
    assert max(drawn) >= 1 << 28
    assert max(drawn) < 1 << 32


def test_marker_on_the_first_packet_of_a_talkspurt_and_no_other() -> None:
    made = session()
    messages = [message(data) for _, data in sent(made, 0.04)]
    made.write(bytes(range(256)) * 2)
    messages += [message(data) for _, data in sent(made, 0.2)]
    made.write(b"\x10" * 160)
    messages += [message(data) for _, data in sent(made, 0.3)]
    # Packets 0 and 1 are silence, 2 to 5 have 512 bytes, 6 to 9 silence, 10 the last 160.
    assert [i for i, m in enumerate(messages) if m.marker] == [2, 10]


def test_silence_goes_out_while_there_is_nothing_to_send() -> None:
    messages = [message(data) for _, data in sent(session(), 1.0)]
    assert len(messages) == 50
    # RFC 3551: 0xFF is zero in mu-law.
    assert {m.payload for m in messages} == {b"\xff" * 160}


def test_what_is_written_goes_out_whole_and_once() -> None:
    made = session(width=2)
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 255, 1000, np.uint8)
    made.write(MU_LAW[codes].tobytes())
    payload = b"".join(message(data).payload for _, data in sent(made, 0.2))
    # 0x7F and 0xFF are both zero.
    wanted = np.where(codes == 0x7F, 0xFF, codes).astype(np.uint8).tobytes()
    assert payload == wanted + b"\xff" * 600


@pytest.mark.parametrize("direction", [TransmitType.RECVONLY, TransmitType.INACTIVE])
def test_sendrecv_recvonly_and_inactive_send_nothing(direction: TransmitType) -> None:
    made = session(direction)
    made.write(bytes(1600))
    assert list(sent(made, 10)) == []
    with pytest.raises(ValueError, match=f"{direction}: nothing is sent"):
        made.send_dtmf("1")


def test_a_call_taken_up_again_goes_on_where_the_clock_is() -> None:
    made = session()
    before = [message(data) for _, data in sent(made, 1)]
    made.sendrecv = TransmitType.RECVONLY
    assert list(sent(made, 3)) == []
    made.sendrecv = TransmitType.SENDRECV
    made.write(b"\x01" * 160)
    after = [message(data) for _, data in sent(made, 3.04)]
    assert [m.sequence for m in after] == [50, 51]
    assert after[0].timestamp - before[-1].timestamp == 2 * 8000 + 160
    assert [m.marker for m in after] == [True, False]


def test_preference_is_the_first_of_assoc_that_can_be_encoded_under_its_own_number() -> None:
    assoc = {
        34: PayloadType.H263,
        101: PayloadType.EVENT,
        96: PayloadType.PCMA,
        0: PayloadType.PCMU,
    }
    made = session(assoc=assoc)
    assert made.preference == 96
    data = next(data for _, data in sent(made, 0.02))
    assert data[1] == 96
    # RFC 3551: 0xD5 is zero in A-law.
    assert data[12:] == b"\xd5" * 160


def test_preference_with_nothing_to_encode_is_an_rtpparseerror() -> None:
    with pytest.raises(RTPParseError, match="H263"):
        Session({34: PayloadType.H263, 101: PayloadType.EVENT})
    with pytest.raises(RTPParseError, match="no format"):
        Session({})


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (44100, 2), (48000, 2)])
def test_l16_of_any_shape(rate: int, channels: int) -> None:
    made = Session({97: PayloadType.L16}, formats={97: Format("L16", rate, channels)}, packet_ms=10)
    assert (made.shape.sample_rate, made.shape.channels, made.shape.width) == (rate, channels, 2)
    made.begin(START_NS)
    samples = np.arange(rate // 100 * channels, dtype=np.int16)
    made.write(samples.tobytes())
    first, second = [data for _, data in sent(made, 0.02)]
    assert first[12:] == samples.astype(">i2").tobytes()
    step = message_timestamp(second) - message_timestamp(first)
    assert step & 0xFFFFFFFF == rate // 100
