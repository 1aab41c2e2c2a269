"""What the E-model needs of codecs: the rows of ITU-T G.113, and assumptions that say so.

The rows are those that public programs agree on; a figure that no table is known for is marked
provisional and says where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CODEC_ROWS", "CodecRow", "Scale", "codec_row"]

Scale = Literal["nb", "wb"]
"""Narrowband (G.107) or wideband (G.107.1)."""


@dataclass(frozen=True)
class CodecRow:
    """What the E-model needs of a codec: one row of ITU-T G.113."""

    name: str
    scale: Scale
    ie: float
    """Impairment without loss."""
    bpl: float
    """Robustness against loss."""
    source: str
    """Where both come from."""
    provisional: bool = False
    """Whether Ie is an assumption."""
    bpl_provisional: bool = False
    """Whether Bpl is one; without loss it decides nothing."""


G113 = "G.113 Appendix I"
IE_ONLY = "Ie of G.113 Appendix I; Bpl assumed as that of {}"
WIDE = "Ie,wb of G.107.1 as public programs have it; no Bpl,wb is known: assumed as {}"
GUESS = "no row in G.113: assumed {}"
AMR_GUESS = "no row in G.113: on the line by bit rate between GSM-EFR, IS-641 and G.723.1"

NO_PLC, PLC, G729_BPL, G723_BPL, EFR_BPL = 4.3, 25.1, 19.0, 16.1, 10.0


def _known(name: str, ie: float, bpl: float) -> CodecRow:
    return CodecRow(name, "nb", ie, bpl, G113)


def _ie_only(name: str, ie: float, bpl: float, like: str) -> CodecRow:
    return CodecRow(name, "nb", ie, bpl, IE_ONLY.format(like), bpl_provisional=True)


def _guess(name: str, ie: float, bpl: float, how: str) -> CodecRow:
    return CodecRow(name, "nb", ie, bpl, how, provisional=True, bpl_provisional=True)


def _wide(name: str, ie: float, bpl: float, like: str) -> CodecRow:
    source = WIDE.format(like)
    return CodecRow(name, "wb", ie, bpl, source, provisional=False, bpl_provisional=True)


CODEC_ROWS = (
    _known("G.711 with concealment", 0, PLC),
    _known("G.711", 0, NO_PLC),
    _known("G.729A with VAD", 11, G729_BPL),
    _known("G.723.1 6.3k with VAD", 15, G723_BPL),
    _known("GSM-EFR", 5, EFR_BPL),
    _ie_only("G.723.1 5.3k", 19, G723_BPL, "G.723.1 6.3k"),
    _ie_only("G.726 40k", 2, NO_PLC, "G.711 without concealment"),
    _ie_only("G.726 32k", 7, NO_PLC, "G.711 without concealment"),
    _ie_only("G.726 24k", 25, NO_PLC, "G.711 without concealment"),
    _ie_only("G.726 16k", 50, NO_PLC, "G.711 without concealment"),
    _ie_only("G.728 16k", 7, G723_BPL, "G.723.1 6.3k"),
    _ie_only("G.728 12.8k", 20, G723_BPL, "G.723.1 6.3k"),
    _ie_only("GSM-FR", 20, EFR_BPL, "GSM-EFR"),
    _ie_only("GSM-HR", 23, EFR_BPL, "GSM-EFR"),
    _known("AMR 12.2k", 5, EFR_BPL),
    _guess("AMR 10.2k", 7, EFR_BPL, AMR_GUESS),
    _guess("AMR 7.95k", 9, EFR_BPL, AMR_GUESS),
    _guess("AMR 7.4k", 10, EFR_BPL, AMR_GUESS),
    _guess("AMR 6.7k", 13, EFR_BPL, AMR_GUESS),
    _guess("AMR 5.9k", 16, EFR_BPL, AMR_GUESS),
    _guess("AMR 5.15k", 20, EFR_BPL, AMR_GUESS),
    _guess("AMR 4.75k", 21, EFR_BPL, AMR_GUESS),
    _guess("iLBC", 11, 32, GUESS.format("Ie of G.729A; its frames stand alone, hence a high Bpl")),
    _guess("Opus", 0, 20, GUESS.format("(0, 20), others have (0, 25), (5, 15), (11, 20)")),
    _guess("Speex", 11, G729_BPL, GUESS.format("as G.729A")),
    _guess("Linear", 0, NO_PLC, GUESS.format("as G.711 without concealment")),
    _wide("G.722 64k", 13, NO_PLC, "G.711 without concealment"),
    _wide("G.722 56k", 20, NO_PLC, "G.711 without concealment"),
    _wide("G.722 48k", 31, NO_PLC, "G.711 without concealment"),
    _wide("G.722.1 24k", 19, EFR_BPL, "GSM-EFR"),
    _wide("G.722.1 32k", 13, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 6.6k", 41, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 8.85k", 26, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 12.65k", 13, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 14.25k", 10, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 15.85k", 7, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 18.25k", 5, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 19.85k", 3, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 23.05k", 1, EFR_BPL, "GSM-EFR"),
    _wide("AMR-WB 23.85k", 8, EFR_BPL, "GSM-EFR"),
)  # fmt: skip
ROW = {row.name: row for row in CODEC_ROWS}

BY_ENCODING = {
    "pcmu": ("G.711 with concealment",),
    "pcma": ("G.711 with concealment",),
    "g729": ("G.729A with VAD",),
    "g723": ("G.723.1 6.3k with VAD", "G.723.1 5.3k"),
    "gsm-efr": ("GSM-EFR",),
    "gsm": ("GSM-FR",),
    "gsm-hr-08": ("GSM-HR",),
    "g728": ("G.728 16k", "G.728 12.8k"),
    **{f"{kind}g726-{k}": (f"G.726 {k}k",) for kind in ("", "aal2-") for k in (16, 24, 32, 40)},
    "amr": tuple(row.name for row in CODEC_ROWS if row.name.startswith("AMR ")),
    "ilbc": ("iLBC",),
    "opus": ("Opus",),
    "speex": ("Speex",),
    "l16": ("Linear",),
    "g722": ("G.722 64k", "G.722 56k", "G.722 48k"),
    "g7221": ("G.722.1 24k", "G.722.1 32k"),
    "amr-wb": tuple(row.name for row in CODEC_ROWS if row.name.startswith("AMR-WB ")),
}
"""Encoding name of SDP in lower case -> its rows, the usual mode first."""

USUAL_AMR_WB = "AMR-WB 12.65k"
"""The mode that networks use where nothing tells another."""


def codec_row(encoding: str, *, mode: str = "", concealment: bool = True) -> CodecRow | None:
    """The row for an encoding name of SDP; None where the E-model cannot say anything.

    `mode` is the bit rate as in the row's name (``"7.95k"``), of codecs that have several; the
    usual one counts where it is not told. Without `concealment` G.711 is taken as played with
    holes. Raises ValueError for a mode that the codec has not.

    >>> codec_row("PCMU").bpl, codec_row("pcma", concealment=False).bpl, codec_row("AMR").name
    (25.1, 4.3, 'AMR 12.2k')
    """
    names = BY_ENCODING.get(encoding.lower())
    if names is None:
        return None
    if names == ("G.711 with concealment",) and not concealment:
        return ROW["G.711"]
    if mode:
        for name in names:
            if mode in name.split():
                return ROW[name]
        raise ValueError(f"{encoding} has no mode {mode!r}: {', '.join(names)}")
    return ROW[USUAL_AMR_WB if USUAL_AMR_WB in names else names[0]]
