"""Course: payloads decoded in the order they were sent, and what stands between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtpcap.audio.holes import CLOSE, Cause
from rtpcap.audio.line import Samples
from rtpcap.audio.parts import Parts
from rtpcap.audio.rendering import Fill
from rtpcap.codecs.comfort import ComfortNoise
from rtpcap.codecs.conceal import HISTORY_S, conceal
from rtpcap.codecs.decoder import Decoder, Filled, Heard

__all__ = ["Course", "Rows"]

Integers = npt.NDArray[np.int64]

LEAD_IN_S = 1
"""How far before a place decoding begins, so that a decoder has its state when it is there."""
AT_ONCE = 1 << 16
"""Samples that are decoded together."""
FILLED_S = 0.2
"""How much of a hole is filled at a time."""
MOST_CONCEALED_S = 1.0
"""Of a longer loss the rest is silence: no decoder goes on for so long."""
REPAIRED_S = 0.12
"""How far back a copy in the next packet may reach: no packet of Opus is longer."""
BLENDED_S = 0.005
"""Over which concealment fades into what comes after it."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The parts of one lane in order of position, shape (n,) each; each is heard once."""

    part: Integers
    """Its row in the `Parts`."""
    position: Integers
    """Where its first sample lies."""
    samples: Integers
    number: npt.NDArray[np.uint8]
    hole: Integers
    """Samples of the hole behind it."""
    cause: npt.NDArray[np.uint8]
    """Why there is that hole."""
    anew: npt.NDArray[np.bool_]
    """Whether the sender begins anew with it."""
    noise: npt.NDArray[np.bool_]
    """Whether it describes comfort noise (RFC 3389) and is no audio."""
    copy: npt.NDArray[np.bool_]
    """Whether it is a copy of what was lost."""

    def __len__(self) -> int:
        return len(self.part)


class Piece(NamedTuple):
    """Audio, and where it begins."""

    at: int
    samples: npt.NDArray[np.int16]
    heard: npt.NDArray[np.uint8]


class Hole(NamedTuple):
    """Where nothing came: behind which row, from which sample on, how long, and why."""

    row: int
    at: int
    samples: int
    cause: Cause


