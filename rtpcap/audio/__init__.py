"""Samples on a time line."""

from rtpcap.audio.audio import Audio
from rtpcap.audio.placement import Placement, RTPPacketManager, place
from rtpcap.audio.track import Track
from rtpcap.audio.wav import write_wav, write_wavs

__all__ = ["Audio", "Placement", "RTPPacketManager", "Track", "place", "write_wav", "write_wavs"]
