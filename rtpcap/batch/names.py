"""File names that are safe whatever a capture or its own name holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import chain, count

__all__ = ["Prefixes", "safe_name"]

MOST = 64
"""The longest name made from a text, so that what is put behind it fits any file system."""

DIGITS = 8
"""How much of a digest tells two names apart."""

# Names that Windows keeps for devices, whatever comes after their first dot.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def safe_name(text: str) -> str:
    """A file name of ``[A-Za-z0-9._-]`` only, at most `MOST` long, that no dot or dash begins.

    Texts that had to be changed get a digest of what they were, so that different ones stay
    different.

    >>> safe_name("call-1.a"), safe_name("../../etc/passwd")
    ('call-1.a', '_.._etc_passwd-3754d6cb')
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".-")
    if DEVICES.match(name):
        name = f"_{name}"
    if name == text and 0 < len(name) <= MOST and not name.endswith("."):
        return name
    return _with_digest(name or "capture", text)


def _with_digest(name: str, text: str) -> str:
    import hashlib

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: MOST - DIGITS - 1]}-{digest[:DIGITS]}"


class Prefixes:
    """What the output files of each input begin with; no two inputs share one.

    `taken` are prefixes that inputs had in earlier runs: these stay. Names that differ only in
    case count as equal, as they do on some file systems.
    """

    def __init__(self, taken: Iterable[tuple[str, str]] = ()) -> None:
        self._of: dict[str, str] = {}
        self._owner: dict[str, str] = {}
        self._earlier = set[str]()
        for path, prefix in taken:
            self._keep(path, prefix)
            self._earlier.add(path)

    def _keep(self, path: str, prefix: str) -> str:
        self._of[path] = prefix
        self._owner[prefix.lower()] = path
        return prefix

    def of(self, path: str) -> str:
        """The prefix of an input, by its absolute path."""
        known = self._of.get(path)
        if known is not None:
            return known
        name = safe_name(os.path.splitext(os.path.basename(path))[0])
        candidates = chain([name], (_with_digest(name, f"{path}{n or ''}") for n in count()))
        return self._keep(path, next(c for c in candidates if self._is_free(c)))

    def _is_free(self, prefix: str) -> bool:
        owner = self._owner.get(prefix.lower())
        if owner is None:
            return True
        # The prefix of an input that is gone is free again: moved captures keep their names.
        if owner not in self._earlier or os.path.exists(owner):
            return False
        del self._of[owner]
        return True
