"""DVI4 against RFC 3551 section 4.5.1, written out sample by sample."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.codecs import find
from rtpcap.rtp.payload_types import Format

# IMA ADPCM: each step is the one before and a tenth of it; the table ends at 32767.
FIRST, LAST, STEPS = 7, 32767, 89


def steps_of_ima() -> list[int]:
    """The table by its rule, with the rounding of the published one."""
    published = (
        "7 8 9 10 11 12 13 14 16 17 19 21 23 25 28 31 34 37 41 45 50 55 60 66 73 80 88 97 107 118 "
        "130 143 157 173 190 209 230 253 279 307 337 371 408 449 494 544 598 658 724 796 876 963 "
        "1060 1166 1282 1411 1552 1707 1878 2066 2272 2499 2749 3024 3327 3660 4026 4428 4871 5358 "
        "5894 6484 7132 7845 8630 9493 10442 11487 12635 13899 15289 16818 18500 20350 22385 24623 "
        "27086 29794 32767"
    )
    return [int(step) for step in published.split()]


def decoded(payload: bytes) -> list[int]:
    """One payload, with ints and a loop."""
    table = steps_of_ima()
    value = int.from_bytes(payload[:2], "big", signed=True)
    index = min(payload[2], STEPS - 1)
    out = []
    for byte in payload[4:]:
        for code in (byte >> 4, byte & 15):
            step = table[index]
            difference = step // 8
            for bit, part in ((4, step), (2, step // 2), (1, step // 4)):
                if code & bit:
                    difference += part
            value = value - difference if code & 8 else value + difference
            value = max(-32768, min(32767, value))
            out.append(value)
            index += (-1, -1, -1, -1, 2, 4, 6, 8)[code & 7]
            index = max(0, min(STEPS - 1, index))
    return out


def test_the_table_is_the_published_one() -> None:
    table = steps_of_ima()
    assert (table[0], table[-1], len(table)) == (FIRST, LAST, STEPS)
    # A tenth more each, within the rounding of small numbers.
    assert all(abs(b - 1.1 * a) < max(1.0, 0.003 * a) for a, b in pairwise(table))


@given(payload=st.binary(min_size=4, max_size=60))
def test_as_the_standard_has_it(payload: bytes) -> None:
    assert find(Format("DVI4", 8000)).decode(payload).tolist() == decoded(payload)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050])
def test_the_rates_of_rfc_3551(rate: int) -> None:
    decoder = find(Format("DVI4", rate))
    assert decoder.sample_rate == rate
    payload = np.random.default_rng(rate).bytes(84)
    assert decoder.decode(payload).tolist() == decoded(payload)
