"""All that a capture's RTCP tells, table by table; and SIP's reports of voice quality."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, TypeVar

from rtpcap.capture.tables import Flow
from rtpcap.streams.counted import counted
from rtpcap.streams.reports.beside import SeenPackets
from rtpcap.streams.reports.control import Control
from rtpcap.streams.reports.losses import Loss, losses
from rtpcap.streams.reports.participants import Participant, participants
from rtpcap.streams.reports.roundtrip import RoundTrip, paths
from rtpcap.streams.reports.rows import rtcp_rows
from rtpcap.streams.reports.subjects import Subjects, back
from rtpcap.streams.reports.voice import Voice, voices
from rtpcap.streams.reports.wallclock import WallClock, wall_clocks
from rtpcap.streams.rows import HasRow, Rows

if TYPE_CHECKING:
    import pandas as pd

    from rtpcap.signalling.reports import VoiceReport
    from rtpcap.streams.streams import Streams

__all__ = [
    "Line",
    "Lines",
    "Losses",
    "Participants",
    "Reports",
    "RoundTripTable",
    "Voices",
    "WallClocks",
]

Row = Mapping[str, object]
Item = TypeVar("Item", bound=HasRow)


class Line(dict[str, object]):
    """A packet of RTCP or a report block in it: a dict with the keys of ``rtpcap rtcp``."""

    def row(self) -> dict[str, object]:
        return dict(self)


class _Table(Rows[Item]):
    """Rows that become a DataFrame."""

    TABLE: ClassVar[str]
    """Its columns' name in `views.columns`."""
    WHAT: ClassVar[str]

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row each."""
        from rtpcap.views.table import report_frame

        return report_frame(self.rows(), self.TABLE)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {counted(len(self), self.WHAT)}>"


class Lines(_Table[Line]):
    """A row each packet of RTCP or report block, in order of frames."""

    TABLE, WHAT = "rtcp", "row"


class RoundTripTable(_Table[RoundTrip]):
    """A row each end of a path: how long it takes from the capture to it and back."""

    TABLE, WHAT = "round-trips", "path"


class Losses(_Table[Loss]):
    """A row each reporter and source: what it lost, and on which side of the capture."""

    TABLE, WHAT = "loss", "reporter"

    def __repr__(self) -> str:
        before = sum(loss.before or 0 for loss in self)
        after = sum(loss.after or 0 for loss in self)
        return f"<Losses {counted(len(self), self.WHAT)}, {before:,} before, {after:,} after>"


class WallClocks(_Table[WallClock]):
    """A row each sender: which instant of its clock its timestamps are."""

    TABLE, WHAT = "clocks", "clock"


class Participants(_Table[Participant]):
    """A row each source that was described or said goodbye."""

    TABLE, WHAT = "participants", "participant"


class Voices(_Table[Voice]):
    """A row each report of voice quality, in RTCP or in SIP."""

    TABLE, WHAT = "vq", "report"


class Reports:
    """A capture's RTCP; made by `Capture.rtcp`.

    As rows it is those of `packets`, a row each packet or report block.
    """

    def __init__(
        self,
        control: Control,
        streams: Streams,
        *,
        start_ns: int | None = None,
        voice_reports: Iterable[VoiceReport] = (),
        wanted: Callable[[Row], bool] | None = None,
    ) -> None:
        self._control = control
        self._streams = streams
        self._start_ns = start_ns
        self._voice_reports = tuple(voice_reports)
        self._wanted = wanted

    def select(
        self,
        *,
        call: str | None = None,
        ssrc: int | None = None,
        src: str | None = None,
        dst: str | None = None,
        payload_type: int | None = None,
    ) -> Reports:
        """What has all that is given.

        `ssrc` speaks or is spoken of; `src` and `dst` are where RTCP itself came from and went to;
        `call` and `payload_type` are those of streams: what is said by or of one of these, or
        runs beside it.
        """
        if all(given is None for given in (call, ssrc, src, dst, payload_type)):
            return self
        chosen = None
        if call is not None or payload_type is not None:
            chosen = _Beside(self._streams.select(call=call, payload_type=payload_type))

        def wanted(row: Row) -> bool:
            return (
                (ssrc is None or f"0x{ssrc:08x}" in (row.get("ssrc"), row.get("about_ssrc")))
                and (src is None or src in _addresses(row, "src"))
                and (dst is None or dst in _addresses(row, "dst"))
                and (
                    chosen is None
                    or (call is not None and row.get("call_id") == call)
                    or chosen.has(row)
                )
            )

        return Reports(
            self._control,
            self._streams,
            start_ns=self._start_ns,
            voice_reports=self._voice_reports,
            wanted=wanted,
        )

    def _chosen(self, items: Iterable[Item]) -> Iterator[Item]:
        wanted = self._wanted
        return (item for item in items if wanted is None or wanted(item.row()))

    @property
    def datagrams(self) -> int:
        """How many datagrams of RTCP the capture has, whatever is selected."""
        return len(self._control)

    def __iter__(self) -> Iterator[Line]:
        """The rows of `packets`, one after the other."""
        rows = rtcp_rows(self._control, start_ns=self._start_ns, clock_rates=self._clock_rates)
        return self._chosen(map(Line, rows))

    @cached_property
    def packets(self) -> Lines:
        """A row each packet or report block, in order of frames."""
        return Lines(iter(self))

    @cached_property
    def round_trips(self) -> RoundTripTable:
        """How long it takes from the capture to each end and back, and from end to end."""
        return RoundTripTable(self._chosen(paths(self._control)))

    @cached_property
    def loss(self) -> Losses:
        """What each far end says it lost, and whether that was before or after the capture."""
        streams = self._streams
        subjects = Subjects((stream.ssrc, stream.flow) for stream in streams)

        def seen(index: int) -> SeenPackets:
            return streams[index].seen()

        return Losses(self._chosen(losses(self._control, subjects, seen)))

    @cached_property
    def wall_clocks(self) -> WallClocks:
        """The senders' clocks: which instant a timestamp was, and how they run."""
        return WallClocks(self._chosen(wall_clocks(self._control, self._clock_rates)))

    @cached_property
    def participants(self) -> Participants:
        """Who was described or said goodbye: the names of sources."""
        return Participants(self._chosen(participants(self._control)))

    @cached_property
    def voice_quality(self) -> Voices:
        """What endpoints say of the voice they heard: VoIP metrics of RTCP, reports of SIP."""
        return Voices(self._chosen(voices(self._control, self._voice_reports)))

    @cached_property
    def _clock_rates(self) -> dict[int, int]:
        rates: dict[int, int] = {}
        for stream in self._streams:
            if stream.clock_rate:
                rates.setdefault(stream.ssrc, stream.clock_rate)
        return rates

    def rows(self) -> list[dict[str, object]]:
        """A dict each packet or report block, with the keys of ``rtpcap rtcp``."""
        return self.packets.rows()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame, one row a packet or report block."""
        return self.packets.to_frame()

    def __len__(self) -> int:
        return len(self.packets)

    def __getitem__(self, index: int) -> Line:
        return self.packets[index]

    def __repr__(self) -> str:
        kinds: dict[str, int] = {}
        for line in self.packets:
            kinds[str(line["kind"])] = kinds.get(str(line["kind"]), 0) + 1
        told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
        frames = len({line["frame"] for line in self.packets})
        return f"<Reports in {counted(frames, 'datagram')}{': ' * bool(told)}{told}>"

    def _repr_html_(self) -> str:
        from rtpcap.views.html import rows_html

        return rows_html(self.packets.rows(), repr(self))


def _addresses(row: Row, side: str) -> tuple[object, ...]:
    """An address alone, and with its port."""
    address, port = row.get(side), row.get(f"{side}_port")
    if address is None:
        return ()
    return address, f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


class _Beside:
    """What is said by or of some streams, or runs beside them."""

    def __init__(self, streams: Streams) -> None:
        self._subjects: set[tuple[object, frozenset[object]]] = set()
        self._flows: set[tuple[object, ...]] = set()
        for stream in streams:
            flow = stream.flow
            ends = frozenset((flow.src, flow.dst))
            self._subjects.add((f"0x{stream.ssrc:08x}", ends))
            next_to = flow._replace(src_port=flow.src_port + 1, dst_port=flow.dst_port + 1)
            self._flows |= {one[:4] for way in (flow, next_to) for one in (way, back(way))}

    def has(self, row: Row) -> bool:
        """Whether a row is of them."""
        if tuple(row.get(key) for key in Flow._fields[:4]) in self._flows:
            return True
        ends = frozenset((row.get("src"), row.get("dst")))
        return any((row.get(key), ends) in self._subjects for key in ("ssrc", "about_ssrc"))
