"""The VoIP metrics of an extended report (RFC 3611 section 4.7)::

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |     BT=7      |   reserved    |       block length = 8        |
    |                        SSRC of source                         |
    |   loss rate   | discard rate  | burst density |  gap density  |
    |       burst duration          |         gap duration          |
    |     round trip delay          |       end system delay        |
    | signal level  |  noise level  |     RERL      |     Gmin      |
    |   R factor    | ext. R factor |    MOS-LQ     |    MOS-CQ     |
    |   RX config   |   reserved    |          JB nominal           |
    |          JB maximum           |          JB abs max           |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

Rates, densities and delays are those of section 4.7.1 on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

__all__ = ["UNAVAILABLE", "VOIP_BYTES", "VoIPMetrics"]

METRICS = struct.Struct(">I4B4H2b6BBx3H")
VOIP_BYTES = METRICS.size
UNAVAILABLE = 127
"""For levels, echo, R factors and opinion scores: not known."""
CONCEALMENT = ("unspecified", "disabled", "enhanced", "standard")
BUFFERS = ("unknown", "reserved", "non-adaptive", "adaptive")


@dataclass(frozen=True, slots=True)
class VoIPMetrics:
    """The fields as on the wire; the properties give them as figures, None where not known."""

    TYPE: ClassVar[int] = 7
    NAME: ClassVar[str] = "voip metrics"

    ssrc: int
    loss_rate: int
    """Rates and densities in 1/256."""
    discard_rate: int
    burst_density: int
    gap_density: int
    burst_duration: int
    """Milliseconds, as the following three."""
    gap_duration: int
    round_trip_delay: int
    end_system_delay: int
    signal_level: int
    """dBm0 with a sign, as `noise_level`."""
    noise_level: int
    rerl: int
    """Residual echo return loss in dB."""
    gmin: int
    r_factor: int
    external_r_factor: int
    mos_lq: int
    """Ten times the score, as `mos_cq`."""
    mos_cq: int
    rx_config: int
    jb_nominal: int
    """Delays of the jitter buffer in milliseconds."""
    jb_maximum: int
    jb_abs_max: int

    @classmethod
    def read(cls, specific: int, data: bytes) -> Self | None:
        """The block of these contents; None where they have another length."""
        return cls(*METRICS.unpack(data)) if len(data) == VOIP_BYTES else None

    def pack(self) -> tuple[int, bytes]:
        """The type-specific byte and the contents."""
        packed = METRICS.pack(
            self.ssrc,
            self.loss_rate,
            self.discard_rate,
            self.burst_density,
            self.gap_density,
            self.burst_duration,
            self.gap_duration,
            self.round_trip_delay,
            self.end_system_delay,
            self.signal_level,
            self.noise_level,
            self.rerl,
            self.gmin,
            self.r_factor,
            self.external_r_factor,
            self.mos_lq,
            self.mos_cq,
            self.rx_config,
            self.jb_nominal,
            self.jb_maximum,
            self.jb_abs_max,
        )
        return 0, packed

    @property
    def loss_pct(self) -> float:
        """Packets lost on the network, of all expected."""
        return 100 * self.loss_rate / 256

    @property
    def discard_pct(self) -> float:
        """Packets that came too late or too early to be played."""
        return 100 * self.discard_rate / 256

    @property
    def r(self) -> int | None:
        """The R factor, 0..100."""
        return _known(self.r_factor)

    @property
    def listening_mos(self) -> float | None:
        """The opinion score of listening, 1.0..5.0."""
        score = _known(self.mos_lq)
        return None if score is None else score / 10

    @property
    def conversational_mos(self) -> float | None:
        """The opinion score of conversing, 1.0..5.0."""
        score = _known(self.mos_cq)
        return None if score is None else score / 10

    @property
    def signal_dbm0(self) -> int | None:
        """The level of speech."""
        return _known(self.signal_level)

    @property
    def noise_dbm0(self) -> int | None:
        """The level of the silence between."""
        return _known(self.noise_level)

    @property
    def concealment(self) -> str:
        """How lost packets are concealed: unspecified, disabled, enhanced or standard."""
        return CONCEALMENT[self.rx_config >> 6]

    @property
    def jitter_buffer(self) -> str:
        """How the jitter buffer works: unknown, reserved, non-adaptive or adaptive."""
        return BUFFERS[self.rx_config >> 4 & 3]


def _known(value: int) -> int | None:
    return None if value == UNAVAILABLE else value
