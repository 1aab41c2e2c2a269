"""Which stream of a capture a report is about, and which stream is that of who reports."""

from __future__ import annotations

from collections.abc import Iterable

from rtpcap.capture.tables import Flow

__all__ = ["Subjects", "back"]


def back(flow: Flow) -> Flow:
    """The flow the other way.

    >>> back(Flow("10.0.0.1", 4000, "10.0.0.2", 5000))
    Flow(src='10.0.0.2', src_port=5000, dst='10.0.0.1', dst_port=4000, transport='udp')
    """
    return Flow(flow.dst, flow.dst_port, flow.src, flow.src_port, flow.transport)


class Subjects:
    """The streams of a capture by SSRC, told apart by their addresses."""

    def __init__(self, streams: Iterable[tuple[int, Flow]]) -> None:
        """`streams` are the SSRC and flow of each, in order."""
        self._flows: list[Flow] = []
        self._by_ssrc: dict[int, list[int]] = {}
        for index, (ssrc, flow) in enumerate(streams):
            self._flows.append(flow)
            self._by_ssrc.setdefault(ssrc, []).append(index)

    def about(self, ssrc: int, flow: Flow) -> int | None:
        """The stream with this SSRC that a report in this flow is about: it ran the other way."""
        return self.of(ssrc, back(flow))

    def of(self, ssrc: int, flow: Flow) -> int | None:
        """The stream with this SSRC whose sender's RTCP is in this flow; None where there is none.

        That of these ports, or of those before them, as RTCP has without an agreement; else one
        between these addresses; else the only one of the SSRC.
        """
        own = self._by_ssrc.get(ssrc, [])
        fitting = [_fit(self._flows[index], flow) for index in own]
        best = max(fitting, default=0)
        if best == 0 and len(own) != 1:
            return None
        return own[fitting.index(best)]


def _fit(stream: Flow, control: Flow) -> int:
    """How well RTCP fits beside a stream: 0 for other addresses, 1 for these, 2 for the ports."""
    if (stream.src, stream.dst) != (control.src, control.dst):
        return 0
    ports = (control.src_port - stream.src_port, control.dst_port - stream.dst_port)
    return 2 if set(ports) <= {0, 1} else 1
