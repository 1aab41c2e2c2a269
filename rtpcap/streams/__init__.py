"""Datagrams -> streams and calls."""

from rtpcap.streams.call import Call, Calls
from rtpcap.streams.digits import Digit, Digits
from rtpcap.streams.gaps import Gap, Gaps
from rtpcap.streams.stream import Stream
from rtpcap.streams.streams import Streams

__all__ = ["Call", "Calls", "Digit", "Digits", "Gap", "Gaps", "Stream", "Streams"]
