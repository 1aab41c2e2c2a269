"""FFmpeg's decoders, encoders and resampler, through PyAV, loaded on use: its only place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from rtpcap.errors import CodecUnavailable

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.codec.context import CodecContext

__all__ = ["FFmpegDecoder", "FFmpegEncoder", "as_int16", "require_pyav", "resample"]

FULL_SCALE = 32768
LAYOUTS = {1: "mono", 2: "stereo"}
TYPES: Mapping[str, np.dtype[Any]] = {
    "u8": np.dtype(np.uint8),
    "s16": np.dtype(np.int16),
    "s32": np.dtype(np.int32),
    "flt": np.dtype(np.float32),
    "dbl": np.dtype(np.float64),
}
"""FFmpeg's sample formats; a ``p`` behind them means that each channel lies by itself."""

MOST_PENDING = 100
"""Frames that an encoder may still hold when it is told that nothing follows."""


@cache
def require_pyav() -> None:
    """Raise CodecUnavailable where PyAV is not installed; it is not loaded yet."""
    if find_spec("av") is None:
        raise CodecUnavailable("FFmpeg's decoders need PyAV: pip install 'av>=18.1,<20'")


def as_int16(samples: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Samples of any of FFmpeg's formats as 16 bits, rounded as FFmpeg rounds them."""
    kind = samples.dtype
    if kind.kind == "f":
        limits = np.iinfo(np.int16)
        scaled = np.rint(samples.astype(np.float32) * np.float32(FULL_SCALE))
        samples = np.clip(scaled, limits.min, limits.max)
    elif kind == np.int32:
        samples = samples >> 16
    elif kind == np.uint8:
        samples = (samples.astype(np.int16) - 128) << 8
    out: npt.NDArray[np.int16] = samples.astype(np.int16, copy=False)
    return out


def _audio(context: CodecContext) -> AudioCodecContext:
    """The context, for what it is: all names here are those of audio codecs."""
    return cast("AudioCodecContext", context)


class FFmpegDecoder:
    """One decoder of FFmpeg with its state.

    `channels` None leaves their number to what the decoder finds. The `primer` is a packet that is
    decoded first, for nothing to be heard of it, where a decoder needs one to be in its state.
    """

    def __init__(
        self,
        name: str,
        sample_rate: int,
        channels: int | None = 1,
        *,
        options: Mapping[str, int] | None = None,
        extradata: bytes | None = None,
        primer: bytes | None = None,
    ) -> None:
        self._name = name
        self._primer = primer
        self._sample_rate = sample_rate
        self._channels = channels
        self._options = {key: str(value) for key, value in (options or {}).items()}
        self._extradata = extradata
        self._context: AudioCodecContext | None = None

    def _open(self) -> AudioCodecContext:
        import av

        try:
            context = _audio(av.CodecContext.create(self._name, "r"))
            if self._channels is not None:
                context.layout = LAYOUTS.get(self._channels, f"{self._channels}c")
            context.sample_rate = self._sample_rate
            context.options = self._options
            if self._extradata is not None:
                context.extradata = self._extradata
            context.open()
            if self._primer is not None:
                context.decode(av.Packet(self._primer))
        except (av.FFmpegError, ValueError) as error:
            raise CodecUnavailable(
                f"FFmpeg does not open its decoder {self._name}: {error}"
            ) from None
        return context

    def feed(self, data: bytes) -> list[npt.NDArray[np.int16]]:
        """The frames that come out for a packet, each of shape (n,) or (n, channels).

        None come out of what the decoder refuses.
        """
        # An empty packet would mean that nothing follows, and end the decoder.
        if not data:
            return []
        import av

        if self._context is None:
            self._context = self._open()
        try:
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError):
            # PyAV raises ValueError for a layout it cannot describe.
            return []
        out = []
        for frame in frames:
            name = frame.format.name
            channels = frame.layout.nb_channels
            kind = TYPES.get(name.removesuffix("p"))
            if kind is None:
                continue
            if channels == 1:
                out.append(
                    as_int16(np.frombuffer(memoryview(frame.planes[0]), kind, frame.samples))
                )
            elif name.endswith("p"):
                planes = [
                    np.frombuffer(memoryview(plane), kind, frame.samples) for plane in frame.planes
                ]
                out.append(as_int16(np.stack(planes, axis=1)))
            else:
                flat = np.frombuffer(memoryview(frame.planes[0]), kind, frame.samples * channels)
                out.append(as_int16(flat.reshape(-1, channels)))
        return out

    @property
    def sample_rate(self) -> int:
        """What the decoder says, once it has decoded; before, what it was told."""
        return self._context.sample_rate if self._context is not None else self._sample_rate

    def reset(self) -> None:
        """Forget all state: the next packet is the first."""
        self._context = None


