"""check: a capture in a test, against the expectation beside the test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rtpcap.testing.golden.expectation import Expectation, expect
from rtpcap.testing.golden.verification import verify
from rtpcap.testing.schema import SchemaError

if TYPE_CHECKING:
    from rtpcap.api import Capture

__all__ = ["check"]


def check(
    capture: Capture | str | os.PathLike[str],
    golden: str | os.PathLike[str],
    *,
    update: bool = False,
    sound: bool = True,
    tolerances: Mapping[str, float | None] | None = None,
) -> bool:
    """Raise AssertionError where a capture is not as its expectation says; with `update` write it.

    Gives whether something was written. `sound` is for writing; `tolerances` are put over those in
    the file, and written. Raises SchemaError, saying how to write it, where there is
    none.
    """
    __tracebackhide__ = True
    name = os.fspath(golden)
    if update:
        return expect(capture, sound=sound).renew(name, tolerances=tolerances)
    if not os.path.exists(name):
        raise SchemaError(
            f"{name}: no expectation yet: pytest --rtpcap-update writes it, or rtpcap expect"
        )
    differences = verify(Expectation.read(name), capture, tolerances=tolerances)
    if differences:
        raise AssertionError(f"{differences}\n  pytest --rtpcap-update writes what is found now")
    return False
