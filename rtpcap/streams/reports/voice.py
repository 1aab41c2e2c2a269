"""What endpoints say of the voice they heard: in RTCP (RFC 3611 4.7) and in SIP (RFC 6035)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rtpcap.rtp.packets import NO_TIME
from rtpcap.rtp.rtcp.extended import ExtendedReport
from rtpcap.rtp.rtcp.voip import VoIPMetrics
from rtpcap.rtp.vq_report import VQMetrics, VQReport, parse_vq_report
from rtpcap.streams.reports.control import Control

if TYPE_CHECKING:
    from rtpcap.signalling.reports import VoiceReport

__all__ = ["Voice", "voices"]


@dataclass(frozen=True)
class Voice:
    """What one end measured of what it received; figures are None where they were not told."""

    frame: int
    time_ns: int | None
    source: Literal["rtcp-xr", "sip"]
    kind: str | None = None
    """Of SIP: ``session``, ``interval`` or ``alert``, which side measured, and what about."""
    ssrc: int | None = None
    """Who measured, and whose packets."""
    about_ssrc: int | None = None
    src: str | None = None
    """Who measured: where the report came from in RTCP, its end of the media in SIP."""
    src_port: int | None = None
    dst: str | None = None
    dst_port: int | None = None
    call_id: str | None = None
    codec: str | None = None
    loss_pct: float | None = None
    """Lost on the network, and discarded by the jitter buffer."""
    discard_pct: float | None = None
    burst_density_pct: float | None = None
    burst_ms: float | None = None
    gap_density_pct: float | None = None
    gap_ms: float | None = None
    round_trip_ms: float | None = None
    end_system_ms: float | None = None
    jitter_ms: float | None = None
    jitter_buffer_ms: float | None = None
    """Its nominal delay."""
    signal_dbm0: float | None = None
    noise_dbm0: float | None = None
    r_lq: float | None = None
    """R factor and opinion score of listening, and of conversing."""
    r_cq: float | None = None
    mos_lq: float | None = None
    mos_cq: float | None = None
    algorithm: str | None = None
    """How the scores were estimated, as told."""

    def row(self) -> dict[str, object]:
        """The figures with the keys of ``rtpcap rtcp --show vq``."""
        row = dict(vars(self))
        for key in ("ssrc", "about_ssrc"):
            row[key] = None if row[key] is None else f"0x{row[key]:08x}"
        return row


def voices(control: Control, reports: Iterable[VoiceReport] = ()) -> list[Voice]:
    """All of both kinds, in order of frames."""
    found = [*_extended(control)]
    for report in reports:
        parsed = parse_vq_report(report.text.encode())
        if parsed is not None:
            found += _of_sip(report, parsed)
    return sorted(found, key=lambda voice: voice.frame)


def _extended(control: Control) -> Iterator[Voice]:
    for row in control.holding(ExtendedReport.PACKET_TYPE):
        for packet in control.compounds[row].packets:
            if not isinstance(packet, ExtendedReport):
                continue
            for block in packet.blocks:
                if isinstance(block, VoIPMetrics):
                    yield _of_block(control, row, packet.ssrc, block)


def _of_block(control: Control, row: int, ssrc: int, block: VoIPMetrics) -> Voice:
    flow = control.flows[int(control.flow[row])]
    time_ns = int(control.time_ns[row])
    return Voice(
        frame=int(control.frame[row]),
        time_ns=None if time_ns == NO_TIME else time_ns,
        source="rtcp-xr",
        ssrc=ssrc,
        about_ssrc=block.ssrc,
        src=flow.src,
        src_port=flow.src_port,
        dst=flow.dst,
        dst_port=flow.dst_port,
        loss_pct=block.loss_pct,
        discard_pct=block.discard_pct,
        burst_density_pct=100 * block.burst_density / 256,
        burst_ms=block.burst_duration,
        gap_density_pct=100 * block.gap_density / 256,
        gap_ms=block.gap_duration,
        round_trip_ms=block.round_trip_delay,
        end_system_ms=block.end_system_delay,
        jitter_buffer_ms=block.jb_nominal,
        signal_dbm0=block.signal_dbm0,
        noise_dbm0=block.noise_dbm0,
        r_cq=block.r,
        mos_lq=block.listening_mos,
        mos_cq=block.conversational_mos,
    )


def _of_sip(report: VoiceReport, parsed: VQReport) -> Iterator[Voice]:
    """What the reporter measured, and what the other side told it, the ends changed over."""
    local, remote = parsed.local_address, parsed.remote_address
    sides = (("local", parsed.local, local, remote), ("remote", parsed.remote, remote, local))
    for side, metrics, here, there in sides:
        if metrics is None:
            continue
        yield Voice(
            frame=report.frame,
            time_ns=report.time_ns,
            source="sip",
            kind=" ".join(filter(None, (parsed.kind, side, parsed.event))),
            ssrc=here.ssrc if here else None,
            about_ssrc=there.ssrc if there else None,
            src=here.ip if here else None,
            src_port=here.port if here else None,
            dst=there.ip if there else None,
            dst_port=there.port if there else None,
            call_id=parsed.call_id or report.call_id or None,
            codec=metrics.codec,
            loss_pct=metrics.loss_pct,
            discard_pct=metrics.discard_pct,
            burst_density_pct=metrics.figure("burstgaploss", "bld"),
            burst_ms=metrics.figure("burstgaploss", "bd"),
            gap_density_pct=metrics.figure("burstgaploss", "gld"),
            gap_ms=metrics.figure("burstgaploss", "gd"),
            round_trip_ms=metrics.round_trip_ms,
            end_system_ms=metrics.end_system_ms,
            jitter_ms=metrics.jitter_ms,
            jitter_buffer_ms=_nominal(metrics),
            signal_dbm0=metrics.signal_dbm0,
            noise_dbm0=metrics.noise_dbm0,
            r_lq=metrics.r_lq,
            r_cq=metrics.r_cq,
            mos_lq=metrics.mos_lq,
            mos_cq=metrics.mos_cq,
            algorithm=metrics.algorithm,
        )


def _nominal(metrics: VQMetrics) -> float | None:
    return metrics.figure("jitterbuffer", "jbn")
