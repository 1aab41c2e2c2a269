"""A capture made from sound and a string of digits."""

from rtpcap.testing.make.call import Made, make

__all__ = ["Made", "make"]
