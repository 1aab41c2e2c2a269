"""What all pictures have in common: Axes that show themselves, their text, and their dress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from rtpcap.views.cells import short
from rtpcap.views.plot.colours import Theme, theme_of
from rtpcap.views.text import visible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.text import Text

    from rtpcap.streams.stream import Stream

__all__ = [
    "FULL_INCHES",
    "PLAIN",
    "Look",
    "PictureAxes",
    "Style",
    "drawable",
    "fitted",
    "look_of",
    "own_axes",
    "own_figure",
    "stream_title",
]

FULL_INCHES = 9.0
"""From this width on text has its full size."""
LEAST_INCHES, MOST_INCHES = 4.0, 10.0
"""A picture is made as if it were so wide; more pixels make it finer."""
PIXELS_AN_INCH = 100
WIDTH_PX = 1000

SHAPES: Mapping[str, tuple[float, float]] = {
    "gaps": (0.55, 0.8),
    "jitter": (0.5, 0.8),
    "waveform": (0.3, 0.6),
    "spectrogram": (0.36, 0.65),
    "quality": (0.4, 0.7),
    "buffer": (0.42, 0.75),
    "ladder": (0.6, 1.0),
    "timeline": (0.5, 0.8),
    "call": (0.85, 1.6),
}
"""Kind of chart -> its height as a part of its width, where it is wide, and where it is narrow."""

LETTER = 0.6
"""How wide a letter is on average, as a part of its size."""

Style = dict[str, Any]
"""Keyword arguments of matplotlib, whose types no dict can tell."""

PLAIN: Style = {"parse_math": False, "usetex": False}
"""No text of a capture is taken for a formula."""


class PictureAxes(Axes):
    """Axes that Jupyter shows as the picture they are in, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.figure.figure.savefig(buffer, format="png")
        return buffer.getvalue()


def own_figure(
    kind: str,
    width_px: int = WIDTH_PX,
    *,
    times: float = 1.0,
    height_px: int | None = None,
    dpi: float | None = None,
    dark: bool = False,
) -> Figure:
    """A figure of that width for a kind of chart, `times` as high as for one.

    With `dpi` text is as large as on paper with so many pixels an inch, else in proportion.
    """
    inches = min(max(width_px / PIXELS_AN_INCH, LEAST_INCHES), MOST_INCHES)
    inches = inches if dpi is None else width_px / dpi
    wide, narrow = SHAPES[kind]
    tall = times * inches * (wide if inches >= FULL_INCHES else narrow)
    if height_px is not None:
        tall = height_px / width_px * inches
    figure = Figure((inches, tall), dpi=width_px / inches, layout="constrained")
    figure.set_facecolor(theme_of(dark).paper)
    return figure


def own_axes(kind: str, dark: bool, times: float = 1.0) -> Axes:
    """Axes alone in a figure of their own."""
    figure = own_figure(kind, times=times, dark=dark)
    return figure.add_subplot(axes_class=PictureAxes)


@lru_cache(maxsize=4)
def _letters(families: tuple[str, ...]) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=list(families)))).get_charmap())


def drawable(text: str) -> str:
    """The text with what does not print, or the font has no picture of, written out.

    >>> drawable("a\\x1b\\u202eb")
    'a\\\\x1b\\\\u202eb'
    """
    letters = _letters(tuple(matplotlib.rcParams["font.family"]))
    text = visible(text)
    if letters.issuperset(map(ord, text)):
        return text
    return "".join(
        c if ord(c) in letters else c.encode("unicode_escape").decode("ascii") for c in text
    )


