"""The colours of all pictures, on light paper and on dark: those of Okabe and Ito.

People with any colour vision tell them apart; each kind of mark has a shape or a place of its own
besides. What means the same has the same name on both papers.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "Theme", "theme_of"]

BLACK, WHITE, GREY = "#000000", "#ffffff", "#999999"
ORANGE, SKY_BLUE, BLUISH_GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILION, REDDISH_PURPLE = "#0072B2", "#D55E00", "#CC79A7"


@dataclass(frozen=True)
class Theme:
    """A colour for each thing that pictures show."""

    paper: str
    ink: str
    """Text and the lines of axes."""
    faint: str
    """Grids, and what lies behind the rest."""
    packets: str
    """What came as it should; the caller's side of a call."""
    other: str
    """The callee's side, or a second line."""
    lost: str
    few: str
    """Less lost than anybody hears."""
    late: str
    silent: str
    """Silence that the sender did not send."""
    restart: str
    duplicate: str
    stray: str
    jitter: str
    repaired: str
    """Filled from a copy in another packet."""
    concealed: str
    """Filled with the sound before."""
    digit: str


LIGHT = Theme(
    paper=WHITE,
    ink="#1f1f1f",
    faint="#d9d9d9",
    packets=BLUE,
    other=BLUISH_GREEN,
    lost=VERMILION,
    few=YELLOW,
    late=ORANGE,
    silent=SKY_BLUE,
    restart=BLACK,
    duplicate=BLUISH_GREEN,
    stray=GREY,
    jitter=REDDISH_PURPLE,
    repaired=BLUISH_GREEN,
    concealed=REDDISH_PURPLE,
    digit=BLACK,
)

DARK = Theme(
    paper="#15181c",
    ink="#e4e4e4",
    faint="#3a3f45",
    packets=SKY_BLUE,
    other=BLUISH_GREEN,
    lost=VERMILION,
    few=YELLOW,
    late=ORANGE,
    silent=BLUE,
    restart=WHITE,
    duplicate=BLUISH_GREEN,
    stray=GREY,
    jitter=REDDISH_PURPLE,
    repaired=BLUISH_GREEN,
    concealed=REDDISH_PURPLE,
    digit=YELLOW,
)


def theme_of(dark: bool) -> Theme:
    return DARK if dark else LIGHT
