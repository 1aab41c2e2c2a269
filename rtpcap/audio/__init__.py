"""Samples on a time line."""

from rtpcap.audio.audio import Audio
from rtpcap.audio.files import write_file, write_files
from rtpcap.audio.placement import Placement, RTPPacketManager, place
from rtpcap.audio.rendering import Rendering
from rtpcap.audio.track import Track

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
