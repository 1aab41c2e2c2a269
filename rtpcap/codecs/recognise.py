"""Which codec a stream has, when nobody says: from its payloads and their timestamps alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rtpcap.codecs.amr import NARROW, WIDE
from rtpcap.codecs.evidence import ENOUGH_PACKETS, Candidate, Evidence, flatter, is_random
from rtpcap.codecs.fingerprints import FINGERPRINTS, amr_share, heard
from rtpcap.codecs.mpeg import HEADER_BYTES as MPA_HEADER_BYTES
from rtpcap.codecs.mpeg import parse_mpeg
from rtpcap.codecs.opus import STEREO as OPUS_STEREO
from rtpcap.codecs.parameters import number, parameters, with_parameters
from rtpcap.codecs.speech import ILBC
from rtpcap.codecs.waveform import G726_BITS
from rtpcap.rtp.payload_types import Format

__all__ = ["CONFIDENT", "Recognised", "Settled", "recognise", "settle"]

CONFIDENT = 0.9
"""What is less sure is not claimed: the format is None."""

FITS, RARELY = 0.5, 0.2
MOSTLY = 0.8
"""Shares of the payloads: with more than the first what was told is kept, with less than the second
it can be wrong, with more than the third something else is right."""
G722_BYTES_A_SECOND = 8000
"""Of 64 kbit/s."""
EVIDENTLY_FLATTER = 0.6
"""Of the spectrum in the wrong packing: a factor of 1.8; 2.5 and more in real captures."""

MOST_PACKETS = 500
"""From the beginning, that are looked at."""
ENOUGH_BITS = 40.0
"""How much has to speak for a candidate: as improbable as one in 10^12."""
CLEARLY = 1.5
"""How much more has to speak for it than for the next one."""


@dataclass(frozen=True)
class Recognised:
    """What a stream's payloads are taken for."""

    format: Format | None
    """None for unknown: nothing is sure enough, or the payloads are encrypted."""
    confidence: float
    """Of the best guess, 0 to 1; `format` is None below `CONFIDENT`."""
    reasons: tuple[str, ...]
    """What speaks for it, or why it is unknown."""
    candidates: tuple[Candidate, ...] = ()
    """All that was thought of, the best first."""
    encrypted: bool = False
    """Whether the payloads are as random as encryption makes them."""


def recognise(evidence: Evidence) -> Recognised:
    """The codec of the packets of one payload number, with a confidence and the reasons."""
    first = np.flatnonzero(evidence.payloads.size > 0)[:MOST_PACKETS]
    evidence = Evidence(evidence.payloads[first], evidence.ticks[first], evidence.clock_hz)
    packets = len(evidence.payloads)
    if packets < ENOUGH_PACKETS:
        return Recognised(None, 0.0, (f"only {packets} packets with a payload",))
    if not evidence.step:
        return Recognised(None, 0.0, ("no timestamps that go on from packet to packet",))
    if (evidence.size == evidence.size[0]).all():
        rows = evidence.payloads.joined().reshape(packets, -1)
        if (rows == rows[0]).all():
            return Recognised(None, 0.0, ("payloads that are all the same tell nothing",))
    found = [
        candidate
        for fingerprint in FINGERPRINTS
        for candidate in fingerprint(evidence)
        if candidate.share > 0.5
    ]
    found.sort(key=lambda candidate: -candidate.weight(packets))
    best = found[0] if found and found[0].weight(packets) >= ENOUGH_BITS else None
    if best is None:
        confidence, reasons = 0.0, ["no codec's fingerprint"]
    else:
        confidence = min(best.share, 0.99)
        reasons = [best.reason, f"{best.share:.0%} of {packets} packets fit"]
        others = [other for other in found[1:] if other.format.name != best.format.name]
        if others and others[0].weight(packets) * CLEARLY > best.weight(packets):
            confidence /= 2
            reasons.append(f"{others[0].format} fits as well: {others[0].reason}")
    if best is not None and confidence >= CONFIDENT:
        return Recognised(best.format, confidence, tuple(reasons), tuple(found))
    if is_random(evidence.payloads):
        reason = "encrypted: every byte is as random as the next, the first ones too"
        return Recognised(None, 0.0, (reason,), tuple(found), encrypted=True)
    return Recognised(None, confidence, tuple(reasons), tuple(found))


@dataclass(frozen=True)
class Settled:
    """A format that signalling named, as its payloads have it."""

    format: Format
    reasons: tuple[str, ...] = ()
    """What the payloads contradict, or tell beyond what was said; none where all was right."""


