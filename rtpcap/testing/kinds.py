"""The kinds of packets that the kit knows."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["KINDS", "Kind", "check_kind"]

Kind = Literal["rtp", "rtcp", "sip", "sdp", "stun"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def check_kind(kind: str) -> None:
    """Raise ValueError for a kind that is none."""
    if kind not in KINDS:
        raise ValueError(f"no kind {kind!r}: there are {', '.join(KINDS)}")
