"""AMR's payloads built from labelled fields; silence; GSM-EFR against AMR's homing frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.codecs import Heard, Payloads, Reason, find
from rtpcap.codecs.amr import NARROW, WIDE, AMRFrame, AMRKind, build_amr, efr_to_amr, split_amr
from rtpcap.rtp.payload_types import Format
from tests.codecs.senders import by_pyav, by_vo_amrwb
from tests.codecs.voices import speech, tone

# RFC 4867 section 3.6 and table 2 and 3, 3GPP TS 26.101 table 2: bits of each frame type.
NB_BITS = [95, 103, 118, 134, 148, 159, 204, 244, 39]
WB_BITS = [132, 177, 253, 285, 317, 365, 397, 461, 477, 40]


@dataclass
class Payload:
    """An AMR payload, bit by bit (RFC 4867 sections 4.3 and 4.4)."""

    cmr: int = 15
    frames: list[tuple[int, int, str]] = field(default_factory=list)
    """(FT, Q, bits)."""

    def toc(self) -> list[str]:
        last = len(self.frames) - 1
        return [
            f"{int(i < last)}{ft:04b}{quality}" for i, (ft, quality, _) in enumerate(self.frames)
        ]

    def efficient(self) -> bytes:
        bits = f"{self.cmr:04b}" + "".join(self.toc()) + "".join(b for _, _, b in self.frames)
        return to_bytes(bits)

    def aligned(self, checks: bytes = b"") -> bytes:
        toc = b"".join(to_bytes(entry + "00") for entry in self.toc())
        data = b"".join(to_bytes(bits) for _, _, bits in self.frames)
        return bytes([self.cmr << 4]) + toc + checks + data


def to_bytes(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def pattern(size: int) -> str:
    return "".join("1" if i % 3 == 0 or i == size - 1 else "0" for i in range(size))


@pytest.mark.parametrize(
    ("kind", "bits"), [(NARROW, NB_BITS), (WIDE, WB_BITS)], ids=["narrow", "wide"]
)
def test_every_mode_in_both_alignments(kind: AMRKind, bits: list[int]) -> None:
    for frame_type, size in enumerate(bits):
        sent = Payload(frames=[(frame_type, 1, pattern(size))])
        expected = [AMRFrame(frame_type, True, to_bytes(pattern(size)))]
        assert split_amr(sent.efficient(), kind, aligned=False) == (expected, Reason.NONE)
        assert split_amr(sent.aligned(), kind, aligned=True) == (expected, Reason.NONE)
        # The octets of RFC 4867 section 5.3's storage format: mode 7 of AMR has 31 and its header.
        assert len(expected[0].storage()) == 1 + (size + 7) // 8


def test_several_frames_of_several_kinds() -> None:
    frames = [(7, 1, pattern(244)), (15, 1, ""), (0, 0, pattern(95)), (8, 1, pattern(39))]
    sent = Payload(cmr=2, frames=frames)
    for payload, aligned in ((sent.efficient(), False), (sent.aligned(), True)):
        found, reason = split_amr(payload, NARROW, aligned)
        assert reason == Reason.NONE
        assert [(f.frame_type, int(f.sound), f.data) for f in found] == [
            (ft, quality, to_bytes(bits)) for ft, quality, bits in frames
        ]


def test_reserved_types_void_the_payload() -> None:
    for kind, reserved in ((NARROW, (12, 13, 14)), (WIDE, (10, 11, 12, 13))):
        for frame_type in reserved:
            sent = Payload(frames=[(0, 1, pattern(kind.bits[0])), (frame_type, 1, "")])
            assert split_amr(sent.efficient(), kind, False) == ([], Reason.RESERVED)
            assert split_amr(sent.aligned(), kind, True) == ([], Reason.RESERVED)


def test_cut_and_overlong_payloads_say_so() -> None:
    sent = Payload(frames=[(7, 1, pattern(244)), (7, 1, pattern(244))])
    for payload, aligned in ((sent.efficient(), False), (sent.aligned(), True)):
        frames, reason = split_amr(payload[:-3], NARROW, aligned)
        assert (len(frames), reason) == (1, Reason.SHORT)
        frames, reason = split_amr(payload + b"\0\0", NARROW, aligned)
        assert (len(frames), reason) == (2, Reason.LENGTH)
        assert split_amr(payload[:1], NARROW, aligned) == ([], Reason.SHORT)


def test_checksums() -> None:
    # The checksum covers the class A bits: 81 at 12.2 kbit/s (RFC 4867 table 1).
    def remainder(bits: str) -> int:
        # Long division by x^8 + x^7 + x^4 + x^3 + x + 1.
        number = int(bits, 2) << 8
        for shift in range(len(bits) - 1, -1, -1):
            if number >> (shift + 8) & 1:
                number ^= 0b110011011 << shift
        return number

    bits = pattern(244)
    check = remainder(bits[:81])
    sent = Payload(frames=[(7, 1, bits)])
    good = sent.aligned(bytes([check]))
    frames, reason = split_amr(good, NARROW, aligned=True, crc=True)
    assert (frames[0].sound, reason) == (True, Reason.NONE)
    frames, reason = split_amr(sent.aligned(bytes([check ^ 1])), NARROW, aligned=True, crc=True)
    assert (frames[0].sound, reason) == (False, Reason.CHECKSUM)
    decoder = find(Format("AMR", 8000, 1, "crc=1"))
    assert decoder.decode_run(Payloads.of([good])).reason.tolist() == [Reason.NONE]


@given(
    wide=st.booleans(),
    aligned=st.booleans(),
    crc=st.booleans(),
    modes=st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=5),
)
def test_what_is_built_is_split_again(
    wide: bool, aligned: bool, crc: bool, modes: list[tuple[int, bool]]
) -> None:
    kind = WIDE if wide else NARROW
    frames = [
        AMRFrame(mode, sound, to_bytes(pattern(kind.bits[mode])))
        for mode, sound in modes
        if kind.kind(mode) is not None
    ]
    if not frames:
        return
    crc = crc and aligned
    payload = build_amr(frames, kind, aligned, crc)
    assert split_amr(payload, kind, aligned, crc) == (frames, Reason.NONE)


def frames_of(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> list[bytes]:
    """AMR of 12.2 kbit/s; FFmpeg 9 has no encoder of it."""
    if "libopencore_amrnb" not in av.codecs_available:
        pytest.skip("PyAV 19 has no AMR encoder")
    return by_pyav("libopencore_amrnb", samples, 8000, bit_rate=12200)


def payload_of(frames: list[bytes], aligned: bool = False) -> bytes:
    split = [AMRFrame(frame[0] >> 3 & 15, bool(frame[0] & 4), frame[1:]) for frame in frames]
    return build_amr(split, NARROW, aligned)


def test_alignment_and_packing_do_not_change_the_sound() -> None:
    frames = frames_of(speech(8000))[:90]
    one = [payload_of([frame]) for frame in frames]
    three = [payload_of(frames[at : at + 3], aligned=True) for at in range(0, 90, 3)]
    plain = find(Format("AMR", 8000)).decode_run(Payloads.of(one))
    bundled = find(Format("AMR", 8000, 1, "octet-align=1")).decode_run(Payloads.of(three))
    assert bundled.counts.tolist() == [480] * 30
    assert plain.samples.tolist() == bundled.samples.tolist()
    assert np.abs(plain.samples).max() > 5000


def test_two_channels_are_two_codecs() -> None:
    left, right = frames_of(tone(8000, 0.5, 440.0)), frames_of(tone(8000, 0.5, 660.0))
    both = [payload_of([a, b]) for a, b in zip(left, right, strict=True)]
    decoded = find(Format("AMR", 8000, 2)).decode_run(Payloads.of(both))
    for side, frames in enumerate((left, right)):
        alone = find(Format("AMR", 8000)).decode_run(Payloads.of([payload_of([f]) for f in frames]))
        assert decoded.samples[:, side].tolist() == alone.samples.tolist()
    # A frame without its other side is left aside.
    odd = find(Format("AMR", 8000, 2)).decode_run(Payloads.of([payload_of([left[0]])]))
    assert (odd.counts.tolist(), odd.reason.tolist()) == ([0], [Reason.LENGTH])


def silence_descriptor(kind: AMRKind, energy: int) -> bytes:
    """A frame of a silence descriptor whose energy index is this (3GPP TS 26.101, 26.201)."""
    if kind is NARROW:
        bits = "0" * 29 + f"{energy:06b}" + "1" + "000"
    else:
        bits = "0" * 28 + f"{energy:06b}" + "0" + "1" + "0000"
    frame = AMRFrame(kind.descriptor, True, to_bytes(bits))
    return build_amr([frame], kind, aligned=False)


NOTHING = build_amr([AMRFrame(15, True, b"")], NARROW, aligned=False)


def test_noise_from_a_descriptor_until_the_next_speech() -> None:
    speaking = [payload_of([frame]) for frame in frames_of(speech(8000))[40:60]]
    decoder = find(Format("AMR", 8000))
    decoder.decode_run(Payloads.of(speaking))
    assert decoder.fill(160) == []
    described = decoder.decode_run(Payloads.of([silence_descriptor(NARROW, 40), NOTHING]))
    assert described.heard.tolist() == [Heard.NOISE, Heard.NOISE]
    assert described.counts.tolist() == [160, 160]
    filled = decoder.fill(1600)
    assert [piece.heard for piece in filled] == [Heard.NOISE]
    # Four steps a doubling (3GPP TS 26.092 section 5.2): index 40 is 2 ** 8.5.
    rms = float(np.sqrt((filled[0].samples.astype(np.float64) ** 2).mean()))
    assert 0.8 < rms / 2**8.5 < 1.25
    again = decoder.decode_run(Payloads.of(speaking))
    assert (again.heard == Heard.RECEIVED).all()
    assert decoder.fill(160) == []


def test_without_a_descriptor_nothing_is_silence() -> None:
    decoded = find(Format("AMR", 8000)).decode_run(Payloads.of([NOTHING, NOTHING]))
    assert decoded.heard.tolist() == [Heard.SILENCE, Heard.SILENCE]
    assert not decoded.samples.any()


def test_lost_speech_and_damaged_frames_last_as_long() -> None:
    lost = build_amr([AMRFrame(14, True, b"")], WIDE, aligned=True)
    bad = build_amr([AMRFrame(8, False, bytes(60))], WIDE, aligned=True)
    decoder = find(Format("AMR-WB", 16000, 1, "octet-align=1"))
    decoded = decoder.decode_run(Payloads.of([lost, bad]))
    assert decoded.counts.tolist() == [320, 320]
    assert decoded.heard.tolist() == [Heard.SILENCE, Heard.SILENCE]


def coloured(rate: int, rms: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Noise that is louder below, as rooms are."""
    white = np.random.default_rng(1).standard_normal(4 * rate)
    brown = np.convolve(white, 0.8 ** np.arange(40), "same")
    return np.asarray(np.rint(rms * brown / brown.std()), np.int16)


