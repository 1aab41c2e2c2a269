"""The rows of ``rtpcap rtcp``: one a report block, or a packet that has none.

==================  ==============================================================================
key                 what it says; null where a row has no such thing
==================  ==============================================================================
frame               1-based number of the frame
time_ns start_s     when it was captured: since 1970, and seconds from the capture's first frame
src src_port        where it came from
dst dst_port        where it went
kind                ``SR RR SDES BYE APP XR NACK TMMBR TMMBN transport-cc PLI SLI RPSI FIR TSTR TSTN
                    REMB SRTCP``, another format's or type's name or number, or ``damaged``: a
                    datagram of which nothing was read
ssrc                who speaks
about_ssrc          of whom
lost                cumulative number of packets lost, as said
fraction_lost_pct   lost since the report before, as said
highest_sequence    extended highest sequence number received
jitter              in timestamp units
jitter_ms           where the clock rate of the source is known
rtt_ms              from the tap to who speaks and back (see `roundtrip`)
last_sr             the sender report that it answers, hexadecimal: the middle of its NTP timestamp
delay_ms            since that one came
ntp_time            ISO 8601 UTC, of the sender's clock
rtp_timestamp       of the same instant
sender_packets      sent since the beginning, in packets and in bytes of payload
sender_octets
cname               the name of who speaks, from this datagram
detail              what else the packet says: ``"reason=gone"``
fault               what is wrong with the datagram, on its first row
==================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.rtcp import (
    FIR,
    NACK,
    REMB,
    SLI,
    TMMBN,
    TMMBR,
    ApplicationDefined,
    Compound,
    DelaySinceLastRR,
    DuplicateRLE,
    ExtendedReport,
    Feedback,
    Goodbye,
    LossRLE,
    OtherBlock,
    Packet,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    StatisticsSummary,
    TransportCC,
    VoIPMetrics,
)
from rtpcap.rtp.rtcp.reports import DELAY_UNITS
from rtpcap.streams.reports.control import Control
from rtpcap.streams.reports.roundtrip import round_trips
from rtpcap.streams.reports.wallclock import ntp_to_ns

__all__ = ["KEYS", "rtcp_rows"]

KEYS = (
    *("frame", "time_ns", "start_s", "src", "src_port", "dst", "dst_port"),
    *("kind", "ssrc", "about_ssrc", "lost", "fraction_lost_pct", "highest_sequence"),
    *("jitter", "jitter_ms", "rtt_ms", "last_sr", "delay_ms"),
    *("ntp_time", "rtp_timestamp", "sender_packets", "sender_octets"),
    *("cname", "detail", "fault"),
)

Row = dict[str, object]


def rtcp_rows(
    control: Control, *, start_ns: int | None = None, clock_rates: Mapping[int, int] | None = None
) -> Iterator[Row]:
    """A row each, in order of frames, with all of `KEYS`.

    `start_ns` is the time of the capture's first frame, `clock_rates` those of sources by SSRC.
    """
    trips = iter(round_trips(control).rtt_ns.tolist())
    rates = clock_rates or {}
    columns = (control.frame.tolist(), control.time_ns.tolist(), control.flow.tolist())
    for compound, frame, captured, number in zip(control.compounds, *columns, strict=True):
        flow = control.flows[number]
        time_ns = None if captured == NO_TIME else captured
        head: Row = dict.fromkeys(KEYS)
        head |= {"frame": frame, "time_ns": time_ns, "src": flow.src, "src_port": flow.src_port}
        head |= {"dst": flow.dst, "dst_port": flow.dst_port}
        if time_ns is not None and start_ns is not None:
            head["start_s"] = (time_ns - start_ns) / 1e9
        names = _names(compound)
        fault: str | None = "; ".join(map(str, compound.faults)) or None
        for row in _rows(compound, time_ns, trips, rates):
            speaker = row["ssrc"]
            cname = names.get(speaker) if isinstance(speaker, int) else None
            for key in ("ssrc", "about_ssrc"):
                row[key] = _hexadecimal(row.get(key))
            yield {**head, **row, "cname": cname, "fault": fault}
            fault = None


def _hexadecimal(value: object) -> str | None:
    return f"0x{value:08x}" if isinstance(value, int) else None


def _names(compound: Compound) -> dict[int, str | None]:
    return {
        chunk.ssrc: chunk.cname
        for packet in compound.packets
        if isinstance(packet, SourceDescription)
        for chunk in packet.chunks
    }


def _rows(
    compound: Compound, time_ns: int | None, trips: Iterator[int], rates: Mapping[int, int]
) -> Iterator[Row]:
    protection = compound.protection
    if protection is not None and protection.encrypted:
        clear = f"index={protection.index} first={protection.packet_type}"
        yield {"kind": "SRTCP", "ssrc": protection.ssrc, "detail": clear}
    elif not compound.packets:
        yield {"kind": "damaged", "ssrc": None}
    for packet in compound.packets:
        row: Row = {"kind": packet.kind, "ssrc": packet.source}
        if isinstance(packet, SenderReport):
            row |= _sender(packet, time_ns)
        if isinstance(packet, (SenderReport, ReceiverReport)) and packet.blocks:
            for block in packet.blocks:
                yield row | _block(block, next(trips, NO_TIME), rates)
        elif isinstance(packet, SourceDescription):
            for chunk in packet.chunks:
                items = " ".join(f"{item.name}={item.text}" for item in chunk.items)
                yield row | {"ssrc": chunk.ssrc, "detail": items or None}
            if not packet.chunks:
                yield row
        elif isinstance(packet, Goodbye):
            detail = None if packet.text is None else f"reason={packet.text}"
            for ssrc in packet.sources:
                yield row | {"ssrc": ssrc, "detail": detail}
            if not packet.sources:
                yield row | {"detail": detail}
        elif isinstance(packet, ExtendedReport):
            for part in packet.blocks:
                yield row | {"about_ssrc": getattr(part, "ssrc", None), "detail": _extended(part)}
            if not packet.blocks:
                yield row
        else:
            about = packet.media_ssrc if isinstance(packet, Feedback) else None
            yield row | {"about_ssrc": about, "detail": _detail(packet)}


def _sender(report: SenderReport, time_ns: int | None) -> Row:
    wall = np.datetime64(ntp_to_ns(report.ntp, time_ns), "ns") if report.ntp else None
    return {
        "ntp_time": None if wall is None else f"{wall}Z",
        "rtp_timestamp": report.timestamp,
        "sender_packets": report.packet_count,
        "sender_octets": report.octet_count,
    }


def _block(block: ReportBlock, rtt_ns: int, rates: Mapping[int, int]) -> Row:
    rate = rates.get(block.ssrc)
    return {
        "about_ssrc": block.ssrc,
        "lost": block.cumulative_lost,
        "fraction_lost_pct": 100 * block.fraction_lost / 256,
        "highest_sequence": block.highest_sequence,
        "jitter": block.jitter,
        "jitter_ms": 1000 * block.jitter / rate if rate else None,
        "rtt_ms": None if rtt_ns == NO_TIME else rtt_ns / 1e6,
        "last_sr": f"0x{block.last_sr:08x}" if block.last_sr else None,
        "delay_ms": 1000 * block.delay_since_last_sr / DELAY_UNITS if block.last_sr else None,
    }


def _extended(block: object) -> str:
    figures: dict[str, object] = {}
    if isinstance(block, VoIPMetrics):
        figures = {
            "loss_pct": f"{block.loss_pct:.1f}",
            "discard_pct": f"{block.discard_pct:.1f}",
            "rtd_ms": block.round_trip_delay,
            "esd_ms": block.end_system_delay,
            "r": block.r,
            "mos_lq": block.listening_mos,
            "mos_cq": block.conversational_mos,
            "signal_dbm0": block.signal_dbm0,
            "noise_dbm0": block.noise_dbm0,
            "jb_ms": block.jb_nominal,
        }
    elif isinstance(block, StatisticsSummary):
        figures = {"sequence": f"{block.begin_sequence}-{block.end_sequence}"}
        if block.has_lost:
            figures["lost"] = block.lost
        if block.has_duplicates:
            figures["duplicates"] = block.duplicates
        if block.has_jitter:
            figures["jitter"] = f"{block.min_jitter}/{block.mean_jitter}/{block.max_jitter}"
    elif isinstance(block, (LossRLE, DuplicateRLE)):
        flags = block.flags
        figures = {"sequence": f"{block.begin_sequence}-{block.end_sequence}"}
        figures["not received" if isinstance(block, LossRLE) else "doubled"] = flags.count(False)
    elif isinstance(block, DelaySinceLastRR):
        figures = {"answers": len(block.answers)}
    elif isinstance(block, OtherBlock):
        figures = {"type": block.block_type, "bytes": len(block.data)}
    name = getattr(block, "NAME", "")
    told = [f"{key}={value}" for key, value in figures.items() if value is not None]
    return " ".join([name, *told])


def _detail(packet: Packet) -> str | None:
    if isinstance(packet, NACK):
        return "lost=" + ",".join(map(str, packet.sequences))
    if isinstance(packet, (TMMBR, TMMBN)):
        return " ".join(f"0x{rate.ssrc:08x}={rate.bits_per_second}" for rate in packet.rates)
    if isinstance(packet, REMB):
        return f"bits_per_second={packet.bits_per_second}"
    if isinstance(packet, FIR):
        return " ".join(f"0x{to.ssrc:08x}={to.sequence}" for to in packet.commands)
    if isinstance(packet, SLI):
        return " ".join(f"{part.first}+{part.number}" for part in packet.slices)
    if isinstance(packet, TransportCC):
        missing = packet.statuses.count(0)
        return f"base={packet.base_sequence} packets={packet.status_count} missing={missing}"
    if isinstance(packet, ApplicationDefined):
        return f"name={packet.text} subtype={packet.subtype} bytes={len(packet.data)}"
    return None
