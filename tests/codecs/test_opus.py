"""Opus: tables of contents, stereo, silence, concealment, and copies of what was lost."""

from __future__ import annotations

import importlib.util

import av
import numpy as np
import pytest

from rtpcap.codecs import Heard, Payloads, Reason, find
from rtpcap.codecs.opus import RepairingOpus, carries_copy, packet_samples
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from tests.codecs.senders import by_pyav
from tests.codecs.voices import lag, speech, tone

MONO = Format("opus", 48000, 2)
STEREO = Format("opus", 48000, 2, "sprop-stereo=1")

needs_libopus = pytest.mark.skipif(
    importlib.util.find_spec("opuslib_next") is None, reason="the extra opus is not installed"
)


def toc(config: int, code: int, stereo: bool = False) -> int:
    """The first byte (RFC 6716 section 3.1)."""
    return config << 3 | stereo << 2 | code


@pytest.mark.parametrize(
    ("payload", "samples", "reason"),
    [
        # RFC 6716 table 2: config 1 is SILK of 20 ms, 3 of 60 ms, 31 CELT of 20, 28 of 2.5 ms.
        (bytes([toc(1, 0), 1, 2]), 960, Reason.NONE),
        (bytes([toc(3, 0)]), 2880, Reason.NONE),
        (bytes([toc(31, 1), 1, 2]), 1920, Reason.NONE),
        (bytes([toc(31, 1), 1]), 0, Reason.LENGTH),
        (bytes([toc(31, 2), 1, 5, 6]), 1920, Reason.NONE),
        (bytes([toc(28, 3), 48, *range(48)]), 48 * 120, Reason.NONE),
        (bytes([toc(28, 3), 49, *range(49)]), 0, Reason.RESERVED),
        (bytes([toc(31, 3), 0]), 0, Reason.RESERVED),
        (bytes([toc(31, 3)]), 0, Reason.SHORT),
        (bytes([toc(3, 3), 3, 1, 2, 3]), 0, Reason.RESERVED),
        (b"", 0, Reason.EMPTY),
    ],
)
def test_how_long_a_payload_lasts(payload: bytes, samples: int, reason: Reason) -> None:
    measured = packet_samples(Payloads.of([payload]))
    assert (measured.samples.tolist(), measured.reason.tolist()) == ([samples], [reason])
    decoded = find(MONO).decode_run(Payloads.of([payload]))
    assert decoded.counts.tolist() == [samples]


