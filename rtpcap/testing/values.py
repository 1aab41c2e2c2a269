"""Whether what a parser gave is what we read: value by value, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from rtpcap.rtp.header import WORD_BYTES
from rtpcap.signalling.head import field_name
from rtpcap.testing.aliases import MISSING, Rename, look_up
from rtpcap.testing.kinds import Kind

__all__ = ["Difference", "Looked", "look"]

PAIRS = ("headers", "attributes")
"""Fields that are names with values in order: a mapping of names serves too."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not what we read."""

    field: str
    """Its place: ``payload``, ``packets[0].blocks[1].jitter``."""
    expected: object
    got: object


class Looked:
    """What was compared, what differed, and what a parser does not have."""

    def __init__(self) -> None:
        self.compared: list[str] = []
        self.different: list[Difference] = []
        self.absent: list[str] = []


def look(
    kind: Kind, expected: Mapping[str, object], parsed: object, rename: Rename, names: Iterable[str]
) -> Looked:
    """Compare fields, those inside lists of packets, blocks and attributes included."""
    if kind == "rtcp" and isinstance(parsed, list | tuple):
        parsed = {"packets": parsed}
    looked = Looked()
    _fields(looked, kind, "", {name: expected[name] for name in names}, parsed, rename)
    return looked


def _fields(
    looked: Looked,
    kind: Kind,
    place: str,
    expected: Mapping[str, object],
    parsed: object,
    rename: Rename,
) -> None:
    for name, value in expected.items():
        got = look_up(parsed, name, kind, rename)
        if got is MISSING:
            looked.absent.append(place + name)
        else:
            _value(looked, kind, place + name, value, got, rename)


def _value(
    looked: Looked, kind: Kind, place: str, expected: object, got: object, rename: Rename
) -> None:
    looked.compared.append(place)
    if type(expected) is type(got) and expected == got:
        return
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        inner = _listed(got)
        if inner is None or len(inner) != len(expected):
            looked.different.append(Difference(place, expected, got))
            return
        for number, (one, other) in enumerate(zip(expected, inner, strict=True)):
            _fields(looked, kind, f"{place}[{number}].", one, other, rename)
    elif place in PAIRS and isinstance(expected, list):
        _pairs(looked, place, expected, got)
    elif not _same(expected, got):
        looked.different.append(Difference(place, expected, got))


def _pairs(looked: Looked, place: str, expected: list[Sequence[str]], got: object) -> None:
    """Names with values; of a mapping, the values of each name together."""
    if not isinstance(got, Mapping):
        inner = _listed(got)
        ours = [(_name(name), value.strip()) for name, value in expected]
        theirs = [_pair(one) for one in inner or ()]
        if inner is None or ours != theirs:
            looked.different.append(Difference(place, expected, got))
        return
    named = {_name(_text(name)): value for name, value in got.items()}
    wanted: dict[str, list[str]] = {}
    for name, value in expected:
        wanted.setdefault(_name(name), []).append(value.strip())
    for name in {**wanted, **named}:
        has = named.get(name, MISSING)
        values = has if isinstance(has, list | tuple) else [] if has is MISSING else [has]
        if [_text(value).strip() for value in values] != wanted.get(name, []):
            looked.different.append(Difference(f"{place}.{name}", wanted.get(name, MISSING), has))


def _pair(one: object) -> tuple[str, str] | None:
    inner = _listed(one)
    if inner is None or len(inner) != 2:
        return None
    return _name(_text(inner[0])), _text(inner[1]).strip()


def _name(name: str) -> str:
    return field_name(name) or name


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def _listed(value: object) -> list[object] | None:
    if isinstance(value, str | bytes | bytearray | memoryview | Mapping):
        return None
    return list(value) if isinstance(value, Iterable) else None


def _same(expected: object, got: object) -> bool:
    """Equal as what it stands for: 1 for True, text for its bytes, digits for a number."""
    if isinstance(got, Enum):
        return _same(expected, got.value) or got.name.lower() == expected
    if expected is None:
        return got is None or (isinstance(got, int | str | bytes) and not got)
    if isinstance(expected, bytes):
        if isinstance(got, str):
            return expected.decode("utf-8", "replace") == got
        if isinstance(got, int):
            return int.from_bytes(expected, "big") == got
        return isinstance(got, bytes | bytearray | memoryview) and bytes(got) == expected
    if isinstance(expected, str):
        return _text(got) == expected
    if isinstance(expected, list):
        if isinstance(got, bytes) and len(got) % WORD_BYTES == 0:
            # Sources as they stand in the packet.
            got = [
                int.from_bytes(got[i : i + WORD_BYTES], "big")
                for i in range(0, len(got), WORD_BYTES)
            ]
        inner = _listed(got)
        return (
            inner is not None
            and len(inner) == len(expected)
            and all(_same(a, b) for a, b in zip(expected, inner, strict=True))
        )
    # Digits, as they stand in text.
    return bool(expected == got) or (isinstance(got, str) and got == str(expected))
