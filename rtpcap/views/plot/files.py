"""Pictures as files: PNG, SVG and PDF, byte for byte the same each time they are written."""

from __future__ import annotations

import os

import matplotlib
from matplotlib.figure import Figure

__all__ = ["FORMATS", "save"]

FORMATS = ("png", "svg", "pdf")
"""What `save` writes, by the file name's ending."""

SALT = "rtpcap"

UNDATED: dict[str, dict[str, str | None]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
"""Metadata that leave out what differs from one day to the next."""


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure as PNG, SVG or PDF, by the ending of `path`; never half a file.

    Text in SVG is drawn as outlines: it looks the same wherever it is seen, and nothing that a
    capture holds becomes markup. Raises ValueError for another ending, OSError where the file
    cannot be written.
    """
    name = os.fspath(path)
    ending = os.path.splitext(name)[1].lower().lstrip(".")
    if ending not in FORMATS:
        raise ValueError(f"{name}: a chart is written as {', '.join(FORMATS)}")
    half = f"{name}.part"
    try:
        # For as long as it is written: the ids of SVG come from this word, not from chance.
        with matplotlib.rc_context({"svg.hashsalt": SALT, "svg.fonttype": "path"}):
            figure.savefig(half, format=ending, metadata=UNDATED[ending])
        os.replace(half, name)
    finally:
        if os.path.exists(half):
            os.remove(half)
