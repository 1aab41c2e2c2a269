"""Whether a stream is SRTP, from what it adds to payloads whose length is known (RFC 3711)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.serial import steps

__all__ = ["carries_tags"]

TAGS = (4, 10, 16)
"""Bytes that SRTP adds to a payload: HMAC-SHA1-32, HMAC-SHA1-80 (RFC 3711), GCM (RFC 7714)."""

ONE_BYTE_A_TICK = ("PCMU", "PCMA")
"""Codecs whose payloads' length the timestamps tell; others do not betray theirs."""

ENOUGH_TO_JUDGE = 10_000
"""Packets from a stream's beginning that are looked at."""

BEGINNING = 1500
"""Of these, the ones that settle it for nearly every stream."""

MOST = 0.9
"""The share of packets that must be longer by the same tag."""


def carries_tags(packets: Packets, formats: Mapping[int, Format]) -> bool:
    """Whether the payloads of G.711 packets are longer than their timestamps tell, by a tag."""
    # A tenth of all that are looked at without a tag are too many already.
    begin = _beyond(packets[:BEGINNING], formats)
    if np.count_nonzero(begin == 0) > (1 - MOST) * ENOUGH_TO_JUDGE:
        return False
    beyond = _beyond(packets[:ENOUGH_TO_JUDGE], formats)
    if len(beyond) < 2:
        return False
    extra = int(np.median(beyond))
    return extra in TAGS and bool(np.mean(beyond == extra) > MOST)


def _beyond(packets: Packets, formats: Mapping[int, Format]) -> npt.NDArray[np.int64]:
    """By how many bytes payloads of G.711 are longer than the time to the next packet."""
    numbers = [number for number, fmt in formats.items() if fmt.name in ONE_BYTE_A_TICK]
    size = packets.payload_size.astype(np.int64)
    whole = np.isin(packets.payload_type, numbers) & (packets.fault != Fault.CUT) & (size > 0)
    ticks = steps(packets.timestamp)[1:]
    next_one = (steps(packets.sequence)[1:] == 1) & whole[:-1] & whole[1:]
    next_one &= (ticks > 0) & (ticks <= size[:-1])
    return np.asarray((size[:-1] - ticks)[next_one])
