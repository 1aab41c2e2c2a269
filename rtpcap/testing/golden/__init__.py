"""Golden captures: what was found in a capture, written down, and compared with later."""

from rtpcap.testing.golden.check import check
from rtpcap.testing.golden.difference import Difference, Differences
from rtpcap.testing.golden.expectation import Expectation, expect
from rtpcap.testing.golden.verification import verify

__all__ = ["Difference", "Differences", "Expectation", "check", "expect", "verify"]
