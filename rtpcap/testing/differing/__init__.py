"""What differs between two captures: packets, sound, key presses and calls."""

from rtpcap.testing.differing.compare import Change
from rtpcap.testing.differing.differ import diff
from rtpcap.testing.differing.difference import Difference
from rtpcap.testing.differing.stream import StreamDifference
from rtpcap.testing.differing.tolerance import Tolerance

__all__ = ["Change", "Difference", "StreamDifference", "Tolerance", "diff"]
