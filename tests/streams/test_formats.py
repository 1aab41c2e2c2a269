"""Which format a payload number has: told, static, or known by its shape."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from rtpcap.rtp.payload_types import Format
from rtpcap.streams.formats import Formats, payload_map
from tests.streams.build import Sent, packets, steady


def formats_of(sent: list[Sent], told: dict[int, str] | None = None) -> Formats:
    return Formats.find(packets(sent), np.zeros(1, np.int64), payload_map(told))


def press(timestamp: int, payload_type: int, *, sequence: int = 0) -> list[Sent]:
    return [
        Sent(
            sequence + i,
            timestamp,
            0.02 * (sequence + i),
            struct.pack(">BBH", 5, 10 | (i >= 8) << 7, 160 * min(i + 1, 9)),
            payload_type,
        )
        for i in range(11)
    ]


def test_static_numbers_are_those_of_rfc_3551() -> None:
    formats = formats_of(steady(5))
    assert formats.by_stream[0] == {0: Format("PCMU", 8000)}
    assert formats.counts[0, 0] == 5


def test_what_is_told_wins() -> None:
    formats = formats_of(steady(5), {0: "PCMA/8000"})
    assert formats.by_stream[0][0].name == "PCMA"


def test_a_dynamic_number_is_unknown_until_told() -> None:
    sent = steady(5)
    for packet in sent:
        packet.payload_type = 98
    assert formats_of(sent).by_stream[0] == {}
    assert formats_of(sent).main(0) == (98, None)
    told = formats_of(sent, {98: "L16/16000"})
    assert told.by_stream[0][98] == Format("L16", 16000)


def test_events_on_a_dynamic_number_are_known_by_their_shape() -> None:
    sent = steady(10) + press(1600, 101, sequence=10)
    formats = formats_of(sent)
    assert formats.by_stream[0][101] == Format("telephone-event", 8000)
    assert not formats.media[0, 101]
    assert formats.main(0) == (0, Format("PCMU", 8000))


def test_events_take_the_clock_of_the_audio_beside_them() -> None:
    sent = steady(10) + press(1600, 101, sequence=10)
    for packet in sent[:10]:
        packet.payload_type = 98
    formats = formats_of(sent, {98: "L16/16000"})
    assert formats.by_stream[0][101].clock_rate == 16000


def test_a_stream_of_events_alone_is_one() -> None:
    formats = formats_of(press(0, 97) + press(1600, 97, sequence=11))
    assert formats.main(0) == (97, Format("telephone-event", 8000))


@pytest.mark.parametrize(
    "payload",
    [b"\xc8\x0a\x00\xa0", b"\x05\x4a\x00\xa0", b"\x05\x0a\x00\x00", b"\x05\x0a\x00"],
    ids=["no such event", "reserved bit", "never a duration", "three bytes"],
)
def test_other_short_payloads_are_no_events(payload: bytes) -> None:
    sent = [Sent(i, 160 * i, 0.02 * i, payload, 101) for i in range(10)]
    assert 101 not in formats_of(sent).by_stream[0]


def test_a_duration_that_shrinks_is_no_event() -> None:
    sent = [
        Sent(i, 0, 0.02 * i, struct.pack(">BBH", 5, 10, 160 * (20 - i)), 101) for i in range(10)
    ]
    assert 101 not in formats_of(sent).by_stream[0]


def test_clocks_span_what_is_known() -> None:
    clocks = formats_of(steady(3)).clocks()
    assert (clocks.low[0], clocks.high[0]) == (8000, 8000)
    sent = [Sent(i, 160 * i, 0.02 * i, payload_type=98) for i in range(3)]
    clocks = formats_of(sent).clocks()
    assert (clocks.low[0], clocks.high[0]) == (8000, 90000)


@pytest.mark.parametrize("named", [{128: "PCMU"}, {-1: "PCMU"}, {96: "foo/bar"}, {96: ""}])
def test_a_map_that_cannot_be_read_is_refused(named: dict[int, str]) -> None:
    with pytest.raises(ValueError):
        payload_map(named)