class FFmpegEncoder:
    """One encoder of FFmpeg with its state."""

    def __init__(
        self,
        name: str,
        sample_rate: int,
        channels: int = 1,
        *,
        sample_format: str = "s16",
        bit_rate: int | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        import av

        try:
            context = _audio(av.CodecContext.create(name, "w"))
            context.layout = LAYOUTS[channels]
            context.sample_rate = sample_rate
            context.format = av.AudioFormat(sample_format)
            if bit_rate is not None:
                context.bit_rate = bit_rate
            context.options = dict(options or {})
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise CodecUnavailable(f"FFmpeg does not open an encoder {name}: {error}") from None
        self._context = context
        self._format = sample_format
        self._rate = sample_rate
        self._channels = channels
        self._pts = 0

    @property
    def extradata(self) -> bytes:
        """What a decoder has to be told."""
        return bytes(self._context.extradata or b"")

    @property
    def frame_samples(self) -> int:
        """Samples (of each channel) that it wants at a time; 0 for any number."""
        return int(self._context.frame_size or 0)

    def feed(self, samples: npt.NDArray[np.int16]) -> list[bytes]:
        """The packets that come out for samples of shape (n,) or (n, channels)."""
        import av

        columns: npt.NDArray[Any] = samples.reshape(len(samples), self._channels)
        if self._format.startswith(("flt", "dbl")):
            kind = TYPES[self._format.removesuffix("p")]
            columns = (columns / FULL_SCALE).astype(kind)
        planar = self._format.endswith("p")
        data = np.ascontiguousarray(columns.T) if planar else columns.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(data), format=self._format, layout=LAYOUTS[self._channels]
        )
        frame.sample_rate = self._rate
        frame.pts = self._pts
        self._pts += len(samples)
        return [bytes(packet) for packet in self._context.encode(frame)]

    def finish(self) -> Iterator[bytes]:
        """The packets that the encoder still held; nothing can be fed after that."""
        for packet in self._context.encode(None)[:MOST_PENDING]:
            yield bytes(packet)


def resample(samples: npt.NDArray[np.int16], rate: int, wanted: int) -> npt.NDArray[np.int16]:
    """Samples of shape (n,) or (n, channels) at another rate, the first one where it was.

    Raises CodecUnavailable where FFmpeg cannot do it.
    """
    require_pyav()
    import av

    channels = 1 if samples.ndim == 1 else samples.shape[1]
    layout = LAYOUTS.get(channels, f"{channels}c")
    data = np.ascontiguousarray(samples).reshape(1, -1)
    try:
        resampler = av.AudioResampler(format="s16", layout=layout, rate=wanted)
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout=layout)
        frame.sample_rate = rate
        frames = [*resampler.resample(frame), *resampler.resample(None)]
    except (av.FFmpegError, ValueError) as error:
        raise CodecUnavailable(f"FFmpeg does not resample {rate} Hz to {wanted}: {error}") from None
    parts = [
        np.frombuffer(memoryview(made.planes[0]), np.int16, made.samples * channels)
        for made in frames
    ]
    flat = np.concatenate([np.empty(0, np.int16), *parts])
    return flat if channels == 1 else flat.reshape(-1, channels)
