"""SIP and RTSP out of a capture's datagrams: one look at the first bytes, then message by message.

Only what begins as text is looked at singly; a capture without signalling pays for no more than a
comparison of the bytes that are no RTP. The room of signalling is entered with the first message
that may be one.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rtpcap.capture.tables import Datagrams
from rtpcap.rtp.packets import NO_TIME

if TYPE_CHECKING:
    from rtpcap.signalling import (
        Arrival,
        Dialogs,
        RtspSessions,
        RtspStream,
        Signalling,
        SipMessage,
    )

__all__ = ["Listener", "sip_messages", "texts"]

TEXT = np.zeros(256, np.bool_)
TEXT[0x20:0x7F] = True
TEXT[list(b"\0\t\r\n")] = True
"""Bytes that a message of text may begin with; blanks before it are tolerated."""
WORD_BYTES = 4
MANY = 256
"""Messages of one chunk from which on the search for cycles is felt."""


def text_rows(rows: npt.NDArray[np.int64], word: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Of some rows those whose first four bytes are text; `word` has these bytes of all rows."""
    if not len(rows):
        return rows
    first = np.ascontiguousarray(word[rows].astype(">u4")).view(np.uint8)
    first = first.reshape(-1, WORD_BYTES)
    # A datagram of less than a header has zeros for its word.
    text = TEXT[first[:, 0]] & (word[rows] != 0)
    kept = np.flatnonzero(text)
    return rows[kept[TEXT[first[kept]].all(axis=1)]]


class Listener:
    """Takes a capture's datagrams and keeps what their signalling tells."""

    def __init__(self) -> None:
        self._dialogs: Dialogs | None = None
        self._sessions: RtspSessions | None = None

    def feed(
        self,
        datagrams: Datagrams,
        rows: npt.NDArray[np.int64],
        word: npt.NDArray[np.uint32],
    ) -> None:
        """Look at some rows of a chunk; `word` has the first four bytes of each of its rows."""
        rows = text_rows(rows, word)
        if not len(rows):
            return
        with _uncollected() if len(rows) >= MANY else nullcontext():
            self._listen(datagrams, rows)

    def _listen(self, datagrams: Datagrams, rows: npt.NDArray[np.int64]) -> None:
        from rtpcap.signalling import Dialogs, RtspSessions, looks_like_sip, parse_rtsp, parse_sip

        for row, arrival, payload in _payloads(datagrams, rows):
            if looks_like_sip(payload):
                message = parse_sip(payload)
                if message is not None:
                    if self._dialogs is None:
                        self._dialogs = Dialogs()
                    self._dialogs.feed(message, arrival)
            elif datagrams.flows[int(datagrams.flow[row])].transport == "tcp":
                said = parse_rtsp(payload)
                if said is not None:
                    if self._sessions is None:
                        self._sessions = RtspSessions()
                    self._sessions.feed(said, arrival)

    def finish(
        self, frames: int = 0, last_ns: int = NO_TIME
    ) -> tuple[Signalling | None, list[RtspStream]]:
        """What SIP tells, None where there is none, and the streams that RTSP set up.

        `frames` is how many the capture has, and `last_ns` the time of the last.
        """
        signalling = None
        if self._dialogs is not None:
            from rtpcap.signalling import Moment

            end = None if last_ns == NO_TIME else Moment(frames, last_ns)
            signalling = self._dialogs.finish(end)
        return signalling, [] if self._sessions is None else self._sessions.streams


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles of objects meanwhile.

    Messages and calls have none, and are freed without it; but they are so many objects that the
    search takes a quarter of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _payloads(
    datagrams: Datagrams, rows: npt.NDArray[np.int64]
) -> Iterator[tuple[int, Arrival, bytes]]:
    """Each row with where and when it came, and its bytes."""
    from rtpcap.signalling import Arrival

    columns = (
        datagrams.frame,
        datagrams.time_ns,
        datagrams.flow,
        datagrams.block,
        datagrams.begin,
        datagrams.end,
    )
    flows, blocks = datagrams.flows, datagrams.blocks
    ends = {flow: flows[flow] for flow in np.unique(datagrams.flow[rows]).tolist()}
    for row, frame, time_ns, flow, block, begin, end in zip(
        rows.tolist(), *(column[rows].tolist() for column in columns), strict=True
    ):
        time = None if time_ns == NO_TIME else time_ns
        yield row, Arrival(frame, time, *ends[flow]), blocks[block][begin:end].tobytes()


def texts(datagrams: Datagrams, *, whole: bool = False) -> Iterator[tuple[Arrival, bytes]]:
    """What begins as text in a chunk, in order of frames; with `whole` not what the capture cut."""
    long_enough = datagrams.end - datagrams.begin >= SHORTEST
    rows = np.flatnonzero(long_enough & ~datagrams.cut if whole else long_enough)
    word = np.zeros(len(datagrams), np.uint32)
    for block in np.unique(datagrams.block[rows]).tolist():
        mine = rows[datagrams.block[rows] == block]
        at = datagrams.begin[mine]
        for i in range(WORD_BYTES):
            word[mine] = word[mine] << np.uint32(8) | datagrams.blocks[block][at + i]
    rows = text_rows(rows, word)
    if len(rows):
        for _, arrival, payload in _payloads(datagrams, rows):
            yield arrival, payload


def sip_messages(datagrams: Datagrams) -> Iterator[tuple[Arrival, SipMessage]]:
    """The SIP messages of a chunk, in order of frames."""
    for arrival, payload in texts(datagrams):
        from rtpcap.signalling import looks_like_sip, parse_sip

        message = parse_sip(payload) if looks_like_sip(payload) else None
        if message is not None:
            yield arrival, message


SHORTEST = 12
"""What is shorter than an RTP header is no message either."""
