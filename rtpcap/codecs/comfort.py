"""Comfort noise: what a receiver plays while a sender that is silent sends nothing.

A payload of comfort noise (RFC 3389 section 3), also that of payload type 13::

     0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7       0 1 2 3 4 5 6 7
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-...-+-+-+-+-+-+-+-+-+
    |0|   level     |  quantized k1  |    |  quantized kM  |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-...-+-+-+-+-+-+-+-+-+

Other codecs have silence descriptors of their own; their noise is made here too, at the level that
the descriptor says and with the spectrum of the sound before it: a sender goes on with speech
frames for a while after the speech has ended, and those hold its background.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["ComfortNoise", "parse_comfort_noise", "prediction", "step_up"]

FULL_SCALE = 32768
LEVEL_MASK = 0x7F
"""The level is -dBov, 0 to 127: below a square wave of full scale (RFC 3389 section 3.1)."""

# RFC 3389 section 3.2: k = 258 * (N - 127) / 32768.
REFLECTION_ZERO = 127
REFLECTION_STEP = 258 / 32768
MOST_COEFFICIENTS = 32
"""A payload may hold any number; a model of more adds nothing that is heard."""
LARGEST_REFLECTION = 0.99

RESPONSE = 128
"""Samples of the filter's response to an impulse that are kept."""
ORDER = 10
"""Of the spectrum that is taken from the sound before."""
EXPANSION = 0.994
"""Each pole is drawn in by this, so that no filter rings (60 Hz of bandwidth are usual)."""
WHITENING = 1.0001
"""A little white noise, 40 dB below the sound, keeps the prediction sound (as in ITU-T G.729)."""

SEED = 3389
"""The noise is the same each time a capture is decoded."""

Floats = npt.NDArray[np.float64]


def parse_comfort_noise(payload: bytes) -> tuple[float, Floats]:
    """(rms on the scale of 16 bits, reflection coefficients) of a payload of RFC 3389.

    No coefficients mean white noise; an empty payload means none at all.
    """
    if not payload:
        return 0.0, np.empty(0)
    rms = FULL_SCALE * 10 ** (-(payload[0] & LEVEL_MASK) / 20)
    codes = np.frombuffer(payload[1 : 1 + MOST_COEFFICIENTS], np.uint8).astype(np.float64)
    reflection = (codes - REFLECTION_ZERO) * REFLECTION_STEP
    return rms, np.clip(reflection, -LARGEST_REFLECTION, LARGEST_REFLECTION)


def step_up(reflection: Floats) -> Floats:
    """The filter 1 / (1 + a1 z^-1 + a2 z^-2 ...) of reflection coefficients: a1, a2, ..."""
    a = np.empty(0)
    for k in reflection:
        a = np.append(a + k * a[::-1], k)
    return a


def prediction(sound: npt.NDArray[np.generic], order: int = ORDER) -> Floats:
    """The coefficients a1, a2, ... of the filter that has the spectrum of a piece of sound."""
    windowed = sound.astype(np.float64) * np.hanning(len(sound) + 2)[1:-1]
    lags = [float(windowed[lag:] @ windowed[: len(windowed) - lag]) for lag in range(order + 1)]
    if lags[0] < 1.0:
        return np.empty(0)
    error = lags[0] * WHITENING
    a = np.empty(0)
    for m in range(order):
        k = -(lags[m + 1] + float(a @ np.array(lags[m:0:-1]))) / error
        a = np.append(a + k * a[::-1], k)
        error *= 1 - k * k
    expanded: Floats = a * EXPANSION ** np.arange(1, order + 1)
    return expanded


class ComfortNoise:
    """Noise of a level and a spectrum that may change while it goes on."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(SEED)
        self._rms = 0.0
        self._response = np.ones(1)
        self._before = np.zeros(RESPONSE)

    @property
    def rms(self) -> float:
        """How loud it is, on the scale of 16 bits."""
        return self._rms

    def hear(self, payload: bytes) -> None:
        """Be what a payload of RFC 3389 says."""
        rms, reflection = parse_comfort_noise(payload)
        self.become(rms, step_up(reflection))

    def become(self, rms: float, coefficients: Floats | None = None) -> None:
        """Be as loud as `rms`, with the spectrum of a filter; without one as it was."""
        if coefficients is not None:
            response = _response(coefficients)
            self._response = response / np.sqrt(response @ response)
        self._rms = rms

    def become_excited(self, rms: float, coefficients: Floats) -> None:
        """Be what a filter makes of white noise as loud as `rms`."""
        response = _response(coefficients)
        self.become(rms * float(np.sqrt(response @ response)), coefficients)

    def make(self, samples: int) -> npt.NDArray[np.int16]:
        """The next samples of it, shape (samples,)."""
        white = np.concatenate([self._before, self._random.standard_normal(samples)])
        self._before = white[-RESPONSE:]
        reach = len(self._response) - 1
        shaped = np.convolve(white[RESPONSE - reach :], self._response, "valid")
        limits = np.iinfo(np.int16)
        noise = np.clip(np.rint(self._rms * shaped), limits.min, limits.max)
        return noise.astype(np.int16)


def _response(coefficients: Floats) -> Floats:
    """How the filter answers an impulse."""
    if not len(coefficients):
        return np.ones(1)
    order = len(coefficients)
    response = np.zeros(order + RESPONSE)
    back = -coefficients[::-1]
    response[order] = 1.0
    for i in range(order + 1, len(response)):
        response[i] = back @ response[i - order : i]
    return response[order:]
