"""The rules, in the order of the journey: the capture, the signalling, the packets, the sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rtpcap.streams.findings import changes, conversation, keys, packets, pauses, sound
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding, Findings

__all__ = ["RULES", "Rule", "find"]

Rule = Callable[[Evidence], Iterator[Finding]]
"""One question: gives the findings of its kind, none where all is well."""

RULES: tuple[Rule, ...] = (
    packets.packet_loss,
    packets.burst_loss,
    packets.late_packets,
    packets.high_jitter,
    packets.reordering,
    packets.clock_drift,
    packets.wrong_pace,
    changes.ssrc_change,
    changes.restarts,
    changes.packet_time_change,
    pauses.media_stopped,
    pauses.dtx_without_comfort_noise,
    conversation.one_way_audio,
    conversation.no_audio,
    conversation.dead_air,
    conversation.echo,
    keys.double_keys,
    keys.key_end_lost,
    keys.short_keys,
    keys.keys_in_sound_only,
    keys.events_unannounced,
    keys.keys_in_low_bit_rate,
    sound.clipping,
    sound.low_level,
    sound.high_level,
    sound.high_noise,
)


def find(evidence: Evidence) -> Findings:
    """All that is found, by all rules."""
    return Findings.ordered(finding for rule in RULES for finding in rule(evidence))
