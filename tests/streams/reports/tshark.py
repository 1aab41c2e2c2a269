"""What tshark reads in the RTCP of a capture, field by field.

As a command it goes through whole folders: ``python -m tests.streams.reports.tshark FOLDER...``
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from rtpcap.errors import CaptureError
from rtpcap.rtp import rtcp
from rtpcap.rtp.packets import NO_TIME
from rtpcap.streams.reports.control import Control
from rtpcap.streams.reports.roundtrip import round_trips
from tests.capture.tshark import captures
from tests.streams.reports.kept import control_of

SEPARATOR, AGGREGATOR = "\x1e", "\x1f"
SENDER: dict[str, Callable[[rtcp.SenderReport], int]] = {
    "rtcp.timestamp.ntp.msw": lambda sr: sr.ntp >> 32,
    "rtcp.timestamp.ntp.lsw": lambda sr: sr.ntp & 0xFFFFFFFF,
    "rtcp.timestamp.rtp": lambda sr: sr.timestamp,
    "rtcp.sender.packetcount": lambda sr: sr.packet_count,
    "rtcp.sender.octetcount": lambda sr: sr.octet_count,
}
BLOCK = {
    "rtcp.ssrc.fraction": "fraction_lost",
    "rtcp.ssrc.cum_nr": "cumulative_lost",
    "rtcp.ssrc.ext_high": "highest_sequence",
    "rtcp.ssrc.jitter": "jitter",
    "rtcp.ssrc.lsr": "last_sr",
    "rtcp.ssrc.dlsr": "delay_since_last_sr",
}
VOIP = {
    "rtcp.ssrc.fraction": "loss_rate",
    "rtcp.ssrc.discarded": "discard_rate",
    "rtcp.xr.voipmetrics.burstdensity": "burst_density",
    "rtcp.xr.voipmetrics.gapdensity": "gap_density",
    "rtcp.xr.voipmetrics.burstduration": "burst_duration",
    "rtcp.xr.voipmetrics.gapduration": "gap_duration",
    "rtcp.xr.voipmetrics.rtdelay": "round_trip_delay",
    "rtcp.xr.voipmetrics.esdelay": "end_system_delay",
    "rtcp.xr.voipmetrics.signallevel": "signal_level",
    "rtcp.xr.voipmetrics.noiselevel": "noise_level",
    "rtcp.xr.voipmetrics.rerl": "rerl",
    "rtcp.xr.voipmetrics.gmin": "gmin",
    "rtcp.xr.voipmetrics.rfactor": "r_factor",
    "rtcp.xr.voipmetrics.extrfactor": "external_r_factor",
    "rtcp.xr.voipmetrics.jbnominal": "jb_nominal",
    "rtcp.xr.voipmetrics.jbmax": "jb_maximum",
    "rtcp.xr.voipmetrics.jbabsmax": "jb_abs_max",
}
SUMMARY = {
    "rtcp.xr.beginseq": "begin_sequence",
    "rtcp.xr.endseq": "end_sequence",
    "rtcp.xr.stats.lost": "lost",
    "rtcp.xr.stats.dups": "duplicates",
    "rtcp.xr.stats.minjitter": "min_jitter",
    "rtcp.xr.stats.maxjitter": "max_jitter",
    "rtcp.xr.stats.meanjitter": "mean_jitter",
    "rtcp.xr.stats.devjitter": "dev_jitter",
    "rtcp.xr.stats.minttl": "min_hops",
    "rtcp.xr.stats.maxttl": "max_hops",
    "rtcp.xr.stats.meanttl": "mean_hops",
    "rtcp.xr.stats.devttl": "dev_hops",
}
FIELDS = (
    "rtcp.pt",
    *SENDER,
    *BLOCK,
    *[name for name in VOIP if name not in BLOCK],
    *SUMMARY,
    "rtcp.xr.bt",
    "rtcp.xr.lrr",
    "rtcp.xr.dlrr",
    "rtcp.sdes.type",
    "rtcp.sdes.text",
    "rtcp.app.name",
    "rtcp.rtpfb.fmt",
    "rtcp.psfb.fmt",
    "rtcp.mediassrc",
    "rtcp.rtpfb.nack_pid",
    "rtcp.rtpfb.nack_blp",
    "rtcp.psfb.fir.fci.ssrc",
    "rtcp.psfb.fir.fci.csn",
    "rtcp.psfb.remb.fci.br_mantissa",
    "rtcp.rtpfb.transportcc.baseseq",
    "rtcp.rtpfb.transportcc.statuscount",
    "rtcp.rtpfb.transportcc.reftime",
)
QUERY = "rtcp.pt && !icmp && !icmpv6"
"""What an ICMP error quotes is none of the capture's packets."""
SETTINGS = ("rtcp.show_roundtrip_calculation:TRUE", "rtcp.roundtrip_min_threshhold:0")
ROUND_TRIP = "rtcp.roundtrip-delay"
PROTECTED = "srtcp.e"
Reading = dict[str, list[str]]