def settle(fmt: Format, evidence: Evidence) -> Settled:
    """What a format leaves open, or says wrongly, from the payloads.

    The alignment of AMR, the mode of iLBC, the packing of G.726, whether Opus is stereo, the sample
    rate of MPEG audio, whether the clock of G.722 counts samples. Where the payloads do not say
    clearly, the format stays as it was told.
    """
    settler = SETTLERS.get(fmt.name.lower())
    first = np.flatnonzero(evidence.payloads.size > 0)[:MOST_PACKETS]
    if settler is None or not len(first):
        return Settled(fmt)
    here = Evidence(evidence.payloads[first], evidence.ticks[first], evidence.clock_hz)
    return settler(fmt, here)


def _settle_amr(fmt: Format, evidence: Evidence) -> Settled:
    told = parameters(fmt)
    if told.get("crc", "0") != "0" or told.get("interleaving") or fmt.channels != 1:
        return Settled(fmt)
    kind = WIDE if fmt.name.lower() == "amr-wb" else NARROW
    aligned = told.get("octet-align", "0") == "1"
    share = {each: amr_share(evidence, kind, each)[0] for each in (aligned, not aligned)}
    if share[aligned] >= FITS or share[not aligned] < MOSTLY or share[aligned] > RARELY:
        return Settled(fmt)
    how = "bandwidth-efficient" if aligned else "octet-aligned"
    reason = f"{share[not aligned]:.0%} of the payloads are {how}, against what was told"
    return Settled(with_parameters(fmt, octet_align=str(int(not aligned))), (reason,))


def _settle_ilbc(fmt: Format, evidence: Evidence) -> Settled:
    mode = number(fmt, "mode", 30)
    for other, (size, samples, _) in ILBC.FRAMES.items():
        whole = float((evidence.size % size == 0).mean())
        told = ILBC.FRAMES[mode][0] if mode in ILBC.FRAMES else 1
        # 950 bytes are whole frames of both: then the timestamps tell.
        both = float((evidence.size % told == 0).mean()) > RARELY
        lasts = evidence.fits(evidence.size // size * samples)
        if other != mode and whole >= MOSTLY and (not both or lasts >= MOSTLY):
            reason = f"frames of {size} bytes: {other} ms, not {mode}"
            return Settled(with_parameters(fmt, mode=str(other)), (reason,))
    return Settled(fmt)


def _settle_g726(fmt: Format, evidence: Evidence) -> Settled:
    bare = fmt.name.upper().removeprefix("AAL2-")
    other = bare if fmt.name.upper().startswith("AAL2-") else f"AAL2-{bare}"
    twin = replace(fmt, name=other)
    if flatter(heard(evidence, fmt), heard(evidence, twin)) < EVIDENTLY_FLATTER:
        return Settled(fmt)
    reason = f"noise in this packing, and speech in that of {other}"
    return Settled(twin, (reason,))


def _settle_opus(fmt: Format, evidence: Evidence) -> Settled:
    if "sprop-stereo" in parameters(fmt):
        return Settled(fmt)
    stereo = float((evidence.payloads.head(1)[:, 0] & OPUS_STEREO > 0).mean())
    if not stereo:
        return Settled(fmt)
    reason = f"{stereo:.0%} of the payloads are stereo"
    return Settled(with_parameters(fmt, sprop_stereo="1"), (reason,))


def _settle_mpa(fmt: Format, evidence: Evidence) -> Settled:
    for payload in evidence.payloads:
        frame = parse_mpeg(payload[MPA_HEADER_BYTES:])
        if frame is not None and not any(payload[:MPA_HEADER_BYTES]):
            mode = "single_channel" if frame.channels == 1 else "stereo"
            told = with_parameters(fmt, samplerate=str(frame.sample_rate), mode=mode)
            layer = f"layer {frame.layer}, {frame.sample_rate} Hz, {mode}"
            return Settled(told, (f"the frames are of {layer}",))
    return Settled(fmt)


def _settle_g722(fmt: Format, evidence: Evidence) -> Settled:
    # RFC 3551 section 4.5.2 has 8000 ticks for 16,000 samples; some senders count samples.
    told = evidence.fits(evidence.size * fmt.clock_rate // G722_BYTES_A_SECOND)
    for rate in (G722_BYTES_A_SECOND, 2 * G722_BYTES_A_SECOND):
        share = evidence.fits(evidence.size * rate // G722_BYTES_A_SECOND)
        if evidence.step and told < RARELY and share > MOSTLY and evidence.may_be(rate):
            reason = f"{share:.0%} of the timestamps count {rate} ticks a second"
            return Settled(replace(fmt, clock_rate=rate), (reason,))
    return Settled(fmt)


Settler = Callable[[Format, Evidence], Settled]

SETTLERS: Mapping[str, Settler] = {
    "amr": _settle_amr,
    "g722": _settle_g722,
    "amr-wb": _settle_amr,
    "ilbc": _settle_ilbc,
    "opus": _settle_opus,
    "mpa": _settle_mpa,
    **{f"{packing}g726-{rate}": _settle_g726 for packing in ("", "aal2-") for rate in G726_BITS},
}
"""By encoding name in lower case."""
