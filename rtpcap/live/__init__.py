"""Sending, receiving, replaying and recording: the only sockets and threads."""

from rtpcap.live.client import RTPClient
from rtpcap.live.lateness import Lateness
from rtpcap.live.outlets import Outlets, send
from rtpcap.live.port import Target
from rtpcap.live.recorder import Arrival, Recorder
from rtpcap.live.replay import Part, Replay, Rewrite, parts_of
from rtpcap.live.session import Session
from rtpcap.live.statistics import Statistics

__all__ = [
    "Arrival",
    "Lateness",
    "Outlets",
    "Part",
    "RTPClient",
    "Recorder",
    "Replay",
    "Rewrite",
    "Session",
    "Statistics",
    "Target",
    "parts_of",
    "send",
]
