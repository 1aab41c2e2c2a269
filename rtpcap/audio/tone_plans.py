"""The tones of telephone networks, one table: what sounds, in which rhythm, where.

Rhythms are from ITU-T E.180 Supplement 2 (the tones of national networks, as administrations told
them; countries by ISO 3166) where nothing else is said, and are seconds of sound and silence in
turn; a single number is a tone that does not stop, and the least of it that counts.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANSWER_HZ", "PLANS", "SIT_HZ", "SIT_S", "TonePlan"]

E180 = "ITU-T E.180 Supplement 2"
SIN350 = "BT SIN 350"
T30 = "ITU-T T.30"
V25 = "ITU-T V.25, V.8; RFC 4734"

CNG_HZ = (1080.0, 1100.0, 1120.0)
"""1100 Hz within 38 Hz (T.30 section 4.2): each of these is told within 10 Hz."""
ANSWER_HZ = 2100.0
SIT_HZ = ((913.8, 950.0, 985.2), (1370.6, 1400.0, 1428.5), (1776.7, 1800.0))
"""The three rising tones of a special information tone: 950, 1400 and 1800 Hz, each within 50 Hz
(ITU-T E.180), and the exact values of North America (Bellcore's)."""
SIT_S = (0.2, 0.45)
"""How long each of them lasts: 330 ms within 70 (E.180), or 276 or 380 ms (Bellcore)."""

DIAL_S = 1.0
LONG_S = 2.6
"""A steady single tone is longer than the longest ring of its frequencies."""


@dataclass(frozen=True)
class TonePlan:
    """A tone, and those who use it."""

    name: str
    """``dial ringback busy congestion unobtainable``, or the event's name of RFC 4734."""
    hertz: tuple[float, ...]
    """What sounds together."""
    rhythm: tuple[float, ...]
    """Seconds: sound, silence, sound, silence ...; or only the least of a steady tone."""
    places: tuple[str, ...]
    """Countries that use it."""
    least: int = 2
    """Bursts that tell it from anything else."""
    source: str = E180

    @property
    def steady(self) -> bool:
        return len(self.rhythm) == 1


PLANS: tuple[TonePlan, ...] = (
    # North America
    TonePlan("dial", (350, 440), (DIAL_S,), ("US", "CA", "GB"), 1),
    TonePlan("ringback", (440, 480), (2.0, 4.0), ("US", "CA"), 1),
    TonePlan("busy", (480, 620), (0.5, 0.5), ("US", "CA")),
    TonePlan("congestion", (480, 620), (0.25, 0.25), ("US", "CA")),
    # 425 Hz, most of Europe; 420 Hz in Austria lies within the tolerance
    TonePlan("dial", (425,), (LONG_S,), ("DE", "CH", "NL", "ES", "DK", "FI", "NO", "BE", "AT"), 1),
    TonePlan("ringback", (425,), (1.0, 4.0), ("DE", "CH", "IT", "NL", "NO", "DK", "FI", "BR"), 1),
    TonePlan("ringback", (425,), (1.0, 5.0), ("SE", "AT"), 1),
    TonePlan("ringback", (425,), (1.0, 3.0), ("BE",), 1),
    TonePlan("ringback", (425,), (0.8, 3.2), ("RU",), 1),
    TonePlan("ringback", (425,), (1.25, 3.75), ("HU",), 1),
    TonePlan("ringback", (425,), (1.5, 3.0), ("ES",), 1),
    TonePlan("busy", (425,), (0.5, 0.5), ("CH", "IT", "NL", "NO", "DK", "BE")),
    TonePlan("busy", (425,), (0.48, 0.48), ("DE",)),
    TonePlan("busy", (425,), (0.4, 0.4), ("AT", "RU")),
    TonePlan("busy", (425,), (0.375, 0.375), ("AU",)),
    TonePlan("busy", (425,), (0.3, 0.3), ("FI", "HU")),
    TonePlan("congestion", (425,), (0.25, 0.25), ("NL",)),
    TonePlan("congestion", (425,), (0.24, 0.24), ("DE",)),
    TonePlan("busy", (425,), (0.25, 0.25), ("BR", "MX", "SE")),
    TonePlan("congestion", (425,), (0.2, 0.2), ("CH", "IT", "DK", "FI", "NO", "AT")),
    TonePlan("busy", (425,), (0.2, 0.2), ("ES",)),
    TonePlan("congestion", (425,), (0.2, 0.2, 0.2, 0.2, 0.2, 0.6), ("ES",), 4),
    TonePlan("congestion", (425,), (0.167, 0.167), ("BE", "CZ")),
    TonePlan("dial", (425,), (0.2, 0.2, 0.6, 1.0), ("IT",)),
    TonePlan("dial", (425,), (0.33, 0.33, 0.66, 0.66), ("CZ",)),
    # Britain and those who took after it
    TonePlan("ringback", (400, 450), (0.4, 0.2, 0.4, 2.0), ("GB", "NZ"), source=SIN350),
    TonePlan("busy", (400,), (0.375, 0.375), ("GB",), source=SIN350),
    TonePlan("congestion", (400,), (0.4, 0.35, 0.225, 0.525), ("GB",), 3, source=SIN350),
    TonePlan("dial", (400,), (LONG_S,), ("JP", "NZ", "CL"), 1),
    TonePlan("unobtainable", (400,), (LONG_S,), ("GB",), 1, source=SIN350),
    TonePlan("busy", (400,), (0.5, 0.5), ("JP", "NZ", "CL")),
    TonePlan("congestion", (400,), (0.25, 0.25), ("NZ",)),
    TonePlan("busy", (400,), (0.75, 0.75), ("IN",)),
    TonePlan("ringback", (400,), (1.0, 3.0), ("CL",), 1),
    # France
    TonePlan("dial", (440,), (LONG_S,), ("FR",), 1),
    TonePlan("ringback", (440,), (1.5, 3.5), ("FR",), 1),
    TonePlan("busy", (440,), (0.5, 0.5), ("FR",)),
    TonePlan("congestion", (440,), (0.25, 0.25), ("FR",)),
    # China
    TonePlan("dial", (450,), (LONG_S,), ("CN",), 1),
    TonePlan("ringback", (450,), (1.0, 4.0), ("CN",), 1),
    TonePlan("busy", (450,), (0.35, 0.35), ("CN",)),
    TonePlan("congestion", (450,), (0.7, 0.7), ("CN",)),
    # Fax and modems: calling tone, 0.5 s in 3.5 (T.30 section 4.2); answer tone, 2.6 to 4 s
    *(TonePlan("CNG", (hertz,), (0.5, 3.0), (), 1, T30) for hertz in CNG_HZ),
    TonePlan("ANS", (ANSWER_HZ,), (LONG_S,), (), 1, V25),
)
