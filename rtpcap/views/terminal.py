"""Tables for a terminal: the columns that matter most and fit, long cells shortened."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice

from rtpcap.views.columns import Row
from rtpcap.views.text import visible

__all__ = ["TABLES", "Shown", "short", "table"]

NOTHING = "-"
ELLIPSIS = "…"
URGENT = 2
"""Up to this rank a column comes in even if others have to be shortened for it."""
LOOK_AHEAD = 500
"""How many rows decide the widths; those after them are written as they come."""


def width_of(text: str) -> int:
    """How many places of a terminal the text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def short(text: str, width: int, *, keep: str = "both") -> str:
    """The text in at most `width` places; what is left out is an ellipsis.

    `keep` says what stays: the ``start``, or ``both`` ends.

    >>> short("2001:db8::1234:4000", 12), short("encrypted: by an SRTP tag", 12, keep="start")
    ('2001:d…:4000', 'encrypted: …')
    """
    if width_of(text) <= width:
        return text
    tail = (width - 1) // 2 if keep == "both" else 0
    end = _fill(text[::-1], tail)[::-1]
    return _fill(text, width - 1 - tail) + ELLIPSIS + end


def _fill(text: str, width: int) -> str:
    """As much of the beginning as takes at most `width` places."""
    cut = text[:width]
    while width_of(cut) > width:
        cut = cut[:-1]
    return cut


@dataclass(frozen=True)
class Shown:
    """A column of a terminal table: how a row's cell reads, and what gives way when it is tight."""

    heading: str
    cell: Callable[[Row], str]
    rank: int = 0
    """Columns of a higher rank are left out first; those of rank 0 never."""
    least: int = 0
    """The narrowest the column may be made by shortening; 0: it is not shortened."""
    right: bool = True
    keep: str = "both"
    usual: int = 0
    """How wide it is made where rows follow that did not decide on the widths."""


def text(name: str) -> Callable[[Row], str]:
    """A cell with a row's value as it is; a dash where there is none."""

    def cell(row: Row) -> str:
        value = row.get(name)
        if isinstance(value, list | tuple):
            return ",".join(visible(str(inside)) for inside in value) or NOTHING
        return NOTHING if value is None or value == "" else visible(str(value))

    return cell


def figure(name: str, digits: int) -> Callable[[Row], str]:
    """A cell with a number, rounded for the eye."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return f"{value:.{digits}f}" if isinstance(value, int | float) else NOTHING

    return cell


def some(name: str) -> Callable[[Row], str]:
    """A cell with a count; a dash for none at all, so that a column of nothing is left out."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return str(value) if value else NOTHING

    return cell


def endpoint(side: str) -> Callable[[Row], str]:
    """A cell with an address and its port."""

    def cell(row: Row) -> str:
        if row[side] is None:
            return NOTHING
        address = visible(str(row[side]))
        address = f"[{address}]" if ":" in address else address
        return f"{address}:{row[f'{side}_port']}"

    return cell


def _codec(row: Row) -> str:
    types = row.get("payload_types")
    if row.get("codec") is None and isinstance(types, list):
        return "pt " + ",".join(map(str, types))
    return text("codec")(row)


