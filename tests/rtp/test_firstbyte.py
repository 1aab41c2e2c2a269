"""The first byte: RFC 7983 section 7 with RFC 9443, and RFC 5761 section 4."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.rtp.firstbyte import Sharer, sharer


@pytest.mark.parametrize(
    ("low", "high", "whose"),
    [
        (0, 3, Sharer.STUN),
        (4, 15, Sharer.NONE),
        (16, 19, Sharer.ZRTP),
        (20, 63, Sharer.DTLS),
        (64, 79, Sharer.TURN_CHANNEL),
        (80, 127, Sharer.QUIC),
        (128, 191, Sharer.RTP),
        (192, 255, Sharer.QUIC),
    ],
)
def test_each_range_with_both_its_ends(low: int, high: int, whose: Sharer) -> None:
    assert {sharer(first, 0) for first in range(low, high + 1)} == {whose}


@pytest.mark.parametrize(
    ("second", "whose"),
    [
        pytest.param(191, Sharer.RTP, id="payload type 63 with the marker"),
        pytest.param(192, Sharer.RTCP, id="the first packet type of RTCP"),
        pytest.param(200, Sharer.RTCP, id="a sender report"),
        pytest.param(223, Sharer.RTCP, id="the last"),
        pytest.param(224, Sharer.RTP, id="payload type 96 with the marker"),
    ],
)
def test_the_second_byte_tells_rtcp(second: int, whose: Sharer) -> None:
    assert sharer(0x80, second) == whose
    assert sharer(0, second) == Sharer.STUN


def test_arrays_say_what_ints_say() -> None:
    first, second = (grid.reshape(-1) for grid in np.mgrid[0:256, 0:256].astype(np.uint8))
    expected = [sharer(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    assert sharer(first, second).tolist() == expected
