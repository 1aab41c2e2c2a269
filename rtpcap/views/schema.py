"""What each column of a table means, and its unit: the words behind the names.

A name means the same wherever it stands; where a verb has another meaning for it, that is told
under the verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rtpcap.views.columns import COLUMNS, Column, Kind

__all__ = ["DTYPES", "ENTRIES", "Meaning", "Schema", "meaning_of", "schema_of"]

DTYPES: Mapping[Kind, str] = {
    "text": "string",
    "integer": "Int64",
    "number": "float64",
    "flag": "bool",
    "list": "object",
    "object": "object",
}
"""Kind of column -> type of a DataFrame's: integers can be missing, numbers are nan then."""

TIME = "datetime64[ns, UTC]"
"""The type of times of day; NaT where there is none."""

Schema = dict[str, dict[str, str]]
"""Column -> ``{"dtype": ..., "unit": ..., "meaning": ...}``, as in ``frame.attrs["schema"]``."""


class Meaning(NamedTuple):
    """What stands in a column; `unit` is empty where it has none."""

    unit: str
    meaning: str


UNITS = {
    "_ns": "ns",
    "_ms": "ms",
    "_s": "s",
    "_pct": "%",
    "_ppm": "ppm",
    "kbps": "kbit/s",
    "bytes": "bytes",
    "size": "bytes",
    "clock_rate": "Hz",
    "_dbov": "dBov",
    "_dbm0": "dBm0",
    "frequencies": "Hz",
}
"""How names end -> the unit that says."""

