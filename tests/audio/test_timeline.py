"""The time line of streams that change, pause, lose packets and repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from rtpcap.audio.holes import Cause
from rtpcap.audio.rendering import Fill, Rendering
from rtpcap.audio.track import Track
from rtpcap.codecs import Heard, find
from rtpcap.codecs.g711 import encode_mu_law
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format
from rtpcap.rtp.red import RedBlock, build_red
from tests.audio.build import Sent, l16, packets
from tests.codecs.senders import by_pyav
from tests.codecs.voices import lag, speech, tone

PCMU = Format("PCMU", 8000)
CN = Format("CN", 8000)
RED = Format("red", 8000)
G722 = Format("G722", 8000)
OPUS = Format("opus", 48000, 2)
FRAME = 160


Samples = npt.NDArray[np.int16]


def frames_of(samples: Samples) -> list[bytes]:
    coded = encode_mu_law(samples).tobytes()
    return [coded[at : at + FRAME] for at in range(0, len(coded) - FRAME + 1, FRAME)]


def sent_of(
    payloads: Sequence[bytes], number: int = 0, *, ticks: int = FRAME, begin: int = 0
) -> list[Sent]:
    """A packet each 20 ms."""
    return [
        Sent(ticks * i, payload, number, 0.02 * i)
        for i, payload in enumerate(payloads, start=begin)
    ]


def laid(
    sent: list[Sent],
    formats: dict[int, Format],
    *,
    missing: Sequence[int] = (),
    rendering: Rendering | None = None,
) -> Track:
    columns = packets(sent)
    kept = np.array([i for i in range(len(sent)) if i not in missing])
    return Track.lay(columns[kept], formats, rendering=rendering or Rendering())


def whole(track: Track) -> tuple[Samples, npt.NDArray[np.uint8]]:
    return track.read(0, track.length)


def stretches(heard: npt.NDArray[np.uint8]) -> list[tuple[int, int, Heard]]:
    """(begin, end, what) of each stretch of a mask."""
    edges = [0, *(np.flatnonzero(np.diff(heard.astype(int))) + 1).tolist(), len(heard)]
    return [(a, b, Heard(int(heard[a]))) for a, b in pairwise(edges)]


def test_a_loss_is_silence_unless_it_is_to_be_concealed() -> None:
    sent = sent_of(frames_of(tone(8000, 1.0)))
    expected = find(PCMU).decode(b"".join(packet.payload for packet in sent))
    for fill in ("silence", "noise"):
        track = laid(sent, {0: PCMU}, missing=[20], rendering=Rendering(fill=_fill(fill)))
        samples, heard = whole(track)
        hole = slice(20 * FRAME, 21 * FRAME)
        assert not samples[hole].any()
        assert (heard[hole] == Heard.SILENCE).all()
        rest = np.delete(np.arange(len(samples)), np.arange(hole.start, hole.stop))
        assert (samples[rest] == expected[rest]).all()
        assert (heard[rest] == Heard.RECEIVED).all()


def _fill(name: str) -> Fill:
    fills: dict[str, Fill] = {"silence": "silence", "noise": "noise", "conceal": "conceal"}
    return fills[name]


def test_what_is_concealed_goes_on_with_the_sound() -> None:
    sent = sent_of(frames_of(tone(8000, 1.0, 100)))
    samples, heard = whole(laid(sent, {0: PCMU}, missing=[20], rendering=Rendering(fill="conceal")))
    hole = slice(20 * FRAME, 21 * FRAME)
    assert stretches(heard) == [
        (0, hole.start, Heard.RECEIVED),
        (hole.start, hole.stop, Heard.CONCEALED),
        (hole.stop, 50 * FRAME, Heard.RECEIVED),
    ]
    # A tone of 100 Hz, 80 samples a turn, goes on as it was; Appendix I fades from 10 ms on.
    meant = tone(8000, 1.0, 100)[hole].astype(float)
    assert np.abs(samples[hole] - meant).max() < 0.25 * np.abs(meant).max()
    # And nothing jumps: the tone itself moves by 942 a sample.
    assert np.abs(np.diff(samples.astype(int))).max() < 2 * 942


def test_concealment_ends_after_60_ms() -> None:
    sent = sent_of(frames_of(tone(8000, 1.0, 100)))
    track = laid(sent, {0: PCMU}, missing=range(10, 30), rendering=Rendering(fill="conceal"))
    _, heard = whole(track)
    concealed = [stretch for stretch in stretches(heard) if stretch[2] is Heard.CONCEALED]
    ((begin, end, _),) = concealed
    assert begin == 10 * FRAME
    assert 50 * 8 < end - begin <= 60 * 8


def test_a_pause_is_not_concealed() -> None:
    sent = sent_of(frames_of(tone(8000, 0.5)))
    later = [Sent(p.timestamp + 8000, p.payload, 0, (p.time_s or 0) + 1.0) for p in sent]
    track = laid([*sent, *later], {0: PCMU}, rendering=Rendering(fill="conceal"))
    _, heard = whole(track)
    assert [what for _, _, what in stretches(heard)] == [
        Heard.RECEIVED,
        Heard.SILENCE,
        Heard.RECEIVED,
    ]
    assert track.holes.cause.tolist() == [Cause.PAUSE]
    assert (track.holes.begin[0], track.holes.end[0]) == (4000, 8000)


@pytest.mark.parametrize(("fill", "what"), [("silence", Heard.SILENCE), ("noise", Heard.NOISE)])
def test_comfort_noise_is_as_loud_as_it_was_described(fill: Fill, what: Heard) -> None:
    speaking = sent_of(frames_of(tone(8000, 0.2)))
    # RFC 3389 section 3.1: 40 dB below a square wave of full scale.
    described = Sent(FRAME * 10, bytes([40]), 13, 0.2)
    again = sent_of(frames_of(tone(8000, 0.2)), begin=110)
    track = laid([*speaking, described, *again], {0: PCMU, 13: CN}, rendering=Rendering(fill=fill))
    samples, heard = whole(track)
    assert stretches(heard) == [
        (0, 1600, Heard.RECEIVED),
        (1600, 17600, what),
        (17600, 19200, Heard.RECEIVED),
    ]
    rms = float(np.sqrt((samples[1600:17600].astype(float) ** 2).mean()))
    assert rms == pytest.approx(327.68 if what is Heard.NOISE else 0, rel=0.05)


def test_another_codec_in_mid_stream_at_its_own_rate() -> None:
    sound = tone(16000, 1.0)
    first = sent_of(frames_of(tone(8000, 1.0)))
    second = by_pyav("g722", sound, 16000, step=320)
    sent = [*first, *sent_of(second, 9, begin=50)]
    track = laid(sent, {0: PCMU, 9: G722})
    assert (track.rate, track.length) == (16000, 32000)
    samples, heard = whole(track)
    # What G.722 looks ahead, 22 samples, is missing where it begins to be heard, and at the end.
    assert heard[0] == Heard.RECEIVED
    assert (heard == Heard.SILENCE).sum() <= 2 * 22
    assert lag(sound, samples[:16000]) == 0
    assert lag(sound, samples[16000:]) == 0


def test_another_clock_goes_on_where_the_one_before_ends() -> None:
    words = speech(48000)[48000:96000]
    opus = by_pyav("libopus", words, 48000)[:50]
    narrow = speech(8000)[8000:16000]
    sent = [
        *sent_of(frames_of(narrow)),
        # Its timestamps have nothing to do with those before (RFC 7160).
        *[Sent(3_000_000_000 + 960 * i, p, 111, 1.004 + 0.02 * i) for i, p in enumerate(opus)],
        *sent_of(frames_of(narrow), begin=100),
    ]
    track = laid(sent, {0: PCMU, 111: OPUS})
    assert (track.rate, track.length) == (48000, 3 * 48000)
    samples, heard = whole(track)
    assert (heard == Heard.RECEIVED).mean() > 0.99
    for second in range(3):
        part = samples[48000 * second : 48000 * (second + 1)]
        assert abs(lag(words, part)) <= 3, second


def test_mono_and_stereo_take_turns() -> None:
    formats = {11: Format("L16", 8000), 96: Format("L16", 8000, 2)}
    sent = [Sent(0, l16([1, 2, 3])), Sent(3, l16([10, 20, 11, 21, 12, 22]), 96)]
    samples, heard = whole(laid(sent, formats))
    assert samples.tolist() == [[1, 1], [2, 2], [3, 3], [10, 20], [11, 21], [12, 22]]
    assert (heard == Heard.RECEIVED).all()


def test_packets_of_another_length_in_mid_stream() -> None:
    coded = encode_mu_law(tone(8000, 1.0)).tobytes()
    sent = [Sent(at, coded[at : at + 160], 0, at / 8000) for at in range(0, 3200, 160)]
    sent += [Sent(at, coded[at : at + 480], 0, at / 8000) for at in range(3200, 8000, 480)]
    track = laid(sent, {0: PCMU}, rendering=Rendering(fill="conceal"))
    samples, heard = whole(track)
    assert samples.tolist() == find(PCMU).decode(coded).tolist()
    assert (heard == Heard.RECEIVED).all()


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_one_rate_out(rate: int) -> None:
    sent = sent_of(frames_of(tone(8000, 1.0)))
    track = laid(sent, {0: PCMU}, missing=[20], rendering=Rendering(rate=rate))
    assert (track.rate, track.length) == (rate, rate)
    samples, heard = whole(track)
    assert abs(lag(tone(rate, 1.0), samples)) <= 1
    assert (heard == Heard.SILENCE).sum() == pytest.approx(0.02 * rate, abs=1)


def test_redundant_packets_repair_what_is_lost() -> None:
    payloads = frames_of(tone(8000, 1.0))
    sent = []
    for i, payload in enumerate(payloads):
        copies = [RedBlock(0, FRAME * back, payloads[i - back]) for back in (2, 1) if i >= back]
        sent.append(Sent(FRAME * i, build_red(copies, RedBlock(0, 0, payload)), 100, 0.02 * i))
    gone = [20, 30, 31, 40, 41, 42]
    track = laid(sent, {100: RED, 0: PCMU}, missing=gone)
    samples, heard = whole(track)
    expected = find(PCMU).decode(b"".join(payloads))
    # Two in a row are repaired, of three the first is not.
    assert track.repaired == 5
    hole = slice(40 * FRAME, 41 * FRAME)
    assert (heard[hole] == Heard.SILENCE).all()
    expected[hole] = 0
    assert samples.tolist() == expected.tolist()
    for i in (20, 30, 31, 41, 42):
        assert (heard[FRAME * i : FRAME * (i + 1)] == Heard.REPAIRED).all()
    assert (heard == Heard.RECEIVED).sum() == (50 - len(gone)) * FRAME


def test_digits_between_are_no_loss() -> None:
    payloads = frames_of(tone(8000, 1.0))
    sent = sent_of(payloads)
    sent[20:25] = [Sent(FRAME * 20, b"\x01\x0a\x00\xa0", 101, 0.4 + 0.02 * i) for i in range(5)]
    formats = {0: PCMU, 101: Format("telephone-event", 8000)}
    track = laid(sent, formats, rendering=Rendering(fill="conceal"))
    assert track.holes.cause.tolist() == [Cause.PAUSE]
    assert (whole(track)[1][FRAME * 20 : FRAME * 25] == Heard.SILENCE).all()


@pytest.mark.parametrize(("buffer_ms", "late"), [(None, 0), (200, 0), (60, 2), (30, 3)])
def test_what_comes_too_late_is_not_heard(buffer_ms: float | None, late: int) -> None:
    sent = sent_of(frames_of(tone(8000, 1.0)))
    for row, delay_s in ((10, 0.05), (20, 0.1), (30, 0.15)):
        sent[row].time_s = 0.02 * row + delay_s
    sent.sort(key=lambda packet: packet.time_s or 0.0)
    # Sequence numbers are given in the order of capture, which is not at stake here.
    track = laid(sent, {0: PCMU}, rendering=Rendering(buffer_ms=buffer_ms))
    _, heard = whole(track)
    assert track.late == late
    assert (heard == Heard.SILENCE).sum() == late * FRAME
    if late:
        assert set(track.holes.cause.tolist()) <= {Cause.LATE, Cause.LOST}


def test_a_sender_that_begins_anew_is_laid_where_it_comes() -> None:
    first, second = frames_of(tone(8000, 0.5)), frames_of(tone(8000, 0.5))
    sent = sent_of(first)
    sent += [Sent(2_000_000_000 + FRAME * i, p, 0, 1.0 + 0.02 * i) for i, p in enumerate(second)]
    track = laid(sent, {0: PCMU}, rendering=Rendering(fill="conceal"))
    _, heard = whole(track)
    assert track.length == 12000
    assert [what for _, _, what in stretches(heard)] == [
        Heard.RECEIVED,
        Heard.SILENCE,
        Heard.RECEIVED,
    ]
    assert track.holes.cause.tolist() == [Cause.RESTART]


def test_a_long_pause_is_read_without_holding_it() -> None:
    speaking = sent_of(frames_of(tone(8000, 0.2)))
    hours = 3 * 3600
    again = [
        Sent(8000 * hours + p.timestamp, p.payload, 0, hours + (p.time_s or 0)) for p in speaking
    ]
    described = Sent(FRAME * 10, bytes([40]), 13, 0.2)
    track = laid(
        [*speaking, described, *again], {0: PCMU, 13: CN}, rendering=Rendering(fill="noise")
    )
    assert track.length == 8000 * hours + 1600
    _, heard = track.read(track.length - 3200, track.length)
    assert stretches(heard) == [(0, 1600, Heard.NOISE), (1600, 3200, Heard.RECEIVED)]


@pytest.mark.parametrize("fill", ["silence", "noise", "conceal"])
def test_windows_give_what_the_whole_gives(fill: Fill) -> None:
    opus = by_pyav("libopus", speech(48000), 48000)
    sent = [Sent(960 * i, payload, 111, 0.02 * i) for i, payload in enumerate(opus)]
    gone = [30, 31, 70, 100]

    def made() -> Track:
        return laid(sent, {111: OPUS}, missing=gone, rendering=Rendering(fill=fill, rate=16000))

    samples, heard = whole(made())
    pieces = made()
    step = 2341
    parts = [pieces.read(at, at + step) for at in range(0, pieces.length, step)]
    together = np.concatenate([part for part, _ in parts])[: pieces.length].astype(int)
    # The ends of windows are resampled with what is around them: the same but for rounding.
    assert np.abs(together - samples).max() <= 2
    assert (np.concatenate([what for _, what in parts])[: pieces.length] == heard).all()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="fill"):
        Rendering(fill="music")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate"):
        Rendering(rate=5)
    with pytest.raises(ValueError, match="buffer"):
        Rendering(buffer_ms=-1)


def test_a_stream_of_payloads_that_are_none() -> None:
    sent = [Sent(FRAME * i, b"", 18, 0.02 * i) for i in range(50)]
    with pytest.raises(CodecUnavailable, match="no payload"):
        laid(sent, {18: Format("G729", 8000)})
