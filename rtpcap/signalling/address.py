"""Who: the display name, URI and tag of From, To and Contact (RFC 3261 section 20.10)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["NOBODY", "Party", "bare_uri", "parameter", "parse_party", "split_list"]

QUOTED = re.compile(r'[ \t]*"((?:[^"\\]|\\.)*+)"', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
TAG = re.compile(r";[ \t]*tag[ \t]*=[ \t]*([^;, \t>]+)", re.IGNORECASE)


class Party(NamedTuple):
    """One end of a call as a header names it; what is absent is ``""``."""

    display: str
    uri: str
    tag: str


NOBODY = Party("", "", "")


def parse_party(value: str) -> Party:
    """The party in a From, To or Contact value.

    >>> parse_party('"Alice \\\\"A\\\\" Smith" <sip:alice@example.org;user=phone>;tag=17')
    Party(display='Alice "A" Smith', uri='sip:alice@example.org;user=phone', tag='17')
    >>> parse_party("sip:bob@example.org;tag=4")
    Party(display='', uri='sip:bob@example.org', tag='4')
    """
    return _read_lately(value) if len(value) <= LONGEST_KEPT else _read(value)


def _read(value: str) -> Party:
    display, rest = "", value
    quoted = QUOTED.match(value)
    if quoted:
        display = ESCAPED.sub(r"\1", quoted[1])
        rest = value[quoted.end() :]
    before, bracket, inside = rest.partition("<")
    if bracket:
        uri, _, parameters = inside.partition(">")
        display = display or before.strip(' \t"')
    else:
        # Without brackets what follows the first semicolon belongs to the header.
        uri, semicolon, parameters = rest.partition(";")
        uri, parameters = uri.partition(",")[0], semicolon + parameters
    tag = TAG.search(parameters)
    return Party(display, uri.strip(" \t"), tag[1] if tag else "")


LONGEST_KEPT = 512
_read_lately = lru_cache(2048)(_read)
"""Every message of a call names the same two parties."""


def bare_uri(uri: str) -> str:
    """A URI without parameters and headers, its scheme and host in lower case, for comparing."""
    address = uri.partition(";")[0].partition("?")[0]
    scheme, colon, rest = address.partition(":")
    user, at, host = rest.rpartition("@")
    return f"{scheme.lower()}{colon}{user}{at}{host.lower()}"


def parameter(value: str, name: str) -> str:
    """A parameter of a header value (``;name=value``), without quotes; ``""`` where absent.

    >>> parameter('multipart/mixed;boundary="a b"', "boundary")
    'a b'
    """
    for piece in split_list(value, ";")[1:]:
        key, _, text = piece.partition("=")
        if key.strip(" \t").lower() == name:
            text = text.strip(" \t")
            quoted = QUOTED.match(text)
            return ESCAPED.sub(r"\1", quoted[1]) if quoted else text
    return ""


def split_list(value: str, separator: str = ",") -> list[str]:
    """The pieces of a list; separators inside quotes and angle brackets do not count.

    >>> split_list('"a, b" <sip:a@x?h=1,2>, <sip:c@x>')
    ['"a, b" <sip:a@x?h=1,2>', '<sip:c@x>']
    """
    if '"' not in value and "<" not in value:
        return [piece.strip(" \t") for piece in value.split(separator)]
    pieces, begin, quoted, bracket, escaped = [], 0, False, False, False
    for i, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character == "<":
            bracket = True
        elif character == ">":
            bracket = False
        elif character == separator and not bracket:
            pieces.append(value[begin:i].strip(" \t"))
            begin = i + 1
    return [*pieces, value[begin:].strip(" \t")]
