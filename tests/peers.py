"""The other programs and libraries that tests compare with."""

from __future__ import annotations

import ctypes
import os
import shutil
from typing import NoReturn

import pytest

__all__ = ["missing", "require", "require_library"]


def require(program: str) -> str:
    """The path of a program; without it the test is skipped, or fails where it must not be.

    ``RTPCAP_REQUIRE_PEERS=1`` says that every program is there, as on a machine that has installed
    them for the tests.
    """
    path = shutil.which(program)
    if path is None:
        missing(f"{program} on PATH")
    return path


def require_library(file: str) -> ctypes.CDLL:
    """A shared library by its file's name, as `require` a program."""
    try:
        return ctypes.CDLL(file)
    except OSError:
        missing(file)


def missing(what: str) -> NoReturn:
    """Skip the test for want of a program or library, or fail it where all must be there."""
    if os.environ.get("RTPCAP_REQUIRE_PEERS") == "1":
        pytest.fail(f"RTPCAP_REQUIRE_PEERS=1, but there is no {what}")
    pytest.skip(f"there is no {what}")
