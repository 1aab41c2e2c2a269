"""A capture as a bad network or a bad sender would have made it, and the truth about that."""

from rtpcap.rtp.impairment import Impairment
from rtpcap.testing.impairing.faults import Faults
from rtpcap.testing.impairing.impair import Done, impair

__all__ = ["Done", "Faults", "Impairment", "impair"]
