"""The columns of the rows that each verb prints: their names, their order, their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMNS", "FILE", "Column", "Kind", "Row"]

Row = Mapping[str, object]
"""One row: the keys of a verb's columns, and values that JSON knows."""

Kind = Literal["text", "integer", "number", "flag", "list", "object"]


@dataclass(frozen=True)
class Column:
    """A key of a verb's rows. Text, integers and numbers may be missing; the others never."""

    name: str
    kind: Kind


def _all(kind: Kind, names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names.split())


_ENDS = (
    *_all("text", "src"),
    *_all("integer", "src_port"),
    *_all("text", "dst"),
    *_all("integer", "dst_port"),
)

_IDENTITY = (*_all("text", "ssrc"), *_ENDS, *_all("text", "codec"))

FILE = Column("file", "text")
"""Which input a row is from: stands first, where several inputs are read."""

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "info": (
        *_all("text", "file format"),
        *_all("list", "link_types"),
        *_all("integer", "packets bytes"),
        *_all("text", "start_time"),
        *_all("number", "duration_s"),
        *_all("integer", "calls streams dtmf"),
        *_all("list", "not_understood incomplete"),
    ),
    "streams": (
        *_all("text", "ssrc src"),
        *_all("integer", "src_port"),
        *_all("text", "dst"),
        *_all("integer", "dst_port"),
        *_all("text", "codec"),
        *_all("integer", "clock_rate"),
        *_all("list", "payload_types"),
        *_all("integer", "packets expected lost"),
        *_all("number", "lost_pct"),
        *_all("integer", "duplicates captured_twice reordered"),
        *_all("number", "jitter_ms jitter_max_ms jitter_last_ms"),
        *_all("integer", "first_frame last_frame"),
        *_all("number", "start_s duration_s"),
        *_all("flag", "encrypted decodable"),
        *_all("text", "why_not call"),
    ),
    "calls": (
        *_all("text", "call_id caller callee state"),
        *_all("integer", "status"),
        *_all("number", "start_s setup_s duration_s"),
        *_all("list", "streams"),
        *_all("flag", "guessed"),
        *_all("integer", "first_frame"),
        *_all("text", "reason"),
        *_all("number", "post_dial_delay_s ring_s talk_s"),
        *_all("text", "hung_up caller_agent callee_agent"),
        *_all("list", "codecs holds left right matched"),
        *_all("integer", "messages retransmissions"),
    ),
    "sip": (
        *_all("integer", "frame"),
        *_all("number", "time_s"),
        *_all("text", "src dst text call_id"),
        *_all("flag", "again"),
    ),
    "packets": (
        *_all("integer", "frame time_ns"),
        *_all("text", "ssrc"),
        *_all("integer", "sequence timestamp payload_type"),
        *_all("flag", "marker"),
        *_all("integer", "size payload_size"),
        *_all("text", "fault class"),
        *_all("number", "delta_ms skew_ms jitter_ms kbps"),
    ),
    "quality": (
        *_IDENTITY,
        *_all("integer", "packets expected lost"),
        *_all("number", "lost_pct"),
        *_all("integer", "duplicates captured_twice reordered"),
        *_all("number", "jitter_ms jitter_max_ms jitter_last_ms"),
        *_all("integer", "cum_lost_rfc3550 restarts"),
        *_all("number", "jitter_rfc_ms jitter_rfc_max_ms delta_min_ms delta_ms delta_max_ms"),
        *_all("number", "skew_min_ms skew_ms skew_max_ms drift_ppm drift_error_ppm ptime_ms kbps"),
        *_all("integer", "longest_outage"),
        *_all("number", "longest_outage_ms"),
        *_all("integer", "bursts"),
        *_all("number", "burst_density_pct burst_ms gap_density_pct gap_ms"),
        *_all("integer", "rfc3611_burst_density rfc3611_gap_density"),
        *_all("integer", "rfc3611_burst_ms rfc3611_gap_ms"),
        *_all("number", "loss_after_buffer_pct buffer_delay_ms burst_ratio r mos_nb mos_wb"),
        *_all("flag", "mos_provisional"),
        *_all("number", "emodel_delay_ms"),
        *_all("text", "emodel_delay_source emodel_codec"),
        *_all("number", "emodel_ie emodel_bpl"),
        *_all("text", "emodel_codec_source emodel_band"),
        *_all("number", "round_trip_ms"),
        *_all("text", "round_trip_path"),
        *_all("integer", "far_lost"),
        *_all("number", "far_lost_pct far_jitter_ms"),
    ),
    "windows": (
        *_IDENTITY,
        *_all("number", "start_s duration_s"),
        *_all("integer", "packets expected lost"),
        *_all("number", "lost_pct"),
        *_all("integer", "duplicates reordered"),
        *_all("number", "delta_ms delta_max_ms skew_min_ms skew_max_ms jitter_ms jitter_max_ms"),
        *_all("number", "kbps"),
        *_all("integer", "not_heard"),
        *_all("number", "mos_nb mos_wb"),
    ),
    "ledger": (
        *_IDENTITY,
        *_all("integer", "packets packets_used packets_reordered packets_late"),
        *_all("integer", "packets_padding_only packets_malformed packets_duplicate"),
        *_all("integer", "packets_captured_twice packets_foreign"),
        *_all("integer", "slots expected slots_received slots_repaired slots_lost"),
        *_all("integer", "slots_discarded_late slots_silent slots_restart"),
    ),
    "gaps": (
        *_all("text", "ssrc"),
        *_all("integer", "first_sequence packets"),
        *_all("number", "start_s duration_s"),
        *_all("integer", "frame_before frame_after"),
        *_all("text", "reason"),
    ),
    "dtmf": (
        *_all("text", "ssrc digit"),
        *_all("number", "start_s duration_s"),
        *_all("text", "source"),
        *_all("integer", "frame"),
        *_all("list", "also_in"),
    ),
    "tones": (
        *_all("text", "ssrc tone"),
        *_all("number", "start_s duration_s"),
        *_all("text", "source"),
        *_all("integer", "frame"),
        *_all("list", "frequencies"),
        *_all("number", "level_dbov"),
        *_all("integer", "bursts"),
        *_all("list", "places also also_in"),
    ),
    "levels": (
        *_IDENTITY,
        *_all("number", "start_s duration_s received_s level_dbov active_level_dbov activity"),
        *_all("number", "peak_dbov noise_dbov silent_share"),
        *_all("integer", "clipped"),
        *_all("number", "clipped_s"),
        *_all("integer", "dead_air"),
        *_all("number", "dead_air_s dead_air_longest_s dc_offset"),
        *_all("number", "sender_level_dbov sender_silent_share"),
        *_all("text", "call why_not"),
    ),
    "check": (
        *_all("text", "id severity call ssrc sentence"),
        *_all("object", "numbers"),
        *_all("list", "frames"),
    ),
    "rtcp": (
        *_all("integer", "frame time_ns"),
        *_all("number", "start_s"),
        *_ENDS,
        *_all("text", "kind ssrc about_ssrc"),
        *_all("integer", "lost"),
        *_all("number", "fraction_lost_pct"),
        *_all("integer", "highest_sequence jitter"),
        *_all("number", "jitter_ms rtt_ms"),
        *_all("text", "last_sr"),
        *_all("number", "delay_ms"),
        *_all("text", "ntp_time"),
        *_all("integer", "rtp_timestamp sender_packets sender_octets"),
        *_all("text", "cname detail fault"),
    ),
    "round-trips": (
        *_all("text", "ssrc about_ssrc"),
        *_ENDS,
        *_all("text", "clock"),
        *_all("integer", "reports"),
        *_all("number", "min_ms median_ms max_ms end_to_end_ms"),
    ),
    "loss": (
        *_all("text", "ssrc about_ssrc"),
        *_ENDS,
        *_all("integer", "reports compared expected reported"),
        *_all("number", "reported_pct"),
        *_all("integer", "before after missed"),
        *_all("text", "place"),
        *_all("integer", "cumulative_lost highest_sequence first_frame"),
    ),
    "clocks": (
        *_all("text", "ssrc"),
        *_ENDS,
        *_all("integer", "reports first_frame"),
        *_all("text", "ntp_time"),
        *_all("integer", "rtp_timestamp clock_rate"),
        *_all("number", "measured_rate drift_ppm capture_offset_ms span_s"),
        *_all("flag", "is_wall_clock"),
    ),
    "participants": (
        *_all("text", "ssrc"),
        *_ENDS,
        *_all("text", "cname name email phone loc tool note private"),
        *_all("integer", "first_frame bye_frame bye_time_ns"),
        *_all("text", "bye_reason"),
    ),
    "vq": (
        *_all("integer", "frame time_ns"),
        *_all("text", "source kind ssrc about_ssrc"),
        *_ENDS,
        *_all("text", "call_id codec"),
        *_all("number", "loss_pct discard_pct burst_density_pct burst_ms gap_density_pct gap_ms"),
        *_all("number", "round_trip_ms end_system_ms jitter_ms jitter_buffer_ms"),
        *_all("number", "signal_dbm0 noise_dbm0 r_lq r_cq mos_lq mos_cq"),
        *_all("text", "algorithm"),
    ),
    "explain": (
        *_all("integer", "first_frame"),
        *_all("text", "src"),
        *_all("integer", "src_port"),
        *_all("text", "dst"),
        *_all("integer", "dst_port"),
        *_all("text", "transport"),
        *_all("integer", "packets bytes"),
        *_all("text", "taken_for"),
        *_all("list", "mixture"),
        *_all("text", "why to_change"),
    ),
    "decode": (
        *_all("text", "input output"),
        *_all("list", "ssrc"),
        *_all("text", "call"),
        *_all("integer", "rate channels"),
        *_all("number", "duration_s received_s filled_s"),
        *_all("text", "codec why_not"),
        *_all("flag", "skipped"),
        *_all("number", "repaired_s concealed_s noise_s"),
        *_all("integer", "lost lost_after_repair late"),
    ),
    "export": (
        *_all("text", "output format"),
        *_all("integer", "frames bytes left_out"),
    ),
    "make": (
        *_all("text", "output codec"),
        *_all("list", "ssrc"),
        *_all("integer", "frames packets"),
        *_all("number", "duration_s"),
    ),
    "impair": (
        *_all("text", "input output"),
        *_all("integer", "seed frames streams lost silent duplicate reordered late delayed"),
        *_all("integer", "restart bit_error truncated ssrc timestamp"),
    ),
    "diff": (
        *_all("text", "kind result a b route_a route_b codec_a codec_b how"),
        *_all("integer", "packets_a packets_b matched lost added changed duplicates"),
        *_all("integer", "duplicates_fewer reordered"),
        *_all("list", "changes renumbered"),
        *_all("number", "delay_ms delay_min_ms delay_max_ms drift_ppm"),
        *_all("number", "residual_dbfs level_db offset_ms"),
        *_all("text", "sound"),
        *_all("list", "lost_frames added_frames changed_frames duplicate_frames"),
        *_all("list", "reordered_frames"),
        *_all("integer", "frame_a frame_b"),
        *_all("number", "start_a_s start_b_s"),
        *_all("list", "beyond"),
        *_all("text", "detail"),
    ),
    "corpus": (
        *_all("text", "output kind"),
        *_all("integer", "captures packets bytes"),
    ),
    "expect": (
        *_all("text", "output file"),
        *_all("integer", "calls streams gaps digits sound"),
    ),
    "verify": (
        *_all("text", "path"),
        *_all("list", "expected found"),
        *_all("number", "tolerance"),
        *_all("text", "sentence"),
    ),
    "replay": (
        *_all("text", "input"),
        *_all("integer", "streams packets"),
        *_all("number", "late_median_ms late_p99_ms late_max_ms"),
        *_all("integer", "refused failed"),
    ),
    "record": (
        *_all("text", "output wav ssrc src"),
        *_all("integer", "src_port"),
        *_all("text", "codec"),
        *_all("integer", "packets lost"),
        *_all("number", "jitter_ms duration_s"),
        *_all("text", "why_not"),
    ),
}
"""Verb -> its columns in the order of CSV headers and of a DataFrame.

Beside them what ``quality --window`` and ``rtcp --show`` print instead.
"""
