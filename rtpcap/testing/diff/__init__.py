"""What differs between two captures: packets, sound, key presses and calls."""

from rtpcap.testing.diff.compare import Change
from rtpcap.testing.diff.diff import diff
from rtpcap.testing.diff.difference import Difference
from rtpcap.testing.diff.stream import StreamDifference
from rtpcap.testing.diff.tolerance import Tolerance

__all__ = ["Change", "Difference", "StreamDifference", "Tolerance", "diff"]
