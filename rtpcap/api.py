"""Open a capture: the one place that knows every stage from the file to the streams."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.capture.decoder import Decoder
from rtpcap.capture.files.formats import Source, open_source, open_sources
from rtpcap.capture.files.held import MOST_UNPACKED
from rtpcap.capture.files.mapped import MappedFile
from rtpcap.capture.files.source import Place
from rtpcap.capture.tables import Damage, Datagram, Datagrams, Flows, Records, Tally
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.announced import Announced
from rtpcap.streams.call import Calls
from rtpcap.streams.calls import find_calls
from rtpcap.streams.counted import counted
from rtpcap.streams.digits import Digits
from rtpcap.streams.directions import keys_of, tones_of
from rtpcap.streams.discover import Finder
from rtpcap.streams.endpoints import Endpoints, endpoints
from rtpcap.streams.formats import Formats, PayloadMap, payload_map
from rtpcap.streams.gaps import Gaps
from rtpcap.streams.listener import Listener, sip_messages
from rtpcap.streams.matching import Matched, match_streams
from rtpcap.streams.reports.control import ControlKeeper
from rtpcap.streams.streams import Streams
from rtpcap.streams.table import StreamTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rtpcap.capture.files.several import Several
    from rtpcap.capture.write import Exported
    from rtpcap.rtp.payload_types import Format
    from rtpcap.signalling import Arrival, Signalling, SipMessage
    from rtpcap.signalling.ladder import Rung
    from rtpcap.streams.call import Call
    from rtpcap.streams.explain import Explanations
    from rtpcap.streams.findings.finding import Findings
    from rtpcap.streams.reports.control import Control
    from rtpcap.streams.reports.reports import Reports
    from rtpcap.streams.stream import Stream
    from rtpcap.streams.tones import Tones

__all__ = ["Capture", "open"]


def open(
    path: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    pt_map: Mapping[int, str | Format] | None = None,
    rtp: Iterable[str] | None = None,
    most_unpacked: int = MOST_UNPACKED,
    progress: bool | None = None,
) -> Capture:
    """The capture in a pcap, pcapng or rtpdump file, compressed or not; or in several, as one.

    A path may be ``-`` for standard input, or a URL (``file://``; others with ``rtpcap[remote]``).
    Several paths are read as one capture in order of time: rotated files, or taps that ran side by
    side. What is compressed, piped or fetched is unpacked to a temporary file, of `most_unpacked`
    bytes at most for each.

    `pt_map` names dynamic payload types, and renames static ones: ``{96: "PCMU/8000"}``. What comes
    from or goes to the endpoints `rtp` (``["10.0.0.1:4000"]``) is taken for RTP, whatever it looks
    like, if it has RTP's version and a whole header. Raises CaptureError where the file cannot be
    read as a capture at all (a damaged one opens: see `Capture.damage`), ValueError for a `pt_map`
    or an endpoint that cannot be read.

    While a file is read a bar tells how far: with `progress` always, without it never; where
    nothing is said, of files above 50 MiB in notebooks and on terminals.

    >>> capture = open("fixtures/ff-pcmu.pcap")
    >>> [stream.codec for stream in capture.streams]
    ['PCMU']
    """
    told, named = payload_map(pt_map), endpoints(rtp)
    if isinstance(path, str | bytes | os.PathLike):
        source: Source | Several = open_source(path, most_unpacked=most_unpacked)
    else:
        source = open_sources(path, most_unpacked=most_unpacked)
    return Capture(source, told, named, progress=progress)


@dataclass(frozen=True, eq=False)
class _Scan:
    """What one reading of the whole file gives."""

    streams: Streams
    signalling: Signalling | None
    matched: Matched
    other: Tally
    not_understood: Tally
    incomplete: Tally
    control: ControlKeeper
    frames: int
    link_types: list[str]
    damage: list[Damage]
    first_time_ns: int
    last_time_ns: int


class Capture:
    """A capture: read once, from front to back, when the first answer needs it; made by `open`.

    `told` names payload numbers, `named` endpoints of RTP, `progress` is as `open` has it. Reading
    that is interrupted begins anew when the next answer needs it.
    """

    def __init__(
        self,
        source: Source | Several,
        told: PayloadMap,
        named: Endpoints = frozenset(),
        *,
        progress: bool | None = None,
    ) -> None:
        self._source = source
        self._progress = progress
        self._told = told
        self._named = named

    @cached_property
    def _files(self) -> list[MappedFile]:
        return self._source.mapped()

    def release(self) -> None:
        """Give back the memory of payloads that were looked at; they can be looked at again."""
        for file in self._files:
            file.release()

    def _read_through(self, feed: Callable[[Records], object], doing: str = "reading") -> None:
        """Hand every chunk of the file to `feed`, and tell how far it is where that is wanted."""
        from rtpcap.capture.progress import follow, wanted

        chunks = self._source.chunks()
        if wanted(self._progress, self._source.size):
            at_once = bool(self._progress)
            chunks = follow(chunks, self._source.size, doing, at_once=at_once)
        # Closed here, not when the last traceback is forgotten: the next pass begins anew.
        with closing(chunks):
            for records in chunks:
                feed(records)

    @cached_property
    def _scan(self) -> _Scan:
        flows, other, not_understood = Flows(), Tally(), Tally()
        decoder = Decoder(flows, other, not_understood)
        listener, keeper = Listener(), ControlKeeper()
        finder = Finder(self._told, self._named, listener, keeper)
        self._read_through(lambda records: finder.feed(decoder.datagrams(records)))
        finder.feed(decoder.finish())
        announced = Announced(*listener.finish(self._source.frames, self._source.last_time_ns))
        files = (file.data for file in self._files)
        found = finder.finish(*files, announced=announced)
        matched = match_streams(found, flows, announced)
        formats = Formats.find(found.packets, found.starts, self._told, matched.meanings)
        table = StreamTable(
            found,
            flows,
            formats,
            self._source.first_time_ns,
            lambda: self._control,
            lambda: self.calls,
        )
        return _Scan(
            Streams.of(table),
            announced.signalling,
            matched,
            other,
            not_understood,
            decoder.incomplete,
            keeper,
            self._source.frames,
            self._source.link_types,
            list(self._source.damage),
            self._source.first_time_ns,
            self._source.last_time_ns,
        )

    @property
    def path(self) -> str:
        """The file as it was named; of several, enough to know them by."""
        return self._source.path

    @property
    def files(self) -> list[str]:
        """The files as they were named."""
        return list(self._source.paths)

    @property
    def pt_map(self) -> dict[int, Format]:
        """What it was opened with: payload number -> format."""
        return dict(self._told)

    @property
    def rtp(self) -> list[str]:
        """What it was opened with: endpoints whose packets are taken for RTP."""
        named = sorted(self._named)
        return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in named]

    def place_of(self, frame: int) -> Place:
        """The file that a frame is from, and its number there: ``(file, frame)``.

        Raises IndexError where there is no such frame.
        """
        return self._read.place_of(frame)

    @property
    def format(self) -> str:
        """``pcap``, ``pcapng`` or ``rtpdump``; several files may have several."""
        return self._source.format

    @property
    def packed(self) -> tuple[str, ...]:
        """How it was compressed, outermost first: ``("gzip",)``."""
        return self._source.packed

    @property
    def bytes(self) -> int:
        """The size, unpacked; of several files together."""
        return self._source.size

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self._scan.frames

    @property
    def source(self) -> Source | Several:
        """The file or files it is read from, read to their end: for what writes frames of them."""
        return self._read

    @property
    def _read(self) -> Source | Several:
        _ = self._scan
        return self._source

    @property
    def link_types(self) -> list[str]:
        """The link types of its frames, in order of appearance."""
        return list(self._scan.link_types)

    @property
    def damage(self) -> list[Damage]:
        """Where the file is damaged, and how; what came before was read."""
        return list(self._scan.damage)

    @property
    def start_ns(self) -> int | None:
        """The time of the first frame that has one, nanoseconds since 1970; None without any."""
        time = self._scan.first_time_ns
        return None if time == NO_TIME else time

    @property
    def start_time(self) -> str | None:
        """The time of the first frame, ISO 8601 UTC with nanoseconds."""
        start = self.start_ns
        return None if start is None else str(np.datetime64(start, "ns")) + "Z"

    @property
    def duration_s(self) -> float | None:
        """From the first frame to the last."""
        start, end = self.start_ns, self._scan.last_time_ns
        return None if start is None or end == NO_TIME else (end - start) / 1e9

    @property
    def datagrams(self) -> Iterator[Datagram]:
        """Every UDP payload in order of frames, with its frame, time and addresses."""
        decoder = Decoder(Flows(), Tally(), Tally())
        for turn in self._source.turns():
            parts = [list(decoder.datagrams(records)) for records in turn]
            yield from merge(*parts, key=lambda datagram: datagram.frame)

    def datagram_chunks(self) -> Iterator[Datagrams]:
        """The same as columns, a chunk of a file each; use one before asking for the next.

        In order of frames, but for stretches of several files that overlap.
        """
        decoder = Decoder(Flows(), Tally(), Tally())
        for records in self._source.chunks():
            yield decoder.datagrams(records)
        yield decoder.finish()

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        calls: Iterable[Call] | None = None,
        streams: Iterable[Stream] | None = None,
        frames: Iterable[int] | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        to: str | None = None,
    ) -> Exported:
        """Write frames of the capture to a pcap, pcapng or rtpdump file.

        The frames of `calls` (signalling, media, and RTCP and the like beside it), those of
        `streams`, those numbered in `frames`, or all; of them those from `start_s` to `end_s`,
        seconds from the first frame. What came in fragments or over TCP is written with all frames
        it came in. The format is `to`, or what the file's ending says. An rtpdump of all frames
        holds the packets of all streams. Raises CaptureError where the format cannot hold the
        frames, ValueError for a path that stands for no format, OSError where it cannot be written.
        """
        from rtpcap.capture.write import export, format_of
        from rtpcap.streams.chosen import frames_between, frames_of

        wanted: list[npt.NDArray[np.uint32]] | None = None
        kind = format_of(path, to)
        if calls is None and streams is None and frames is None and kind == "rtpdump":
            streams = self.streams
        if calls is not None or streams is not None or frames is not None:
            numbers = np.array([] if frames is None else [*frames], np.int64)
            wanted = [numbers[(numbers > 0) & (numbers < 1 << 32)].astype(np.uint32)]
            wanted.append(
                frames_of(
                    self._read_through,
                    [*(calls or ())],
                    [*(streams or ())],
                    self.streams,
                    packets_only=kind == "rtpdump",
                )
            )
        chosen = None if wanted is None else np.concatenate(wanted)
        if start_s is not None or end_s is not None:
            first_ns = self._scan.first_time_ns
            within = frames_between(self._read_through, first_ns, start_s, end_s)
            chosen = within if chosen is None else np.intersect1d(chosen, within)
        return export(self._source, path, frames=chosen, to=to)

    @property
    def streams(self) -> Streams:
        """The RTP streams found, in order of first frame."""
        return self._scan.streams

    @cached_property
    def calls(self) -> Calls:
        """Who called whom, as SIP tells; else streams that run both ways between two endpoints.

        In order of first frame. The latter are `Call.guessed`, and made of those streams only that
        no signalling claims.
        """
        return find_calls(self.streams, self._scan.matched, self.start_ns)

    @property
    def signalling(self) -> Signalling | None:
        """All that SIP tells, registrations and the like included; None where there is none."""
        return self._scan.signalling

    @property
    def messages(self) -> Iterator[tuple[Arrival, SipMessage]]:
        """Every SIP message, with where and when it came, in order of frames.

        Reads the file once more, from front to back; for what they tell together see `signalling`.
        """
        for chunk in self.datagram_chunks():
            yield from sip_messages(chunk)

    def ladder(self, call_id: str | None = None) -> list[Rung]:
        """A row a SIP message: who said what to whom; of one call where its id is given."""
        from rtpcap.signalling.ladder import ladder_rows

        wanted = {call_id} if call_id is not None else None
        if call_id is not None:
            dialogs = (call.dialog for call in self.calls.select(call_id))
            wanted = {dialog.call_id for dialog in dialogs if dialog is not None} or {call_id}
        said = (pair for pair in self.messages if wanted is None or pair[1].call_id in wanted)
        return ladder_rows(said, self.start_ns)

    @cached_property
    def _control(self) -> Control:
        """The RTCP datagrams."""
        return self._scan.control.finish()

    @cached_property
    def rtcp(self) -> Reports:
        """What its RTCP tells: round trips, losses of the far ends, clocks, names; and each packet.

        Beside it are SIP's reports of voice quality.
        """
        from rtpcap.streams.reports.reports import Reports

        told = self.signalling
        return Reports(
            self._control,
            self.streams,
            start_ns=self.start_ns,
            voice_reports=told.reports if told is not None else (),
        )

    def explain(self) -> Explanations:
        """What each flow was taken for, why, and what would change that.

        Reads the file once more, from front to back.
        """
        # Not at the top: only who asks pays for it.
        from rtpcap.streams.explain import Explainer

        flows = Flows()
        decoder = Decoder(flows, Tally(), Tally())
        explainer = Explainer(flows, self._told, self._named)
        self._read_through(lambda records: explainer.feed(decoder.datagrams(records)), "explaining")
        explainer.feed(decoder.finish())
        return explainer.finish()

    @cached_property
    def dtmf(self) -> Digits:
        """The keys pressed, by telephone events, by INFO and in the sound, each once.

        Decodes what can be decoded; `told_keys` does not.
        """
        self.listen()
        return keys_of(self.streams, self.calls, start_ns=self.start_ns)

    @cached_property
    def told_keys(self) -> Digits:
        """The keys pressed by telephone events in all streams and by INFO in all calls."""
        return keys_of(self.streams, self.calls, inband=False, start_ns=self.start_ns)

    @cached_property
    def tones(self) -> Tones:
        """The call tones, in the sound and by telephone events. Decodes what can be decoded."""
        self.listen()
        return tones_of(self.streams, self.calls, start_ns=self.start_ns)

    def listen(self, streams: Iterable[Stream] | None = None) -> None:
        """Hear streams, or all, one after the other, in the memory that one takes.

        What is heard stays with each stream.
        """
        from rtpcap.capture.progress import follow_each, wanted

        chosen: Iterable[Stream] = [*(self.streams if streams is None else streams)]
        if wanted(self._progress, self._source.size):
            at_once = bool(self._progress)
            chosen = follow_each([*chosen], "listening", "stream", at_once=at_once)
        for stream in chosen:
            _ = stream.heard
            self.release()

    @cached_property
    def findings(self) -> Findings:
        """What is wrong with it, its calls and its streams: the gravest first.

        Decodes what can be decoded.
        """
        from rtpcap.streams.findings.evidence import Evidence
        from rtpcap.streams.findings.rules import find

        self.listen()
        return find(
            Evidence(
                self.streams,
                self.calls,
                self.signalling,
                self._read,
                lambda: self._control,
                self.incomplete,
            )
        )

    @cached_property
    def gaps(self) -> Gaps:
        """The gaps of all streams."""
        gaps = [gap for stream in self.streams for gap in stream.gaps]
        return Gaps(sorted(gaps, key=lambda gap: gap.frame_before), start_ns=self.start_ns)

    @property
    def not_understood(self) -> Tally:
        """The frames in which no UDP payload could be looked for, by reason."""
        return self._scan.not_understood

    @property
    def other(self) -> Tally:
        """The frames that are understood and hold something else than UDP, by protocol."""
        return self._scan.other

    @property
    def incomplete(self) -> Tally:
        """The frames before which a part of a TCP stream with messages was not captured."""
        return self._scan.incomplete

    def plot(self, ax: Axes | None = None, *, dark: bool = False) -> Axes:
        """All its streams as bars over time, coloured by what was lost; returns the Axes.

        It is drawn into `ax` where that is given, on dark paper with `dark`. See `rtpcap.plot` for
        other charts.
        """
        from rtpcap.views.plot.timeline import timeline

        return timeline(self, ax, dark=dark)

    def row(self) -> dict[str, object]:
        """The file with the keys of ``rtpcap info``; ``dtmf`` counts `told_keys`."""
        return {
            "file": self.path,
            "format": self.format,
            "link_types": self.link_types,
            "packets": self.frames,
            "bytes": self.bytes,
            "start_time": self.start_time,
            "duration_s": self.duration_s,
            "calls": len(self.calls),
            "streams": len(self.streams),
            "dtmf": len(self.told_keys),
            "not_understood": self.not_understood.rows(),
            "incomplete": self.incomplete.rows(),
        }

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame of one row, columns as ``rtpcap info``.

        ``attrs["schema"]`` tells of each column its type, unit and meaning.
        """
        from rtpcap.views.table import capture_frame

        return capture_frame(self)

    def __repr__(self) -> str:
        seconds = "" if self.duration_s is None else f", {self.duration_s:.1f} s"
        unread = len(self.not_understood)
        tail = f", {counted(unread, 'frame')} not understood" if unread else ""
        tail += f", damaged: {self.damage[0]}" if self.damage else ""
        return (
            f"<Capture {os.path.basename(self.path)!r}: {counted(len(self.calls), 'call')}, "
            f"{counted(len(self.streams), 'stream')}, {counted(self.frames, 'frame')}"
            f"{seconds}{tail}>"
        )

    def _repr_html_(self) -> str:
        from rtpcap.views.cards import capture_html

        return capture_html(self)
