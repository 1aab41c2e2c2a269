"""A capture made from sound and a string of digits."""

from rtpcap.testing.making.call import Made, make

__all__ = ["Made", "make"]