def _clock(row: Row) -> str:
    """The UTC time of day, microseconds; the date stands in ``rtpcap info``."""
    time = row.get("time_ns")
    if not isinstance(time, int):
        return NOTHING
    seconds, ns = divmod(time, 10**9)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}.{ns // 1000:06d}"
    except (OverflowError, ValueError, OSError):
        return str(time)


def _frames(row: Row) -> str:
    return f"{row['frame_before']}-{row['frame_after']}"


def _missing(row: Row) -> str:
    return str(row["packets"]) if row["reason"] == "lost" else NOTHING


def _output(row: Row) -> str:
    if row.get("output") is None:
        return f"({_base_name('input')(row)})"
    return _base_name("output")(row)


def _uri(name: str) -> Callable[[Row], str]:
    """A cell with a SIP URI, without its scheme and parameters."""

    def cell(row: Row) -> str:
        uri = str(row.get(name) or NOTHING)
        scheme, colon, rest = uri.partition(":")
        return visible(rest.partition(";")[0] if colon and scheme in ("sip", "sips") else uri)

    return cell


def _state(row: Row) -> str:
    """``completed``, or with the status what went wrong: ``rejected 486``."""
    if row.get("guessed"):
        return "guessed"
    state, status = row.get("state"), row.get("status")
    told = status is not None and state in ("failed", "rejected", "cancelled")
    return f"{state} {status}" if told else str(state)


def _count(name: str) -> Callable[[Row], str]:
    """A cell with how many there are in a list."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return str(len(value)) if isinstance(value, Sequence) else NOTHING

    return cell


def _codecs(row: Row) -> str:
    """The codecs one after the other, without their times."""
    value = row.get("codecs")
    names = [str(codec).partition("@")[0] for codec in value] if isinstance(value, list) else []
    return visible(" ".join(dict.fromkeys(names))) or NOTHING


def _mark(row: Row) -> str:
    return "M" if row.get("marker") else ""


def _base_name(name: str) -> Callable[[Row], str]:
    """A cell with a path's last part; the whole path is in the other formats."""

    def cell(row: Row) -> str:
        path = row.get(name)
        return NOTHING if path is None else visible(os.path.basename(str(path)))

    return cell


def _drift(row: Row) -> str:
    """Clock drift with its error, where it is one that can be told from none."""
    ppm, error = row.get("drift_ppm"), row.get("drift_error_ppm")
    if not isinstance(ppm, float) or not isinstance(error, float):
        return NOTHING
    return f"{ppm:.0f}±{error:.0f}"


def _heard(row: Row) -> str:
    lost = row.get("loss_after_buffer_pct")
    return f"{100 - lost:.2f}" if isinstance(lost, float) else NOTHING


def _score(row: Row) -> str:
    """The MOS with the scale that it is on."""
    for key in ("mos_nb", "mos_wb"):
        value = row.get(key)
        if isinstance(value, float):
            return f"{value:.2f} {key.removeprefix('mos_')}"
    return NOTHING


def _sure(row: Row) -> str:
    return "assumed" if row.get("mos_provisional") else ""


def _other(row: Row) -> str:
    """What a stream is called in the second capture, where that is another name."""
    return NOTHING if row.get("a") == row.get("b") else text("b")(row)


def _codec_of_both(row: Row) -> str:
    names = [str(row[key]) for key in ("codec_a", "codec_b") if row.get(key) is not None]
    return visible(">".join(dict.fromkeys(names))) or NOTHING


def _share(name: str) -> Callable[[Row], str]:
    """A cell with a share, in per cent."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return f"{100 * value:.0f}%" if isinstance(value, int | float) else NOTHING

    return cell


def _seconds(name: str) -> Callable[[Row], str]:
    """A cell with a time that may be none at all: then a dash."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return f"{value:.1f}" if isinstance(value, int | float) and value else NOTHING

    return cell


_FILE = Shown("file", _base_name("file"), 0, 12, right=False)

TABLES: dict[str, tuple[Shown, ...]] = {
    "streams": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("codec", _codec, least=6, right=False, keep="start"),
        Shown("src", endpoint("src"), 1, 17, right=False),
        Shown("dst", endpoint("dst"), 1, 17, right=False),
        Shown("packets", text("packets")),
        Shown("lost", text("lost")),
        Shown("lost_pct", figure("lost_pct", 2), 6),
        Shown("dup", text("duplicates"), 3),
        Shown("late", text("reordered"), 3),
        Shown("twice", text("captured_twice"), 9),
        Shown("jit_ms", figure("jitter_ms", 3), 2),
        Shown("max_ms", figure("jitter_max_ms", 3), 5),
        Shown("start_s", figure("start_s", 2), 4),
        Shown("duration_s", figure("duration_s", 2), 4),
        Shown("first_frame", text("first_frame"), 7),
        Shown("call", text("call"), 6, right=False),
        Shown("why_not", text("why_not"), 8, 12, right=False, keep="start"),
    ),
    "calls": (
        Shown("start_s", figure("start_s", 2), 1),
        Shown("caller", _uri("caller"), 0, 14, right=False),
        Shown("callee", _uri("callee"), 0, 14, right=False),
        Shown("state", _state, 0, right=False),
        Shown("setup_s", figure("setup_s", 2), 2),
        Shown("talk_s", figure("talk_s", 2), 1),
        Shown("streams", _count("streams"), 1),
        Shown("duration_s", figure("duration_s", 2), 4),
        Shown("codecs", _codecs, 3, 9, right=False, keep="start"),
        Shown("hung_up", text("hung_up"), 5, right=False),
        Shown("call_id", text("call_id"), 2, 12, right=False, keep="start"),
    ),
    "packets": (
        Shown("frame", text("frame"), usual=7),
        Shown("time", _clock, 1),
        Shown("ssrc", text("ssrc"), 1, right=False),
        Shown("seq", text("sequence"), usual=5),
        Shown("timestamp", text("timestamp"), usual=10),
        Shown("pt", text("payload_type"), usual=3),
        Shown("M", _mark, 2),
        Shown("size", text("size"), 4, usual=4),
        Shown("payload", text("payload_size"), 3),
        Shown("class", text("class"), 3, right=False),
        Shown("delta_ms", figure("delta_ms", 3), 5, usual=8),
        Shown("skew_ms", figure("skew_ms", 3), 6, usual=8),
        Shown("jit_ms", figure("jitter_ms", 3), 6, usual=6),
        Shown("fault", text("fault"), right=False),
    ),
    "quality": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("codec", text("codec"), least=6, right=False, keep="start"),
        Shown("src", endpoint("src"), 4, 17, right=False),
        Shown("dst", endpoint("dst"), 6, 17, right=False),
        Shown("lost", text("lost")),
        Shown("lost_pct", figure("lost_pct", 2), 7),
        Shown("outage", some("longest_outage"), 5),
        Shown("bursts", some("bursts"), 7),
        Shown("BurstR", figure("burst_ratio", 2), 8),
        Shown("jit_ms", figure("jitter_ms", 2), 1),
        Shown("max_ms", figure("jitter_max_ms", 2), 8),
        Shown("delta_max", figure("delta_max_ms", 1), 5),
        Shown("drift_ppm", _drift, 5),
        Shown("ptime", figure("ptime_ms", 0), 6),
        Shown("kbps", figure("kbps", 1), 5),
        Shown("heard_pct", _heard, 3),
        Shown("rtt_ms", figure("round_trip_ms", 1), 6),
        Shown("far_lost", text("far_lost"), 7),
        Shown("R", figure("r", 1), 3),
        Shown("MOS", _score),
        Shown("", _sure, 1, right=False),
    ),
    "windows": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("start_s", figure("start_s", 2)),
        Shown("packets", text("packets")),
        Shown("lost", text("lost")),
        Shown("lost_pct", figure("lost_pct", 2), 2),
        Shown("dup", some("duplicates"), 4),
        Shown("late", some("reordered"), 4),
        Shown("jit_ms", figure("jitter_ms", 2)),
        Shown("max_ms", figure("jitter_max_ms", 2), 1),
        Shown("delta_max", figure("delta_max_ms", 1), 1),
        Shown("skew_min", figure("skew_min_ms", 1), 3),
        Shown("skew_max", figure("skew_max_ms", 1), 3),
        Shown("kbps", figure("kbps", 1), 2),
        Shown("MOS", _score),
        Shown("src", endpoint("src"), 6, 17, right=False),
        Shown("dst", endpoint("dst"), 6, 17, right=False),
    ),
    "ledger": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("src", endpoint("src"), 7, 17, right=False),
        Shown("dst", endpoint("dst"), 8, 17, right=False),
        Shown("packets", text("packets")),
        Shown("used", text("packets_used")),
        Shown("reord", some("packets_reordered"), 1),
        Shown("late", some("packets_late"), 1),
        Shown("padding", some("packets_padding_only"), 2),
        Shown("malf", some("packets_malformed"), 2),
        Shown("dup", some("packets_duplicate"), 1),
        Shown("twice", some("packets_captured_twice"), 1),
        Shown("foreign", some("packets_foreign"), 2),
        Shown("slots", text("slots")),
        Shown("received", text("slots_received"), 1),
        Shown("repaired", some("slots_repaired"), 1),
        Shown("lost", text("slots_lost")),
        Shown("discarded", some("slots_discarded_late"), 2),
        Shown("silent", some("slots_silent"), 2),
        Shown("restarts", some("slots_restart"), 3),
    ),
    "rtcp": (
        Shown("frame", text("frame"), usual=6),
        Shown("start_s", figure("start_s", 3), 2, usual=8),
        Shown("src", endpoint("src"), 4, 14, right=False),
        Shown("dst", endpoint("dst"), 5, 14, right=False),
        Shown("kind", text("kind"), usual=6, right=False),
        Shown("ssrc", text("ssrc"), usual=10, right=False),
        Shown("about", text("about_ssrc"), 1, usual=10, right=False),
        Shown("lost", text("lost"), 1, usual=4),
        Shown("lost_pct", figure("fraction_lost_pct", 1), 5),
        Shown("jit_ms", figure("jitter_ms", 2), 2, usual=6),
        Shown("rtt_ms", figure("rtt_ms", 2), 1, usual=7),
        Shown("ntp_time", text("ntp_time"), 9, right=False),
        Shown("sent", text("sender_packets"), 8),
        Shown("detail", text("detail"), 2, 12, right=False, keep="start"),
        Shown("fault", text("fault"), 3, 12, right=False, keep="start"),
    ),
    "round-trips": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("about", text("about_ssrc"), 4, right=False),
        Shown("to", endpoint("src"), 1, 14, right=False),
        Shown("clock", text("clock"), 5, right=False),
        Shown("reports", text("reports"), 2),
        Shown("min_ms", figure("min_ms", 2), 1),
        Shown("median_ms", figure("median_ms", 2)),
        Shown("max_ms", figure("max_ms", 2), 1),
        Shown("end_to_end_ms", figure("end_to_end_ms", 2)),
        Shown("of", endpoint("dst"), 6, 14, right=False),
    ),
    "loss": (
        Shown("ssrc", text("ssrc"), 3, right=False),
        Shown("about", text("about_ssrc"), right=False),
        Shown("from", endpoint("src"), 2, 14, right=False),
        Shown("reports", text("reports"), 4),
        Shown("compared", text("compared"), 6),
        Shown("expected", text("expected"), 3),
        Shown("lost", text("reported")),
        Shown("lost_pct", figure("reported_pct", 2), 3),
        Shown("before", text("before")),
        Shown("after", text("after")),
        Shown("missed", some("missed"), 3),
        Shown("place", text("place"), 1, right=False),
        Shown("cumulative", text("cumulative_lost"), 5),
        Shown("to", endpoint("dst"), 7, 14, right=False),
    ),
    "clocks": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("src", endpoint("src"), 2, 14, right=False),
        Shown("reports", text("reports"), 1),
        Shown("ntp_time", text("ntp_time"), 1, 19, right=False, keep="start"),
        Shown("timestamp", text("rtp_timestamp"), 4),
        Shown("rate", text("clock_rate"), 3),
        Shown("measured", figure("measured_rate", 2), 4),
        Shown("span_s", figure("span_s", 1), 2),
        Shown("drift_ppm", figure("drift_ppm", 1), 1),
        Shown("offset_ms", figure("capture_offset_ms", 1), 1),
        Shown("dst", endpoint("dst"), 6, 14, right=False),
    ),
    "participants": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("src", endpoint("src"), 3, 14, right=False),
        Shown("cname", text("cname"), 0, 16, right=False),
        Shown("name", text("name"), 3, 8, right=False, keep="start"),
        Shown("tool", text("tool"), 4, 8, right=False, keep="start"),
        Shown("note", text("note"), 5, 8, right=False, keep="start"),
        Shown("frame", text("first_frame"), 5),
        Shown("bye", text("bye_frame"), 1),
        Shown("reason", text("bye_reason"), 2, 8, right=False, keep="start"),
        Shown("dst", endpoint("dst"), 7, 14, right=False),
    ),
    "vq": (
        Shown("frame", text("frame"), usual=6),
        Shown("source", text("source"), 1, right=False),
        Shown("kind", text("kind"), 3, 8, right=False, keep="start"),
        Shown("ssrc", text("ssrc"), 2, right=False),
        Shown("about", text("about_ssrc"), 3, right=False),
        Shown("loss_pct", figure("loss_pct", 2)),
        Shown("disc_pct", figure("discard_pct", 2), 2),
        Shown("rtt_ms", figure("round_trip_ms", 0), 2),
        Shown("esd_ms", figure("end_system_ms", 0), 5),
        Shown("jit_ms", figure("jitter_ms", 1), 5),
        Shown("R", figure("r_cq", 0), 3),
        Shown("MOS_LQ", figure("mos_lq", 1), 1),
        Shown("MOS_CQ", figure("mos_cq", 1), 1),
        Shown("call_id", text("call_id"), 6, 12, right=False, keep="start"),
    ),
    "gaps": (
        Shown("ssrc", text("ssrc"), 1, right=False),
        Shown("reason", text("reason"), right=False),
        Shown("packets", _missing),
        Shown("start_s", figure("start_s", 3)),
        Shown("duration_s", figure("duration_s", 3)),
        Shown("sequence", text("first_sequence"), 1),
        Shown("frames", _frames, 1),
    ),
    "dtmf": (
        Shown("digit", text("digit"), right=False),
        Shown("start_s", figure("start_s", 3)),
        Shown("duration_s", figure("duration_s", 3)),
        Shown("source", text("source"), 2, right=False),
        Shown("also_in", text("also_in"), 2, right=False),
        Shown("ssrc", text("ssrc"), 1, right=False),
        Shown("frame", text("frame"), 1),
    ),
    "tones": (
        Shown("tone", text("tone"), right=False),
        Shown("start_s", figure("start_s", 2)),
        Shown("duration_s", figure("duration_s", 2)),
        Shown("Hz", text("frequencies"), 1, right=False),
        Shown("dBov", figure("level_dbov", 1), 2),
        Shown("bursts", text("bursts"), 4),
        Shown("source", text("source"), 2, right=False),
        Shown("also_in", text("also_in"), 3, right=False),
        Shown("ssrc", text("ssrc"), 1, right=False),
        Shown("frame", text("frame"), 3),
        Shown("places", text("places"), 5, 6, right=False, keep="start"),
        Shown("also", text("also"), 5, right=False),
    ),
    "levels": (
        Shown("ssrc", text("ssrc"), right=False),
        Shown("codec", text("codec"), 1, 6, right=False, keep="start"),
        Shown("src", endpoint("src"), 5, 17, right=False),
        Shown("duration_s", figure("duration_s", 1), 2),
        Shown("level", figure("level_dbov", 1)),
        Shown("speech", figure("active_level_dbov", 1)),
        Shown("active", _share("activity"), 1),
        Shown("noise", figure("noise_dbov", 1), 2),
        Shown("peak", figure("peak_dbov", 1), 3),
        Shown("silent", _share("silent_share"), 2),
        Shown("clipped", some("clipped"), 2),
        Shown("dead_s", _seconds("dead_air_s"), 3),
        Shown("longest_s", _seconds("dead_air_longest_s"), 6),
        Shown("dc", figure("dc_offset", 4), 6),
        Shown("told", figure("sender_level_dbov", 1), 2),
        Shown("told_silent", _share("sender_silent_share"), 6),
        Shown("call", text("call"), 7, right=False),
        Shown("why_not", text("why_not"), 2, 12, right=False, keep="start"),
    ),
    "decode": (
        Shown("input", _base_name("input"), 3, 14, right=False),
        Shown("output", _output, 0, 24, right=False),
        Shown("ssrc", text("ssrc"), 5, right=False),
        Shown("codec", text("codec"), 1, 6, right=False, keep="start"),
        Shown("rate", text("rate"), 2),
        Shown("ch", text("channels"), 3),
        Shown("duration_s", figure("duration_s", 2), 0),
        Shown("filled_s", figure("filled_s", 2), 1),
        Shown("received_s", figure("received_s", 2), 4),
        Shown("call", text("call"), 6, right=False),
        Shown("why_not", text("why_not"), 1, 14, right=False, keep="start"),
    ),
    "export": (
        Shown("output", text("output"), 0, 24, right=False),
        Shown("format", text("format"), right=False),
        Shown("frames", text("frames")),
        Shown("bytes", text("bytes"), 1),
        Shown("left_out", text("left_out"), 2),
    ),
    "make": (
        Shown("output", text("output"), 0, 24, right=False),
        Shown("codec", text("codec"), right=False),
        Shown("ssrc", text("ssrc"), 2, right=False),
        Shown("frames", text("frames"), 1),
        Shown("packets", text("packets")),
        Shown("duration_s", figure("duration_s", 2)),
    ),
    "impair": (
        Shown("output", text("output"), 0, 20, right=False),
        Shown("frames", text("frames"), 2),
        Shown("lost", text("lost")),
        Shown("twice", text("duplicate"), 1),
        Shown("reordered", text("reordered"), 1),
        Shown("late", text("late"), 2),
        Shown("delayed", text("delayed"), 1),
        Shown("restart", text("restart"), 4),
        Shown("bit_error", text("bit_error"), 3),
        Shown("truncated", text("truncated"), 3),
        Shown("ssrc", text("ssrc"), 4),
        Shown("timestamp", text("timestamp"), 4),
        Shown("silent", text("silent"), 4),
    ),
    "diff": (
        Shown("result", text("result"), right=False),
        Shown("a", text("a"), right=False),
        Shown("b", _other, 1, right=False),
        Shown("codec", _codec_of_both, 3, 6, right=False, keep="start"),
        Shown("by", text("how"), 6, right=False),
        Shown("packets", text("packets_a"), 5),
        Shown("matched", text("matched")),
        Shown("lost", some("lost"), 1),
        Shown("added", some("added"), 1),
        Shown("chg", some("changed"), 1),
        Shown("dup", some("duplicates"), 1),
        Shown("late", some("reordered"), 1),
        Shown("delay_ms", figure("delay_ms", 2), 2),
        Shown("max_ms", figure("delay_max_ms", 2), 4),
        Shown("drift_ppm", figure("drift_ppm", 1), 4),
        Shown("resid_db", figure("residual_dbfs", 1), 2),
        Shown("level_db", figure("level_db", 2), 3),
        Shown("beyond", text("beyond"), 7, 12, right=False, keep="start"),
    ),
    "diff_digits": (
        Shown("result", text("result"), right=False),
        Shown("key a", text("a"), right=False),
        Shown("key b", text("b"), right=False),
        Shown("start_a_s", figure("start_a_s", 3)),
        Shown("start_b_s", figure("start_b_s", 3)),
        Shown("frame_a", text("frame_a"), 1),
        Shown("frame_b", text("frame_b"), 1),
        Shown("detail", text("detail"), 2, 14, right=False, keep="start"),
    ),
    "diff_calls": (
        Shown("result", text("result"), right=False),
        Shown("call a", text("a"), 0, 14, right=False, keep="start"),
        Shown("call b", _other, 1, 14, right=False, keep="start"),
        Shown("detail", text("detail"), 1, 14, right=False, keep="start"),
    ),
    "corpus": (
        Shown("output", text("output"), 0, 24, right=False),
        Shown("kind", text("kind"), right=False),
        Shown("captures", text("captures"), 2),
        Shown("packets", text("packets")),
        Shown("bytes", text("bytes"), 1),
    ),
    "expect": (
        Shown("output", text("output"), 0, 24, right=False),
        Shown("calls", text("calls")),
        Shown("streams", text("streams")),
        Shown("gaps", text("gaps"), 1),
        Shown("digits", text("digits"), 1),
        Shown("sound", text("sound"), 1),
    ),
    "verify": (
        Shown("path", text("path"), 0, 34, right=False),
        Shown("expected", text("expected"), 0, 10, keep="start"),
        Shown("found", text("found"), 0, 10, keep="start"),
        Shown("tolerance", text("tolerance"), 3),
        Shown("sentence", text("sentence"), 1, 12, right=False, keep="start"),
    ),
    "replay": (
        Shown("input", _base_name("input"), 3, 14, right=False),
        Shown("streams", text("streams"), 2),
        Shown("packets", text("packets")),
        Shown("late_median_ms", figure("late_median_ms", 3), 1),
        Shown("p99_ms", figure("late_p99_ms", 3)),
        Shown("max_ms", figure("late_max_ms", 3), 1),
        Shown("refused", text("refused"), 2),
        Shown("failed", text("failed"), 3),
    ),
    "record": (
        Shown("wav", text("wav"), 0, 24, right=False),
        Shown("ssrc", text("ssrc"), 2, right=False),
        Shown("from", endpoint("src"), 3, right=False),
        Shown("codec", text("codec"), right=False),
        Shown("packets", text("packets")),
        Shown("lost", text("lost"), 1),
        Shown("jitter_ms", figure("jitter_ms", 2), 2),
        Shown("duration_s", figure("duration_s", 2), 1),
        Shown("why_not", text("why_not"), 3, 14, right=False, keep="start"),
    ),
}
"""Verb -> what a terminal shows of its rows, most important columns by the lowest rank.

Headings are short where the key is long; the keys are those of the other formats.
"""


