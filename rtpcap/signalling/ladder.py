"""The ladder of messages: who said what to whom, as rows and as text.

What a message says is untrusted and stays as it came: whoever prints it makes it harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rtpcap.signalling.arrival import Arrival
from rtpcap.signalling.media import Media
from rtpcap.signalling.sdp import SessionDescription
from rtpcap.signalling.sip import SipMessage

__all__ = ["Rung", "ladder_lines", "ladder_rows"]

NARROWEST = 18
"""Columns between two ends below which no ladder is drawn."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One message of the ladder."""

    frame: int
    time_s: float | None
    """Seconds from the capture's first frame; None where a frame has no time."""
    src: str
    """``address:port``, IPv6 in brackets."""
    dst: str
    text: str
    """What it says: method or status with reason, CSeq where it is needed, and the offer."""
    call_id: str
    again: bool
    """Whether the same bytes went the same way before."""

    def row(self) -> dict[str, object]:
        """The keys of ``rtpcap sip``."""
        return {
            "frame": self.frame,
            "time_s": self.time_s,
            "src": self.src,
            "dst": self.dst,
            "text": self.text,
            "call_id": self.call_id,
            "again": self.again,
        }


def ladder_rows(
    messages: Iterable[tuple[Arrival, SipMessage]], start_ns: int | None = None
) -> list[Rung]:
    """A row a message, in their order; `start_ns` is the time of the capture's first frame."""
    rows = []
    said: set[tuple[object, ...]] = set()
    for arrival, message in messages:
        number, method = message.cseq
        same = (
            arrival[2:],
            message.method,
            message.status,
            number,
            method,
            message.branch,
            message.to.tag,
            message.header("RSeq"),
        )
        time_ns = arrival.time_ns
        rows.append(
            Rung(
                arrival.frame,
                None if time_ns is None or start_ns is None else (time_ns - start_ns) / 1e9,
                _place(arrival.src, arrival.src_port),
                _place(arrival.dst, arrival.dst_port),
                _text(message),
                message.call_id,
                same in said,
            )
        )
        said.add(same)
    return rows


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _text(message: SipMessage) -> str:
    """``INVITE sip:bob@x (PCMU PCMA)``, ``200 OK to INVITE (PCMU)``, ``BYE``."""
    method = message.cseq[1]
    if message.status:
        # Which request a response is to is only plain while there is an INVITE alone.
        said = f"{message.status} {message.reason}".rstrip()
        words = [said if method == "INVITE" else f"{said} to {method}"]
    elif message.method == "INVITE" and message.to.tag:
        # Both ends are known by then; what is new is the offer.
        words = ["re-INVITE"]
    elif message.method in ("INVITE", "REGISTER", "SUBSCRIBE", "MESSAGE", "OPTIONS"):
        words = [f"{message.method} {message.uri}"]
    elif message.method == "REFER":
        words = [f"REFER to {message.header('Refer-To')}"]
    else:
        words = [message.method]
    if message.reason_header:
        words.append(f"[{message.reason_header}]")
    described = message.sdp
    if described is not None:
        words.append(f"({_offer(described)})")
    elif message.body:
        words.append(f"({message.content_type or 'a body'})")
    return " ".join(words)


def _offer(described: SessionDescription) -> str:
    """``PCMU PCMA telephone-event, hold``; several media with their kinds."""
    return "; ".join(_line(media, len(described.media) > 1) for media in described.media) or "SDP"


def _line(media: Media, named: bool) -> str:
    if media.rejected:
        return f"{media.kind} rejected"
    names = list(dict.fromkeys(fmt.name for fmt in media.formats.values()))
    words = [media.kind] if named or not names else []
    words += names or media.other_formats
    return " ".join(words) + (", hold" if media.held else "")


def ladder_lines(rows: Sequence[Rung], width: int) -> list[str]:
    """The ladder as lines of at most `width` columns: an arrow a message between the ends.

    Ends stand in order of appearance. Where they do not fit side by side, each message is a line
    of text with both its ends.
    """
    places = list(dict.fromkeys(place for rung in rows for place in (rung.src, rung.dst)))
    if not places:
        return []
    left = max(len(_when(rung)) for rung in rows) + 2
    gap = (width - left - 1) // max(len(places) - 1, 1)
    if gap < max(NARROWEST, max(map(len, places)) + 2):
        return [_cut(_plain(rung), width) for rung in rows]
    stands = {place: left + i * gap for i, place in enumerate(places)}
    span = left + gap * (len(places) - 1) + 1
    lines = [_names(stands, span)]
    lines += [_arrow(rung, stands, span) for rung in rows]
    return [line.rstrip() for line in lines]


def _when(rung: Rung) -> str:
    return f"{rung.frame:>6}" if rung.time_s is None else f"{rung.time_s:>10.6f}"


def _plain(rung: Rung) -> str:
    return f"{_when(rung)}  {rung.src} > {rung.dst}  {_said(rung)}"


def _said(rung: Rung) -> str:
    return f"{rung.text} (again)" if rung.again else rung.text


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _names(stands: dict[str, int], span: int) -> str:
    """The ends over their lines; the last one ends where its line stands."""
    line = [" "] * span
    last = max(stands.values())
    for place, column in stands.items():
        begin = max(column - len(place) + 1, 0) if column == last and len(stands) > 1 else column
        line[begin : begin + len(place)] = place
    return "".join(line)


def _arrow(rung: Rung, stands: dict[str, int], span: int) -> str:
    line = [" "] * span
    for column in stands.values():
        line[column] = "|"
    when = _when(rung)
    line[: len(when)] = when
    begin, end = sorted((stands[rung.src], stands[rung.dst]))
    if begin == end:
        return "".join(line).rstrip() + f" {_said(rung)}"
    room = end - begin - 1
    shaft = f" {_cut(_said(rung), room - 4)} ".center(room - 2, "-")
    line[begin + 1 : end] = f"-{shaft}>" if stands[rung.src] == begin else f"<{shaft}-"
    return "".join(line)
