"""Streams of real captures, and what their names, SDP files or senders say that they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import rtpcap
from rtpcap.codecs.evidence import Evidence
from rtpcap.rtp.packets import Packets
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.serial import steps

__all__ = ["CAPTURES", "FIXTURES", "REAL", "Real", "evidence_of", "streams_of", "voiced"]

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
FIXTURES, CAPTURES = SHARED / "fixtures", SHARED / "captures"

LATM = "cpresent=0;config=400023103fc0"
AAC = "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=118856E500"
LAYER = "samplerate=48000;mode=single_channel"


@dataclass(frozen=True)
class Real:
    """Streams of one payload number in a capture, and their format."""

    path: Path
    number: int
    format: Format

    @property
    def name(self) -> str:
        return f"{self.path.name}:{self.number}:{self.format}"


def _own(name: str, number: int, text: str, parameters: str = "") -> Real:
    fmt = Format.parse(text)
    return Real(
        FIXTURES / f"{name}.pcap",
        number,
        Format(fmt.name, fmt.clock_rate, fmt.channels, parameters),
    )


def _other(name: str, number: int, text: str, parameters: str = "") -> Real:
    fmt = Format.parse(text)
    return Real(CAPTURES / name, number, Format(fmt.name, fmt.clock_rate, fmt.channels, parameters))


STEREO = "sprop-stereo=1"
ALIGNED = "octet-align=1"

REAL = [
    _own("br-amr", 96, "AMR/8000", ALIGNED),
    _own("br-amrwb", 96, "AMR-WB/16000", ALIGNED),
    _own("br-g722", 9, "G722/8000"),
    # Its SDP says G726-32; what it sends is in the packing of AAL2.
    _own("br-g726", 96, "AAL2-G726-32/8000"),
    _own("br-gsm", 3, "GSM/8000"),
    _own("br-l16", 96, "L16/16000"),
    _own("br-opus", 96, "opus/48000/2"),
    _own("br-opus2", 96, "opus/48000/2", STEREO),
    _own("br-opusfecdtx", 96, "opus/48000/2"),
    _own("br-pcmu", 0, "PCMU/8000"),
    _own("ch-opus-plain", 111, "opus/48000/2"),
    _own("ff-aac", 97, "mpeg4-generic/48000", AAC),
    _own("ff-amr", 97, "AMR/8000", ALIGNED),
    _own("ff-amrwb", 97, "AMR-WB/16000", ALIGNED),
    _own("ff-g722", 9, "G722/8000"),
    _own("ff-g726_16", 97, "AAL2-G726-16/8000"),
    _own("ff-g726_32", 97, "AAL2-G726-32/8000"),
    _own("ff-g726_40", 97, "AAL2-G726-40/8000"),
    _own("ff-g726le", 97, "G726-32/8000"),
    _own("ff-l16s", 10, "L16/44100/2"),
    _own("ff-latm", 97, "MP4A-LATM/48000", LATM),
    _own("ff-mp2", 14, "MPA/90000", LAYER),
    _own("ff-mp3", 14, "MPA/90000", LAYER),
    _own("ff-opus", 97, "opus/48000/2"),
    _own("ff-pcma", 8, "PCMA/8000"),
    _own("ff-speex", 97, "speex/8000"),
    _own("ff-speexwb", 97, "speex/16000"),
    _own("gst-amr", 96, "AMR/8000", ALIGNED),
    _own("gst-amrwb", 96, "AMR-WB/16000", ALIGNED),
    _own("gst-g722", 9, "G722/8000"),
    _own("gst-g726", 96, "AAL2-G726-32/8000"),
    _own("gst-g726le", 96, "G726-32/8000"),
    _own("gst-gsm", 3, "GSM/8000"),
    _own("gst-l16", 96, "L16/16000"),
    _own("gst-l24", 96, "L24/16000"),
    _own("gst-mp3", 14, "MPA/90000", LAYER),
    _own("gst-opus", 111, "opus/48000/2"),
    _own("gst-opusfec", 111, "opus/48000/2"),
    _own("gst-sbc", 96, "SBC/16000"),
    _own("gst-siren", 96, "SIREN/16000"),
    _own("gst-speex", 110, "speex/16000"),
    _own("gst-stereo", 111, "opus/48000/2", STEREO),
    _own("pj-amr", 96, "AMR/8000"),
    _own("pj-amrwb", 96, "AMR-WB/16000"),
    _own("pj-g722", 9, "G722/8000"),
    _own("pj-g729", 18, "G729/8000"),
    _own("pj-g729vad", 18, "G729/8000"),
    _own("pj-gsm", 3, "GSM/8000"),
    _own("pj-ilbc20", 96, "iLBC/8000", "mode=20"),
    _own("pj-ilbc30", 96, "iLBC/8000", "mode=30"),
    _own("pj-opus", 96, "opus/48000/2"),
    _own("pj-speexwb", 96, "speex/16000"),
    _other("Bobrovskih+pcap2wav/sip-rtp-g729a.pcap", 18, "G729/8000"),
    _other("ZverugaNAX+SIPp-by-example/sip-rtp-g722.pcap", 9, "G722/8000"),
    _other("ZverugaNAX+SIPp-by-example/sip-rtp-ilbc.pcap", 99, "iLBC/8000", "mode=30"),
    _other("ZverugaNAX+SIPp-by-example/sip-rtp-opus.pcap", 99, "opus/48000/2"),
    _other("hdiniz+rtpdump/sample1_ipv4_amr-nb.pcap", 118, "AMR/8000"),
    _other("lundgrel+sipp-scenarios/rtp-g729a.pcap", 18, "G729/8000"),
    _other("osmocom+libosmo-netif/rtp-nanobts-2-phones-amr.pcap", 98, "AMR/8000", ALIGNED),
    _other("sippy+rtpproxy/lost.a.rtp", 18, "G729/8000"),
    _other("vitalybupt+wireshark_samples/opus.pcap", 111, "opus/48000/2"),
]


@cache
def streams_of(path: Path, number: int, least: int = 20) -> list[Packets]:
    """The packets of each stream with this payload number, in the order sent, each once."""
    if not path.exists():
        pytest.skip(f"{path.name}: the folder shared is not beside the project")
    found = []
    for stream in rtpcap.open(path).streams:
        packets = stream.packets
        packets = packets[packets.payload_type == number]
        if len(packets) < least:
            continue
        sequence = steps(packets.sequence).cumsum(dtype=np.int64)
        order = np.argsort(sequence, kind="stable")
        once = np.ones(len(order), np.bool_)
        once[1:] = np.diff(sequence[order]) > 0
        found.append(packets[order[once]])
    return found


def evidence_of(packets: Packets) -> Evidence:
    return Evidence.of(packets.payloads(), packets.sequence, packets.timestamp, packets.time_ns)


def voiced(samples: npt.NDArray[np.int16], rate: int) -> float:
    """How much of the loud parts has a pitch, 60 to 400 Hz: of speech most, of noise next to none.

    The autocorrelation of windows of 40 ms, less what the window itself takes off: above 0.6
    somewhere in that range.
    """
    size = rate * 40 // 1000
    half = size // 2
    starts = range(0, len(samples) - size, half)
    frames = np.stack([samples[at : at + size] for at in starts]).astype(np.float64)
    energy = (frames**2).mean(axis=1)
    frames = frames[energy > np.percentile(energy, 95) / 100]
    window = np.hanning(size)
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    spectrum = np.abs(np.fft.rfft(frames, 4 * size, axis=1)) ** 2
    correlation = np.fft.irfft(spectrum, axis=1)
    taken = np.fft.irfft(np.abs(np.fft.rfft(window, 4 * size)) ** 2)
    shape = correlation / np.maximum(correlation[:, :1], 1e-9) / np.maximum(taken / taken[0], 1e-3)
    return float((shape[:, rate // 400 : rate // 60].max(axis=1) > 0.6).mean())
