"""The E-model: what a listener would say of a call, from loss and delay (ITU-T G.107, G.107.1).

R = Ro - Is - Id - Ie,eff + A. Everything that is a matter of the telephones (noise, loudness,
sidetone, echo) stays at the recommendation's defaults, for which Ro - Is is 93.2 in narrowband and
129 in wideband. The two scales are never mixed: a wideband R of 93 is a narrowband call's best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from rtpcap.streams.codec_rows import CodecRow, Scale

__all__ = [
    "BANDS",
    "NO_ROW",
    "NetworkDelay",
    "Rating",
    "band",
    "delay_impairment",
    "equipment_impairment",
    "mos",
    "rate",
    "rate_heard",
]

Floats = npt.NDArray[np.float64]

BASE = {"nb": 93.2, "wb": 129.0}
"""R without delay, loss and codec (G.107 and G.107.1 with their default values)."""
STRETCH = {"nb": 1.0, "wb": 1.29}
"""What R is divided by before it becomes a MOS (G.107.1)."""
FULL_LOSS = 95.0
"""Ie,eff when nothing is left to hear."""

DELAY_SLOPE = 0.024
DELAY_KNEE_MS = 177.3
DELAY_STEEP = 0.11
DELAY_RULE = "planning shortcut of G.107: 0.024 d + 0.11 (d - 177.3 ms) beyond 177.3 ms"

MOST_R, MOST_MOS, LEAST_MOS = 100.0, 4.5, 1.0

BANDS = (
    (90.0, "best"),
    (80.0, "high"),
    (70.0, "medium"),
    (60.0, "low"),
    (50.0, "poor"),
)
"""Lowest R of each band of quality (ITU-T G.109)."""
BELOW_ALL = "not recommended"

NO_ROW = "no MOS: the E-model has no row for the codec"


@overload
def equipment_impairment(ie: float, bpl: float, loss_pct: float, burst_ratio: float) -> float: ...
@overload
def equipment_impairment(
    ie: float | Floats, bpl: float | Floats, loss_pct: Floats, burst_ratio: Floats
) -> Floats: ...
def equipment_impairment(
    ie: float | Floats,
    bpl: float | Floats,
    loss_pct: float | Floats,
    burst_ratio: float | Floats,
) -> float | Floats:
    """Ie,eff of codec and loss; the loss in percent, after the jitter buffer. Arrays give arrays.

    >>> round(equipment_impairment(0, 25.1, 1.0, 1.0), 2)
    3.64
    """
    # Ppl stands in the formula as a number of percent.
    effective: float | Floats = ie + (FULL_LOSS - ie) * loss_pct / (loss_pct / burst_ratio + bpl)
    return effective


@overload
def delay_impairment(delay_ms: float) -> float: ...
@overload
def delay_impairment(delay_ms: Floats) -> Floats: ...
def delay_impairment(delay_ms: float | Floats) -> float | Floats:
    """Id of a one-way delay, by the planning shortcut (no echo). Arrays give arrays."""
    beyond: float | Floats
    if isinstance(delay_ms, np.ndarray):
        beyond = np.maximum(delay_ms - DELAY_KNEE_MS, 0)
    else:
        beyond = max(delay_ms - DELAY_KNEE_MS, 0)
    return DELAY_SLOPE * delay_ms + DELAY_STEEP * beyond


@overload
def mos(r: float, scale: Scale = "nb") -> float: ...
@overload
def mos(r: Floats, scale: Scale = "nb") -> Floats: ...
def mos(r: float | Floats, scale: Scale = "nb") -> float | Floats:
    """The mean opinion score that R stands for, 1 to 4.5 (G.107 Annex B). Arrays give arrays.

    >>> round(mos(93.2), 3), mos(3.0), mos(129.0, "wb")
    (4.409, 1.0, 4.5)
    """
    x = np.clip(np.asarray(r, np.float64) / STRETCH[scale], 0, MOST_R)
    # The cubic is below 1 for R between 0 and 6.5.
    cubic = 1 + 0.035 * x + x * (x - 60) * (100 - x) * 7e-6
    score: Floats = np.maximum(cubic, LEAST_MOS).astype(np.float64)
    return score if isinstance(r, np.ndarray) else float(score)


def band(r: float, scale: Scale = "nb") -> str:
    """The word of ITU-T G.109 for an R.

    >>> band(93.2), band(75.0), band(20.0)
    ('best', 'medium', 'not recommended')
    """
    x = r / STRETCH[scale]
    return next((word for least, word in BANDS if x >= least), BELOW_ALL)


@dataclass(frozen=True, slots=True)
class NetworkDelay:
    """The delay one way of codec and network, and how it is known."""

    ms: float = 0.0
    source: str = "assumed"

    @classmethod
    def told(cls, network_ms: float | None) -> NetworkDelay | None:
        """That of a user; None where it is not told."""
        return None if network_ms is None else cls(network_ms, "as told")

    @classmethod
    def of_round_trip(cls, round_trip_ms: float, path: str) -> NetworkDelay:
        """Half of a round trip that RTCP tells of, over this path."""
        # Who rounds its delay up may make it a little less than none.
        return cls(max(round_trip_ms, 0.0) / 2, f"half of RTCP's round trip ({path})")


ASSUMED = NetworkDelay()


@dataclass(frozen=True)
class Rating:
    """An R and its MOS with everything that went in; made by `rate`."""

    codec: CodecRow
    loss_pct: float
    """After the jitter buffer."""
    burst_ratio: float
    delay_ms: float
    """One way."""
    delay_source: str
    """How the delay is known, in words."""
    base: float
    """Ro - Is."""
    delay_impairment: float
    """Id."""
    equipment_impairment: float
    """Ie,eff."""
    advantage: float
    """A."""
    r: float
    mos: float

    @property
    def scale(self) -> Scale:
        return self.codec.scale

    @property
    def mos_nb(self) -> float | None:
        """The MOS on the narrowband scale; None for a wideband codec."""
        return self.mos if self.scale == "nb" else None

    @property
    def mos_wb(self) -> float | None:
        """The MOS on the wideband scale; None for a narrowband codec."""
        return self.mos if self.scale == "wb" else None

    @property
    def band(self) -> str:
        """The word of ITU-T G.109."""
        return band(self.r, self.scale)

    @property
    def provisional(self) -> bool:
        """Whether an assumption about the codec decides the figure."""
        return self.codec.provisional or (self.codec.bpl_provisional and self.loss_pct > 0)

    def row(self) -> dict[str, object]:
        """Result and inputs under the keys of tables and JSON."""
        return {
            "mos_nb": self.mos_nb,
            "mos_wb": self.mos_wb,
            "r": self.r,
            "band": self.band,
            "loss_after_buffer_pct": self.loss_pct,
            "burst_ratio": self.burst_ratio,
            "delay_ms": self.delay_ms,
            "delay_source": self.delay_source,
            "codec_row": self.codec.name,
            "ie": self.codec.ie,
            "bpl": self.codec.bpl,
            "codec_source": self.codec.source,
            "provisional": self.provisional,
        }

    def explain(self) -> str:
        """The sum, line by line."""
        wide = self.scale == "wb"
        standard = "G.107.1, wideband" if wide else "G.107, narrowband"
        codec = self.codec
        best = mos(self.base, self.scale)
        lines = [
            f"E-model, ITU-T {standard}",
            f"  {self.base:7.2f}  Ro - Is, everything but this call at its default",
            f"- {self.delay_impairment:7.2f}  Id: {self.delay_ms:.1f} ms one way, "
            f"{self.delay_source} ({DELAY_RULE})",
            f"- {self.equipment_impairment:7.2f}  Ie,eff: {codec.name}, Ie {codec.ie:g}, "
            f"Bpl {codec.bpl:g} ({codec.source}); {self.loss_pct:.2f} % lost after the jitter "
            f"buffer, BurstR {self.burst_ratio:.2f}",
            f"+ {self.advantage:7.2f}  A, advantage of access",
            f"= {self.r:7.2f}  R, {self.band} (G.109)",
            f"  {self.mos:7.2f}  MOS, {best:.2f} at best on this scale"
            + (", provisional" if self.provisional else ""),
        ]
        return "\n".join(lines)


def rate(
    codec: CodecRow,
    loss_pct: float,
    *,
    burst_ratio: float = 1.0,
    delay_ms: float = 0.0,
    delay_source: str = "assumed",
    advantage: float = 0.0,
) -> Rating:
    """The rating of a call; `loss_pct` in percent. Raises ValueError where it is not 0..100.

    >>> from rtpcap.streams.codec_rows import codec_row
    >>> rating = rate(codec_row("PCMU"), 1.0)
    >>> round(rating.r, 2), round(rating.mos, 3), rating.band
    (89.56, 4.328, 'high')
    """
    if not 0 <= loss_pct <= 100:
        raise ValueError(f"loss of {loss_pct} % is not within 0 to 100")
    if not (burst_ratio > 0 and delay_ms >= 0):
        raise ValueError(f"BurstR {burst_ratio} or delay {delay_ms} ms is not possible")
    base = BASE[codec.scale]
    delay = delay_impairment(delay_ms)
    equipment = equipment_impairment(codec.ie, codec.bpl, loss_pct, burst_ratio)
    r = base - delay - equipment + advantage
    return Rating(
        codec=codec,
        loss_pct=loss_pct,
        burst_ratio=burst_ratio,
        delay_ms=delay_ms,
        delay_source=delay_source,
        base=base,
        delay_impairment=delay,
        equipment_impairment=equipment,
        advantage=advantage,
        r=r,
        mos=mos(r, codec.scale),
    )


def rate_heard(
    codec: CodecRow,
    loss_pct: float,
    burst_ratio: float,
    buffer_ms: float | None,
    network: NetworkDelay | None = None,
) -> Rating:
    """The rating of what comes out of a jitter buffer that adds `buffer_ms` to the delay.

    The delay of codec and `network` is assumed to be 0 where nothing is known of it.
    """
    network = network or ASSUMED
    return rate(
        codec,
        loss_pct,
        burst_ratio=burst_ratio,
        delay_ms=network.ms + (buffer_ms or 0.0),
        delay_source=f"network's {network.ms:.4g} ms {network.source}; the rest buffer",
    )
