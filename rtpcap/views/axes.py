"""What all pictures have in common: Axes that show themselves, sizes of text, and their files."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtpcap.views.terminal import short
from rtpcap.views.text import visible

if TYPE_CHECKING:
    from rtpcap.streams.stream import Stream

__all__ = ["FORMATS", "FULL_INCHES", "PictureAxes", "quiet", "save", "text_size", "title_of"]

FORMATS = ("png", "svg", "pdf")
"""What `save` writes, by the file name's ending."""

FULL_INCHES = 9.0
"""From this width on text has its full size."""


class PictureAxes(Axes):
    """Axes that Jupyter shows as the picture they are in, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.figure.figure.savefig(buffer, format="png")
        return buffer.getvalue()


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure as PNG, SVG or PDF, by the ending of `path`; never half a file.

    Raises ValueError for another ending, OSError where the file cannot be written.
    """
    name = os.fspath(path)
    ending = os.path.splitext(name)[1].lower().lstrip(".")
    if ending not in FORMATS:
        raise ValueError(f"{name}: a chart is written as {', '.join(FORMATS)}")
    half = f"{name}.part"
    try:
        figure.savefig(half, format=ending)
        os.replace(half, name)
    finally:
        if os.path.exists(half):
            os.remove(half)


def title_of(ax: Axes, stream: Stream, size: float) -> str:
    what = str(stream.format) if stream.format else f"payload type {stream.payload_types[0]}"
    route = f"{stream.src}:{stream.src_port} > {stream.dst}:{stream.dst_port}"
    letters = int(ax.bbox.width / (0.6 * (size + 1) / 72 * ax.figure.figure.dpi))
    head = visible(f"0x{stream.ssrc:08x}  {what}")
    if len(head) + 2 + len(route) <= letters:
        return f"{head}  {route}"
    return f"{short(head, letters)}\n{short(route, letters)}"


def text_size(ax: Axes) -> float:
    """Points: smaller in a small picture."""
    inches = ax.bbox.width / ax.figure.figure.dpi
    return float(np.clip(inches + 2.5, 6.5, 9))


def quiet(ax: Axes, size: float) -> None:
    ax.tick_params(labelsize=size)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
