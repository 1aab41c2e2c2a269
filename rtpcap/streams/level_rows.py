"""The figures of ``rtpcap levels``: what was measured, and what the sender says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtpcap.audio.levels import Levels
    from rtpcap.rtp.audio_level import AudioLevels

__all__ = ["level_row"]


def level_row(levels: Levels | None, sender: AudioLevels | None) -> dict[str, object]:
    """Levels as a dict; None stands for what was not measured, or is not said."""
    row: dict[str, object] = dict.fromkeys(MEASURED)
    if levels is not None:
        dead = [span.duration_s for span in levels.dead_air]
        row |= {
            "duration_s": levels.duration_s,
            "received_s": levels.received_s,
            "level_dbov": levels.level_dbov,
            "active_level_dbov": levels.active_dbov,
            "activity": levels.activity,
            "peak_dbov": levels.peak_dbov,
            "noise_dbov": levels.noise_dbov,
            "silent_share": levels.silence,
            "clipped": levels.clipped,
            "clipped_s": levels.clipped_s,
            "dead_air": len(dead),
            "dead_air_s": sum(dead, 0.0),
            "dead_air_longest_s": max(dead, default=0.0),
            "dc_offset": levels.dc_offset,
        }
    row["sender_level_dbov"] = None if sender is None else sender.mean_dbov
    row["sender_silent_share"] = None if sender is None else sender.silent_share
    return row


MEASURED = (
    "duration_s",
    "received_s",
    "level_dbov",
    "active_level_dbov",
    "activity",
    "peak_dbov",
    "noise_dbov",
    "silent_share",
    "clipped",
    "clipped_s",
    "dead_air",
    "dead_air_s",
    "dead_air_longest_s",
    "dc_offset",
)
"""The figures of the audio itself."""
