"""The parameters of a format: an SDP fmtp line's ``name=value; name=value``."""

from __future__ import annotations

import re

from rtpcap.rtp.payload_types import Format

__all__ = ["number", "parameters", "with_parameters"]

MOST_DIGITS = 9


def parameters(fmt: Format) -> dict[str, str]:
    """Each parameter's value by its name in lower case; ``""`` for one without.

    >>> parameters(Format("AMR", 8000, 1, "mode-set=0,2; Octet-Align=1"))
    {'mode-set': '0,2', 'octet-align': '1'}
    """
    found = {}
    for part in fmt.parameters.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.strip().lower()] = value.strip().strip('"')
    return found


def number(fmt: Format, name: str, default: int) -> int:
    """A parameter that is a whole number; the default where it is missing or none."""
    value = parameters(fmt).get(name, "")
    if re.fullmatch(r"[0-9]+", value) and len(value) <= MOST_DIGITS:
        return int(value)
    return default


def with_parameters(fmt: Format, **values: str) -> Format:
    """The format with these parameters set; ``_`` in a name stands for ``-``.

    >>> with_parameters(Format("iLBC", 8000, 1, "mode=30"), mode="20").parameters
    'mode=20'
    """
    merged = parameters(fmt) | {name.replace("_", "-"): value for name, value in values.items()}
    text = ";".join(f"{name}={value}" if value else name for name, value in merged.items())
    return Format(fmt.name, fmt.clock_rate, fmt.channels, text)
