"""Tracks: what is heard where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.audio.layers import Mix
from rtpcap.audio.track import Track
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from tests.audio.build import Sent, l16, packets

L16 = {11: Format("L16", 8000)}
BOTH = {11: Format("L16", 8000), 0: Format("PCMU", 8000), 13: Format("CN", 8000)}


def track(sent: list[Sent], formats: dict[int, Format] | None = None) -> Track:
    return Track.lay(packets(sent), formats or L16)


def heard(line: Track | Mix) -> tuple[list[int], list[bool]]:
    samples, received = line.read(0, line.length)
    return samples.tolist(), received.tolist()


def test_samples_lie_at_their_timestamps_with_silence_between() -> None:
    samples, received = heard(track([Sent(100, l16([1, 2])), Sent(104, l16([5, 6, 7]))]))
    assert samples == [1, 2, 0, 0, 5, 6, 7]
    assert received == [True, True, False, False, True, True, True]


def test_the_packet_captured_later_is_heard() -> None:
    sent = [Sent(0, l16([1, 1, 1, 1])), Sent(2, l16([2, 2, 2])), Sent(1, l16([3]))]
    assert heard(track(sent))[0] == [1, 3, 2, 2, 2]


def test_the_packet_captured_later_is_heard_across_codecs() -> None:
    mu_law_zero = b"\xff"
    sent = [
        Sent(0, l16([1, 1, 1, 1])),
        Sent(1, mu_law_zero * 2, payload_type=0),
        Sent(2, l16([3, 3])),
    ]
    assert heard(track(sent, BOTH))[0] == [1, 0, 3, 3]


def test_several_codecs_side_by_side() -> None:
    sent = [Sent(0, b"\x80", 0), Sent(1, l16([5])), Sent(2, b"\x00\xff", 0), Sent(4, l16([6]))]
    # G.711 table 2a: codes 0x80 and 0x00 are +8031 and -8031 of 14 bits.
    assert heard(track(sent, BOTH))[0] == [32124, 5, -32124, 0, 6]


def test_what_is_no_audio_is_left_out() -> None:
    sent = [Sent(0, l16([1])), Sent(50, b"\x40", 13), Sent(2, l16([2])), Sent(60, b"", 11)]
    assert heard(track(sent, BOTH)) == ([1, 0, 2], [True, False, True])


def test_stereo() -> None:
    formats = {11: Format("L16", 8000, 2)}
    line = track([Sent(0, l16([1, 2, 3, 4])), Sent(3, l16([7, 8]))], formats)
    assert line.channels == 2
    samples, received = line.read(0, line.length)
    assert samples.tolist() == [[1, 2], [3, 4], [0, 0], [7, 8]]
    assert received.tolist() == [True, True, False, True]


def test_no_decoder() -> None:
    with pytest.raises(CodecUnavailable, match="no decoder for EVS"):
        track([Sent(0, b"x")], {11: Format("EVS", 16000)})


def test_times_that_make_no_sense() -> None:
    # Each hop is less than a day, so it could be a pause; 99 of them are 94.875 days.
    hop = 23 * 3600
    sent = [Sent(8000 * hop * i, l16([1] * 160), time_s=float(hop * i)) for i in range(100)]
    with pytest.raises(CodecUnavailable, match=r"94\.9 days"):
        track(sent)


payloads = st.lists(st.integers(-32768, 32767), min_size=1, max_size=12)
sends = st.lists(st.tuples(st.integers(0, 60), payloads), min_size=1, max_size=30)


@given(sends, st.lists(st.tuples(st.integers(-20, 90), st.integers(0, 40)), max_size=6))
def test_any_window_shows_the_same_line(
    sent: list[tuple[int, list[int]]], windows: list[tuple[int, int]]
) -> None:
    """Compared with a line written sample by sample in the order of capture."""
    line = track([Sent(ts, l16(values)) for ts, values in sent])
    begin = min(ts for ts, _ in sent)
    expected: dict[int, int] = {}
    for ts, values in sent:
        for i, value in enumerate(values):
            expected[ts - begin + i] = value
    assert line.length == max(expected) + 1
    for start, size in [(0, line.length), *windows]:
        samples, received = line.read(start, start + size)
        places = range(start, start + size)
        assert samples.tolist() == [expected.get(place, 0) for place in places]
        assert received.tolist() == [place in expected for place in places]


def test_a_mix_is_the_sum_within_16_bits() -> None:
    one = track([Sent(0, l16([100, 30000, -30000, 1]))])
    two = track([Sent(0, l16([11, 10000, -10000])), Sent(9, l16([5]))])
    samples, received = heard(Mix([one, two]))
    assert samples == [111, 32767, -32768, 1, 0, 0, 0, 0, 0, 5]
    assert received == [True] * 4 + [False] * 5 + [True]


def test_a_mix_of_different_rates_is_refused() -> None:
    one = track([Sent(0, l16([1]))])
    two = track([Sent(0, l16([1]))], {11: Format("L16", 16000)})
    with pytest.raises(ValueError, match="different sample rates"):
        Mix([one, two])


def test_lines_are_numpy_16_bits() -> None:
    samples, received = track([Sent(0, l16([1]))]).read(0, 1)
    assert samples.dtype == np.int16
    assert received.dtype == np.uint8