class Course:
    """The audio of the parts of one sample rate; a `Line` that costs least from front to back."""

    def __init__(
        self,
        parts: Parts,
        rows: Rows,
        decoders: Mapping[int, Decoder],
        length: int,
        *,
        fill: Fill,
        repairing: frozenset[int] = frozenset(),
        skip_delay: bool = True,
    ) -> None:
        first = next(iter(decoders.values()))
        self.rate = first.sample_rate
        self.channels = first.channels
        self.length = length
        self._parts = parts
        self._rows = rows
        self._decoders = decoders
        self._fill = fill
        self._repairing = repairing
        self._skip_delay = skip_delay
        self._longest = int(rows.samples.max(initial=0))
        self._breaks = _breaks(rows)
        self._reached = rows.samples.cumsum()
        self._next_sample: int | None = None
        self._source: Iterator[Piece] = iter(())
        self._over: list[Piece] = []

    def read(self, start: int, stop: int) -> Samples:
        """The samples ``start..stop``, and what each is made from."""
        out, heard = self._silence(stop - start), np.zeros(stop - start, np.uint8)
        if start != self._next_sample:
            self._source = self._pieces(self._row_before(start), start)
            self._over = []
        pieces, self._over = self._over, []
        while True:
            for piece in pieces:
                lo, hi = max(piece.at, start), min(piece.at + len(piece.samples), stop)
                if lo < hi:
                    out[lo - start : hi - start] = piece.samples[lo - piece.at : hi - piece.at]
                    heard[lo - start : hi - start] = piece.heard[lo - piece.at : hi - piece.at]
                if piece.at + len(piece.samples) > stop:
                    cut = max(stop - piece.at, 0)
                    self._over.append(Piece(piece.at + cut, piece.samples[cut:], piece.heard[cut:]))
            if pieces and pieces[-1].at >= stop:
                break
            following = next(self._source, None)
            if following is None:
                break
            pieces = [following]
        self._next_sample = stop
        return out, heard

    def _silence(self, samples: int) -> npt.NDArray[np.int16]:
        return np.zeros(samples if self.channels == 1 else (samples, self.channels), np.int16)

    def _row_before(self, start: int) -> int:
        lead_in = LEAD_IN_S * self.rate + self._longest
        # One earlier still: it may have described the silence that reaches up to here.
        return max(int(np.searchsorted(self._rows.position, start - lead_in)) - 1, 0)

    def _pieces(self, row: int, start: int) -> Iterator[Piece]:
        """What is heard from a row on, in order; what fills holes from `start` on only."""
        filler = _Filler(self, start)
        fresh = set(self._decoders)
        for decoder in self._decoders.values():
            decoder.reset()
        rows = self._rows
        while row < len(rows):
            if rows.anew[row]:
                for decoder in self._decoders.values():
                    decoder.reset()
                fresh = set(self._decoders)
                filler.begin_anew()
            stop = self._end_of_run(row)
            end = int(rows.position[row])
            number = int(rows.number[row])
            if rows.noise[row]:
                filler.describe(self._parts.payloads(rows.part[row : row + 1])[0])
            else:
                piece = self._decoded(row, stop)
                end += len(piece.samples)
                if number in fresh and self._skip_delay and len(piece.samples):
                    # Nothing was spoken into a coder before its first frame.
                    skipped = min(self._decoders[number].delay, len(piece.samples))
                    piece = Piece(
                        piece.at + skipped, piece.samples[skipped:], piece.heard[skipped:]
                    )
                    fresh.discard(number)
                yield filler.heard(piece)
            hole = int(rows.hole[stop - 1])
            if hole:
                where = Hole(stop - 1, end, hole, Cause(int(rows.cause[stop - 1])))
                yield from filler.filled(where, self._following(stop, number))
            row = stop

    def _end_of_run(self, row: int) -> int:
        """The row up to which parts follow each other, and are not too many."""
        most = int(np.searchsorted(self._reached, self._reached[row] + AT_ONCE, "right"))
        breaks = np.flatnonzero(self._breaks[row + 1 : most + 1])
        stop = row + 1 + int(breaks[0]) if len(breaks) else min(most + 1, len(self._rows))
        # Pieces of what a packet began stay with it.
        samples = self._rows.samples
        while stop < len(samples) and not self._breaks[stop] and not samples[stop]:
            stop += 1
        return stop

    def _decoded(self, row: int, stop: int) -> Piece:
        rows = self._rows
        payloads = self._parts.payloads(rows.part[row:stop])
        decoded = self._decoders[int(rows.number[row])].decode_run(payloads)
        what = decoded.heard
        copies = rows.copy[row:stop]
        if copies.any():
            what = np.where(copies & (what == Heard.RECEIVED), np.uint8(Heard.REPAIRED), what)
        heard = np.repeat(what, decoded.counts)
        return Piece(int(rows.position[row]), decoded.samples, heard)

    def _following(self, row: int, number: int) -> bytes | None:
        """The payload of a row, where it is one of the same decoder's."""
        rows = self._rows
        if row >= len(rows) or rows.noise[row] or rows.copy[row] or rows.number[row] != number:
            return None
        return self._parts.payloads(rows.part[row : row + 1])[0]


