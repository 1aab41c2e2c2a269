"""Where the records of a file begin: a chain in which each one's length leads to the next.

Captures of calls are long runs of equally long records, so a run is found by looking at the length
field at a constant stride. Where lengths vary, `lanes` walks many stretches of the chain at once.
The result is always that of walking it record by record.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from rtpcap.capture.files.lanes import Chain, lanes

__all__ = ["walk"]

EQUAL_BEFORE_RUN = 6
"""So many equal lengths in a row are taken for the start of a run."""
FIRST_STRETCH = 64
"""A run is looked for in stretches that grow from this many records."""
STEPS_BEFORE_LANES = 400
"""Single steps after which lengths are taken to vary; a short run counts for `RUN_STEPS`."""
RUN_STEPS = 20
LONG_RUN = 200
LANES_BYTES = 1 << 19
"""Below this the lanes cost more than they save."""


def walk(
    data: npt.NDArray[np.uint8], begin: int, end: int, chain: Chain
) -> tuple[npt.NDArray[np.int64], int]:
    """The begins of the whole records in ``data[begin:end]``, and where the first one that is not
    whole, or whose length cannot be, begins."""
    length_at = struct.Struct(chain.order + "I").unpack_from
    view = data.data
    parts: list[npt.NDArray[np.int64]] = []
    singles: list[int] = []
    pos, last, equal, steps, patience = begin, -1, 0, 0, STEPS_BEFORE_LANES
    while pos + chain.head <= end:
        if steps >= patience and end - pos >= LANES_BYTES:
            found, landed = lanes(data, pos, end, chain)
            parts += [np.array(singles, np.int64), found]
            singles = []
            # Where the lanes did not help they are not soon tried again.
            pos, steps, patience = landed, 0, 4 * patience
            continue
        (length,) = length_at(view, pos + chain.field)
        if not chain.possible(length):
            break
        step = length + chain.extra
        if pos + step > end:
            break
        equal = equal + 1 if length == last else 0
        last = length
        if equal < EQUAL_BEFORE_RUN:
            singles.append(pos)
            pos += step
            steps += 1
            continue
        count = _run(data, pos, (end - pos) // step, step, length, chain)
        parts += [np.array(singles, np.int64), np.arange(pos, pos + count * step, step)]
        singles = []
        pos += count * step
        equal = 0
        steps = steps + RUN_STEPS if count < LONG_RUN else 0
    return np.concatenate([*parts, np.array(singles, np.int64)]), pos


def _run(
    data: npt.NDArray[np.uint8], pos: int, most: int, step: int, length: int, chain: Chain
) -> int:
    """How many records from `pos` on, at most `most`, have this very length; at least one."""
    lengths: npt.NDArray[np.uint32] = np.ndarray(
        (most,), chain.order + "u4", data, pos + chain.field, (step,)
    )
    done, stretch = 1, FIRST_STRETCH
    while done < most:
        other = np.flatnonzero(lengths[done : done + stretch] != length)
        if len(other):
            return done + int(other[0])
        done += stretch
        stretch *= 8
    return most