@pytest.mark.peer
@pytest.mark.parametrize("rms", [60.0, 200.0, 600.0])
@pytest.mark.parametrize(
    ("kind", "other", "rate"),
    [(NARROW, "libopencore_amrnb", 8000), (WIDE, "libopencore_amrwb", 16000)],
    ids=["narrow", "wide"],
)
def test_the_noise_is_as_loud_as_another_decoder_makes_it(
    kind: AMRKind, other: str, rate: int, rms: float
) -> None:
    if other not in av.codecs_available:
        pytest.skip("PyAV 19 has no decoder that knows AMR's silence")
    sent = coloured(rate, rms)
    if kind is NARROW:
        stored = by_pyav("libopencore_amrnb", sent, rate, bit_rate=12200, dtx="1")
    else:
        stored = by_vo_amrwb(sent, 2, dtx=True)
    assert sum(frame[0] >> 3 & 15 == kind.descriptor for frame in stored) > 5
    context = av.AudioCodecContext.create(other, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = rate
    context.layout = "mono"
    theirs = [f.to_ndarray()[0] for frame in stored for f in context.decode(av.Packet(frame))]
    payloads = []
    for data in stored:
        frame = AMRFrame(data[0] >> 3 & 15, bool(data[0] & 4), data[1:])
        payloads.append(build_amr([frame], kind, aligned=False))
    decoded = find(Format(kind.name, rate)).decode_run(Payloads.of(payloads))
    assert (decoded.heard[-50:] == Heard.NOISE).all()
    levels = [
        float(np.sqrt((np.asarray(x, np.float64)[2 * rate :] ** 2).mean()))
        for x in (decoded.samples, np.concatenate(theirs))
    ]
    assert abs(20 * np.log10(levels[0] / levels[1])) < 3


# The decoder homing frame of 12.2 kbit/s (3GPP TS 26.071 table 9a, and 26.101 annex): the values of
# its 57 parameters, and their bits (GSM 06.60 table 6, which AMR's mode of 12.2 kbit/s shares).
HOMING = [
    *(0x04, 0x2A, 0xDB, 0x96, 0x2A),
    *(0x156, 0xB, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    *(0x36, 0xB, 0, 0xF, 0xE, 0xC, 0xD, 0, 1, 5, 7, 1, 8),
    *(0x24, 0, 1, 0, 5, 6, 1, 2, 4, 7, 4, 2, 3),
    *(0x36, 0xB, 0, 2, 4, 0, 3, 6, 1, 7, 6, 5, 0),
]
PULSES = [4] * 5 + [3] * 5
HOMING_BITS = [7, 8, 9, 8, 6]
for _lag in (9, 6, 9, 6):
    HOMING_BITS += [_lag, 4, *PULSES, 5]


def homing_efr() -> bytes:
    """The frame of GSM-EFR with these parameters (RFC 3551 section 4.5.9)."""
    bits = "".join(f"{v:0{n}b}" for v, n in zip(HOMING, HOMING_BITS, strict=True))
    assert len(bits) == 244
    return to_bytes("1100" + bits)


def test_gsm_efr_is_amr_in_another_order() -> None:
    # A coder in its initial state gives the homing frame for 160 samples of 8 (TS 26.090 4.4).
    homing = frames_of(np.full(160, 8, np.int16))[0]
    assert efr_to_amr(homing_efr()) == homing


def test_gsm_efr_decodes_as_amr() -> None:
    efr = homing_efr()
    decoder = find(Format("GSM-EFR", 8000))
    decoded = decoder.decode_run(Payloads.of([efr, efr + efr, b"\xd0" + efr[1:], efr[:20]]))
    assert decoded.counts.tolist() == [160, 320, 0, 0]
    assert decoded.reason.tolist() == [0, 0, Reason.RESERVED, Reason.SHORT]
    same = find(Format("AMR", 8000, 1, "octet-align=1"))
    amr = b"\xf0" + efr_to_amr(efr)
    assert same.decode_run(Payloads.of([amr] * 3)).samples.tolist() == decoded.samples.tolist()


@pytest.mark.peer
def test_wideband_modes_of_another_encoder() -> None:
    sent = tone(16000, 1.0)
    for mode in range(9):
        payloads = []
        for stored in by_vo_amrwb(sent, mode):
            frame = AMRFrame(stored[0] >> 3 & 15, bool(stored[0] & 4), stored[1:])
            payloads.append(build_amr([frame], WIDE, aligned=False))
        decoded = find(Format("AMR-WB", 16000)).decode_run(Payloads.of(payloads))
        assert decoded.counts.tolist() == [320] * 50
        assert not decoded.reason.any()
        assert 4000 < np.sqrt((decoded.samples[3200:].astype(np.float64) ** 2).mean()) < 9000
