"""What arrives at ports, as it arrives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from rtpcap.live.port import Address, Port, Waker, facing, listen, now_ns, plain

__all__ = ["Arrival", "Recorder"]

SECOND_NS = 1_000_000_000
GRACE_NS = SECOND_NS
"""How long what was received before the end is still fetched."""
ANYWHERE = ("0.0.0.0", "::")
MOST_REMEMBERED = 1024
DISCARD = 9
"""The port that is named where none matters."""


class Arrival(NamedTuple):
    """A datagram and its way here."""

    time_ns: int
    src: str
    src_port: int
    dst: str
    dst_port: int
    data: bytes


class Recorder:
    """Listens at ports; as a context manager it closes them.

    Raises OSError where one is in use.
    """

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._ports = listen(addresses)
        self._waker = Waker(self._ports)
        self._facing: dict[str, str] = {}
        self._stopped = False

    @property
    def addresses(self) -> list[Address]:
        """Where it listens, in the order asked for; the port 0 is told as what it became."""
        return [port.address for port in self._ports]

    def arrivals(self, duration_s: float | None = None) -> Iterator[Arrival]:
        """Each datagram as it comes, for so long, or until `stop`."""
        end_ns = None if duration_s is None else now_ns() + round(duration_s * SECOND_NS)
        while not self._stopped:
            left = None if end_ns is None else (end_ns - now_ns()) / SECOND_NS
            if left is not None and left <= 0:
                break
            for port in self._waker.wait(left):
                if (came := self._receive(port)) is not None:
                    yield came
        # What came before the end and still waits in the sockets.
        last_ns = now_ns()
        for port in self._ports:
            while (came := self._receive(port)) is not None and came.time_ns < last_ns + GRACE_NS:
                yield came

    def stop(self) -> None:
        """End `arrivals`; for another thread, or the handler of a signal."""
        self._stopped = True
        self._waker.wake()

    def _receive(self, port: Port) -> Arrival | None:
        came = port.receive()
        if came is None:
            return None
        data, (src, src_port) = came
        here, here_port = port.address
        src = plain(src)
        return Arrival(now_ns(), src, src_port, self._own(here, src), here_port, data)

    def _own(self, bound: str, src: str) -> str:
        """The address that a datagram came to: where any will do, the one that faces its sender."""
        if bound not in ANYWHERE:
            return plain(bound)
        if src not in self._facing:
            if len(self._facing) >= MOST_REMEMBERED:
                self._facing.clear()
            try:
                self._facing[src] = facing(src, DISCARD)
            except OSError:
                return bound
        return self._facing[src]

    def close(self) -> None:
        self._waker.close()
        for port in self._ports:
            port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