@cache
def theirs(path: Path) -> dict[int, Reading]:
    """Frame -> field -> values in order, of each frame in which tshark sees RTCP."""
    command = ["tshark", "-n", "-r", str(path), "-Y", QUERY, "--enable-heuristic", "rtcp_udp"]
    for setting in SETTINGS:
        command += ["-o", setting]
    command += ["-T", "fields", "-E", f"separator={SEPARATOR}", "-E", f"aggregator={AGGREGATOR}"]
    names = ("frame.number", *FIELDS, ROUND_TRIP, PROTECTED)
    for name in names:
        command += ["-e", name]
    run = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    found = {}
    for line in run.stdout.split("\n"):
        if not line:
            continue
        values = line.split(SEPARATOR)
        row = dict(zip(names, values, strict=True))
        found[int(row.pop("frame.number"))] = {
            name: value.split(AGGREGATOR) for name, value in row.items() if value
        }
    return found


def ours(compound: rtcp.Compound) -> Reading:
    """The same of a datagram here."""
    found: Reading = {}

    def add(name: str, value: object) -> None:
        found.setdefault(name, []).append(str(value))

    def feedback(packet: rtcp.Feedback) -> None:
        add("rtcp.rtpfb.fmt" if packet.packet_type == 205 else "rtcp.psfb.fmt", packet.count)
        add("rtcp.mediassrc", f"0x{packet.media_ssrc:08x}")
        if isinstance(packet, rtcp.NACK):
            for number, mask in packet.lost:
                add("rtcp.rtpfb.nack_pid", number)
                add("rtcp.rtpfb.nack_blp", f"0x{mask:04x}")
        elif isinstance(packet, rtcp.FIR):
            for to in packet.commands:
                add("rtcp.psfb.fir.fci.ssrc", f"0x{to.ssrc:08x}")
                add("rtcp.psfb.fir.fci.csn", to.sequence)
        elif isinstance(packet, rtcp.REMB):
            add("rtcp.psfb.remb.fci.br_mantissa", packet.mantissa)
        elif isinstance(packet, rtcp.TransportCC):
            add("rtcp.rtpfb.transportcc.baseseq", packet.base_sequence)
            add("rtcp.rtpfb.transportcc.statuscount", packet.status_count)
            add("rtcp.rtpfb.transportcc.reftime", packet.reference_time)

    for packet in compound.packets:
        add("rtcp.pt", packet.packet_type)
        if isinstance(packet, rtcp.SenderReport):
            for name, value in SENDER.items():
                add(name, value(packet))
        if isinstance(packet, (rtcp.SenderReport, rtcp.ReceiverReport)):
            for block in packet.blocks:
                for name, attribute in BLOCK.items():
                    add(name, getattr(block, attribute))
        elif isinstance(packet, rtcp.SourceDescription):
            for chunk in packet.chunks:
                for item in chunk.items:
                    add("rtcp.sdes.type", item.kind)
                    if item.text:
                        add("rtcp.sdes.text", item.text)
                add("rtcp.sdes.type", 0)
        elif isinstance(packet, rtcp.Goodbye):
            if packet.text:
                add("rtcp.sdes.text", packet.text)
        elif isinstance(packet, rtcp.ApplicationDefined):
            add("rtcp.app.name", packet.text)
        elif isinstance(packet, rtcp.ExtendedReport):
            for part in packet.blocks:
                extended(part, add)
        elif isinstance(packet, rtcp.Feedback):
            feedback(packet)
    return found


