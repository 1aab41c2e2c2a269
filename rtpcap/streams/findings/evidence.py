"""What findings are made from: everything that the stages before them know of a capture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from rtpcap.capture.tables import Tally

if TYPE_CHECKING:
    from rtpcap.capture.files.several import Several
    from rtpcap.capture.files.source import Source
    from rtpcap.signalling import Signalling
    from rtpcap.streams.call import Calls
    from rtpcap.streams.reports.control import Control
    from rtpcap.streams.streams import Streams

__all__ = ["Evidence"]


@dataclass(frozen=True, eq=False)
class Evidence:
    """A capture as the rules see it."""

    streams: Streams
    calls: Calls
    signalling: Signalling | None
    source: Source | Several
    """The file or files, read to their end."""
    read_control: Callable[[], Control]
    """Gives the RTCP datagrams."""
    incomplete: Tally = field(default_factory=Tally)
    """Byte streams of which a part is not in the capture, by reason."""

    @cached_property
    def control(self) -> Control:
        """The RTCP datagrams."""
        return self.read_control()
