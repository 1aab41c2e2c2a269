"""Fingerprints: what payloads of each codec have that random bytes do not, one function a codec.

Each looks at the evidence and gives candidates: which share of the packets is as the codec's
payload format has it and lasts as long as the timestamps say, and how improbable that would be in
bytes that are anything (`bits`, a payload).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log2

import numpy as np
import numpy.typing as npt

from rtpcap.codecs.adpcm import STEPS
from rtpcap.codecs.amr import NARROW, NO_REQUEST, WIDE, AMRKind, split_amr
from rtpcap.codecs.cdma import EVRC, QCELP
from rtpcap.codecs.decoder import Reason
from rtpcap.codecs.evidence import Candidate, Evidence, flatter, roughness
from rtpcap.codecs.g711 import A_LAW_INVERTED
from rtpcap.codecs.mpeg import HEADER_BYTES as MPA_HEADER_BYTES
from rtpcap.codecs.mpeg import parse_mpeg
from rtpcap.codecs.opus import PER_MS, packet_samples
from rtpcap.codecs.registry import find
from rtpcap.codecs.speech import G723
from rtpcap.codecs.speex import split_speex
from rtpcap.codecs.surround import AC3_SYNC, SBC_SYNC, parse_sbc
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.payloads import Payloads
from rtpcap.rtp.red import unwrap_red

__all__ = ["FINGERPRINTS", "amr_share", "heard"]

SMOOTH = 0.5
"""Speech is smoother (`roughness`), and what was decoded wrongly is rougher."""
MOST_DECODED = 200
"""Payloads that are decoded to hear whether they are audio."""

SOUND_BITS = 20.0
"""Noise is never as smooth as speech: what sounds like it is as good as a header."""

ROUGH = 0.8
"""Speech is never as rough: what is so is no G.711."""
LEAST_ROUGH = 0.01
MAGNITUDE = 0x7F
"""The bits of a code of G.711 that are not its sign; inverted in mu-law."""
STEPS_OF_LOWEST = 15
"""Codes above 0 in the lowest segment."""
QUIET = 0.2
"""The share of codes that are in the lowest segment in speech; an eighth would be by chance."""
LEAST_QUIET = 0.01
EVIDENT, MOST_EVIDENT = 0.5, 3.0
"""Doublings: what is enough for one law, and what either sign alone can say at most."""
G722_SMOOTH = 0.35
"""At 16,000 samples a second speech is smoother."""
NOT_LOUD = 8192

Fingerprint = Callable[[Evidence], Iterator[Candidate]]


def amr(evidence: Evidence) -> Iterator[Candidate]:
    """AMR and AMR-WB in both alignments: tables of contents that account for every byte."""
    for kind in (NARROW, WIDE):
        if not evidence.may_be(kind.sample_rate):
            continue
        for aligned in (False, True):
            share, speech = amr_share(evidence, kind, aligned)
            # Something has to be speech: descriptors alone are short, and short is easily matched.
            if not speech:
                continue
            parameters = "octet-align=1" if aligned else ""
            how = "octet-aligned" if aligned else "bandwidth-efficient"
            yield Candidate(
                Format(kind.name, kind.sample_rate, 1, parameters),
                share,
                # Frame type, its size, the bits that must be 0, the codec mode request.
                12.0 if aligned else 7.0,
                f"{how} tables of contents account for every byte",
            )


def amr_share(evidence: Evidence, kind: AMRKind, aligned: bool) -> tuple[float, bool]:
    """The share of payloads that are AMR in this alignment, and whether any is speech."""
    samples = np.zeros(len(evidence.payloads), np.int64)
    speech = False
    for i, payload in enumerate(evidence.payloads):
        frames, reason = split_amr(payload, kind, aligned)
        request = payload[0] >> 4 if payload else NO_REQUEST
        if reason or not (request < kind.descriptor or request == NO_REQUEST):
            continue
        if aligned and payload[0] & 15:
            continue
        used = sum(kind.bits[frame.frame_type] for frame in frames)
        if not aligned:
            loose = 8 * len(payload) - 4 - 6 * len(frames) - used
            if payload[-1] & ((1 << loose) - 1):
                continue
        samples[i] = len(frames) * kind.sample_rate // 50
        speech |= used > 0 and any(frame.frame_type < kind.descriptor for frame in frames)
    return evidence.fits(samples, pauses=True), speech


def opus(evidence: Evidence) -> Iterator[Candidate]:
    """Opus: tables of contents that agree with the timestamps of a clock of 48,000 Hz."""
    if not evidence.may_be(48000) or not evidence.step or evidence.step % (5 * PER_MS // 2):
        return
    samples = packet_samples(evidence.payloads).samples
    few = len(np.unique(evidence.payloads.head(1))) <= max(8, len(samples) // 8)
    if few:
        share = evidence.fits(samples)
        yield Candidate(
            Format("opus", 48000, 2), share, 6.0, "tables of contents agree with the timestamps"
        )


def gsm(evidence: Evidence) -> Iterator[Candidate]:
    """GSM and GSM-EFR: the mark in the first four bits of each frame."""
    marks = (("GSM", 33, 0xD), ("GSM-EFR", 31, 0xC))
    for name, size, mark in marks:
        whole = (evidence.size > 0) & (evidence.size % size == 0)
        if not evidence.may_be(8000) or whole.mean() < 0.5:
            continue
        marked = whole & (evidence.payloads.head(1)[:, 0] >> 4 == mark)
        samples = np.where(marked, evidence.size // size * 160, 0)
        yield Candidate(
            Format(name, 8000),
            evidence.fits(samples),
            8.0,
            f"frames of {size} bytes marked {mark:#X}",
        )


def g729(evidence: Evidence) -> Iterator[Candidate]:
    """G.729: frames of 10 bytes, and the parity bit of each pitch (ITU-T G.729 section 3.7.2)."""
    frames = evidence.size // 10
    rest = evidence.size % 10
    possible = (frames > 0) & ((rest == 0) | (rest == 2)) | (evidence.size == 2)
    if not evidence.may_be(8000) or possible.mean() < 0.5:
        return
    head = evidence.payloads.head(4)
    # Behind 18 bits of spectrum: 8 bits of pitch, and the parity of the upper six of them.
    word = head[:, 2].astype(np.int64) << 8 | head[:, 3]
    pitch, parity = word >> 6 & 255, word >> 5 & 1
    ones = sum((pitch >> bit & 1) for bit in range(2, 8))
    right = ((ones + parity) % 2 == 1) | (frames == 0)
    samples = np.where(possible & right, 80 * (frames + (rest == 2)), 0)
    yield Candidate(
        Format("G729", 8000),
        evidence.fits(samples, pauses=True),
        3.0,
        "frames of 10 bytes whose pitch has the right parity",
    )


def g723(evidence: Evidence) -> Iterator[Candidate]:
    """G.723.1: sizes that the first two bits announce."""
    if not evidence.may_be(8000):
        return
    decoder = G723(Format("G723", 8000))
    measured = decoder.measure(evidence.payloads)
    samples = np.where(measured.reason == Reason.NONE, measured.samples, 0)
    share = evidence.fits(samples, pauses=True)
    yield Candidate(Format("G723", 8000), share, 6.0, "frames of the sizes that they announce")


def ilbc(evidence: Evidence) -> Iterator[Candidate]:
    """iLBC: frames of 38 or 50 bytes for 20 or 30 ms whose last bit is 0 (RFC 3951 3.8)."""
    for size, ticks, mode in ((38, 160, "mode=20"), (50, 240, "mode=30")):
        whole = (evidence.size > 0) & (evidence.size % size == 0)
        if not evidence.may_be(8000) or whole.mean() < 0.5:
            continue
        rows = evidence.payloads
        last = np.zeros(len(rows), np.uint8)
        last[whole] = rows.data[(rows.begin + rows.size - 1)[whole]]
        right = whole & (last & 1 == 0)
        samples = np.where(right, evidence.size // size * ticks, 0)
        yield Candidate(
            Format("iLBC", 8000, 1, mode),
            evidence.fits(samples),
            3.0,
            f"frames of {size} bytes that last {ticks // 8} ms and end in 0",
        )


def speex(evidence: Evidence) -> Iterator[Candidate]:
    """Speex: modes whose lengths account for every byte."""
    frames = np.zeros(len(evidence.payloads), np.int64)
    for i, payload in enumerate(evidence.payloads):
        found, reason = split_speex(payload)
        frames[i] = 0 if reason else len(found)
    if not frames.any():
        return
    for rate in (8000, 16000, 32000):
        if not evidence.may_be(rate):
            continue
        share = evidence.fits(frames * (rate // 50), pauses=True)
        yield Candidate(
            Format("speex", rate), share, 5.0, "modes whose lengths account for every byte"
        )


def dvi4(evidence: Evidence) -> Iterator[Candidate]:
    """DVI4: a header whose index is in the table and whose last byte is 0."""
    head = evidence.payloads.head(4)
    right = (head[:, 2] < len(STEPS)) & (head[:, 3] == 0) & (evidence.size > 4)
    samples = np.where(right, 2 * (evidence.size - 4), 0)
    share = evidence.fits(samples)
    if share and evidence.step:
        rate = evidence.clock_rate or 8000
        reason = "headers of a predictor, an index of the table and a 0"
        yield Candidate(Format("DVI4", rate), share, 9.5, reason)


def cdma(evidence: Evidence) -> Iterator[Candidate]:
    """QCELP and bundled EVRC: rates whose sizes account for every byte."""
    if not evidence.may_be(8000):
        return
    for made in (QCELP, EVRC):
        fmt = Format(made.__name__, 8000)
        measured = made(fmt).measure(evidence.payloads)
        samples = np.where(measured.reason == Reason.NONE, measured.samples, 0)
        share = evidence.fits(samples, pauses=True)
        reason = "frames of the sizes that their rates announce"
        yield Candidate(fmt, share, 8.0, reason)


def mpeg(evidence: Evidence) -> Iterator[Candidate]:
    """MPEG audio: frames behind a header of four bytes."""
    if not evidence.may_be(90000):
        return
    heads = evidence.payloads.head(2 * MPA_HEADER_BYTES)
    begun = [
        row[:2].tobytes() == bytes(2)
        and (row[2:4].any() or parse_mpeg(row[MPA_HEADER_BYTES:].tobytes()) is not None)
        for row in heads
    ]
    share = float(np.mean(begun)) if begun else 0.0
    yield Candidate(Format("MPA", 90000), share, 16.0, "MPEG frames behind RFC 2250's header")


def framed_sync(evidence: Evidence) -> Iterator[Candidate]:
    """AC-3 and SBC: frames that begin with a mark."""
    head = evidence.payloads.head(8)
    if (head[:, 2:4] == np.frombuffer(AC3_SYNC, np.uint8)).all(axis=1).mean() > 0.5:
        rate = evidence.clock_rate or 48000
        marked = (head[:, 2:4] == np.frombuffer(AC3_SYNC, np.uint8)).all(axis=1)
        yield Candidate(Format("ac3", rate, 2), float(marked.mean()), 16.0, "frames marked 0B77")
    marked = head[:, 1] == SBC_SYNC
    if marked.mean() > 0.5:
        frame = parse_sbc(head[np.argmax(marked), 1:].tobytes())
        if frame is not None:
            fmt = Format("SBC", frame.sample_rate, frame.channels)
            yield Candidate(fmt, float(marked.mean()), 8.0, "frames marked 9C")


def configured(evidence: Evidence) -> Iterator[Candidate]:
    """AAC and Vorbis: lengths that account for every byte; their configuration stays unknown."""
    rate = evidence.clock_rate
    if rate is None:
        return
    for name, accounts, bits in (
        ("mpeg4-generic", _has_au_headers, 20.0),
        ("MP4A-LATM", _has_latm_lengths, 6.0),
        ("vorbis", _has_vorbis_lengths, 20.0),
    ):
        share = float(np.mean([accounts(payload) for payload in evidence.payloads]))
        reason = "lengths that account for every byte"
        yield Candidate(Format(name, rate), share, bits, reason)


def _has_au_headers(payload: bytes) -> bool:
    """Headers of 16 bits, as in the mode AAC-hbr (RFC 3640 section 3.3.6)."""
    bits = int.from_bytes(payload[:2], "big")
    end = 2 + bits // 8
    if not bits or bits % 16 or end > len(payload):
        return False
    sizes = [int.from_bytes(payload[at : at + 2], "big") >> 3 for at in range(2, end, 2)]
    return end + sum(sizes) == len(payload)


def _has_latm_lengths(payload: bytes) -> bool:
    at = 0
    while at < len(payload):
        size = 0
        while at < len(payload):
            size += payload[at]
            at += 1
            if payload[at - 1] != 255:
                break
        at += size
        if not size:
            return False
    return at == len(payload)


def _has_vorbis_lengths(payload: bytes) -> bool:
    """Whole packets of audio (RFC 5215 section 2.2)."""
    if len(payload) < 6 or payload[3] >> 4 or not payload[3] & 15:
        return False
    at = 4
    for _ in range(payload[3] & 15):
        at += 2 + int.from_bytes(payload[at : at + 2], "big")
    return at == len(payload)


def red(evidence: Evidence) -> Iterator[Candidate]:
    """Redundant audio: headers of one inner payload number, whose offsets are whole packets."""
    blocks = unwrap_red(evidence.payloads)
    copies = ~blocks.primary & (blocks.timestamp_offset > 0)
    if len(np.unique(blocks.row[copies])) < 0.5 * len(evidence.payloads):
        return
    inner = np.bincount(blocks.payload_type[blocks.primary], minlength=128).argmax()
    sound = ~blocks.torn
    wrong = ~blocks.primary & (blocks.timestamp_offset % evidence.step != 0)
    wrong |= blocks.primary & (blocks.payload_type != inner)
    wrong |= ~blocks.primary & (blocks.timestamp_offset == 0)
    sound[blocks.row[wrong]] = False
    reason = f"copies in front of payloads of type {inner}"
    rate = evidence.clock_rate or 8000
    yield Candidate(Format("red", rate), float(sound.mean()), 16.0, reason)


def adpcm(evidence: Evidence) -> Iterator[Candidate]:
    """G.726: as many bits a tick as one of its rates has, which sound like speech."""
    if not evidence.may_be(8000):
        return
    for rate, bits in (("40", 5), ("32", 4), ("24", 3), ("16", 2)):
        samples = evidence.size * 8 // bits
        if evidence.fits(samples) < 0.5:
            continue
        names = [f"G726-{rate}", f"AAL2-G726-{rate}"]
        little, big = (heard(evidence, Format(name, 8000)) for name in names)
        best = names[flatter(little, big) > 0]
        if _rough(big if best == names[1] else little) < SMOOTH:
            share = evidence.fits(samples)
            reason = f"{bits} bits a tick that sound like speech in this packing"
            yield Candidate(Format(best, 8000), share, SOUND_BITS, reason)


def bytes_a_tick(evidence: Evidence) -> Iterator[Candidate]:
    """One byte a tick: G.711 by either law, or G.722, also at the clock that it should have had.

    Speech is mostly quiet, and smooth. By the wrong law quiet samples are of middling loudness, and
    G.722 is noise by either.
    """
    share = evidence.fits(evidence.size)
    half = evidence.fits(2 * evidence.size)
    if half > 0.5 and evidence.may_be(16000):
        # RFC 3551 section 4.5.2 forbids that clock, and telephones use it.
        fmt = Format("G722", 16000)
        if _is_g722(heard(evidence, fmt)):
            reason = "a byte for two ticks of 16,000 Hz that sounds like speech as G.722"
            yield Candidate(fmt, half, SOUND_BITS, reason)
    if share < 0.5 or not evidence.may_be(8000, 16000):
        return
    rate = evidence.clock_rate or 8000
    codes = evidence.payloads[:MOST_DECODED].joined()
    mu_law, a_law = (heard(evidence, Format(name, rate)) for name in ("PCMU", "PCMA"))
    loud = bool(mu_law.any() and a_law.any())
    rough = max(_rough(mu_law), LEAST_ROUGH), max(_rough(a_law), LEAST_ROUGH)
    if loud and min(rough) > ROUGH and _is_g722(heard(evidence, Format("G722", rate))):
        reason = "a byte a tick that sounds like speech as G.722, and as nothing else"
        yield Candidate(Format("G722", rate), share, SOUND_BITS, reason)
        return
    quiet = (
        max(float((codes & MAGNITUDE >= MAGNITUDE - STEPS_OF_LOWEST).mean()), LEAST_QUIET),
        max(float(((codes ^ A_LAW_INVERTED) & MAGNITUDE <= STEPS_OF_LOWEST).mean()), LEAST_QUIET),
    )
    # How much speaks for mu-law, and if negative for A-law: by quietness and by smoothness.
    quieter, smoother_by = log2(quiet[0] / quiet[1]), log2(rough[1] / rough[0])
    evident = sum(
        float(np.clip(part, -MOST_EVIDENT, MOST_EVIDENT)) for part in (quieter, smoother_by)
    )
    audible = max(quiet) > QUIET or min(rough) < SMOOTH
    if audible and abs(evident) > EVIDENT:
        name = "PCMU" if evident > 0 else "PCMA"
        reason = "a byte a tick that is quieter and smoother by this law than by the other"
        yield Candidate(Format(name, rate), share, SOUND_BITS, reason)


def _is_g722(samples: npt.NDArray[np.int16]) -> bool:
    """Whether it sounds like speech, and not as loud as can be, as G.711 does when decoded so."""
    loudness = float(np.median(np.abs(samples.astype(np.int64)))) if len(samples) else 0.0
    return _rough(samples) < G722_SMOOTH and loudness < NOT_LOUD


def linear(evidence: Evidence) -> Iterator[Candidate]:
    """L16 and L24: whole samples a tick that are smooth."""
    rate = evidence.clock_rate or 8000
    for name, width in (("L16", 2), ("L24", 3)):
        for channels in (1, 2):
            samples = np.where(
                evidence.size % (width * channels) == 0, evidence.size // (width * channels), 0
            )
            if evidence.fits(samples) < 0.5:
                continue
            fmt = Format(name, rate, channels)
            sound = heard(evidence, fmt)
            if _rough(sound if channels == 1 else sound[:, 0]) < SMOOTH:
                reason = f"{8 * width} bits a tick and channel that are smooth"
                yield Candidate(fmt, evidence.fits(samples), SOUND_BITS, reason)


def heard(evidence: Evidence, fmt: Format) -> npt.NDArray[np.int16]:
    """The first payloads as this format would have them."""
    try:
        decoder = find(fmt)
    except CodecUnavailable:
        return np.empty(0, np.int16)
    rows = evidence.payloads
    first: Payloads = rows[:MOST_DECODED]
    return decoder.decode_run(first).samples


def _rough(samples: npt.NDArray[np.int16]) -> float:
    """How rough most of its loud stretches are; 1 where there are none."""
    rough = roughness(samples)
    rough = rough[~np.isnan(rough)]
    return float(np.median(rough)) if len(rough) else 1.0


FINGERPRINTS: tuple[Fingerprint, ...] = (
    amr,
    opus,
    gsm,
    g729,
    g723,
    ilbc,
    speex,
    dvi4,
    cdma,
    mpeg,
    framed_sync,
    configured,
    red,
    adpcm,
    bytes_a_tick,
    linear,
)
