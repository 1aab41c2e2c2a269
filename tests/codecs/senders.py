"""Encoders by others: what they send for samples, as RTP payloads.

PyAV's are used as it gives them; libraries of the system and programs are peers, and the tests that
need one are skipped where it is missing.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess
from collections.abc import Callable
from functools import cache

import av
import numpy as np
import numpy.typing as npt

from tests.peers import missing, require

__all__ = [
    "by_bcg729",
    "by_ffmpeg",
    "by_gsm",
    "by_pyav",
    "by_speex",
    "by_vo_amrwb",
    "cut",
    "extradata_of",
]

Samples = npt.NDArray[np.int16]

LAYOUTS = {1: "mono", 2: "stereo"}


def cut(data: bytes, size: int) -> list[bytes]:
    """Pieces of `size` bytes; what is left over is not sent."""
    return [data[at : at + size] for at in range(0, len(data) - size + 1, size)]


def by_pyav(
    name: str,
    samples: Samples,
    rate: int,
    *,
    step: int = 0,
    sample_format: str = "s16",
    bit_rate: int = 0,
    **options: str,
) -> list[bytes]:
    """The packets of one of FFmpeg's encoders; `step` samples at a time where it takes any."""
    context = av.AudioCodecContext.create(name, "w")
    assert isinstance(context, av.AudioCodecContext)
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    layout = LAYOUTS[channels]
    context.layout = layout
    context.sample_rate = rate
    context.format = av.AudioFormat(sample_format)
    if bit_rate:
        context.bit_rate = bit_rate
    context.options = options
    context.open()
    size = step or context.frame_size
    packets = []
    for at in range(0, len(samples), size):
        part = samples[at : at + size]
        if len(part) < size:
            part = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), np.int16)])
        columns = part.reshape(size, channels)
        data = columns.T if sample_format.endswith("p") else columns.reshape(1, -1)
        if sample_format.startswith("flt"):
            data = (data / 32768).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(data), format=sample_format, layout=layout
        )
        frame.sample_rate = rate
        frame.pts = at
        packets += [bytes(packet) for packet in context.encode(frame)]
    packets += [bytes(packet) for packet in context.encode(None)]
    return packets


def extradata_of(name: str, rate: int, channels: int = 1, **options: str) -> bytes:
    """What one of FFmpeg's encoders says that a decoder has to know."""
    context = av.AudioCodecContext.create(name, "w")
    assert isinstance(context, av.AudioCodecContext)
    context.layout = LAYOUTS[channels]
    context.sample_rate = rate
    context.format = av.AudioFormat("fltp")
    context.options = options
    context.open()
    return bytes(context.extradata or b"")


def by_ffmpeg(samples: Samples, rate: int, *arguments: str) -> bytes:
    """What the ffmpeg program writes."""
    command = [require("ffmpeg"), "-v", "error", "-f", "s16le", "-ar", str(rate), "-ac", "1"]
    command += ["-i", "pipe:0", *arguments, "pipe:1"]
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True)
    return done.stdout


@cache
def library(name: str) -> ctypes.CDLL:
    """A library of the system; without it the test is skipped."""
    path = ctypes.util.find_library(name)
    if path is None:
        missing(f"lib{name}")
    return ctypes.CDLL(path)


def _frames(samples: Samples, size: int) -> list[Samples]:
    return [samples[at : at + size].copy() for at in range(0, len(samples) - size + 1, size)]


def by_gsm(samples: Samples) -> list[bytes]:
    """GSM 06.10 by libgsm."""
    gsm = library("gsm")
    gsm.gsm_create.restype = ctypes.c_void_p
    state = ctypes.c_void_p(gsm.gsm_create())
    packets = []
    for frame in _frames(samples, 160):
        out = ctypes.create_string_buffer(33)
        gsm.gsm_encode(state, frame.ctypes.data_as(ctypes.c_void_p), out)
        packets.append(out.raw)
    gsm.gsm_destroy(state)
    return packets


def by_bcg729(samples: Samples, *, vad: bool = False) -> list[bytes]:
    """G.729 (Annex B with `vad`) by libbcg729, a frame of 10 ms each; b"" where none is sent."""
    bcg = library("bcg729")
    bcg.initBcg729EncoderChannel.restype = ctypes.c_void_p
    state = ctypes.c_void_p(bcg.initBcg729EncoderChannel(ctypes.c_uint8(vad)))
    packets = []
    for frame in _frames(samples, 80):
        out = ctypes.create_string_buffer(10)
        size = ctypes.c_uint8(0)
        bcg.bcg729Encoder(state, frame.ctypes.data_as(ctypes.c_void_p), out, ctypes.byref(size))
        packets.append(out.raw[: size.value])
    bcg.closeBcg729EncoderChannel(state)
    return packets


def by_speex(samples: Samples, rate: int, quality: int = 8) -> list[bytes]:
    """Speex by libspeex, a frame of 20 ms a packet."""
    speex = library("speex")
    speex.speex_lib_get_mode.restype = ctypes.c_void_p
    speex.speex_encoder_init.restype = ctypes.c_void_p
    mode = speex.speex_lib_get_mode({8000: 0, 16000: 1, 32000: 2}[rate])
    state = ctypes.c_void_p(speex.speex_encoder_init(ctypes.c_void_p(mode)))
    set_quality = 4
    speex.speex_encoder_ctl(state, set_quality, ctypes.byref(ctypes.c_int(quality)))
    bits = ctypes.create_string_buffer(256)
    speex.speex_bits_init(bits)
    packets = []
    for frame in _frames(samples, rate // 50):
        speex.speex_bits_reset(bits)
        speex.speex_encode_int(state, frame.ctypes.data_as(ctypes.c_void_p), bits)
        # Fills the last byte as RFC 5574 section 3.3 asks.
        speex.speex_bits_insert_terminator(bits)
        out = ctypes.create_string_buffer(400)
        size = speex.speex_bits_write(bits, out, len(out))
        packets.append(out.raw[:size])
    speex.speex_bits_destroy(bits)
    speex.speex_encoder_destroy(state)
    return packets


def by_vo_amrwb(samples: Samples, mode: int = 8, dtx: bool = False) -> list[bytes]:
    """AMR-WB by libvo-amrwbenc: frames as files hold them."""
    vo = library("vo-amrwbenc")
    vo.E_IF_init.restype = ctypes.c_void_p
    state = ctypes.c_void_p(vo.E_IF_init())
    packets = []
    for frame in _frames(samples, 320):
        out = ctypes.create_string_buffer(64)
        size = vo.E_IF_encode(state, mode, frame.ctypes.data_as(ctypes.c_void_p), out, int(dtx))
        packets.append(out.raw[:size])
    vo.E_IF_exit(state)
    return packets


Sender = Callable[[Samples], list[bytes]]
