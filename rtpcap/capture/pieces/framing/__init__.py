"""Byte streams -> messages: how SIP, RTSP, RTP and their like are framed over TCP."""

from rtpcap.capture.pieces.framing.frame import Framing
from rtpcap.capture.pieces.framing.reader import Mark, Message, Reader

__all__ = ["Framing", "Mark", "Message", "Reader"]
