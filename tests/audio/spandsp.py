"""The DTMF receiver of libspandsp (Debian's libspandsp2), as a second opinion."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from tests.peers import require_library

__all__ = ["spandsp_digits"]

LIBRARY = "libspandsp.so.2"
RATE = 8000
PIECE = 160
MOST = 128
"""Digits that its buffer holds."""


def spandsp_digits(samples: npt.NDArray[np.int16]) -> str:
    """The digits that it hears in samples at 8 kHz."""
    library = require_library(LIBRARY)
    library.dtmf_rx_init.restype = ctypes.c_void_p
    library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
    library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.dtmf_rx_get.restype = ctypes.c_size_t
    library.dtmf_rx_free.argtypes = [ctypes.c_void_p]
    state = library.dtmf_rx_init(None, None, None)
    digits = ctypes.create_string_buffer(MOST + 1)
    heard = ""
    try:
        for start in range(0, len(samples), PIECE):
            piece = np.ascontiguousarray(samples[start : start + PIECE])
            library.dtmf_rx(state, piece.ctypes.data, len(piece))
            count = library.dtmf_rx_get(state, digits, MOST)
            heard += digits.raw[:count].decode("ascii")
    finally:
        library.dtmf_rx_free(state)
    return heard
