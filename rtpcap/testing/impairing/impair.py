"""Frames of a capture in, frames and the truth out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rtpcap.capture.files.several import Several
from rtpcap.capture.layers.names import NO_LINK, NO_PACKET, RTPDUMP
from rtpcap.capture.write import write_frames
from rtpcap.capture.writers import InterfaceKey, Written, whole_file
from rtpcap.errors import CaptureError
from rtpcap.rtp.header import HEADER_BYTES
from rtpcap.rtp.impairment import Impairment
from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.truth import Impaired
from rtpcap.testing.impairing.faults import Drawn, Faults
from rtpcap.testing.impairing.frames import Change, Frames, rewrite

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.streams.stream import Stream

__all__ = ["Done", "impair"]

TRUTH_VERSION = 1
TIMESTAMPS = 1 << 32


@dataclass(frozen=True)
class Done:
    """An impaired capture, and what was done to its frames."""

    path: str
    input: str
    seed: int
    impairment: Impairment
    faults: Faults
    frames: int
    streams: tuple[dict[str, object], ...]
    """A dict a stream: identity, and the sums of what was done to it."""
    changes: tuple[dict[str, Any], ...]
    """A dict a packet to which something was done, in order of the frames of the output.

    `frame` is null for one that is not there, `from_frame` is its frame in the input; `done` has
    the words ``lost silent duplicate reordered late delayed restart bit-error truncated ssrc
    timestamp``.
    """

    def row(self) -> dict[str, object]:
        """The capture with the keys of ``rtpcap impair``."""
        counts: dict[str, int] = {}
        for change in self.changes:
            for word in change["done"]:
                counts[word] = counts.get(word, 0) + 1
        return {
            "input": self.input,
            "output": self.path,
            "seed": self.seed,
            "frames": self.frames,
            "streams": len(self.streams),
            **{word.replace("-", "_"): counts.get(word, 0) for word in WORDS},
        }

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the truth as JSON, a line a packet."""
        head = {
            "rtpcap_truth": TRUTH_VERSION,
            "input": self.input,
            "output": self.path,
            "seed": self.seed,
            "impairment": _set(self.impairment),
            "faults": _set(self.faults),
            "streams": self.streams,
        }
        rows = ",\n".join(f"  {json.dumps(change)}" for change in self.changes)
        text = json.dumps(head, indent=1)[:-2] + f',\n "packets": [\n{rows}\n ]\n}}\n'
        with whole_file(path) as file:
            file.write(text.encode())


WORDS = (
    "lost", "silent", "duplicate", "reordered", "late", "delayed", "restart", "bit-error",
    "truncated", "ssrc", "timestamp",
)  # fmt: skip


def _set(what: Impairment | Faults) -> dict[str, object]:
    """What differs from doing nothing."""
    plain = type(what)()
    return {name: value for name, value in asdict(what).items() if value != getattr(plain, name)}


class _Frame(NamedTuple):
    """A frame of the output: a row of the input's frames, maybe with a packet written anew."""

    time_ns: int
    row: int
    copy: bool
    begin: int
    size: int
    change: Change | None
    told: dict[str, object] | None


def impair(
    capture: Capture,
    path: str | os.PathLike[str],
    impairment: Impairment | None = None,
    faults: Faults | None = None,
    *,
    seed: int = 0,
    streams: Iterable[Stream] | None = None,
) -> Done:
    """Write the capture to a pcap or pcapng as if its streams had met with all this.

    `streams` are those that it happens to, all where nothing is said; every other frame stays as it
    is. The same seed does the same. Packets that fill no frame of their own, such as those over
    TCP, cannot be impaired: CaptureError, as for a capture of several files; ValueError for streams
    without times and paths that are no capture's, OSError where the file cannot be written.
    """
    impairment, faults = impairment or Impairment(), faults or Faults()
    chosen = list(capture.streams if streams is None else streams)
    source = capture.source
    if isinstance(source, Several):
        raise CaptureError(f"{capture.path}: several files cannot be impaired as one")
    frames = Frames.of(source)
    if (frames.link == RTPDUMP).any():
        raise CaptureError(f"{capture.path}: an rtpdump has no frames: export it to a pcap first")
    untouched = np.ones(len(frames), np.bool_)
    out: list[_Frame] = []
    gone: list[dict[str, object]] = []
    sums: list[dict[str, object]] = []
    seeds = np.random.SeedSequence(seed).generate_state(2 * len(chosen), np.uint64).tolist()
    for number, stream in enumerate(chosen):
        packets = stream.packets
        if packets.block.any() or len(np.unique(packets.frame)) < len(packets):
            raise CaptureError(
                f"{capture.path}: packets of stream 0x{stream.ssrc:08x} fill no frame of their own"
            )
        rows = packets.frame.astype(np.int64) - 1
        untouched[rows] = False
        done = impairment.apply(packets, seeds[2 * number])
        sizes = packets.size.astype(np.int64)[done.truth.source]
        drawn = faults.draw(sizes, seeds[2 * number + 1])
        out += _arrived(stream, rows, frames, done, drawn)
        gone += _gone(stream, done)
        total = done.truth.sums()
        sums += [
            {
                "ssrc": f"0x{int(total.ssrc[k]):08x}",
                "src": stream.src,
                "src_port": stream.src_port,
                "dst": stream.dst,
                "dst_port": stream.dst_port,
                **{
                    field.name: int(getattr(total, field.name)[k])
                    for field in fields(total)
                    if field.name != "ssrc"
                },
            }
            for k in range(len(total.ssrc))
        ]
    for row in np.flatnonzero(untouched & ~np.isin(frames.link, (NO_LINK, NO_PACKET))).tolist():
        out.append(_Frame(int(frames.time_ns[row]), row, False, 0, 0, None, None))
    _in_order(out)
    written = write_frames(source, path, _written(frames, out))
    changes = [
        {"frame": number, **frame.told}
        for number, frame in enumerate(out, 1)
        if frame.told is not None
    ]
    return Done(
        os.fspath(path),
        capture.path,
        seed,
        impairment,
        faults,
        written.frames,
        tuple(sums),
        (*changes, *gone),
    )


