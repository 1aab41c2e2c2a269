"""The table that the handles of all streams share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.discover import Found, batches
from rtpcap.streams.formats import Formats
from rtpcap.streams.quality import Quality, measure
from rtpcap.streams.recognition import Recognition, recognise_formats

if TYPE_CHECKING:
    from collections.abc import Callable

    from rtpcap.capture.tables import Flows
    from rtpcap.streams.emodel import NetworkDelay
    from rtpcap.streams.further import Further
    from rtpcap.streams.reports.control import Control
    from rtpcap.streams.reports.far_ends import FarEnds
    from rtpcap.streams.sender_clock import SenderClocks

__all__ = ["StreamTable"]


class StreamTable:
    """What the handles share: all streams' packets, and figures worked out for all at once."""

    def __init__(
        self,
        found: Found,
        flows: Flows,
        formats: Formats,
        start_ns: int,
        control: Callable[[], Control] | None = None,
        calls: Callable[[], object] | None = None,
    ) -> None:
        self.found = found
        self.flows = flows
        self._formats = formats
        self.start_ns = start_ns
        """The time of the file's first frame, from which seconds count."""
        self._control = control
        self._calls = calls
        self._recognition: Recognition | None = None
        self._edges: list[int] = [*found.starts.tolist(), len(found.packets)]
        first = found.starts
        last = np.array(self._edges[1:], np.int64) - 1
        self.ssrc = found.packets.ssrc[first]
        self._frames = (found.packets.frame[first], found.packets.frame[last])
        self._times = (found.packets.time_ns[first], found.packets.time_ns[last])

    def find_calls(self) -> None:
        """Have the capture find its calls, which tell their streams."""
        if self._calls is not None:
            self._calls()

    @cached_property
    def recognition(self) -> Recognition:
        """What the payloads tell of the formats of all streams."""
        if self._recognition is not None:
            return self._recognition
        return recognise_formats(self.found, self._formats)

    @cached_property
    def main_numbers(self) -> list[int]:
        """The payload number of most of each stream's media packets (`Formats.main`)."""
        numbers: list[int] = self.formats.main_numbers().tolist()
        return numbers

    @cached_property
    def payload_types(self) -> list[tuple[int, ...]]:
        """The payload numbers of each stream's packets, ascending."""
        found: list[list[int]] = [[] for _ in range(len(self))]
        stream, number = np.nonzero(self.formats.counts)
        for i, each in zip(stream.tolist(), number.tolist(), strict=True):
            found[i].append(each)
        return [tuple(numbers) for numbers in found]

    @cached_property
    def could_carry_tags(self) -> npt.NDArray[np.bool_]:
        """Which streams may be SRTP, by the length of a packet: the others are not looked at."""
        from rtpcap.streams.srtp import could_carry_tags

        found = np.zeros(len(self), np.bool_)
        starts = self.found.starts
        for first, last, rows in batches(starts, len(self.found.packets)):
            part = self.found.packets[rows]
            found[first:last] = could_carry_tags(part, starts[first:last] - starts[first])
        return found

    @cached_property
    def sender_clocks(self) -> SenderClocks:
        """What the senders' reports say of their clocks."""
        from rtpcap.streams.sender_clock import SenderClocks

        return SenderClocks(self.control)

    @cached_property
    def control(self) -> Control:
        """The RTCP of the capture."""
        from rtpcap.streams.reports.control import ControlKeeper

        return (self._control or ControlKeeper().finish)()

    @property
    def formats(self) -> Formats:
        """The formats: told, static, known by their shape, or recognised from the payloads."""
        return self.recognition.formats

    def part(self, found: Found, recognition: Recognition) -> StreamTable:
        """A table of packets out of this one, whose formats are known; made by `cut`."""
        table = StreamTable(found, self.flows, recognition.formats, self.start_ns, self._control)
        table._recognition = recognition
        return table

    def __len__(self) -> int:
        return len(self.ssrc)

    def rows(self, index: int) -> slice:
        """The rows of a stream among all packets."""
        return slice(self._edges[index], self._edges[index + 1])

    def length(self, index: int) -> int:
        """How many packets a stream has."""
        return self._edges[index + 1] - self._edges[index]

    def edge_frame(self, index: int, edge: int) -> int:
        """The frame of a stream's first (`edge` 0) or last (1) packet."""
        return int(self._frames[edge][index])

    def edge_time(self, index: int, edge: int) -> int | None:
        """When a stream's first (`edge` 0) or last (1) packet came; None without a time."""
        time = int(self._times[edge][index])
        return None if time == NO_TIME else time

    @cached_property
    def quality(self) -> list[Quality]:
        """The figures of all streams, worked out together."""
        return measure(self.found, self.formats, lambda index: self.further[index])

    @cached_property
    def further(self) -> list[Further]:
        """The figures that ``rtpcap streams`` has not, of all streams, worked out together."""
        from rtpcap.streams.further import measure_further

        flows = [self.flows[flow].src for flow in self.found.flow.tolist()]
        header_bytes = np.array([self.header_bytes(src) for src in flows], np.int64)
        return measure_further(self.found, self.formats, header_bytes, self._far_ends)

    def network(self, index: int) -> NetworkDelay | None:
        """The delay of a stream one way, as RTCP tells; None where it does not."""
        return self._far_ends.network(index) if self._far_ends is not None else None

    @cached_property
    def _far_ends(self) -> FarEnds | None:
        """What RTCP says of the streams; None without any."""
        if not len(self.control):
            return None
        from rtpcap.streams.reports.far_ends import FarEnds

        flows = (self.flows[flow] for flow in self.found.flow.tolist())
        return FarEnds(self.control, zip(self.ssrc.tolist(), flows, strict=True))

    @staticmethod
    def header_bytes(address: str) -> int:
        """Bytes of the IP and UDP headers before packets from an address."""
        from rtpcap.streams.timing import IP_UDP_BYTES, IPV6_UDP_BYTES

        return IPV6_UDP_BYTES if ":" in address else IP_UDP_BYTES