ENTRIES: Mapping[str, str] = {
    # Who and where
    "ssrc": "synchronization source, as in 0x343ffa34",
    "src": "address of the sender",
    "src_port": "port of the sender",
    "dst": "address of the receiver",
    "dst_port": "port of the receiver",
    "codec": "encoding name as in SDP; missing where it is not known",
    "clock_rate": "timestamp ticks a second",
    "payload_types": "payload numbers of its packets, ascending",
    "call": "id of the call it belongs to",
    "frame": "number of the frame, 1-based",
    "first_frame": "number of its first frame, 1-based",
    "last_frame": "number of its last frame, 1-based",
    # When
    "start_time": "time of day when it began",
    "start_s": "when it began, from the first frame of the file",
    "duration_s": "from its first packet to its last",
    "time": "time of day",
    "time_ns": "since 1970",
    "time_s": "from the first frame of the file",
    # Counts and figures of streams
    "packets": "packets captured, copies included",
    "expected": "sum over epochs of highest - lowest sequence number + 1 (RFC 3550 A.3)",
    "lost": "expected packets of which no copy was captured",
    "lost_pct": "lost of expected",
    "duplicates": "copies on the wire",
    "captured_twice": "copies that the capture made",
    "reordered": "first copies that came after one with a higher sequence number",
    "jitter_ms": "interarrival jitter of media packets, mean (RFC 3550 A.8)",
    "jitter_max_ms": "interarrival jitter of media packets, largest (RFC 3550 A.8)",
    "jitter_last_ms": "interarrival jitter after the last media packet (RFC 3550 A.8)",
    "encrypted": "whether its payloads are encrypted",
    "decodable": "whether its audio can be had",
    "why_not": "why its audio cannot be had, and the cure",
    "cum_lost_rfc3550": "cumulative loss as RFC 3550 A.3 counts it: copies make it less",
    "restarts": "how often the sender began anew",
    "jitter_rfc_ms": "interarrival jitter over every packet of the stream's clock, mean",
    "jitter_rfc_max_ms": "interarrival jitter over every packet of the stream's clock, largest",
    "delta_min_ms": "time between packets, smallest",
    "delta_ms": "time between packets, mean",
    "delta_max_ms": "time between packets, largest",
    "skew_min_ms": "how much earlier than its timestamp says a packet came, smallest",
    "skew_ms": "how much earlier than their timestamps say packets came, mean",
    "skew_max_ms": "how much earlier than its timestamp says a packet came, largest",
    "drift_ppm": "how much faster than the capture's clock the sender's runs",
    "drift_error_ppm": "half the 95 % confidence interval of the drift",
    "ptime_ms": "media time in a packet, as most have it",
    "kbps": "mean bandwidth, headers of IP and UDP included",
    "longest_outage": "the most packets lost in a row",
    "longest_outage_ms": "media time of the most packets lost in a row",
    "bursts": "bursts of loss (RFC 3611 section 4.7.2, Gmin 16)",
    "burst_density_pct": "loss inside bursts",
    "burst_ms": "mean length of a burst",
    "gap_density_pct": "loss between bursts",
    "gap_ms": "mean length between bursts",
    "rfc3611_burst_density": "as in a report of RFC 3611 A.2, in 1/256",
    "rfc3611_gap_density": "as in a report of RFC 3611 A.2, in 1/256",
    "rfc3611_burst_ms": "as in a report of RFC 3611 A.2",
    "rfc3611_gap_ms": "as in a report of RFC 3611 A.2",
    "loss_after_buffer_pct": "lost, or late for a jitter buffer of 60 ms",
    "buffer_delay_ms": "what that buffer adds to the delay, mean",
    "burst_ratio": "BurstR of ITU-T G.107, of loss after the buffer",
    "r": "R of the E-model (ITU-T G.107)",
    "mos_nb": "mean opinion score, narrowband scale (ITU-T G.107)",
    "mos_wb": "mean opinion score, wideband scale (ITU-T G.107.1)",
    "mos_provisional": "whether an assumption about the codec decides the MOS",
    "emodel_delay_ms": "delay that the E-model was given",
    "emodel_delay_source": "where that delay comes from",
    "emodel_codec": "row of ITU-T G.113 that the E-model went by",
    "emodel_ie": "Ie of that row: impairment without loss",
    "emodel_bpl": "Bpl of that row: robustness against loss",
    "emodel_codec_source": "where both come from",
    "emodel_band": "nb or wb",
    "round_trip_ms": "round trip by RTCP, median",
    "round_trip_path": "of what: end-to-end, capture-to-receiver or capture-to-sender",
    "far_lost": "what its receiver said last that it lost; below zero where copies came",
    "far_lost_pct": "what its receiver said that it lost, of what was sent to it by then",
    "far_jitter_ms": "interarrival jitter that its receiver reported last",
    # Calls
    "call_id": "its Call-ID, or guessed-1 and so on without signalling",
    "caller": "URI that called",
    "callee": "URI that was called",
    "state": "completed, failed, cancelled, rejected, ringing or in-progress",
    "status": "of the last final response to the INVITE",
    "setup_s": "from the INVITE to the answer",
    "streams": "SSRCs of its streams, in order of first frame",
    "guessed": "whether it was made out without signalling",
    "reason": "words of the final response, and why the call ended",
    "post_dial_delay_s": "from the INVITE to the first sign of life",
    "ring_s": "from the first ringing to the answer, or to the end without one",
    "talk_s": "from the answer to the BYE",
    "hung_up": "who ended it: caller or callee",
    "caller_agent": "User-Agent of the caller",
    "callee_agent": "User-Agent or Server of the callee",
    "codecs": "codecs agreed on, each with when: PCMU/8000@1.234",
    "holds": "who put the other on hold, and when: caller@1.234-5.678",
    "left": "SSRCs of the caller's streams; without signalling of who spoke first",
    "right": "SSRCs of the other side's streams",
    "matched": "why its streams are taken for its own",
    "messages": "SIP messages",
    "retransmissions": "of these, sent again",
    "side": "left or right: the caller's or the callee's",
    # Audio
    "sample": "16 bits with a sign: 32,767 is full scale",
    "heard": "what it is made from: received, silence, repaired, concealed or noise",
    "heard_left": "what the left one is made from: received, silence, repaired, concealed or noise",
    "heard_right": "what the right one is made from, in the same words",
    # Packets
    "sequence": "sequence number as sent",
    "timestamp": "RTP timestamp as sent",
    "payload_type": "payload number",
    "marker": "marker bit",
    "size": "captured bytes of the packet, header included",
    "payload_size": "payload, without padding",
    "fault": "what is wrong with the packet; missing where nothing is",
    "extended": "sequence number without wraps",
    "epoch": "which run of the sender it belongs to; -1 for none",
    "duplicate": "whether it is a copy",
    "class": "what it was to its stream: its only class in the ledger",
    # Gaps and key presses
    "first_sequence": "sequence number of the first packet missing, or of the one after a silence",
    "frame_before": "number of the frame before it, 1-based",
    "frame_after": "number of the frame after it, 1-based",
    "digit": "0-9 * # A-D, flash, or a name of RFC 4734",
    "source": "rfc4733, inband or sip-info",
    "also_in": "the other sources that tell of the same",
    # Tones and levels
    "tone": "dial, ringback, busy, congestion, unobtainable, SIT, or a name of RFC 4734",
    "frequencies": "nominal, at once or, of SIT, one after the other",
    "places": "countries whose tone of this name it may be",
    "also": "other names that fit as well, elsewhere",
    "received_s": "audio that came in packets of its own",
    "level_dbov": "level; a full-scale sine has -3.01",
    "active_level_dbov": "level of the speech alone (ITU-T P.56)",
    "activity": "share of the time in which somebody speaks (ITU-T P.56)",
    "peak_dbov": "highest sample; 0 is full scale",
    "noise_dbov": "level of what is heard in the pauses",
    "silent_share": "share of the time in which nothing is heard",
    "clipped": "stretches of samples at full scale",
    "clipped_s": "how long these are together",
    "dead_air": "stretches in which packets came and nothing was heard",
    "dead_air_s": "how long these are together",
    "dead_air_longest_s": "the longest of them",
    "dc_offset": "mean of the samples, as a part of full scale",
    "sender_level_dbov": "mean of the levels that the sender wrote beside its packets (RFC 6464)",
    "sender_silent_share": "share of packets that it said were silent (RFC 6464)",
    # RTCP
    "kind": "SR, RR, SDES, BYE, APP, XR, NACK, PLI and so on",
    "about_ssrc": "the source that is told of",
    "fraction_lost_pct": "lost since the report before",
    "highest_sequence": "highest sequence number that came, with its wraps",
    "jitter": "interarrival jitter, in timestamp ticks",
    "rtt_ms": "round trip from the capture to who answers a report, and back",
    "last_sr": "middle of the NTP time of the report that is answered",
    "delay_ms": "how long the answer was held back",
    "ntp_time": "time of day by the sender's clock",
    "rtp_timestamp": "the same moment as an RTP timestamp",
    "sender_packets": "packets sent so far, as their sender says",
    "sender_octets": "payload bytes sent so far, as their sender says",
    "cname": "canonical name",
    "detail": "what else the packet tells",
    "clock": "the reports it is measured by: SR, or RRTR of extended reports",
    "reports": "how many reports",
    "min_ms": "smallest",
    "median_ms": "median",
    "max_ms": "largest",
    "end_to_end_ms": "both ways from the capture together",
    "compared": "of the reports, those that could be compared with the capture",
    "reported": "lost of these, as reported",
    "reported_pct": "the same of the packets sent",
    "before": "of these, lost before the capture, which has them not either",
    "after": "of these, lost after the capture, which has them",
    "missed": "what the capture alone lacks: the far end had it",
    "place": "where packets were lost: none, before, after, both; or only the capture lacks some",
    "cumulative_lost": "lost in all, as reported last; below zero where copies came",
    "measured_rate": "timestamp ticks a second of the sender's clock",
    "capture_offset_ms": "how much later than the capture's clock the sender's is",
    "span_s": "from its first report to its last, by its own clock",
    "is_wall_clock": "whether it tells the date, and not the time since some start",
    "name": "NAME of SDES: the user's",
    "email": "EMAIL of SDES",
    "phone": "PHONE of SDES",
    "loc": "LOC of SDES: where the user is",
    "tool": "TOOL of SDES: the program",
    "note": "NOTE of SDES",
    "private": "PRIV of SDES: extensions",
    "bye_frame": "number of the frame with its BYE, 1-based",
    "bye_time_ns": "when that came, since 1970",
    "bye_reason": "why it left, in its words",
    "loss_pct": "lost, as reported",
    "discard_pct": "came too late or too early for the jitter buffer",
    "end_system_ms": "delay inside the reporter",
    "jitter_buffer_ms": "delay of its jitter buffer",
    "signal_dbm0": "level of speech, as reported",
    "noise_dbm0": "level of what is heard in the pauses, as reported",
    "r_lq": "R for listening, as reported",
    "r_cq": "R for conversation, as reported",
    "mos_lq": "mean opinion score for listening, as reported",
    "mos_cq": "mean opinion score for conversation, as reported",
    "algorithm": "how the reporter works these out",
    # Flows
    "transport": "udp or tcp",
    "bytes": "payload bytes",
    "taken_for": "what most of its datagrams are",
    "mixture": "each kind in it and its packets, most first",
    "why": "why it is a stream, or none",
    "to_change": "the option under which it would be taken for RTP",
    # Findings
    "id": "its kind: one-way-audio",
    "severity": "error, warning or note",
    "sentence": "what happened",
    "numbers": "the figures behind it",
    "frames": "frames in which it can be seen, 1-based",
    # Expectations
    "path": "place of a value: streams[0x343ffa34].lost",
    "found": "the value now; missing where it is not there",
    "tolerance": "how far apart numbers may lie",
    # Files
    "file": "the file as it was named",
    "format": "pcap, pcapng or rtpdump",
    "link_types": "link types of its frames",
    "calls": "how many calls",
    "dtmf": "how many key presses packets tell: by telephone events and INFO",
    "not_understood": "frames that could not be read, by reason",
    "incomplete": "frames before which a part of a TCP stream is missing, by reason",
}
"""Column -> its meaning; the unit is in the name where there is one."""

