"""Clients and sockets on loopback."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from rtpcap import PayloadType, RTPClient, TransmitType
from tests.live.made import ASSOC

__all__ = ["client", "eventually", "free_port", "open_files", "pair", "threads"]

PATIENCE_S = 10.0
"""How long a test waits for what must come; it goes on as soon as it is there."""


def free_port(host: str = "127.0.0.1", together: int = 2) -> int:
    """An even port of which it and the next ones are free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(100):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1] & ~1
        held = []
        try:
            for number in range(port, port + together):
                held.append(socket.socket(family, socket.SOCK_DGRAM))
                held[-1].bind((host, number))
        except OSError:
            continue
        finally:
            for each in held:
                each.close()
        return port
    raise AssertionError("no free ports")


def client(
    sendrecv: TransmitType = TransmitType.SENDRECV,
    *,
    assoc: dict[int, PayloadType] | None = None,
    port: int = 0,
    to: int = 9,
    host: str = "127.0.0.1",
    **more: Any,
) -> RTPClient:
    return RTPClient(ASSOC if assoc is None else assoc, host, port, host, to, sendrecv, **more)


def pair(host: str = "127.0.0.1", **more: Any) -> tuple[RTPClient, RTPClient]:
    """Two clients that send to each other."""
    one, other = free_port(host), free_port(host)
    return (
        client(port=one, to=other, host=host, **more),
        client(port=other, to=one, host=host, **more),
    )


def eventually(true: Callable[[], object]) -> None:
    """Wait for something to become true, and fail where it does not."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def threads() -> list[str]:
    """The threads that clients have running; other parts of a test run have theirs."""
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("rtp-")]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
