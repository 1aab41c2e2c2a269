"""Which format is decoded by what: one declaration a codec."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

from rtpcap.codecs.decoder import Decoder
from rtpcap.errors import CodecUnavailable
from rtpcap.rtp.payload_types import Format

__all__ = ["PLUG_INS", "available", "codec", "find", "unavailable", "undecodable"]

MOST_HZ = 384_000
"""No sample rate in use is higher; signalling that says so would ask for any amount of memory."""

MOST_CHANNELS = 64

MODULES = (
    "g711",
    "linear",
    "waveform",
    "speech",
    "adpcm",
    "amr",
    "opus",
    "speex",
    "aac",
    "mpeg",
    "vorbis",
    "cdma",
    "surround",
    "elsewhere",
)
"""What declares codecs here, in the order in which a name is looked for: the commonest first, so
that who has only G.711 loads nothing else."""

PLUG_INS = "rtpcap.codecs"
"""The group of entry points by which another package declares codecs: each names a module, or a
function without arguments, that declares them with `codec` when it is loaded."""

Made = TypeVar("Made", bound=Callable[[Format], Decoder])

_DECLARED: dict[str, tuple[str, Callable[[Format], Decoder]]] = {}
_UNAVAILABLE: dict[str, tuple[str, str]] = {}
_FAILED: list[str] = []
_plugged_in = False


def codec(*names: str) -> Callable[[Made], Made]:
    """Declare what makes the decoder for an encoding name, or for several."""

    def declare(make: Made) -> Made:
        for name in names:
            _DECLARED[name.lower()] = (name, make)
        return make

    return declare


def unavailable(name: str, cure: str) -> None:
    """Declare an encoding name that is known and not decoded here, and what would decode it."""
    _UNAVAILABLE[name.lower()] = (name, cure)


def _declared(key: str) -> bool:
    """Whether a codec is declared, after all that may declare it was loaded."""
    for module in MODULES:
        if key in _DECLARED:
            break
        import_module(f"rtpcap.codecs.{module}")
    return key in _DECLARED


def declare_all() -> None:
    """Load every codec here."""
    for module in MODULES:
        import_module(f"rtpcap.codecs.{module}")


def available() -> list[str]:
    """The encoding names that can be decoded, in alphabetical order.

    >>> from rtpcap.codecs import available
    >>> available()[:3]
    ['AAL2-G726-16', 'AAL2-G726-24', 'AAL2-G726-32']
    """
    _plug_in()
    return sorted((name for name, _ in _DECLARED.values()), key=str.lower)


def undecodable() -> dict[str, str]:
    """The encoding names that are known and not decoded here -> what would decode them."""
    _plug_in()
    return dict(sorted(row for key, row in _UNAVAILABLE.items() if key not in _DECLARED))


def find(fmt: Format) -> Decoder:
    """A new decoder for the payloads of one stream of this format.

    Raises CodecUnavailable where there is none, and says what there is.
    """
    key = fmt.name.lower()
    if not _declared(key):
        _plug_in()
    if key not in _DECLARED:
        raise CodecUnavailable(_why_not(fmt))
    if not 0 < fmt.clock_rate <= MOST_HZ:
        raise CodecUnavailable(f"{fmt} has a clock rate above {MOST_HZ} Hz")
    if fmt.channels > MOST_CHANNELS:
        raise CodecUnavailable(f"{fmt} has more than {MOST_CHANNELS} channels")
    return _DECLARED[key][1](fmt)


def _why_not(fmt: Format) -> str:
    known = _UNAVAILABLE.get(fmt.name.lower())
    if known:
        what = f"no decoder for {known[0]} here: {known[1]}"
    elif fmt.is_video:
        what = "video"
    elif fmt.is_event or fmt.is_comfort_noise:
        what = f"{fmt.name} alone is no audio"
    else:
        what = f"no decoder for {fmt.name}"
    broken = f"; plug-ins that failed: {', '.join(_FAILED)}" if _FAILED else ""
    return f"{what}{broken}; decoded here: {', '.join(available())}"


def _plug_in() -> None:
    """Load the codecs that other packages declare, once, when a name is looked for."""
    global _plugged_in
    if _plugged_in:
        return
    _plugged_in = True
    declare_all()
    # Not at the top: it takes longer to load than all codecs here.
    from importlib.metadata import entry_points

    for entry in entry_points(group=PLUG_INS):
        try:
            loaded = entry.load()
            if callable(loaded):
                loaded()
        # Whatever another package raises, it must not keep the codecs of this one away.
        except Exception as error:
            _FAILED.append(f"{entry.name} ({type(error).__name__}: {error})")
