"""The mode of a codec by the sizes of its payloads, from the tables of RFC 4867 and ITU-T."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.streams.codec_modes import mode_of
from rtpcap.streams.codec_rows import codec_row

# RFC 4867: octets of a frame of each mode, which octet-aligned packets have with two more.
AMR_OCTETS = {
    "4.75k": 12,
    "5.15k": 13,
    "5.9k": 15,
    "6.7k": 17,
    "7.4k": 19,
    "7.95k": 20,
    "10.2k": 26,
    "12.2k": 31,
}
# The same packed by bits: 10 bits more than the speech, in whole octets.
AMR_PACKED = {"4.75k": 14, "5.15k": 15, "7.4k": 20, "12.2k": 32}
WB_OCTETS = {"6.6k": 17, "12.65k": 32, "23.85k": 60}
WB_PACKED = {"6.6k": 18, "8.85k": 24, "12.65k": 33, "23.85k": 61}


def sizes(*some: int) -> np.ndarray:
    return np.array(some, np.uint16)


@pytest.mark.parametrize(
    ("encoding", "size", "mode"),
    [
        *(("AMR", octets + 2, mode) for mode, octets in AMR_OCTETS.items()),
        *(("AMR", size, mode) for mode, size in AMR_PACKED.items()),
        *(("AMR-WB", octets + 2, mode) for mode, octets in WB_OCTETS.items()),
        *(("AMR-WB", size, mode) for mode, size in WB_PACKED.items()),
        ("G7221", 60, "24k"),
        ("G7221", 80, "32k"),
    ],
)
def test_one_frame(encoding: str, size: int, mode: str) -> None:
    found = mode_of(encoding, sizes(size, size, 7), 20.0)
    assert found == mode
    row = codec_row(encoding, mode=found)
    assert row is not None
    assert mode in row.name


def test_several_frames() -> None:
    # Two frames of 12.2k by octets: a request, two entries, twice 31.
    assert mode_of("AMR", sizes(1 + 2 * 32), 40.0) == "12.2k"
    # By bits: 4 + 2 * (6 + 244).
    assert mode_of("AMR", sizes(63), 40.0) == "12.2k"
    assert mode_of("G723", sizes(48, 48, 4), 60.0) == "6.3k"
    assert mode_of("G723", sizes(20, 24, 20), 30.0) == "5.3k"


def test_what_shows_no_mode() -> None:
    assert mode_of("AMR", sizes(7, 7), 20.0) == ""
    assert mode_of("AMR", sizes(), 20.0) == ""
    assert mode_of("AMR", sizes(32), 10_000.0) == ""
    assert mode_of("PCMU", sizes(160), 20.0) == ""
    assert mode_of("AMR", sizes(32), 0.0) == "12.2k"