def _in_order(out: list[_Frame]) -> None:
    """By time; frames without one stay behind the frame before them."""
    out.sort(key=lambda frame: (frame.row, frame.copy))
    last, keyed = 0, []
    for place, frame in enumerate(out):
        last = last if frame.time_ns == NO_TIME else frame.time_ns
        keyed.append((last, place))
    out[:] = [out[place] for _, place in sorted(keyed)]


def _arrived(
    stream: Stream, rows: np.ndarray, frames: Frames, done: Impaired, drawn: Drawn
) -> Iterator[_Frame]:
    packets, truth, columns = stream.packets, done.truth, done.columns
    source = truth.source
    begin = (packets.begin - frames.begin[rows])[source]
    restarted = np.diff(truth.epoch + truth.stream, prepend=0) > 0
    columns_of = (
        rows[source], begin, packets.size[source], columns.time_ns, columns.sequence,
        columns.timestamp, columns.ssrc, columns.marker, truth.copy, truth.held[source],
        truth.late[source], truth.delay_ns[source], restarted[source], drawn.bit, drawn.kept,
        drawn.ssrc, drawn.ticks,
    )  # fmt: skip
    values = zip(*(column.tolist() for column in columns_of), strict=True)
    for (
        row, at, size, time_ns, sequence, timestamp, ssrc, marker, copy, held, late, delay_ns,
        begins, bit, kept, stranger, ticks,
    ) in values:  # fmt: skip
        words = [
            word
            for word, true in (
                ("duplicate", copy),
                ("reordered", held and not copy),
                ("late", late and not copy),
                ("delayed", delay_ns > 0 and not copy),
                ("restart", begins and not copy),
                ("bit-error", bit >= 0),
                ("truncated", kept >= 0),
                ("ssrc", stranger >= 0),
                ("timestamp", ticks >= 0),
            )
            if true
        ]
        told: dict[str, object] | None = None
        if stranger >= 0:
            ssrc = stranger
        if ticks >= 0:
            timestamp = (timestamp + ticks) % TIMESTAMPS
        if words:
            told = {
                "from_frame": row + 1,
                "ssrc": f"0x{ssrc:08x}",
                "sequence": sequence,
                "done": words,
            }
            if delay_ns > 0 and not copy:
                told["delay_ms"] = delay_ns / 1e6
            if bit >= 0:
                told["bit"] = bit
            if kept >= 0:
                told["bytes"] = kept
            if ticks >= 0:
                told["timestamp"] = timestamp
        change = (
            Change(sequence, timestamp, ssrc, marker, bit, kept) if size >= HEADER_BYTES else None
        )
        yield _Frame(time_ns, row, copy, at, size, change, told if words else None)


def _gone(stream: Stream, done: Impaired) -> Iterator[dict[str, object]]:
    packets, truth = stream.packets, done.truth
    for word, those in (("lost", truth.lost), ("silent", truth.silent)):
        for row in np.flatnonzero(those).tolist():
            yield {
                "frame": None,
                "from_frame": int(packets.frame[row]),
                "ssrc": f"0x{stream.ssrc:08x}",
                "sequence": int(packets.sequence[row]),
                "done": [word],
            }


def _written(frames: Frames, out: Iterable[_Frame]) -> Iterator[Written]:
    for number, frame in enumerate(out, 1):
        row = frame.row
        data, original = frames.bytes_of(row), int(frames.original[row])
        if frame.change is not None:
            made = rewrite(data, original, frame.begin, frame.size, frame.change)
            data, original = made.data, made.original
        time_ns = None if frame.time_ns == NO_TIME else frame.time_ns
        key = InterfaceKey(int(frames.interface[row]), int(frames.link[row]))
        yield Written(number, time_ns, original, data, key, ())
