"""Serial-number arithmetic: sequence numbers and timestamps are compared here and nowhere else.

Both wrap (RFC 3550 section 5.1), so "later" only means something modulo 2**bits (RFC 1982).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["signed_delta", "steps", "unwrap"]


@overload
def signed_delta(now: int, before: int, bits: int) -> int: ...
@overload
def signed_delta(
    now: npt.NDArray[np.int64], before: npt.NDArray[np.int64] | int, bits: int
) -> npt.NDArray[np.int64]: ...
def signed_delta(
    now: int | npt.NDArray[np.int64], before: int | npt.NDArray[np.int64], bits: int
) -> int | npt.NDArray[np.int64]:
    """How far `now` is after `before`, by the short way round: -2**(bits-1) .. 2**(bits-1)-1.

    Ints, or int64 arrays (widen unsigned columns first: a negative result does not fit them).
    Exactly half way round counts as backwards.

    >>> signed_delta(2, 65534, 16), signed_delta(65534, 2, 16), signed_delta(32768, 0, 16)
    (4, -4, -32768)
    """
    half = 1 << (bits - 1)
    return ((now - before + half) & ((1 << bits) - 1)) - half


@overload
def steps(values: npt.NDArray[np.uint16]) -> npt.NDArray[np.int16]: ...
@overload
def steps(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.int32]: ...
def steps(
    values: npt.NDArray[np.uint16] | npt.NDArray[np.uint32],
) -> npt.NDArray[np.int16] | npt.NDArray[np.int32]:
    """`signed_delta` of each number after the one before it: shape (n,) gives (n,), the first 0.

    The bits are those of the column's own type, whose subtraction wraps by itself: this is the
    cheap form for whole columns.

    >>> import numpy as np
    >>> steps(np.array([65534, 65535, 1, 0], np.uint16)).tolist()
    [0, 1, 2, -1]
    """
    out = values.copy()
    out[1:] = values[1:] - values[:-1]
    out[:1] = 0
    return out.view(f"i{values.itemsize}")


def unwrap(values: npt.NDArray[np.int64], bits: int) -> npt.NDArray[np.int64]:
    """Wrapping numbers in order of arrival -> int64 numbers that never wrap.

    `values` has shape (n,); the first keeps its value and each following one is placed by the
    short way from the one before it. A late packet from before the first gets a negative number.

    >>> import numpy as np
    >>> unwrap(np.array([65534, 65535, 1, 0, 2]), 16).tolist()
    [65534, 65535, 65537, 65536, 65538]
    """
    if len(values) < 2:
        return values.copy()
    steps = values.copy()
    steps[1:] = signed_delta(values[1:], values[:-1], bits)
    return steps.cumsum()
