"""Codecs that nobody names: right on all captures whose codec is known, silent on the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtpcap.codecs import Payloads
from rtpcap.codecs.evidence import ENOUGH_PACKETS, Evidence, is_random
from rtpcap.codecs.recognise import CONFIDENT, recognise, settle
from rtpcap.rtp.payload_types import Format
from tests.codecs.real import CAPTURES, FIXTURES, REAL, Real, evidence_of, streams_of
from tests.codecs.senders import by_bcg729, by_pyav, cut
from tests.codecs.voices import speech

every_capture = pytest.mark.parametrize("real", REAL, ids=[real.name for real in REAL])

UNCLAIMED = {"SIREN"}
"""No fingerprint: frames of bits without a mark."""
UNTOLD = {"mpeg4-generic", "MP4A-LATM", "MPA", "opus"}
"""Formats whose parameters the payloads alone do not give; `settle` finds what it can."""


@every_capture
def test_the_codec_of_a_capture(real: Real) -> None:
    for packets in streams_of(real.path, real.number, least=ENOUGH_PACKETS):
        found = recognise(evidence_of(packets))
        if real.format.name in UNCLAIMED:
            assert found.format is None
            continue
        if len(packets) < 2 * ENOUGH_PACKETS and found.format is None:
            continue
        assert found.format is not None, found.reasons
        assert found.confidence >= CONFIDENT
        assert found.reasons
        expected, actual = real.format, found.format
        if expected.name in UNTOLD:
            expected, actual = replace(expected, parameters=""), replace(actual, parameters="")
        assert actual == expected


# (file, payload number): what has no codec here, or is none.
SILENT = [
    (FIXTURES / "br-codec2.pcap", 96),
    (FIXTURES / "ff-h264.pcap", 96),
    (FIXTURES / "gst-ulpfec.pcap", 122),
    (FIXTURES / "pj-g7221.pcap", 96),
    (FIXTURES / "sipp-pcap.pcap", 96),
    (FIXTURES / "sipp-pcap.pcap", 97),
    (CAPTURES / "algesten+str0m/h264.pcap", 126),
    (CAPTURES / "algesten+str0m/h266.pcap", 96),
    (CAPTURES / "algesten+str0m/vp9.pcap", 98),
    (CAPTURES / "ntop+nDPI/skype-conference-call.pcap", 104),
    (CAPTURES / "vitalybupt+wireshark_samples/cisco.pcap", 103),
    (CAPTURES / "vitalybupt+wireshark_samples/cisco.pcap", 96),
    (CAPTURES / "vitalybupt+wireshark_samples/content-sharing.pcapng", 111),
]
ENCRYPTED = [
    (FIXTURES / "ai-opus.pcap", 96),
    (FIXTURES / "br-dtls.pcap", 0),
    (FIXTURES / "br-srtp.pcap", 0),
    (FIXTURES / "ch-opus-dtls.pcap", 111),
    (FIXTURES / "gst-srtp256.pcap", 8),
    (FIXTURES / "gst-srtp32.pcap", 8),
    (FIXTURES / "gst-srtp80.pcap", 8),
    (FIXTURES / "gst-srtpgcm.pcap", 8),
    (FIXTURES / "pj-dtls.pcap", 0),
    (FIXTURES / "pj-srtp.pcap", 0),
    (CAPTURES / "gteissier+srtp-decrypt/marseillaise-srtp.pcap", 8),
    (CAPTURES / "lundgrel+sipp-scenarios/srtp_g722_DTMF_srcport_29394.pcap", 9),
    (CAPTURES / "ntop+nDPI/whatsapp_login_call.pcap", 120),
    (CAPTURES / "sippy+rtpproxy/bob_srtp.pcap", 9),
]


def _names(paths: list[tuple[Path, int]]) -> list[str]:
    return [f"{path.name}:{number}" for path, number in paths]


@pytest.mark.parametrize(("path", "number"), SILENT, ids=_names(SILENT))
def test_what_is_none_of_them_is_not_claimed(path: Path, number: int) -> None:
    for packets in streams_of(path, number):
        found = recognise(evidence_of(packets))
        assert found.format is None, found
        assert found.confidence < CONFIDENT
        assert found.reasons


@pytest.mark.parametrize(("path", "number"), ENCRYPTED, ids=_names(ENCRYPTED))
def test_encrypted_payloads_are_seen_to_be(path: Path, number: int) -> None:
    for packets in streams_of(path, number, least=40):
        found = recognise(evidence_of(packets))
        assert found.format is None
        assert found.encrypted, found


@every_capture
def test_nothing_in_the_clear_is_taken_for_encrypted(real: Real) -> None:
    for packets in streams_of(real.path, real.number, least=ENOUGH_PACKETS):
        assert not recognise(evidence_of(packets)).encrypted


def evidence(payloads: list[bytes], ticks: int, clock: float | None = 8000.0) -> Evidence:
    steps = np.full(len(payloads), ticks, np.int64)
    return Evidence(Payloads.of(payloads), steps, clock)


@pytest.mark.parametrize("size", [14, 20, 24, 33, 38, 50, 60, 80, 84, 100, 160, 172, 320])
def test_random_bytes_of_any_size_are_no_codec(size: int) -> None:
    random = np.random.default_rng(size)
    payloads = [random.bytes(size) for _ in range(300)]
    for ticks, clock in ((160, 8000.0), (320, 16000.0), (960, 48000.0), (240, 8000.0), (160, None)):
        found = recognise(evidence(payloads, ticks, clock))
        assert found.format is None, (ticks, found)
        assert found.encrypted == (300 * size >= 4096)


def test_too_little_to_say() -> None:
    found = recognise(evidence([bytes(33)] * 3, 160))
    assert (found.format, found.confidence) == (None, 0.0)
    assert "only 3 packets" in found.reasons[0]
    none = recognise(Evidence(Payloads.of([]), np.empty(0, np.int64)))
    assert none.format is None
    still = recognise(evidence([b"\xd5" * 33] * 50, 0))
    assert "timestamps" in still.reasons[0]


def test_g722_with_the_clock_that_it_should_have_had() -> None:
    payloads = by_pyav("g722", speech(16000), 16000, step=320)
    found = recognise(evidence(payloads, 320, 16000.0))
    assert found.format == Format("G722", 16000)


@pytest.mark.peer
def test_g729_of_another_encoder() -> None:
    frames = by_bcg729(speech(8000))
    payloads = [a + b for a, b in zip(frames[::2], frames[1::2], strict=True)]
    assert recognise(evidence(payloads, 160)).format == Format("G729", 8000)


def test_dvi4_and_g723() -> None:
    from tests.codecs.cases import ima

    found = recognise(evidence(ima(speech(8000)), 504))
    assert found.format == Format("DVI4", 8000)
    payloads = by_pyav("g723_1", speech(8000), 8000, bit_rate=6300)
    assert recognise(evidence(payloads, 240)).format == Format("G723", 8000)


def test_the_clock_by_the_capture() -> None:
    payloads = Payloads.of([bytes(33)] * 100)
    # Jitter, a loss and a packet twice.
    numbers = [i for i in range(100) if i != 50]
    numbers[20:20] = [numbers[19]]
    sequence = np.array(numbers, np.uint16)
    timestamp = (160 * sequence.astype(np.uint32) + 0xFFFFF000).astype(np.uint32)
    jitter = np.random.default_rng(1).integers(-3_000_000, 3_000_000, len(numbers))
    time_ns = 20_000_000 * sequence.astype(np.int64) + jitter
    found = Evidence.of(payloads, sequence, timestamp, time_ns)
    assert len(found.payloads) == 99
    assert found.step == 160
    assert found.clock_rate == 8000
    # In front of the loss and at the end nothing is known.
    assert np.flatnonzero(found.ticks == 0).tolist() == [49, 98]


# What was told, and what the payloads are.
WRONG = [
    ("br-amr", 96, "AMR/8000", "", "octet-align=1"),
    ("pj-amr", 96, "AMR/8000", "octet-align=1", "octet-align=0"),
    ("br-amrwb", 96, "AMR-WB/16000", "", "octet-align=1"),
    ("pj-amrwb", 96, "AMR-WB/16000", "octet-align=1", "octet-align=0"),
    ("pj-ilbc20", 96, "iLBC/8000", "", "mode=20"),
    ("pj-ilbc30", 96, "iLBC/8000", "mode=20", "mode=30"),
    ("br-opus2", 96, "opus/48000/2", "", "sprop-stereo=1"),
    ("ff-mp3", 14, "MPA/90000", "", "samplerate=48000;mode=single_channel"),
]


@pytest.mark.parametrize(("name", "number", "text", "told", "right"), WRONG)
def test_parameters_that_were_told_wrongly(
    name: str, number: int, text: str, told: str, right: str
) -> None:
    fmt = replace(Format.parse(text), parameters=told)
    for packets in streams_of(FIXTURES / f"{name}.pcap", number):
        settled = settle(fmt, evidence_of(packets))
        assert settled.format == replace(fmt, parameters=right)
        assert len(settled.reasons) == 1


@every_capture
def test_what_was_told_rightly_stays(real: Real) -> None:
    for packets in streams_of(real.path, real.number):
        settled = settle(real.format, evidence_of(packets))
        assert settled.format == real.format
        if real.format.name != "MPA":
            assert settled.reasons == ()


@pytest.mark.parametrize("rate", ["16", "24", "32", "40"])
@pytest.mark.parametrize("packing", ["", "AAL2-"])
def test_the_packing_of_g726(rate: str, packing: str) -> None:
    bits = int(rate) // 8
    encoder = "g726" if packing else "g726le"
    coded = b"".join(by_pyav(encoder, speech(8000), 8000, step=160, bit_rate=8000 * bits))
    here = evidence(cut(coded, 20 * bits), 160)
    right = Format(f"{packing}G726-{rate}", 8000)
    wrong = Format(f"G726-{rate}" if packing else f"AAL2-G726-{rate}", 8000)
    assert settle(right, here).format == right
    assert settle(wrong, here).format == right
    assert recognise(here).format == right


def test_other_formats_are_left_alone() -> None:
    fmt = Format("PCMU", 8000)
    assert settle(fmt, evidence([bytes(160)] * 20, 160)).format == fmt
    assert settle(Format("AMR", 8000), evidence([b""], 160)).format == Format("AMR", 8000)


def test_randomness() -> None:
    random = np.random.default_rng(5)
    assert is_random(Payloads.of([random.bytes(50) for _ in range(200)]))
    # One constant byte in front, as a table of contents is, is enough.
    assert not is_random(Payloads.of([b"\x78" + random.bytes(49) for _ in range(200)]))
    assert not is_random(Payloads.of([random.bytes(50)]))
