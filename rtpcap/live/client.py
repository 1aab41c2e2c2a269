"""RTPClient: threads and a socket round a session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Literal, Self

from rtpcap.live.coding import CODES, Encoding
from rtpcap.live.description import describe
from rtpcap.live.port import Port, Target, Waker, listen, now_ns
from rtpcap.live.session import PACKET_MS, Datagram, Session
from rtpcap.live.statistics import Statistics
from rtpcap.rtp.message import RTPMessage
from rtpcap.rtp.payload_types import Format, PayloadType
from rtpcap.rtp.profile import TransmitType

__all__ = ["RTPClient"]

log = logging.getLogger(__name__)

SECOND_NS = 1_000_000_000
MOST_AT_ONCE = 64
"""Datagrams that are taken from a port before the others get their turn."""
JOIN_S = 10.0


class RTPClient:
    """Sends and receives RTP: what is written goes out, what comes in can be read.

    `assoc` names the payload numbers of the session; the first one that can be encoded is sent.
    RTP is received at inIP:inPort and sent from there to outIP:outPort, when `sendrecv` says so.
    `dtmf` is called with each key that the other side presses, in the receiving thread.

    Audio is unsigned 8-bit, 8 kHz, mono for G.711; with a `sample_width` of 2, and always for other
    codecs, it is signed 16-bit at `sample_rate`, `channels` interleaved. A packet holds `packet_ms`
    milliseconds. `formats` says of payload
    numbers what a PayloadType cannot: rates, channels, parameters. With `rtcp` reports are
    exchanged, on the ports above (``"port"``) or on the same ones (``"mux"``, RFC 5761).

    No socket is opened before `start`. As a context manager it starts and stops itself. Raises
    RTPParseError where none of `assoc` can be encoded.

    >>> client = RTPClient({0: PayloadType.PCMU}, "127.0.0.1", 0, "127.0.0.1", 9,
    ...                    TransmitType.SENDRECV)
    >>> client.encode_packet(bytes([128] * 4)), client.read(4, blocking=False)
    (b'\\xff\\xff\\xff\\xff', b'\\x00\\x00\\x00\\x00')
    """

    def __init__(
        self,
        assoc: Mapping[int, PayloadType],
        inIP: str,
        inPort: int,
        outIP: str,
        outPort: int,
        sendrecv: TransmitType,
        dtmf: Callable[[str], None] | None = None,
        *,
        sample_width: int = 1,
        packet_ms: int = PACKET_MS,
        formats: Mapping[int, Format] | None = None,
        rtcp: Literal["port", "mux"] | None = None,
    ) -> None:
        if rtcp not in (None, "port", "mux"):
            raise ValueError(f"rtcp is 'port', 'mux' or None, not {rtcp!r}")
        self.inIP, self.inPort = inIP, inPort
        self.outIP, self.outPort = outIP, outPort
        self.dtmf = dtmf
        self._rtcp = rtcp
        self._session = Session(
            assoc,
            sendrecv,
            formats=formats,
            width=sample_width,
            packet_ms=packet_ms,
            rtcp=rtcp is not None,
        )
        # Reentrant: what the callback calls may come back here.
        self._lock = threading.RLock()
        self._heard = threading.Condition()
        self._waiting = 0
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._ports: list[Port] = []
        self._waker: Waker | None = None
        self._targets: list[Target] = []
        self._send_errors = self._callback_errors = 0

    @property
    def assoc(self) -> Mapping[int, PayloadType]:
        """The payload numbers of the session."""
        return self._session.assoc

    @property
    def preference(self) -> PayloadType:
        """What is sent; `preferred_number` is its number on the wire."""
        return self.assoc[self.preferred_number]

    @property
    def preferred_number(self) -> int:
        """The payload number of what is sent."""
        return self._session.preference

    @property
    def sample_rate(self) -> int:
        """Samples a second, of each channel."""
        return self._session.shape.sample_rate

    @property
    def channels(self) -> int:
        """Channels of the audio that is written and read."""
        return self._session.shape.channels

    @property
    def sample_width(self) -> int:
        """Bytes a sample."""
        return self._session.shape.width

    @property
    def sendrecv(self) -> TransmitType:
        """Which way audio goes; may be set while it runs, as a call is held and taken up."""
        return self._session.sendrecv

    @sendrecv.setter
    def sendrecv(self, direction: TransmitType) -> None:
        self._session.sendrecv = direction

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped."""
        return bool(self._threads)

    def start(self) -> None:
        """Open the port and begin to send and receive; nothing where it already does.

        With the port 0 the system chooses one, and `inPort` says which. Raises OSError where the
        port is in use or the other side has no address.
        """
        if self._threads:
            return
        own = [(self.inIP, self.inPort)]
        if self._rtcp == "port":
            own.append((self.inIP, self.inPort + 1))
        ports = listen(own)
        try:
            family = ports[0].family
            self._targets = [Target(self.outIP, self.outPort, family)]
            if self._rtcp == "port":
                self._targets.append(Target(self.outIP, self.outPort + 1, family))
            self._waker = Waker(ports)
        except OSError:
            for port in ports:
                port.close()
            raise
        self._ports = ports
        self.inPort = ports[0].address[1]
        # Its own for each start: a thread that was stopped stays so.
        self._stopped = threading.Event()
        with self._lock:
            self._session.begin(now_ns())
        self._threads = [
            threading.Thread(target=self.recv, name=f"rtp-recv-{self.inPort}", daemon=True),
            threading.Thread(target=self.trans, name=f"rtp-trans-{self.inPort}", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Say goodbye, end the threads and close the port; `read` waits no longer.

        Harmless where it was not started, and from within the `dtmf` callback.
        """
        self._stopped.set()
        with self._heard:
            self._heard.notify_all()
        threads, self._threads = self._threads, []
        if not threads or self._waker is None:
            return
        self._waker.wake()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(JOIN_S)
        self._send(self._session.bye())
        self._waker.close()
        for port in self._ports:
            port.close()
        self._ports = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def read(self, length: int = 160, blocking: bool = True) -> bytes:
        """The next `length` bytes of what came in; what is missing of them is silence.

        Where nothing came: ``bytes(length)``, or, with `blocking`, as soon as something did.
        `stop` ends the waiting.
        """
        if not length:
            return b""
        buffer = self._session.receiver.buffer
        if blocking:
            with self._heard:
                self._waiting += 1
                self._heard.wait_for(lambda: buffer.held or self._stopped.is_set())
                self._waiting -= 1
        return buffer.read(length) if buffer.held else bytes(length)

    @property
    def unread(self) -> int:
        """How many bytes of what came in wait to be read."""
        return self._session.receiver.buffer.held

    def write(self, data: bytes) -> None:
        """Queue audio to be sent."""
        with self._lock:
            self._session.write(data)

    @property
    def unsent(self) -> int:
        """How many bytes of audio wait to be sent."""
        return self._session.waiting

    def send_dtmf(
        self, digits: str, *, duration_ms: int = 100, pause_ms: int = 100, volume: int = 10
    ) -> None:
        """Press keys, one after the other (RFC 4733); audio waits meanwhile.

        Each is pressed for `duration_ms`, with `pause_ms` before the next; its `volume` is 0 to 63
        dB below the reference (dBm0).
        Raises ValueError for what is on no keypad and where nothing is sent, RTPParseError where
        `assoc` has no telephone-event.
        """
        with self._lock:
            self._session.send_dtmf(
                digits, duration_ms=duration_ms, pause_ms=pause_ms, volume=volume
            )

    @property
    def unsent_keys(self) -> int:
        """How many key presses are not over."""
        return self._session.keys_waiting

    def sdp(self) -> str:
        """What it sends, described for the program that receives it at outIP:outPort."""
        return describe(self._session, self.outIP, self.outPort, mux=self._rtcp == "mux")

    def statistics(self) -> Statistics:
        """What was sent and received so far."""
        from dataclasses import replace

        with self._lock:
            told = self._session.statistics()
        return replace(told, send_errors=self._send_errors, callback_errors=self._callback_errors)

    def recv(self) -> None:
        """Receive until stopped: the body of the receiving thread."""
        waker, stopped = self._waker, self._stopped
        if waker is None:
            return
        while not stopped.is_set():
            for port in waker.wait():
                for _ in range(MOST_AT_ONCE):
                    came = port.receive()
                    if came is None:
                        break
                    self._take(came[0])
                    # The callback may have stopped the client, and with it closed the port.
                    if stopped.is_set():
                        return

    def trans(self) -> None:
        """Send until stopped: the body of the transmitting thread."""
        stopped = self._stopped
        while not stopped.is_set():
            with self._lock:
                out = self._session.due(now_ns())
                next_ns = self._session.next_ns
            self._send(out)
            if next_ns is None:
                return
            stopped.wait(max(next_ns - now_ns(), 0) / SECOND_NS)

    def _send(self, out: list[Datagram]) -> None:
        for datagram in out:
            apart = datagram.is_rtcp and self._rtcp == "port"
            try:
                self._ports[apart].send_to(datagram.data, self._targets[apart])
            except OSError:
                # The network is gone for a while, as on a laptop that moves: the call goes on.
                self._send_errors += 1

    def _take(self, packet: bytes) -> None:
        """Take a datagram in, whatever it is."""
        with self._lock:
            pressed = self._session.receive(packet, now_ns())
        self._tell(pressed)

    def _tell(self, pressed: list[str]) -> None:
        """Call back with what was pressed; wake who waits for audio."""
        for key in pressed:
            if self.dtmf is None:
                continue
            try:
                self.dtmf(key)
            # Whatever a callback raises, the packets behind this one have to be received.
            except Exception:
                self._callback_errors += 1
                log.exception("the dtmf callback raised for %r", key)
        # Looked at without the lock, as it is rare: who begins to wait looks at the buffer after.
        if self._waiting:
            with self._heard:
                self._heard.notify_all()

    def parse_packet(self, packet: bytes) -> None:
        """Take a packet in: audio is decoded to be read, keys are called back.

        Raises RTPParseError for what is no RTP packet; what shares its port, as RTCP, is counted.
        """
        with self._lock:
            pressed = self._session.parse(packet, now_ns())
        if pressed or self._waiting:
            self._tell(pressed)

    def parse_pcmu(self, packet: RTPMessage) -> None:
        """Decode a packet of PCMU to be read."""
        self._hear(packet)

    def parse_pcma(self, packet: RTPMessage) -> None:
        """Decode a packet of PCMA to be read."""
        self._hear(packet)

    def _hear(self, packet: RTPMessage) -> None:
        with self._lock:
            self._session.receiver.hear(packet, now_ns())
        self._tell([])

    def parse_telephone_event(self, packet: RTPMessage) -> None:
        """Call back with the keys that this packet is the first to report."""
        with self._lock:
            pressed = self._session.receiver.keys(packet)
        self._tell(pressed)

    def encode_packet(self, payload: bytes) -> bytes:
        """Audio as a payload of what is sent; of other codecs than G.711 whole packets of it."""
        return b"".join(self._session.encoding.encode(payload))

    def encode_pcmu(self, packet: bytes) -> bytes:
        """Audio as PCMU."""
        return self._encode("PCMU", packet)

    def encode_pcma(self, payload: bytes) -> bytes:
        """Audio as PCMA."""
        return self._encode("PCMA", payload)

    def _encode(self, name: str, audio: bytes) -> bytes:
        if self.sample_width == 1:
            return audio.translate(CODES[name])
        return Encoding(Format(name, 8000), 2, PACKET_MS).encode(audio)[0]
