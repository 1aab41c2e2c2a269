"""The sockets and the clock: nothing else in the package opens the ones or reads the other."""

from __future__ import annotations

import ipaddress
import selectors
import socket
import time
from collections.abc import Sequence
from typing import cast

__all__ = ["Port", "Target", "Waker", "facing", "listen", "now_ns", "plain", "wait_until"]

SECOND_NS = 1_000_000_000
LONGEST_DATAGRAM = 0xFFFF
BUFFER_BYTES = 1 << 20
"""Asked of the operating system for what comes in while nobody looks."""

# Wall time that never jumps: where it stood when the package was loaded, and what passed since.
_START_NS = time.time_ns() - time.monotonic_ns()

BROADCAST = "255.255.255.255"

Address = tuple[str, int]


def now_ns() -> int:
    """Nanoseconds since 1970."""
    return _START_NS + time.monotonic_ns()


def wait_until(due_ns: int) -> None:
    """Return at that time."""
    left = due_ns - now_ns()
    if left > 0:
        time.sleep(left / SECOND_NS)


class Target:
    """Where datagrams are to go, looked up: an address of one family."""

    def __init__(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> None:
        flags = socket.AI_V4MAPPED if family == socket.AF_INET6 else 0
        try:
            found = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM, flags=flags)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise OSError(f"{host} port {port}: {why}") from error
        self.family: int = found[0][0]
        self.address = cast(tuple[str | int, ...], found[0][4])
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def is_group(self) -> bool:
        """Whether it is a multicast group, or the broadcast address."""
        address = plain(str(self.address[0]))
        return ipaddress.ip_address(address).is_multicast or address == BROADCAST


def plain(address: str) -> str:
    """An address as it is written alone: no zone, no IPv4 dressed as IPv6.

    >>> plain("::ffff:10.0.0.1"), plain("fe80::1%eth0")
    ('10.0.0.1', 'fe80::1')
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def facing(host: str, port: int) -> str:
    """This machine's own address on the way to another one."""
    made = Port.towards(Target(host, port))
    try:
        return plain(made.address[0])
    finally:
        made.close()


class Port:
    """A UDP socket: bound, connected, or both."""

    def __init__(self, family: int) -> None:
        self.family = family
        self._socket = socket.socket(family, socket.SOCK_DGRAM)

    @classmethod
    def bound(cls, host: str, port: int) -> Port:
        """A socket that receives at host and port. Raises OSError that names them."""
        here = Target(host or "0.0.0.0", port)
        made = cls(here.family)
        try:
            if host == "::":
                made._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            made._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            made._socket.bind(here.address)
            made._socket.setblocking(False)
        except OSError as error:
            made.close()
            raise OSError(f"{here.name}: {error.strerror}") from error
        return made

    @classmethod
    def towards(cls, target: Target, *, broadcast: bool = False) -> Port:
        """A socket that sends to a target only. Raises OSError where no way leads there."""
        made = cls(target.family)
        try:
            if broadcast:
                made._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            made._socket.connect(target.address)
        except OSError as error:
            made.close()
            raise OSError(f"{target.name}: {error.strerror}") from error
        return made

    @property
    def address(self) -> Address:
        """Its own host and port."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    def send(self, data: bytes) -> None:
        """Send to where it is connected."""
        self._socket.send(data)

    def send_to(self, data: bytes, target: Target) -> None:
        self._socket.sendto(data, target.address)

    def receive(self) -> tuple[bytes, Address] | None:
        """A datagram that has come and where from; None where none has."""
        try:
            data, address = self._socket.recvfrom(LONGEST_DATAGRAM)
        # A datagram of before was refused at its target; this is how the socket tells it.
        except (BlockingIOError, ConnectionError):
            return None
        return data, (str(address[0]), int(address[1]))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


class Waker:
    """Waits for datagrams, until they come, some time is over, or another thread wakes it."""

    def __init__(self, ports: Sequence[Port]) -> None:
        self._inside, self._outside = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inside, selectors.EVENT_READ)
        for port in ports:
            self._selector.register(port, selectors.EVENT_READ, port)

    def wait(self, timeout_s: float | None = None) -> list[Port]:
        """The ports at which something came."""
        ready = self._selector.select(timeout_s)
        return [key.data for key, _ in ready if key.data is not None]

    def wake(self) -> None:
        self._outside.send(b"\0")

    def close(self) -> None:
        self._selector.close()
        self._inside.close()
        self._outside.close()


def listen(addresses: Sequence[Address]) -> list[Port]:
    """Ports bound to all of these, or none of them: OSError names the one that cannot be."""
    ports: list[Port] = []
    try:
        for host, port in addresses:
            ports.append(Port.bound(host, port))
    except OSError:
        for made in ports:
            made.close()
        raise
    return ports