def table(verb: str, rows: Iterable[Row], width: int, *, files: bool = False) -> Iterator[str]:
    """The lines of a table of a verb's rows, at most `width` places wide where that can be.

    With `files` each row says first which input it is from. The first rows decide on the columns
    and their widths; the table needs no more rows in memory than those.
    """
    rest = iter(rows)
    first = list(islice(rest, LOOK_AHEAD))
    if not first:
        return
    shown = TABLES[verb]
    if files:
        shown = (_FILE, *shown)
    more = list(islice(rest, 1))
    columns = [column for column in shown if not _empty(column, first) or more]
    cells = [[column.cell(row) for row in first] for column in columns]
    natural = [
        max(width_of(column.heading), column.usual if more else 0, *map(width_of, inside))
        for column, inside in zip(columns, cells, strict=True)
    ]
    chosen, gap = _fitting(columns, natural, width)
    columns = [columns[i] for i in chosen]
    widths = _shared(columns, [natural[i] for i in chosen], width - gap * (len(chosen) - 1))
    between = " " * gap
    yield _line([column.heading for column in columns], columns, widths, between)
    for row in chain(first, more, rest):
        yield _line([column.cell(row) for column in columns], columns, widths, between)


def _empty(column: Shown, rows: Sequence[Row]) -> bool:
    return column.rank > 0 and all(column.cell(row) in (NOTHING, "") for row in rows)


