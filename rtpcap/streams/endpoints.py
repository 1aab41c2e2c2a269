"""Endpoints that the user names: what comes from or goes to them is RTP on their word."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rtpcap.capture.tables import Flows

__all__ = ["Endpoints", "Named", "endpoints"]

Endpoints = frozenset[tuple[str, int]]
"""Addresses, as text, and ports."""

MOST_PORT = 65535


def endpoints(named: Iterable[str] | None) -> Endpoints:
    """What the user named, checked: ``["10.0.0.1:4000", "[fd09::1]:4000"]``.

    Raises ValueError for what is no address and port; TypeError for a text alone, whose letters
    would be taken one by one.

    >>> sorted(endpoints(["10.0.0.1:4000", "[FD09:0::1]:4000"]))
    [('10.0.0.1', 4000), ('fd09::1', 4000)]
    """
    if isinstance(named, str):
        raise TypeError(f"endpoints come as a list: [{named!r}]")
    return frozenset(_endpoint(text) for text in named or ())


def _endpoint(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    bracketed = address.startswith("[") and address.endswith("]")
    try:
        ip = ipaddress.ip_address(address[1:-1] if bracketed else address)
    except ValueError:
        ip = None
    number = int(port) if port.isascii() and port.isdigit() else MOST_PORT + 1
    if ip is None or bracketed != (ip.version == 6) or number > MOST_PORT:
        raise ValueError(f"{text!r} is no address and port, as 10.0.0.1:4000 or [fd09::1]:4000")
    return str(ip), number


class Named:
    """Which of a capture's flows have a named endpoint; looked up once a flow."""

    def __init__(self, named: Endpoints) -> None:
        self._named = named
        self._of_flow = np.zeros(0, np.bool_)

    def __bool__(self) -> bool:
        return bool(self._named)

    def rows(self, flows: Flows, flow: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which rows are of such a flow; shape as `flow`, which are numbers of `flows`."""
        known = len(self._of_flow)
        if len(flows) > known:
            new = (flows[number] for number in range(known, len(flows)))
            found = [
                (end.src, end.src_port) in self._named or (end.dst, end.dst_port) in self._named
                for end in new
            ]
            self._of_flow = np.concatenate([self._of_flow, np.array(found, np.bool_)])
        return self.of(flow)

    def of(self, flow: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """The same for flows that `rows` has seen."""
        if not self._named:
            return np.zeros(len(flow), np.bool_)
        return np.asarray(self._of_flow[flow])
