"""Samples on a time line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtpcap.audio.audio import Audio
    from rtpcap.audio.files import write_file, write_files
    from rtpcap.audio.placement import Placement, RTPPacketManager, place
    from rtpcap.audio.rendering import Rendering
    from rtpcap.audio.track import Track

_HOMES = {
    "Audio": "audio",
    "Placement": "placement",
    "RTPPacketManager": "placement",
    "Rendering": "rendering",
    "Track": "track",
    "place": "placement",
    "write_file": "files",
    "write_files": "files",
}

__all__ = [
    "Audio",
    "Placement",
    "RTPPacketManager",
    "Rendering",
    "Track",
    "place",
    "write_file",
    "write_files",
]


# The command line needs the words of `Rendering`, and no decoder for them.
def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'rtpcap.audio' has no attribute {name!r}")
    return getattr(import_module(f"rtpcap.audio.{home}"), name)
