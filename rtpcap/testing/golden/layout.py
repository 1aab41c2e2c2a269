"""Layout: JSON that people read and git shows the changes of: a row a line, keys in order."""

from __future__ import annotations

import json
from collections.abc import Mapping

__all__ = ["layout"]

IN_LINE = 20
"""Numbers in a line of a long list: two seconds of blocks."""


def layout(content: Mapping[str, object]) -> str:
    """An object as JSON. Its keys stay in their order, those of what is inside are sorted.

    All of it is ASCII, so that whatever a capture holds can be seen and does nothing.
    """
    parts = [f" {_json(key)}: {_value(value, 1)}" for key, value in content.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _value(value: object, depth: int) -> str:
    if not isinstance(value, dict | list) or not value or (depth > 1 and _short(value)):
        return _json(value)
    inside, end = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        rows = [f"{_json(key)}: {_value(value[key], depth + 1)}" for key in sorted(value)]
        return "{" + inside + f",{inside}".join(rows) + end + "}"
    if any(isinstance(each, dict | list) for each in value):
        rows = [_value(each, depth + 1) for each in value]
    else:
        rows = [_json(value[at : at + IN_LINE])[1:-1] for at in range(0, len(value), IN_LINE)]
    return "[" + inside + f",{inside}".join(rows) + end + "]"


def _short(value: object) -> bool:
    """Whether it is a row, or something in a row: no rows inside, and no long list."""
    if isinstance(value, dict):
        return all(_short(each) and not isinstance(each, dict) for each in value.values())
    if isinstance(value, list):
        return len(value) <= IN_LINE and not any(isinstance(each, dict | list) for each in value)
    return True
