"""What is written down as expected: JSON with a version, so that an old one is told by name."""

from __future__ import annotations

from collections.abc import Mapping

from rtpcap.errors import RtpcapError
from rtpcap.testing.kinds import Kind

__all__ = ["SCHEMA_VERSION", "SchemaError", "check_schema", "from_json", "to_json"]

SCHEMA_VERSION = 1
"""Counted up when a key changes its name or meaning; new keys alone do not count."""

BYTES: Mapping[str, frozenset[str]] = {
    "rtp": frozenset(("payload", "extension_payload")),
    "rtcp": frozenset(("extension", "content", "data", "bits", "value", "reason", "name")),
    "sip": frozenset(("body",)),
    "sdp": frozenset(),
    "stun": frozenset(("transaction_id", "value")),
}
"""The fields of each kind that are bytes: JSON has their hexadecimal digits."""


class SchemaError(RtpcapError, ValueError):
    """What was written down as expected cannot be used; the message is one line with the cure."""


def check_schema(found: object, where: str, cure: str) -> None:
    """Raise SchemaError where a `schema` is not ours; `where` names the file, `cure` the way out.

    >>> check_schema(2, "call.json", "make it again with rtpcap corpus")
    Traceback (most recent call last):
    rtpcap.testing.schema.SchemaError: call.json: of schema 2, this rtpcap reads 1: make it again \
with rtpcap corpus
    """
    if found != SCHEMA_VERSION or isinstance(found, bool):
        told = "no schema" if found is None else f"schema {found!r}"
        raise SchemaError(f"{where}: of {told}, this rtpcap reads {SCHEMA_VERSION}: {cure}")


def to_json(value: object) -> object:
    """Fields as JSON knows them: bytes as hexadecimal digits, tuples as lists."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): to_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner) for inner in value]
    return value


def from_json(kind: Kind, value: object) -> object:
    """The fields that `to_json` wrote. Raises ValueError for digits that are none."""
    if isinstance(value, list):
        return [from_json(kind, inner) for inner in value]
    if isinstance(value, dict):
        return {
            key: bytes.fromhex(inner)
            if key in BYTES[kind] and isinstance(inner, str)
            else from_json(kind, inner)
            for key, inner in value.items()
        }
    return value
