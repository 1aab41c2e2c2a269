"""What two streams sound like beside each other: aligned, then what is left of one without the
other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtpcap.audio.line import Line, came
from rtpcap.audio.rendering import Rendering
from rtpcap.audio.track import Track
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.header import FIXED_HEADER
from rtpcap.rtp.packets import Packets
from rtpcap.streams.stream import Stream

__all__ = ["LEAST_ALIKE", "Sound", "sound_of", "sound_of_matched"]

Signal = npt.NDArray[np.float64]

FULL_SCALE = 32768.0
LEAST_DBFS = -120.0
"""Below the last bit of 16: nothing."""
ALIGNED_S = 60
"""Streams are aligned by so much of their beginning."""
WINDOW_S = 2
"""Drift is read from where windows of this length lie best."""
REACH_S = 0.1
"""So far a window may be off; and so far a codec may delay what has the same timestamps."""
LEAST_ALIKE = 0.7
"""Correlation from which two streams are taken for the same sound ..."""
LEAST_PART = 0.5
"""... and from which it is worth to look closer, and a window is believed."""
LEAST_WINDOWS = 4
AS_GOOD = 1e-6
"""Lags whose correlation differs by less are as good."""
AT_ONCE = 1 << 16
"""Samples that are compared at a time."""
EDGE = 64
"""Samples on either side of them, so that the shifted ones are whole."""
LONG = 1 << 18
FINER = 16
"""Samples between which a line that drifts is read lie so many times as dense."""
FINE = 10
"""Lags are looked at by tenths of a sample, then by hundredths."""


@dataclass(frozen=True)
class Sound:
    """How the sound of one stream stands to that of the other."""

    residual_dbfs: float | None = None
    """What is left of the first without the second at its level, over what both received."""
    level_db: float | None = None
    """How much louder the second is; None where one is silent."""
    offset_ms: float | None = None
    """How much later it is heard, on its own line than on the first's."""
    drift_ppm: float | None = None
    """How much slower it runs."""
    alike: float = 0.0
    """Correlation where they lie best: 1 for the same."""
    why_not: str | None = None
    """Why it was not compared."""
    decoded: bool = False
    """Whether both could be heard at all."""


def sound_of(a: Stream, b: Stream) -> Sound:
    """Two streams that have no packets in common: aligned by what they sound like."""
    for stream, name in ((a, "the first"), (b, "the second")):
        if stream.why_not is not None:
            return Sound(why_not=f"{name}: {stream.why_not}")
    try:
        rate = min(a.track().rate, b.track().rate)
        lines = [stream.track(rendering=Rendering(rate=rate)) for stream in (a, b)]
    except CodecUnavailable as error:
        return Sound(why_not=str(error))
    return _compared(lines[0], lines[1], None)


def sound_of_matched(a: Stream, b: Stream, one: Packets, other: Packets) -> Sound:
    """The packets that two streams have in common, those of the second where the first's lie."""
    for stream, name in ((a, "the first"), (b, "the second")):
        if stream.why_not is not None:
            return Sound(why_not=f"{name}: {stream.why_not}")
    if a.clock_rate != b.clock_rate:
        return sound_of(a, b)
    placed = replace(
        other,
        word0=other.word0 & ~SEQUENCE | one.word0 & SEQUENCE,
        timestamp=one.timestamp,
        ssrc=one.ssrc,
        frame=one.frame,
        time_ns=one.time_ns,
    )
    try:
        rate = min(Track.lay(one, a.formats).rate, Track.lay(placed, b.formats).rate)
        rendering = Rendering(rate=rate)
        first = Track.lay(one, a.formats, rendering=rendering)
        second = Track.lay(placed, b.formats, rendering=rendering)
    except CodecUnavailable as error:
        return Sound(why_not=str(error))
    return _compared(first, second, REACH_S)


SEQUENCE = np.uint32(next(field.mask for field in FIXED_HEADER if field.name == "sequence"))


def _compared(a: Line, b: Line, reach_s: float | None) -> Sound:
    rate = a.rate
    x, y = (_read(line, 0, min(line.length, ALIGNED_S * rate))[0] for line in (a, b))
    lag, alike = _lag(x, y, None if reach_s is None else round(reach_s * rate))
    if alike < LEAST_PART:
        # Of clocks that drift apart a part is alike, where the whole is smeared.
        lag, alike = _lag_of_part(x, y, lag, alike, rate)
    if reach_s is None and alike < LEAST_PART:
        return Sound(alike=alike, decoded=True, why_not="they do not sound alike")
    slope, lag = _drift(x, y, lag, rate) if alike >= LEAST_PART else (0.0, lag)
    sums = np.zeros(4)
    for start in range(0, a.length, AT_ONCE):
        stop = min(start + AT_ONCE, a.length)
        sums += _sums(a, b, start, stop, lag + slope * start, slope)
    n, xx, yy, xy = sums.tolist()
    if not n:
        why = "they were received at no time together"
        return Sound(alike=alike, decoded=True, why_not=why)
    left = xx - (xy * xy / yy if yy else 0.0)
    return Sound(
        residual_dbfs=_dbfs(left / n),
        level_db=10 * float(np.log10(yy / xx)) if xx and yy else None,
        offset_ms=1e3 * lag / rate,
        drift_ppm=1e6 * slope,
        alike=float(abs(xy) / np.sqrt(xx * yy)) if xx and yy else alike,
        decoded=True,
    )