def test_another_decoder_of_ffmpeg_hears_the_same() -> None:
    # Of the upper of the two layers only: for the lower one FFmpeg has filters of its own.
    payloads = by_pyav("libopus", speech(48000), 48000, bit_rate=96000)
    ours = find(MONO).decode_run(Payloads.of(payloads)).samples.astype(np.float64)
    context = av.AudioCodecContext.create("opus", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 48000
    context.layout = "mono"
    frames = [f.to_ndarray()[0] for p in payloads for f in context.decode(av.Packet(p))]
    theirs = 32768 * np.concatenate(frames).astype(np.float64)
    assert len(ours) == len(theirs)
    error = ((ours - theirs) ** 2).sum()
    assert 10 * np.log10((ours**2).sum() / error) > 40


def stereo(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> list[bytes]:
    return by_pyav("libopus", np.stack([samples, np.zeros_like(samples)], axis=1), 48000)


def test_a_mono_decoder_gives_both_sides_as_one() -> None:
    sent = tone(48000, 0.5)
    payloads = Payloads.of(stereo(sent))
    sides = find(STEREO).decode_run(payloads).samples.astype(np.float64)
    one = find(MONO).decode_run(payloads).samples.astype(np.float64)
    assert sides.shape == (len(one), 2)
    assert np.abs(sides[:, 1]).max() < 0.05 * np.abs(sides[:, 0]).max()
    middle = slice(4800, 19200)
    assert abs(float((one**2)[middle].mean() / (sides[middle, 0] ** 2).mean()) - 0.25) < 0.02


def test_silence_that_is_not_sent_is_noise() -> None:
    payloads = by_pyav("libopus", speech(48000), 48000, bit_rate=20000)[30:60]
    decoder = find(MONO)
    decoder.decode_run(Payloads.of(payloads))
    assert [piece.heard for piece in decoder.fill(960)] == [Heard.CONCEALED]
    decoded = decoder.decode_run(Payloads.of([payloads[0][:1]]))
    assert (decoded.counts.tolist(), decoded.heard.tolist()) == ([960], [Heard.NOISE])
    assert [piece.heard for piece in decoder.fill(960)] == [Heard.NOISE]


def test_what_is_lost_is_gone_on_with_and_dies_away() -> None:
    payloads = by_pyav("libopus", tone(48000, 1.0), 48000, bit_rate=24000)
    decoder = find(MONO)
    before = decoder.decode_run(Payloads.of(payloads[:25])).samples
    (concealed,) = decoder.fill(5 * 960 + 100)
    assert len(concealed.samples) == 5 * 960 + 100
    loud = np.abs(before[-960:]).max()
    assert np.abs(concealed.samples[:960]).max() > 0.3 * loud
    assert np.abs(concealed.samples[-960:]).max() < 0.9 * loud
    assert (decoder.decode_run(Payloads.of(payloads[30:])).heard == Heard.RECEIVED).all()


def with_copies(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> list[bytes]:
    """Speech coded with in-band forward error correction."""
    return by_pyav(
        "libopus", samples, 48000, bit_rate=24000, application="voip", fec="1", packet_loss="20"
    )


def test_copies_are_seen() -> None:
    assert sum(map(carries_copy, with_copies(speech(48000)))) > 40
    assert not any(map(carries_copy, by_pyav("libopus", speech(48000), 48000, bit_rate=24000)))
    assert not carries_copy(b"")
    # The flag behind one voice activity flag (20 ms), three of them (60 ms); never in CELT.
    assert carries_copy(bytes([toc(1, 0), 0b01000000]))
    assert not carries_copy(bytes([toc(1, 0), 0b10111111]))
    assert carries_copy(bytes([toc(3, 0), 0b00010000]))
    assert not carries_copy(bytes([toc(31, 0), 0b01000000]))


@needs_libopus
def test_what_is_lost_is_repaired_from_the_next_packet() -> None:
    sent = speech(48000)
    payloads = with_copies(sent)
    whole = find(MONO).decode_run(Payloads.of(payloads)).samples.astype(np.float64)
    lost = [i for i in range(20, 140, 4) if carries_copy(payloads[i + 1])]
    assert len(lost) > 10

    def heard(repair: bool) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        decoder = find(MONO).repairing()
        pieces = []
        for i, payload in enumerate(payloads):
            if i not in lost:
                pieces.append(decoder.decode(payload))
                continue
            filled = decoder.fill(960, payloads[i + 1] if repair else None)
            expected = Heard.REPAIRED if repair else Heard.CONCEALED
            assert [(piece.heard, len(piece.samples)) for piece in filled] == [(expected, 960)]
            pieces.append(filled[0].samples)
        return np.concatenate(pieces).astype(np.float64)

    here = np.concatenate([np.arange(960 * i, 960 * i + 960) for i in lost])
    errors = [float(((heard(repair)[here] - whole[here]) ** 2).sum()) for repair in (True, False)]
    # A copy is coarser than what was lost, and far nearer to it than a guess.
    assert 10 * np.log10(errors[1] / errors[0]) > 3


@needs_libopus
def test_libopus_itself_hears_what_ffmpeg_hears_of_it() -> None:
    payloads = Payloads.of(by_pyav("libopus", speech(48000), 48000, bit_rate=32000))
    one = find(MONO).decode_run(payloads).samples
    other = find(MONO).repairing().decode_run(payloads).samples
    assert lag(one, other) == 0
    error = ((one.astype(np.float64) - other) ** 2).sum()
    assert 10 * np.log10((one.astype(np.float64) ** 2).sum() / max(error, 1)) > 40


@needs_libopus
def test_a_longer_loss_is_concealed_but_for_its_end() -> None:
    payloads = with_copies(speech(48000))
    following = next(i for i in range(60, 140) if carries_copy(payloads[i]))
    decoder = find(MONO).repairing()
    decoder.decode_run(Payloads.of(payloads[: following - 3]))
    filled = decoder.fill(3 * 960, payloads[following])
    assert [(p.heard, len(p.samples)) for p in filled] == [
        (Heard.CONCEALED, 1920),
        (Heard.REPAIRED, 960),
    ]


def test_without_libopus_its_name_and_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtpcap.codecs.opus.find_spec", lambda name: None)
    with pytest.raises(CodecUnavailable, match=r"pip install 'rtpcap\[opus\]'"):
        find(MONO).repairing()


@needs_libopus
def test_damaged_payloads_do_not_poison_libopus() -> None:
    payloads = with_copies(speech(48000))[:40]
    bad = [b"", b"\x00", b"\xff" * 30, bytes([toc(31, 3), 63])]
    decoder = find(MONO).repairing()
    assert isinstance(decoder, RepairingOpus)
    decoded = decoder.decode_run(Payloads.of([*payloads[:20], *bad, *payloads[20:]]))
    assert (decoded.heard[-20:] == Heard.RECEIVED).all()
