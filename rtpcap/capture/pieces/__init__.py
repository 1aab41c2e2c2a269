"""Pieces -> wholes: fragments of IP packets, and messages in TCP streams."""