def extended(block: object, add: object) -> None:
    """A block of an extended report."""
    assert callable(add)
    add("rtcp.xr.bt", block.block_type if isinstance(block, rtcp.OtherBlock) else block.TYPE)  # type: ignore[attr-defined]
    tables = {rtcp.VoIPMetrics: VOIP, rtcp.StatisticsSummary: SUMMARY}
    for name, attribute in tables.get(type(block), {}).items():
        add(name, getattr(block, attribute))
    if isinstance(block, rtcp.DelaySinceLastRR):
        for answer in block.answers:
            add("rtcp.xr.lrr", answer.last_rr)
            add("rtcp.xr.dlrr", answer.delay_since_last_rr)


def differences(path: Path) -> tuple[int, list[str]]:
    """How many values are the same, and each that is not; CaptureError if not readable."""
    control = control_of(path)
    here: dict[int, list[rtcp.Compound]] = {}
    for frame, compound in zip(control.frame.tolist(), control.compounds, strict=True):
        here.setdefault(frame, []).append(compound)
    there = theirs(path)
    same, other = 0, list[str]()
    for frame in sorted({*here, *there}):
        if frame not in here:
            other.append(f"frame {frame}: only in tshark")
            continue
        if frame not in there:
            # Where no SDP told it the port, it takes only what begins with a clear report.
            if not all(c.is_reduced or c.protection for c in here[frame]):
                other.append(f"frame {frame}: only here")
            continue
        protected = [c for c in here[frame] if c.protection is not None]
        if protected or PROTECTED in there[frame]:
            if bool(protected) != (PROTECTED in there[frame]):
                other.append(f"frame {frame}: SRTCP only {'here' if protected else 'in tshark'}")
            continue
        found: Reading = {}
        for compound in here[frame]:
            for name, values in ours(compound).items():
                found.setdefault(name, []).extend(values)
        for name in FIELDS:
            mine, tsharks = found.get(name, []), there[frame].get(name, [])
            if mine == tsharks:
                same += len(mine)
            else:
                other.append(f"frame {frame} {name}: {tsharks} in tshark, {mine} here")
    return same, other


def delays(control: Control, there: dict[int, Reading]) -> Iterator[tuple[int, float, float]]:
    """(frame, round trip here, in tshark) in ms, where both have one and the frame one block."""
    blocks, trips = control.blocks, round_trips(control)
    frames = control.frame[blocks.row].tolist()
    for frame, rtt in zip(frames, trips.rtt_ns.tolist(), strict=True):
        told = there.get(frame, {}).get(ROUND_TRIP, [])
        if rtt != NO_TIME and len(told) == 1 and frames.count(frame) == 1:
            yield frame, rtt / 1e6, float(told[0])


def main(folders: list[Path]) -> int:
    """Print each difference; 1 where there was one."""
    agreed, differing = 0, 0
    for path in captures(folders):
        try:
            same, other = differences(path)
        except CaptureError:
            continue
        agreed, differing = agreed + same, differing + len(other)
        for line in other:
            sys.stdout.write(f"{path}: {line}\n")
    sys.stdout.write(f"{agreed} values are the same, {differing} differ\n")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main([Path(folder) for folder in sys.argv[1:]]))
