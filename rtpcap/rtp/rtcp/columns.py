"""Sender reports and report blocks of many datagrams as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rtpcap.rtp.compound import MOST_PARTS, is_compound
from rtpcap.rtp.header import WORD_BYTES
from rtpcap.rtp.rtcp.compound import COUNT_MASK, parse
from rtpcap.rtp.rtcp.part import PADDING_BIT, PART_HEADER
from rtpcap.rtp.rtcp.reports import (
    BLOCK_BYTES,
    RR,
    SENDER_BYTES,
    SR,
    ReceiverReport,
    SenderReport,
)
from rtpcap.rtp.rtcp.srtcp import recognise

__all__ = ["ReportBlocks", "SenderReports", "split_reports"]

Places = npt.NDArray[np.int64]
Data = npt.NDArray[np.uint8]
LOST_BITS = 24


@dataclass(frozen=True, eq=False)
class SenderReports:
    """A row a sender report, in order of datagrams; columns of shape (n,)."""

    row: npt.NDArray[np.int64]
    """The datagram it is in."""
    ssrc: npt.NDArray[np.uint32]
    ntp: npt.NDArray[np.uint64]
    """Seconds since 1900 in the upper half, 1/2**32 s in the lower."""
    timestamp: npt.NDArray[np.uint32]
    packet_count: npt.NDArray[np.uint32]
    octet_count: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, eq=False)
class ReportBlocks:
    """A row a report block, in order of datagrams; columns of shape (n,), named as in its class."""

    row: npt.NDArray[np.int64]
    """The datagram it is in."""
    packet_type: npt.NDArray[np.uint8]
    """200 in a sender report, 201 in a receiver report."""
    ssrc: npt.NDArray[np.uint32]
    """Who reports."""
    about_ssrc: npt.NDArray[np.uint32]
    fraction_lost: npt.NDArray[np.uint8]
    cumulative_lost: npt.NDArray[np.int32]
    highest_sequence: npt.NDArray[np.uint32]
    jitter: npt.NDArray[np.uint32]
    last_sr: npt.NDArray[np.uint32]
    delay_since_last_sr: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.row)


class _Found:
    """Words of reports, gathered a step of the walk at a time."""

    def __init__(self) -> None:
        self.senders: list[npt.NDArray[np.int64]] = []
        self.blocks: list[npt.NDArray[np.int64]] = []

    def tables(self) -> tuple[SenderReports, ReportBlocks]:
        """What was found, in order of datagrams and within them of their bytes."""
        s = _in_order(self.senders, 2 + SENDER_BYTES // WORD_BYTES)
        senders = SenderReports(
            row=s[:, 0],
            ssrc=s[:, 2].astype(np.uint32),
            ntp=s[:, 3].astype(np.uint64) << np.uint64(32) | s[:, 4].astype(np.uint64),
            timestamp=s[:, 5].astype(np.uint32),
            packet_count=s[:, 6].astype(np.uint32),
            octet_count=s[:, 7].astype(np.uint32),
        )
        b = _in_order(self.blocks, 4 + BLOCK_BYTES // WORD_BYTES)
        lost = b[:, 5] & (1 << LOST_BITS) - 1
        lost -= (lost >> LOST_BITS - 1) << LOST_BITS
        blocks = ReportBlocks(
            row=b[:, 0],
            packet_type=b[:, 2].astype(np.uint8),
            ssrc=b[:, 3].astype(np.uint32),
            about_ssrc=b[:, 4].astype(np.uint32),
            fraction_lost=(b[:, 5] >> LOST_BITS).astype(np.uint8),
            cumulative_lost=lost.astype(np.int32),
            highest_sequence=b[:, 6].astype(np.uint32),
            jitter=b[:, 7].astype(np.uint32),
            last_sr=b[:, 8].astype(np.uint32),
            delay_since_last_sr=b[:, 9].astype(np.uint32),
        )
        return senders, blocks


def _in_order(parts: list[npt.NDArray[np.int64]], width: int) -> npt.NDArray[np.int64]:
    """Rows of (datagram, place in it, ...) in order."""
    if not parts:
        return np.zeros((0, width), np.int64)
    table = np.concatenate(parts)
    return table[np.lexsort((table[:, 1], table[:, 0]))]


def split_reports(
    blocks: Sequence[Data],
    block: npt.NDArray[np.uint16],
    begin: Places,
    end: Places,
) -> tuple[SenderReports, ReportBlocks]:
    """The reports in the datagrams at ``blocks[block][begin:end]``: the same that `parse` reads.

    Encrypted ones have none; of a damaged one come those that are whole.
    """
    found = _Found()
    plain = is_compound(blocks, block, begin, end)
    for row in np.flatnonzero(~plain).tolist():
        data = blocks[int(block[row])][int(begin[row]) : int(end[row])].tobytes()
        protection = recognise(data)
        if protection is None or not protection.encrypted:
            _one(found, row, data)
    for number in np.unique(block[plain]).tolist():
        rows = np.flatnonzero(plain & (block == number))
        _walk(found, blocks[number], rows, begin[rows], end[rows])
    return found.tables()


def _walk(found: _Found, data: Data, rows: Places, at: Places, end: Places) -> None:
    """All rows of a block at once, from packet to packet."""
    start = at
    for _ in range(MOST_PARTS):
        first, packet_type = data[at], data[at + 1]
        words = data[at + 2].astype(np.int64) << 8 | data[at + 3]
        following = at + (words + 1) * WORD_BYTES
        stop = following.copy()
        padded = np.flatnonzero(first & PADDING_BIT)
        if len(padded):
            count = data[stop[padded] - 1].astype(np.int64)
            room = stop[padded] - at[padded] - PART_HEADER.size
            sound = (count > 0) & (count % WORD_BYTES == 0) & (count <= room)
            stop[padded] -= np.where(sound, count, 0)
        body = at + PART_HEADER.size
        reports = first & COUNT_MASK
        sender = (packet_type == SR) & (stop - body >= SENDER_BYTES)
        receiver = (packet_type == RR) & (stop - body >= WORD_BYTES)
        if sender.any():
            own = np.flatnonzero(sender)
            values = _take(data, body[own], SENDER_BYTES)
            place = (at - start)[own]
            found.senders.append(np.column_stack((rows[own], place, values)))
        for which, head in ((sender, SENDER_BYTES), (receiver, WORD_BYTES)):
            own = np.flatnonzero(which & (reports > 0))
            if not len(own):
                continue
            room = (stop[own] - body[own] - head) // BLOCK_BYTES
            count = np.minimum(reports[own], room)
            owner = np.repeat(own, count)
            number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
            place = body[owner] + head + number * BLOCK_BYTES
            values = _take(data, place, BLOCK_BYTES)
            who = _take(data, body[owner], WORD_BYTES)
            kind = packet_type[owner].astype(np.int64)
            found.blocks.append(
                np.column_stack((rows[owner], place - start[owner], kind, who, values))
            )
        going = following < end
        rows, at, end, start = rows[going], following[going], end[going], start[going]
        if not len(rows):
            break


def _take(data: Data, at: Places, size: int) -> npt.NDArray[np.int64]:
    """`size` bytes at each of k places as words, shape (k, size / 4)."""
    if not len(at):
        return np.zeros((0, size // WORD_BYTES), np.int64)
    records = np.ndarray((len(data) - size + 1,), np.dtype((np.void, size)), data, 0, (1,))
    taken = records[at].view(np.uint8).reshape(len(at), size)
    return np.ascontiguousarray(taken).view(">u4").astype(np.int64)


def _one(found: _Found, row: int, data: bytes) -> None:
    """A datagram whose lengths do not add up, packet by packet."""
    for place, packet in enumerate(parse(data).packets):
        if isinstance(packet, SenderReport):
            ntp = (packet.ntp >> 32, packet.ntp & 0xFFFFFFFF)
            counts = (packet.timestamp, packet.packet_count, packet.octet_count)
            found.senders.append(np.array([(row, place, packet.ssrc, *ntp, *counts)], np.int64))
        if isinstance(packet, (SenderReport, ReceiverReport)):
            for b in packet.blocks:
                losses = b.fraction_lost << LOST_BITS | b.cumulative_lost & (1 << LOST_BITS) - 1
                figures = (b.highest_sequence, b.jitter, b.last_sr, b.delay_since_last_sr)
                head = (row, place, packet.packet_type, packet.ssrc, b.ssrc, losses)
                found.blocks.append(np.array([(*head, *figures)], np.int64))