class Look:
    """How one picture looks: its colours, and the size of its text in the Axes it is drawn into."""

    def __init__(self, ax: Axes, theme: Theme, size: float) -> None:
        self.ax = ax
        self.theme = theme
        self.size = size
        """Points."""

    @property
    def columns(self) -> int:
        """Pixels that the Axes are wide; no line has more than four points in each."""
        return max(100, int(self.ax.bbox.width))

    @property
    def letter_px(self) -> float:
        return LETTER * self.size / 72 * self.ax.figure.figure.dpi

    def letters(self, share: float = 1.0) -> int:
        """How many letters fit into a share of the width."""
        return max(int(share * self.ax.bbox.width / self.letter_px), 4)

    def write(self, x: float, y: float, text: str, **style: Any) -> Text:
        """Text at a place of the data, or of the Axes with ``transform``; never a formula."""
        style = {"fontsize": self.size, "color": self.theme.ink, **PLAIN, **style}
        return self.ax.text(x, y, drawable(text), **style)

    def say(self, text: str) -> None:
        """Words instead of a picture."""
        place: Style = {"ha": "center", "va": "center", "transform": self.ax.transAxes}
        self.write(0.5, 0.5, fitted(text, self.letters(0.9)), **place)
        self.ax.set_yticks([])

    def label(self, *, x: str | None = None, y: str | None = None) -> None:
        """Names of the axes, units included."""
        style: Style = {"fontsize": self.size, "color": self.theme.ink, **PLAIN}
        if x is not None:
            self.ax.set_xlabel(x, **style)
        if y is not None:
            self.ax.set_ylabel(y, **style)

    def quiet(self, ax: Axes | None = None, *, grid: bool = True) -> None:
        """Nothing that draws the eye off the data; of `ax` where it is another one."""
        ax, theme = self.ax if ax is None else ax, self.theme
        ax.set_facecolor(theme.paper)
        ax.tick_params(labelsize=self.size, colors=theme.ink)
        if grid:
            ax.grid(color=theme.ink, alpha=0.14, linewidth=0.6)
        ax.set_axisbelow(True)
        for side, spine in ax.spines.items():
            spine.set_color(theme.ink)
            spine.set_visible(side not in ("top", "right"))

    def head(self, title: str, legend: Sequence[Artist] = ()) -> None:
        """What is shown and what each mark is, above the picture, where they hide nothing."""
        ax, size = self.ax, self.size
        if not legend:
            style: Style = {"fontsize": size + 1, "color": self.theme.ink, **PLAIN}
            ax.set_title(title, loc="left", **style)
            return
        longest = max(len(str(artist.get_label())) for artist in legend)
        entry = (0.5 * longest + 4) * size / 72 * ax.figure.figure.dpi
        box = ax.legend(
            handles=list(legend),
            title=title,
            title_fontsize=size + 1,
            fontsize=size,
            labelcolor=self.theme.ink,
            ncols=max(1, min(len(legend), int(ax.bbox.width / entry))),
            loc="lower left",
            bbox_to_anchor=(0, 1),
            alignment="left",
            frameon=False,
            borderpad=0.1,
            borderaxespad=0.2,
            columnspacing=1.4,
            handletextpad=0.5,
            handlelength=1.6,
        )
        for text in (box.get_title(), *box.get_texts()):
            text.set_parse_math(False)
            text.set_usetex(False)
        box.get_title().set_color(self.theme.ink)


def look_of(ax: Axes, dark: bool) -> Look:
    """The look of a picture in these Axes: text is smaller where they are narrow."""
    inches = ax.bbox.width / ax.figure.figure.dpi
    return Look(ax, theme_of(dark), float(np.clip(inches + 2.5, 6.5, 9)))


def fitted(text: str, letters: int, *, keep: str = "both") -> str:
    """The text as far as so many letters go, made drawable; `keep` as for `short`."""
    # First cut what is much too long: a URI may be as long as a packet.
    return short(drawable(short(text, 4 * letters, keep=keep)), letters, keep=keep)


def stream_title(look: Look, what: str, stream: Stream) -> str:
    """What is shown of which stream; in two lines where one is too narrow."""
    named = str(stream.format) if stream.format else f"payload type {stream.payload_types[0]}"
    route = f"{stream.src}:{stream.src_port} > {stream.dst}:{stream.dst_port}"
    letters = int(look.letters() * look.size / (look.size + 1))
    head = drawable(f"{what}: 0x{stream.ssrc:08x}  {short(named, 4 * letters)}")
    if len(head) + 2 + len(route) <= letters:
        return f"{head}  {route}"
    return f"{short(head, letters)}\n{short(route, letters)}"