class _Filler:
    """Fills the holes of a course as it goes on."""

    def __init__(self, course: Course, start: int) -> None:
        self._course = course
        self._start = start
        self._fill = course._fill
        self._rate = course.rate
        self._noise: ComfortNoise | None = None
        self._described = False
        self._history = course._silence(0)
        self._blend: Piece | None = None

    def begin_anew(self) -> None:
        self._described = False
        self._history = self._course._silence(0)
        self._blend = None

    def describe(self, payload: bytes) -> None:
        """Hear a payload of RFC 3389."""
        if self._noise is None:
            self._noise = ComfortNoise()
        self._noise.hear(payload)
        self._described = True

    def heard(self, piece: Piece) -> Piece:
        """A piece that was decoded, with the end of the concealment before it."""
        self._described = False
        if self._fill != "conceal" or not len(piece.samples):
            return piece
        blend, self._blend = self._blend, None
        if blend is not None and blend.at == piece.at:
            n = min(len(blend.samples), len(piece.samples))
            rising = (np.arange(n) + 1) / (n + 1)
            if self._course.channels > 1:
                rising = rising[:, None]
            mixed = piece.samples[:n] * rising + blend.samples[:n] * (1 - rising)
            samples = piece.samples.copy()
            samples[:n] = np.rint(mixed)
            piece = Piece(piece.at, samples, piece.heard)
        keep = round(HISTORY_S * self._rate)
        if len(piece.samples) < keep:
            self._history = np.concatenate([self._history, piece.samples])[-keep:]
        else:
            self._history = piece.samples[-keep:]
        return piece

    def filled(self, hole: Hole, following: bytes | None) -> Iterator[Piece]:
        """What stands in a hole; `following` is the payload behind it."""
        if self._described:
            if self._fill != "silence":
                yield from self._described_noise(hole)
            return
        number = int(self._course._rows.number[hole.row])
        decoder = self._course._decoders[number]
        lost = hole.cause in (Cause.LOST, Cause.LATE)
        repairs = lost and following is not None and number in self._course._repairing
        if self._fill != "silence":
            yield from self._own(hole, decoder, lost, following if repairs else None)
        elif repairs:
            yield from self._repaired(hole, decoder, following)

    def _repaired(
        self, hole: Hole, decoder: Decoder, following: bytes | None, done: int = 0
    ) -> Iterator[Piece]:
        """Only the copy that the next payload carries."""
        span = min(hole.samples - done, round(REPAIRED_S * self._rate))
        filled = decoder.fill(span, following)
        yield from _wanted(filled, hole.at + hole.samples - span, (Heard.REPAIRED,))

    def _skipped(self, hole: Hole, step: int) -> int:
        """How much of a hole lies before what is read, in whole steps."""
        return min(max(self._start - hole.at, 0), hole.samples) // step * step

    def _described_noise(self, hole: Hole) -> Iterator[Piece]:
        assert self._noise is not None
        step = round(FILLED_S * self._rate)
        for done in range(self._skipped(hole, step), hole.samples, step):
            size = min(step, hole.samples - done)
            made = self._noise.make(size)
            if self._course.channels > 1:
                made = np.repeat(made[:, None], self._course.channels, axis=1)
            yield Piece(hole.at + done, made, np.full(size, Heard.NOISE, np.uint8))

    def _own(
        self, hole: Hole, decoder: Decoder, lost: bool, following: bytes | None
    ) -> Iterator[Piece]:
        """What the decoder puts there, and else what Appendix I of G.711 says."""
        conceals = lost and self._fill == "conceal"
        wanted = (Heard.NOISE, Heard.REPAIRED, *([Heard.CONCEALED] if conceals else []))
        step, most = round(FILLED_S * self._rate), round(MOST_CONCEALED_S * self._rate)
        done = self._skipped(hole, step)
        while done < hole.samples:
            size = min(step, hole.samples - done)
            last = done + size == hole.samples
            filled = decoder.fill(size, following if last else None)
            if not filled:
                if conceals:
                    yield from self._concealed(hole)
                return
            yield from _wanted(filled, hole.at + done, wanted)
            done += size
            goes_on = filled[-1].heard is Heard.NOISE or (conceals and done < most)
            if not goes_on and not last:
                if following is not None:
                    yield from self._repaired(hole, decoder, following, done)
                return

    def _concealed(self, hole: Hole) -> Iterator[Piece]:
        blended = round(BLENDED_S * self._rate)
        size = min(hole.samples, round(MOST_CONCEALED_S * self._rate))
        if self._course.channels == 1:
            made = conceal(self._history, size + blended, self._rate)
        else:
            sides = [conceal(side, size + blended, self._rate) for side in self._history.T]
            made = np.stack(sides, axis=1)
        if not made.any():
            return
        if size == hole.samples:
            end = hole.at + size
            self._blend = Piece(end, made[size:], np.full(blended, Heard.CONCEALED, np.uint8))
        # Beyond its last sound there is silence, and it is called that.
        loud = np.flatnonzero(made[:size].reshape(size, -1).any(axis=1))
        sounding = int(loud[-1]) + 1 if len(loud) else 0
        yield Piece(hole.at, made[:sounding], np.full(sounding, Heard.CONCEALED, np.uint8))


def _wanted(filled: list[Filled], at: int, wanted: tuple[Heard, ...]) -> Iterator[Piece]:
    for each in filled:
        if each.heard in wanted:
            yield Piece(at, each.samples, np.full(len(each.samples), each.heard, np.uint8))
        at += len(each.samples)


def _breaks(rows: Rows) -> npt.NDArray[np.bool_]:
    """Where the next part is of another kind, or does not lie right behind the one before.

    Pieces of what began in a packet before them lie where that did.
    """
    n = len(rows)
    begun = np.maximum.accumulate(np.where(rows.samples > 0, np.arange(n), 0))
    end = rows.position + rows.samples
    breaks = np.ones(n, np.bool_)
    apart = np.abs(rows.position[1:] - end[begun[:-1]]) > CLOSE
    breaks[1:] = apart & (rows.samples[1:] > 0)
    breaks[1:] |= rows.number[1:] != rows.number[:-1]
    breaks[1:] |= (rows.hole[:-1] > 0) | rows.anew[1:] | rows.noise[1:] | rows.noise[:-1]
    return breaks