def _least(column: Shown, natural: int) -> int:
    return min(natural, max(column.least, width_of(column.heading))) if column.least else natural


def _fitting(columns: Sequence[Shown], natural: Sequence[int], width: int) -> tuple[list[int], int]:
    """Which columns fit, and with how many blanks between them."""
    chosen: list[int] = []
    tight = whole = 0
    for i in sorted(range(len(columns)), key=lambda i: columns[i].rank):
        rank, gap = columns[i].rank, 1 if chosen else 0
        least = tight + _least(columns[i], natural[i]) + gap
        full = whole + natural[i] + gap
        # Only what matters more makes others give way.
        if rank == 0 or (least if rank <= URGENT else max(least, full)) <= width:
            chosen.append(i)
            tight, whole = least, full
    chosen.sort()
    return chosen, 2 if whole + len(chosen) - 1 <= width else 1


def _shared(columns: Sequence[Shown], natural: Sequence[int], room: int) -> list[int]:
    """The width of each column: what is left over goes to those that were to be shortened."""
    widths = [_least(column, wish) for column, wish in zip(columns, natural, strict=True)]
    left = room - sum(widths)
    while left > 0:
        wanting = [i for i, wish in enumerate(natural) if widths[i] < wish]
        if not wanting:
            break
        narrowest = min(wanting, key=lambda i: widths[i])
        widths[narrowest] += 1
        left -= 1
    return widths


def _line(
    cells: Sequence[str], columns: Sequence[Shown], widths: Sequence[int], between: str
) -> str:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        if column.least:
            cell = short(cell, width, keep=column.keep)
        blank = " " * max(0, width - width_of(cell))
        parts.append(blank + cell if column.right else cell + blank)
    return between.join(parts).rstrip()
