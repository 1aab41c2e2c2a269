"""The parts of a body: one, or those of a multipart (RFC 2046 section 5.1; RFC 5621)."""

from __future__ import annotations

import re
from typing import NamedTuple

from rtpcap.signalling.address import parameter
from rtpcap.signalling.head import split_head

__all__ = ["Part", "media_type", "split_parts"]

DEEPEST = 8
"""Multiparts inside multiparts that are taken apart; what lies deeper stays one part."""

GUESSED_BOUNDARY = re.compile(rb"[\r\n]*--([^\r\n]{1,70}?)[ \t]*[\r\n]")


class Part(NamedTuple):
    """A part of a body; `content_type` in lower case, without parameters."""

    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def media_type(value: str) -> str:
    """``Application/SDP; charset=x`` -> ``application/sdp``."""
    return value.partition(";")[0].strip(" \t").lower()


def split_parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body in their order; a body that is no multipart is one part.

    `content_type` is the value of the header, with its parameters. A multipart whose boundary is
    nowhere to be found is one part.
    """
    parts: list[Part] = []
    waiting: list[tuple[str, bytes, tuple[tuple[str, str], ...], int]]
    waiting = [(content_type, body, (), 0)]
    while waiting:
        value, content, headers, depth = waiting.pop()
        kind = media_type(value)
        inner = _divide(value, content) if kind.startswith("multipart/") and depth < DEEPEST else []
        if not inner:
            parts.append(Part(kind, content, headers))
        for piece in reversed(inner):
            head = split_head(piece, start_line=False)
            fields = dict(reversed(head.fields))
            # Without a type of its own a part is plain text (RFC 2046 section 5.1).
            own = fields.get("Content-Type", "text/plain")
            waiting.append((own, piece[head.body :], tuple(head.fields), depth + 1))
    return parts


def _divide(content_type: str, body: bytes) -> list[bytes]:
    """The bytes between the boundaries; a part without headers begins with its blank line."""
    boundary = parameter(content_type, "boundary").encode("utf-8", "replace")
    if not boundary:
        guessed = GUESSED_BOUNDARY.match(body)
        if guessed is None:
            return []
        boundary = guessed[1]
    # The line end before a boundary belongs to it; that after it is the part's own first one,
    # so that a part without headers still begins with a blank line.
    line = re.compile(rb"(?:^|\r\n|\n|\r)--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=[\r\n]|$)")
    pieces: list[bytes] = []
    begin: int | None = None
    for found in line.finditer(body):
        if begin is not None:
            pieces.append(body[begin : found.start()])
        if found[1]:
            return [_without_line_end(piece) for piece in pieces]
        begin = found.end()
    if begin is not None:
        pieces.append(body[begin:])
    return [_without_line_end(piece) for piece in pieces]


def _without_line_end(piece: bytes) -> bytes:
    """The part without the end of its boundary's line."""
    if piece.startswith(b"\r\n"):
        piece = piece[2:]
    elif piece[:1] in (b"\r", b"\n"):
        piece = piece[1:]
    # A blank line first: no headers. A second line end makes that an end of a (blank) head.
    return b"\r\n" + piece if piece[:1] in (b"\r", b"\n") else piece
