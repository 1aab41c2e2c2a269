"""Codecs of access units: whole, several in a packet, and in pieces."""

from __future__ import annotations

import av
import numpy as np
import pytest

from rtpcap.audio.track import Track
from rtpcap.codecs import Decoder, Heard, Payloads, Reason, find
from rtpcap.codecs.aac import parse_audio_config, parse_stream_mux_config
from rtpcap.codecs.mpeg import parse_mpeg
from rtpcap.codecs.surround import ac3_size, parse_sbc
from rtpcap.rtp.payload_types import Format
from tests.audio.build import Sent, packets
from tests.codecs.cases import AAC, LATM, vorbis_configuration
from tests.codecs.senders import Samples, by_pyav, extradata_of
from tests.codecs.voices import lag, pitch, speech, tone

MONO = "samplerate=48000;mode=single_channel"


def check_tone(decoder: Decoder, payloads: list[bytes], samples: int, first: int = 0) -> Samples:
    """Payloads of a tone of 440 Hz: its pitch, and how long each lasts."""
    decoded = decoder.decode_run(Payloads.of(payloads))
    assert decoded.counts.tolist() == decoder.measure(Payloads.of(payloads)).samples.tolist()
    assert set(decoded.counts.tolist()[1:]) == {samples}
    assert not decoded.reason.any()
    assert (decoded.heard[first:] == Heard.RECEIVED).all()
    mono = decoded.samples if decoded.samples.ndim == 1 else decoded.samples[:, 0]
    middle = mono[len(mono) // 4 : -len(mono) // 4].astype(np.float64)
    assert abs(pitch(middle, decoder.sample_rate) - 440) < 2
    assert 0.8 < np.abs(middle).max() / 12000 < 1.2
    return mono


@pytest.mark.parametrize(
    ("name", "samples"), [("mp2", 1152), ("libmp3lame", 1152)], ids=["layer 2", "layer 3"]
)
def test_mpeg_frames_one_and_three_a_packet(name: str, samples: int) -> None:
    form = "s16" if name == "mp2" else "s16p"
    sent = tone(48000, 2.0)
    frames = by_pyav(name, sent, 48000, sample_format=form, bit_rate=64000)
    header = parse_mpeg(frames[5])
    assert header is not None
    # 64 kbit/s of 24 ms are 192 bytes (ISO 11172-3 section 2.4.3.1).
    assert (header.sample_rate, header.channels, header.samples) == (48000, 1, samples)
    assert header.size == len(frames[5]) == 192
    fmt = Format("MPA", 90000, 1, MONO)
    head = bytes(4)
    check_tone(find(fmt), [head + frame for frame in frames], samples)
    three = [head + b"".join(frames[at : at + 3]) for at in range(0, len(frames) - 2, 3)]
    check_tone(find(fmt), three, 3 * samples)


def in_two(frame: bytes) -> list[bytes]:
    """A frame in pieces, as RFC 2250 section 3.5 counts them."""
    half = len(frame) // 2
    return [bytes(4) + frame[:half], bytes(2) + half.to_bytes(2, "big") + frame[half:]]


def test_mpeg_frames_in_pieces() -> None:
    frames = by_pyav("mp2", tone(48000, 1.0), 48000, bit_rate=64000)
    fmt = Format("MPA", 90000, 1, MONO)
    whole = find(fmt).decode_run(Payloads.of([bytes(4) + frame for frame in frames]))
    pieces = [piece for frame in frames for piece in in_two(frame)]
    decoded = find(fmt).decode_run(Payloads.of(pieces))
    assert decoded.counts.tolist() == [1152, 0] * len(frames)
    assert not decoded.reason.any()
    assert decoded.samples.tolist() == whole.samples.tolist()
    # Without its second piece a frame is none, and without its first the second is nothing.
    torn = find(fmt).decode_run(Payloads.of([pieces[0], *pieces[2:]]))
    assert torn.reason.tolist()[:4] == [Reason.FRAGMENT, 0, 0, 0]
    assert torn.counts.tolist()[:4] == [0, 1152, 0, 1152]
    torn = find(fmt).decode_run(Payloads.of(pieces[1:]))
    assert torn.reason.tolist()[:4] == [Reason.FRAGMENT, 0, 0, 0]


def test_pieces_on_the_time_line() -> None:
    frames = by_pyav("mp2", tone(48000, 0.5), 48000, bit_rate=64000)
    fmt = Format("MPA", 90000, 1, MONO)
    sent = [
        Sent(2160 * i, piece, 14, 0.024 * i)
        for i, frame in enumerate(frames)
        for piece in in_two(frame)
    ]
    track = Track.lay(packets(sent), {14: fmt})
    samples, received = track.read(0, track.length)
    whole = find(fmt).decode_run(Payloads.of([bytes(4) + frame for frame in frames]))
    assert samples.tolist() == whole.samples.tolist()
    assert received.all()


def test_aac_by_rfc_3640() -> None:
    sent = tone(48000, 2.0)
    units = by_pyav("aac", sent, 48000, sample_format="fltp", bit_rate=64000)
    fmt = Format("mpeg4-generic", 48000, 1, AAC)

    def packed(several: list[bytes]) -> bytes:
        heads = b"".join((len(unit) << 3).to_bytes(2, "big") for unit in several)
        return (8 * len(heads)).to_bytes(2, "big") + heads + b"".join(several)

    check_tone(find(fmt), [packed([unit]) for unit in units], 1024)
    two = [packed(units[at : at + 2]) for at in range(0, len(units) - 1, 2)]
    check_tone(find(fmt), two, 2048)
    whole = find(fmt).decode_run(Payloads.of([packed([unit]) for unit in units]))

    pieces = []
    for unit in units:
        head = b"\x00\x10" + (len(unit) << 3).to_bytes(2, "big")
        pieces += [head + unit[:50], head + unit[50:]]
    decoded = find(fmt).decode_run(Payloads.of(pieces))
    assert decoded.counts.tolist() == [1024, 0] * len(units)
    assert decoded.samples.tolist() == whole.samples.tolist()

    # A step of the index of more than one unit: they are not in order.
    interleaved = b"\x00\x20" + (9).to_bytes(2, "big") + (8 * 2 + 1).to_bytes(2, "big") + b"abc"
    assert find(fmt).measure(Payloads.of([interleaved])).reason.tolist() == [Reason.INTERLEAVED]


def test_aac_comes_back_at_its_sample() -> None:
    sent = speech(48000)
    units = by_pyav("aac", sent, 48000, sample_format="fltp", bit_rate=96000)
    fmt = Format("mpeg4-generic", 48000, 1, AAC)
    payloads = [b"\x00\x10" + (len(u) << 3).to_bytes(2, "big") + u for u in units]
    decoder = find(fmt)
    assert lag(sent, decoder.decode_run(Payloads.of(payloads)).samples) == decoder.delay


def latm(unit: bytes) -> bytes:
    """Its length in bytes of 255 and a last one that is less (ISO 14496-3 section 1.7.3.1)."""
    return b"\xff" * (len(unit) // 255) + bytes([len(unit) % 255]) + unit


def test_aac_in_latm() -> None:
    units = by_pyav("aac", tone(48000, 2.0), 48000, sample_format="fltp", bit_rate=128000)
    assert max(map(len, units)) > 255
    fmt = Format("MP4A-LATM", 48000, 1, LATM)
    check_tone(find(fmt), [latm(unit) for unit in units], 1024)
    whole = find(fmt).decode_run(Payloads.of([latm(unit) for unit in units]))
    pieces = [piece for unit in units for piece in (latm(unit)[:60], latm(unit)[60:])]
    decoded = find(fmt).decode_run(Payloads.of(pieces))
    assert decoded.counts.tolist() == [1024, 0] * len(units)
    assert decoded.samples.tolist() == whole.samples.tolist()


def test_configurations_of_aac() -> None:
    # 14496-3: object type 2 of 5 bits, rate index 3 (48 kHz) of 4, one channel of 4, three flags.
    plain = parse_audio_config(bytes([0b00010_001, 0b1_0001_000]))
    assert (plain.object_type, plain.sample_rate, plain.channels) == (2, 48000, 1)
    assert plain.unit_samples == 1024
    # An explicit rate of 24 bits; frames of 960.
    bits = f"00010{'1111'}{44056:024b}00101" + "00"
    explicit = parse_audio_config(int(bits, 2).to_bytes(5, "big"))
    assert (explicit.sample_rate, explicit.channels, explicit.unit_samples) == (44056, 2, 960)
    # Spectral band replication: type 5 of 24 kHz (6), doubled to 48 kHz (3), then the core's type.
    bits = "00101" + "0110" + "0001" + "0011" + "00010" + "000" + "0000000"
    doubled = parse_audio_config(int(bits, 2).to_bytes(4, "big"))
    assert (doubled.sample_rate, doubled.unit_samples) == (48000, 2048)
    reserved_rate, no_channels = bytes([0b00010110, 0b10001000]), bytes([0b00010001, 0b10000000])
    for wrong in (b"", b"\x11", reserved_rate, no_channels):
        with pytest.raises((EOFError, ValueError)):
            parse_audio_config(wrong)
    config, frames = parse_stream_mux_config(bytes.fromhex("400023103fc0"))
    assert frames == 1
    told = parse_audio_config(config)
    assert (told.object_type, told.sample_rate, told.channels) == (2, 48000, 1)


def test_ac3_frames_whole_and_in_pieces() -> None:
    sent = np.repeat(tone(48000, 1.0)[:, None], 2, axis=1)
    frames = by_pyav("ac3", sent, 48000, sample_format="fltp", bit_rate=192000)
    # A/52 table 5.18: 192 kbit/s of 32 ms are 768 bytes.
    assert {len(frame) for frame in frames} == {ac3_size(frames[0])} == {768}
    fmt = Format("ac3", 48000, 2)
    check_tone(find(fmt), [b"\x00\x01" + frame for frame in frames], 1536)
    pieces = [
        piece
        for frame in frames
        for piece in (b"\x01\x02" + frame[:500], b"\x03\x02" + frame[500:])
    ]
    decoded = find(fmt).decode_run(Payloads.of(pieces))
    assert decoded.counts.tolist() == [1536, 0] * len(frames)
    lone = find(fmt).measure(Payloads.of([pieces[1], b"\x00\x01junkjunk"]))
    assert lone.reason.tolist() == [Reason.FRAGMENT, Reason.DAMAGED]


def test_sbc_frames() -> None:
    sent = tone(16000, 2.0)
    frames = by_pyav("sbc", sent, 16000, sample_format="s16p", bit_rate=128000)
    header = parse_sbc(frames[3])
    assert header is not None
    assert (header.sample_rate, header.channels, header.size) == (16000, 1, len(frames[3]))
    fmt = Format("SBC", 16000)
    four = [bytes([4]) + b"".join(frames[at : at + 4]) for at in range(0, len(frames) - 3, 4)]
    check_tone(find(fmt), four, 4 * header.samples)
    broken = find(fmt).measure(Payloads.of([b"\x80abc", b"\x01abc", four[0][:-2]]))
    assert broken.reason.tolist() == [Reason.FRAGMENT, Reason.DAMAGED, Reason.LENGTH]


def test_how_long_frames_of_sbc_are() -> None:
    # A2DP 12.9: 44.1 kHz (2), 16 blocks (3), joint stereo (3), SNR (1) or not, 8 bands; bitpool 53.
    # 4 + 4 * 8 * 2 / 8 + ceil((8 + 16 * 53) / 8) = 4 + 8 + 107.
    joint = parse_sbc(bytes([0x9C, 0b10_11_11_0_1, 53, 0]))
    assert joint == (44100, 2, 128, 119)
    # Dual channel: twice the bits, none for the join: 4 + 8 + 16 * 2 * 53 / 8.
    assert parse_sbc(bytes([0x9C, 0b10_11_01_0_1, 53, 0])) == (44100, 2, 128, 224)
    assert parse_sbc(b"\x9d\xbd\x35\0") is None


def vorbis(packets: list[bytes], kind: int = 0, count: int | None = None) -> bytes:
    """A payload of RFC 5215 section 2.2: the ident, then fragment, data type 0 and count."""
    number = len(packets) if count is None else count
    head = b"\x12\x34\x56" + bytes([kind << 6 | number])
    return head + b"".join(len(data).to_bytes(2, "big") + data for data in packets)


def test_vorbis() -> None:
    sent = np.repeat(tone(48000, 2.0)[:, None], 2, axis=1)
    coded = by_pyav("vorbis", sent, 48000, sample_format="fltp", strict="-2")
    configuration = vorbis_configuration(extradata_of("vorbis", 48000, 2, strict="-2"))
    fmt = Format("vorbis", 48000, 2, f"configuration={configuration}")
    decoder = find(fmt)
    decoded = decoder.decode_run(Payloads.of([vorbis([data]) for data in coded]))
    context = av.AudioCodecContext.create("vorbis", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata = extradata_of("vorbis", 48000, 2, strict="-2")
    # How long each packet is, as FFmpeg finds by decoding it.
    lengths = [sum(f.samples for f in context.decode(av.Packet(data))) for data in coded]
    assert decoded.counts.tolist() == lengths
    assert decoder.measure(Payloads.of([vorbis([d]) for d in coded])).samples.tolist() == lengths
    middle = decoded.samples[24000:72000, 0].astype(np.float64)
    assert abs(pitch(middle, 48000) - 440) < 2
    assert not decoded.reason.any()

    bundled = find(fmt).decode_run(Payloads.of([vorbis(coded[:5]), vorbis(coded[5:10])]))
    assert bundled.counts.tolist() == [sum(lengths[:5]), sum(lengths[5:10])]
    half = len(coded[3]) // 2
    pieces = [
        vorbis(coded[:3]),
        vorbis([coded[3][:half]], kind=1, count=0),
        vorbis([coded[3][half:]], kind=3, count=0),
    ]
    torn = find(fmt).decode_run(Payloads.of(pieces))
    assert torn.counts.tolist() == [sum(lengths[:3]), lengths[3], 0]
    assert not torn.reason.any()
    lost = find(fmt).decode_run(Payloads.of([pieces[0], pieces[2]]))
    assert lost.reason.tolist() == [Reason.NONE, Reason.FRAGMENT]
