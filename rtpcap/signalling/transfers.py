"""Transfers: REFER (RFC 3515, RFC 5589) and the Replaces of the call that follows (RFC 3891)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from rtpcap.signalling.address import parse_party
from rtpcap.signalling.offers import Side

__all__ = ["Transfer", "call_of_replaces", "read_transfer", "sipfrag_status"]

REPLACES = re.compile(r"[?&]replaces=([^&]*)", re.IGNORECASE)
FRAGMENT = re.compile(rb"SIP/[0-9]\.[0-9][ \t]+([0-9]{3})", re.IGNORECASE)


class Transfer(NamedTuple):
    """A REFER inside a call."""

    frame: int
    time_ns: int | None
    side: Side
    """Who asks the other side to call somebody else."""
    target: str
    """The URI to be called."""
    replaces: str
    """The Call-ID of the call that the new one takes the place of; ``""``: a blind transfer."""
    status: int | None = None
    """The last status of the new call that NOTIFY told (RFC 3515 section 2.4.5)."""


def read_transfer(refer_to: str) -> tuple[str, str]:
    """(target URI, Call-ID to be replaced) of a Refer-To value.

    >>> read_transfer("<sip:carol@example.org?Replaces=12%40a%3Bto-tag%3D7%3Bfrom-tag%3D8>")
    ('sip:carol@example.org', '12@a')
    """
    uri = parse_party(refer_to).uri
    found = REPLACES.search(uri)
    return uri.partition("?")[0], call_of_replaces(unquote(found[1])) if found else ""


def call_of_replaces(value: str) -> str:
    """The Call-ID of a Replaces value."""
    return value.partition(";")[0].strip(" \t")


def sipfrag_status(body: bytes) -> int | None:
    """The status in a ``message/sipfrag`` body."""
    found = FRAGMENT.match(body.lstrip())
    return int(found[1]) if found else None