OF_VERB: Mapping[tuple[str, str], str] = {
    ("info", "packets"): "frames",
    ("info", "bytes"): "size of the file, unpacked",
    ("info", "duration_s"): "from the first frame to the last",
    ("info", "start_time"): "time of day of the first frame",
    ("info", "streams"): "how many streams",
    ("calls", "duration_s"): "from its first message or packet to its end",
    ("verify", "expected"): "the value that was written down; missing where none was",
    ("verify", "sentence"): "what it means, where the values alone do not say it",
    ("gaps", "packets"): "packets missing; 0 for dtx and restart",
    ("gaps", "duration_s"): "media missing; of a restart, time on the capture's clock",
    ("gaps", "reason"): "lost, dtx (silence not sent) or restart (the sender began anew)",
    ("dtmf", "duration_s"): "how long, as the sender says",
    ("packets", "reordered"): "whether it came after one with a higher sequence number",
    ("packets", "captured_twice"): "whether it is a copy that the capture made",
    ("packets", "delta_ms"): "time since the packet before",
    ("packets", "skew_ms"): "how much earlier than its timestamp says it came",
    ("packets", "jitter_ms"): "interarrival jitter after it (RFC 3550 A.8)",
    ("packets", "kbps"): "bandwidth of the second that ends with it, IP and UDP included",
    ("audio", "time_s"): "from its first sample",
    ("audio", "left"): "sample of the caller, or of who spoke first; 32,767 is full scale",
    ("audio", "right"): "sample of the other side; 32,767 is full scale",
    ("tones", "duration_s"): "from its first burst to its last",
    ("tones", "level_dbov"): "level while it sounds",
    ("tones", "bursts"): "how often it sounds",
    ("levels", "duration_s"): "length of its audio",
    ("rtcp", "lost"): "lost in all, as reported; below zero where copies came",
    ("rtcp", "jitter_ms"): "interarrival jitter, as reported",
    ("rtcp", "fault"): "what is wrong with the packet; missing where nothing is",
    ("loss", "expected"): "packets that the sender numbered, over the compared reports",
    ("vq", "source"): "rtcp-xr, or sip for a report in a SIP message",
    ("vq", "kind"): "which report of the call it is",
    ("vq", "burst_density_pct"): "loss and discards inside bursts, as reported",
    ("vq", "gap_density_pct"): "loss and discards between bursts, as reported",
    ("vq", "burst_ms"): "mean length of a burst, as reported",
    ("vq", "gap_ms"): "mean length between bursts, as reported",
    ("vq", "jitter_ms"): "interarrival jitter, as reported",
    ("vq", "round_trip_ms"): "round trip, as reported",
    ("vq", "codec"): "as the reporter names it",
    ("explain", "packets"): "datagrams",
    ("check", "call"): "id of the call it concerns",
    ("check", "ssrc"): "stream it concerns",
}
"""(Verb, column) -> its meaning, where that is not the one of `ENTRIES`."""


def meaning_of(verb: str, name: str) -> Meaning:
    """What a column of a verb holds. Raises KeyError for a name that nobody described."""
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
    # Of many channels each means the same.
    entry = "sample" if name.startswith("channel_") else name.partition("_channel_")[0]
    return Meaning(unit, OF_VERB.get((verb, name)) or ENTRIES[entry])


def schema_of(verb: str, columns: Iterable[Column] | None = None) -> Schema:
    """Each column of a verb's DataFrame: its type, its unit and what it means."""
    return {
        column.name: {
            "dtype": DTYPES[column.kind],
            **meaning_of(verb, column.name)._asdict(),
        }
        for column in (COLUMNS[verb] if columns is None else columns)
    }
