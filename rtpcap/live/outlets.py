"""Where a replay goes out: a socket for each end that was captured."""

from __future__ import annotations

from collections.abc import Sequence

from rtpcap.live.lateness import Lateness
from rtpcap.live.port import Port, Target, now_ns, wait_until
from rtpcap.live.replay import Replay

__all__ = ["MOST_PACKETS_PER_SECOND", "Outlets", "check", "send"]

MOST_PACKETS_PER_SECOND = 10_000
"""More than that has to be meant."""
MOST_SOCKETS = 500
"""The system allows about a thousand open files."""


class Outlets:
    """A socket for each of the parts of a replay, connected to where that part goes.

    Parts that came from one endpoint and go to one target share theirs. Raises OSError where a
    target cannot be reached, and where it is a broadcast address and `broadcast` was not said.
    """

    def __init__(
        self, replay: Replay, targets: Sequence[Target], *, broadcast: bool = False
    ) -> None:
        self.refused = 0
        """Datagrams of which the target's machine said that nobody takes them."""
        self.failed = 0
        """Datagrams that the operating system did not send."""
        self.why_failed: OSError | None = None
        self._ports: list[Port] = []
        made: dict[tuple[object, ...], Port] = {}
        shared: dict[object, list[Port]] = {}
        try:
            for part, target in zip(replay.parts, targets, strict=True):
                key = (part.src, target.address)
                if key not in made:
                    own = shared.setdefault(target.address, [])
                    if len(made) < MOST_SOCKETS or not own:
                        own.append(Port.towards(target, broadcast=broadcast))
                    made[key] = own[len(made) % len(own)]
                self._ports.append(made[key])
        except OSError:
            self.close()
            raise

    @property
    def sockets(self) -> int:
        """How many are open."""
        return len(set(self._ports))

    def send(self, number: int, data: bytes) -> None:
        """Send a packet of a part."""
        port = self._ports[number]
        try:
            try:
                port.send(data)
            except ConnectionRefusedError:
                # It tells of the datagram before; this one was not sent yet.
                self.refused += 1
                port.send(data)
        except ConnectionRefusedError:
            self.refused += 1
        except OSError as error:
            self.failed += 1
            self.why_failed = error

    def close(self) -> None:
        for port in set(self._ports):
            port.close()


def check(replay: Replay, targets: Sequence[Target]) -> None:
    """Raise ValueError for what has to be meant: groups of receivers, and very many packets."""
    groups = sorted({target.name for target in targets if target.is_group})
    if groups:
        raise ValueError(f"{groups[0]} is no single receiver")
    if replay.peak > MOST_PACKETS_PER_SECOND:
        raise ValueError(
            f"{replay.peak:,} packets in a second, more than {MOST_PACKETS_PER_SECOND:,}"
        )


def send(replay: Replay, outlets: Outlets) -> Lateness:
    """Send all of a replay, each packet at its time."""
    return replay.run(outlets.send, now_ns, wait_until)
