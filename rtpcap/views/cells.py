"""Cells of terminal tables: how a value of a row reads, and in how many places."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rtpcap.views.columns import Row
from rtpcap.views.text import visible

__all__ = [
    "ELLIPSIS",
    "NOTHING",
    "Shown",
    "base_name_cell",
    "clock_cell",
    "codec_cell",
    "codec_of_both_cell",
    "codecs_cell",
    "count_cell",
    "drift_cell",
    "endpoint",
    "figure",
    "frames_cell",
    "heard_cell",
    "mark_cell",
    "missing_cell",
    "other_cell",
    "output_cell",
    "score_cell",
    "seconds_cell",
    "share_cell",
    "short",
    "some",
    "state_cell",
    "sure_cell",
    "text",
    "uri_cell",
    "width_of",
]

NOTHING = "-"
ELLIPSIS = "…"


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


def codec_cell(row: Row) -> str:
    types = row.get("payload_types")
    if row.get("codec") is None and isinstance(types, list):
        return "pt " + ",".join(map(str, types))
    return text("codec")(row)


def clock_cell(row: Row) -> str:
    """The UTC time of day, microseconds; the date stands in ``rtpcap info``."""
    time = row.get("time_ns")
    if not isinstance(time, int):
        return NOTHING
    seconds, ns = divmod(time, 10**9)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}.{ns // 1000:06d}"
    except (OverflowError, ValueError, OSError):
        return str(time)


def frames_cell(row: Row) -> str:
    return f"{row['frame_before']}-{row['frame_after']}"


def missing_cell(row: Row) -> str:
    return str(row["packets"]) if row["reason"] == "lost" else NOTHING


def output_cell(row: Row) -> str:
    if row.get("output") is None:
        return f"({base_name_cell('input')(row)})"
    return base_name_cell("output")(row)


def uri_cell(name: str) -> Callable[[Row], str]:
    """A cell with a SIP URI, without its scheme and parameters."""

    def cell(row: Row) -> str:
        uri = str(row.get(name) or NOTHING)
        scheme, colon, rest = uri.partition(":")
        return visible(rest.partition(";")[0] if colon and scheme in ("sip", "sips") else uri)

    return cell


def state_cell(row: Row) -> str:
    """``completed``, or with the status what went wrong: ``rejected 486``."""
    if row.get("guessed"):
        return "guessed"
    state, status = row.get("state"), row.get("status")
    told = status is not None and state in ("failed", "rejected", "cancelled")
    return f"{state} {status}" if told else str(state)


def count_cell(name: str) -> Callable[[Row], str]:
    """A cell with how many there are in a list."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return str(len(value)) if isinstance(value, Sequence) else NOTHING

    return cell


def codecs_cell(row: Row) -> str:
    """The codecs one after the other, without their times."""
    value = row.get("codecs")
    names = [str(codec).partition("@")[0] for codec in value] if isinstance(value, list) else []
    return visible(" ".join(dict.fromkeys(names))) or NOTHING


def mark_cell(row: Row) -> str:
    return "M" if row.get("marker") else ""


def base_name_cell(name: str) -> Callable[[Row], str]:
    """A cell with a path's last part; the whole path is in the other formats."""

    def cell(row: Row) -> str:
        path = row.get(name)
        return NOTHING if path is None else visible(os.path.basename(str(path)))

    return cell


def drift_cell(row: Row) -> str:
    """Clock drift with its error, where it is one that can be told from none."""
    ppm, error = row.get("drift_ppm"), row.get("drift_error_ppm")
    if not isinstance(ppm, float) or not isinstance(error, float):
        return NOTHING
    return f"{ppm:.0f}±{error:.0f}"


def heard_cell(row: Row) -> str:
    lost = row.get("loss_after_buffer_pct")
    return f"{100 - lost:.2f}" if isinstance(lost, float) else NOTHING


def score_cell(row: Row) -> str:
    """The MOS with the scale that it is on."""
    for key in ("mos_nb", "mos_wb"):
        value = row.get(key)
        if isinstance(value, float):
            return f"{value:.2f} {key.removeprefix('mos_')}"
    return NOTHING


def sure_cell(row: Row) -> str:
    return "assumed" if row.get("mos_provisional") else ""


def other_cell(row: Row) -> str:
    """What a stream is called in the second capture, where that is another name."""
    return NOTHING if row.get("a") == row.get("b") else text("b")(row)


def codec_of_both_cell(row: Row) -> str:
    names = [str(row[key]) for key in ("codec_a", "codec_b") if row.get(key) is not None]
    return visible(">".join(dict.fromkeys(names))) or NOTHING


def share_cell(name: str) -> Callable[[Row], str]:
    """A cell with a share, in per cent."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return f"{100 * value:.0f}%" if isinstance(value, int | float) else NOTHING

    return cell


def seconds_cell(name: str) -> Callable[[Row], str]:
    """A cell with a time that may be none at all: then a dash."""

    def cell(row: Row) -> str:
        value = row.get(name)
        return f"{value:.1f}" if isinstance(value, int | float) and value else NOTHING

    return cell
