"""What other parsers call our fields, and how a value is got from what they give.

A parser's result is looked into by attribute, or by key where it is a mapping: first by our name,
then by each of its aliases in the order they stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from rtpcap.testing.kinds import Kind

__all__ = ["ALIASES", "MISSING", "Rename", "look_up"]

Rename = Mapping[str, "str | Callable[..., object]"]
"""Our name of a field -> theirs, with dots where it lies deeper, or a function of their result."""

_REPORTS = {
    "ntp": "ntp_timestamp ntp_time",
    "timestamp": "rtp_timestamp rtp_time rtp_ts ts",
    "packet_count": "packets_sent sender_packet_count",
    "octet_count": "octets_sent sender_octet_count bytes_sent",
    "blocks": "reports report_blocks",
    "fraction_lost": "fraction",
    "cumulative_lost": "packets_lost total_lost lost",
    "highest_sequence": "extended_highest_sequence highest_seq last_sequence_number",
    "jitter": "interarrival_jitter",
    "last_sr": "lsr last_sender_report",
    "delay_since_last_sr": "dlsr delay",
    "ssrc": "sender_ssrc sourcesync",
    "media_ssrc": "ssrc_media media_source",
    "packet_type": "pt",
    "sources": "ssrcs",
    "padding_bytes": "padding_size padding_length",
}
_THEIRS: Mapping[Kind, Mapping[str, str]] = {
    "rtp": {
        "version": "v",
        "padding": "p has_padding",
        "extension": "x has_extension",
        "csrc_count": "cc numsync CC",
        "marker": "m",
        "payload_type": "pt payload_number",
        "sequence": "sequence_number seq sn seqnum",
        "timestamp": "ts time_stamp",
        "ssrc": "sourcesync SSRC",
        "csrc": "csrcs csrc_list sync CSRC",
        "header_bytes": "header_size header_length",
        "extension_profile": "ext_profile profile",
        "extension_payload": "extension_data ext_data extension_value",
        "payload": "data body",
        "padding_bytes": "padding_size padding_length pad_len",
    },
    "rtcp": _REPORTS,
    "sip": {
        "uri": "request_uri ruri",
        "status": "status_code code",
        "reason": "reason_phrase phrase",
        "body": "content data",
        "headers": "header fields",
    },
    "sdp": {
        "name": "session_name s",
        "origin": "o",
        "address": "connection_address host",
        "media": "medias media_descriptions m",
        "kind": "type media",
        "protocol": "proto profile",
        "formats": "rtpmap codecs",
    },
    "stun": {
        "type": "message_type stun_message_type",
        "method": "message_method",
        "message_class": "class_ klass",
        "length": "len message_length",
        "transaction_id": "xid transaction tid",
        "value": "data",
    },
}
ALIASES: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    kind: {name: tuple(others.split()) for name, others in table.items()}
    for kind, table in _THEIRS.items()
}
"""Our name -> theirs, by kind."""
NAMES = {
    kind: {name: (name, *others) for name, others in table.items()}
    for kind, table in ALIASES.items()
}


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()
"""What `look_up` gives where a parser has no such field."""


def look_up(parsed: object, name: str, kind: Kind, rename: Rename) -> object:
    """The value of a field in what a parser gave; `MISSING` where it has none.

    >>> look_up({"seq": 17}, "sequence", "rtp", {})
    17
    """
    told = rename.get(name)
    if callable(told):
        return told(parsed)
    if told is not None:
        for part in told.split("."):
            parsed = _get(parsed, part)
        return parsed
    names = NAMES[kind].get(name) or (name,)
    if isinstance(parsed, Mapping):
        values = (parsed.get(each, MISSING) for each in names)
    else:
        values = (getattr(parsed, each, MISSING) for each in names)
    for found in values:
        # A method of that name is no value: `count` of a list.
        if found is not MISSING and not callable(found):
            return found
    return MISSING


def _get(parsed: object, name: str) -> object:
    if isinstance(parsed, Mapping):
        return parsed.get(name, MISSING)
    return getattr(parsed, name, MISSING)
