"""Tasks that other processes can run."""

from __future__ import annotations

import os
import time

from rtpcap.errors import CaptureError


def double(number: int) -> int:
    return 2 * number


def odd_only(number: int) -> int:
    """The number; an even one is an error, and late ones are done first."""
    time.sleep(0.02 / (1 + number))
    if number % 2 == 0:
        raise CaptureError(f"{number} is even")
    return number


class Strange(Exception):
    """An error that cannot be carried to another process."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def strange(number: int) -> int:
    raise Strange(number, number + 1)


def process_id(_: object) -> int:
    return os.getpid()


def dies_of_three(number: int) -> int:
    if number == 3:
        os._exit(9)
    return number