def _dbfs(power: float) -> float:
    share = power / FULL_SCALE**2
    return LEAST_DBFS if share <= 0 else max(LEAST_DBFS, 10 * float(np.log10(share)))


def _read(line: Line, start: int, stop: int) -> tuple[Signal, npt.NDArray[np.bool_]]:
    """The samples of a line as one channel, 0 where nothing came, and where something did."""
    samples, heard = line.read(start, stop)
    mono = samples.astype(np.float64)
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    there = came(heard)
    mono[~there] = 0
    return mono, there


def _lag(x: Signal, y: Signal, reach: int | None) -> tuple[float, float]:
    """(how many samples later `y` has what `x` has, the correlation there)."""
    if not len(x) or not len(y):
        return 0.0, 0.0
    size = 1 << (len(x) + len(y)).bit_length()
    spectrum = np.conj(np.fft.rfft(x, size)) * np.fft.rfft(y, size)
    whole = np.fft.irfft(spectrum, size)
    farthest = max(len(x), len(y)) if reach is None else reach
    lags = np.arange(-min(farthest, len(x) - 1), min(farthest, len(y) - 1) + 1)
    energy = float(np.sqrt((x @ x) * (y @ y)))
    if not energy:
        return 0.0, 0.0
    # Of lags that are as good the shortest one.
    good = lags[whole[lags] >= whole[lags].max() - AS_GOOD * energy]
    lag = float(good[np.argmin(np.abs(good))])
    turn = 2j * np.pi * np.arange(len(spectrum)) / size
    step = 1.0
    # What is not alike has no place, and of long signals the windows of `_drift` say it better.
    worth = size <= LONG and whole[int(lag)] >= LEAST_PART * energy
    for _ in range(2 if worth else 0):
        tried = lag + step * np.arange(-FINE + 1, FINE) / FINE
        tried = tried[np.argsort(np.abs(tried - lag), kind="stable")]
        values = [float((spectrum * np.exp(turn * t)).real.sum()) for t in tried]
        lag, step = float(tried[int(np.argmax(values))]), step / FINE
    return lag, float(whole[round(lag)] / energy)


def _lag_of_part(x: Signal, y: Signal, lag: float, alike: float, rate: int) -> tuple[float, float]:
    """The same from the loudest window of `x` alone, if that is more alike."""
    length = WINDOW_S * rate
    if len(x) < length:
        return lag, alike
    energy = np.concatenate([[0.0], np.cumsum(x * x)])
    start = int(np.argmax(energy[length::length] - energy[:-length:length])) * length
    window = x[start : start + length]
    found, _ = _lag(window, y, None)
    begin = round(found)
    part = y[max(begin, 0) : max(begin + length, 0)]
    window = window[max(-begin, 0) :][: len(part)]
    loud = float(np.sqrt((window @ window) * (part[: len(window)] @ part[: len(window)])))
    there = float(window @ part[: len(window)]) / loud if loud else 0.0
    return (found - start, there) if there > alike else (lag, alike)


def _drift(x: Signal, y: Signal, lag: float, rate: int) -> tuple[float, float]:
    """(samples of lag more a sample, the lag at the beginning), from windows that agree well."""
    length, reach = WINDOW_S * rate, round(REACH_S * rate)
    places, lags = [], []
    for start in range(0, len(x) - length + 1, length):
        begin = start + round(lag) - reach
        if begin < 0 or begin + length + 2 * reach > len(y):
            continue
        part = y[begin : begin + length + 2 * reach]
        found, alike = _lag(x[start : start + length], part, 2 * reach)
        if alike >= LEAST_PART and 0 < found < 2 * reach:
            places.append(start + length / 2)
            lags.append(found + begin - start)
    if len(places) < LEAST_WINDOWS:
        return 0.0, lag
    at, off = np.array(places), np.array(lags)
    slopes = (off[None, :] - off[:, None])[np.triu_indices(len(at), 1)]
    slopes /= (at[None, :] - at[:, None])[np.triu_indices(len(at), 1)]
    slope = float(np.median(slopes))
    return slope, float(np.median(off - slope * at))


def _sums(a: Line, b: Line, start: int, stop: int, lag: float, slope: float) -> Signal:
    """(samples that both have, energy of each, their product) of a window, `b` moved by the lag."""
    x, there = _read(a, start, stop)
    if not there.any():
        return np.zeros(4)
    whole, more = round(lag), round(abs(slope) * len(x)) + EDGE
    y, also = _read(b, start + whole - more, stop + whole + more)
    place = more + np.arange(len(x))
    if slope:
        also = also[np.rint(place + slope * np.arange(len(x))).astype(np.int64)]
        spectrum = np.fft.rfft(y)
        dense = np.fft.irfft(spectrum, FINER * len(y)) * FINER
        at = FINER * (place + (lag - whole) + slope * np.arange(len(x)))
        y = np.interp(at, np.arange(len(dense)), dense)
    else:
        also = also[place]
        turn = 2j * np.pi * np.fft.rfftfreq(len(y)) * (lag - whole)
        y = (np.fft.irfft(np.fft.rfft(y) * np.exp(turn), len(y)) if lag != whole else y)[place]
    both = there & also
    x, y = x[both], y[both]
    return np.array([len(x), x @ x, y @ y, x @ y])
