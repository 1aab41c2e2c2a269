"""Byte streams -> messages: how SIP, RTSP, RTP and their like are framed over TCP."""

from rtpcap.capture.framing.frame import Framing
from rtpcap.capture.framing.reader import Mark, Message, Reader

__all__ = ["Framing", "Mark", "Message", "Reader"]
