"""Many captures, many results: a task over files, in one process or in many."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtpcap.batch.decoding import Decoded, DecodeOptions, decode
    from rtpcap.batch.inputs import Inputs, expand
    from rtpcap.batch.task import Result, run

_HOMES = {
    "DecodeOptions": "decoding",
    "Decoded": "decoding",
    "Inputs": "inputs",
    "Result": "task",
    "decode": "decoding",
    "expand": "inputs",
    "run": "task",
}

__all__ = ["DecodeOptions", "Decoded", "Inputs", "Result", "decode", "expand", "run"]


# Each verb of the command line needs some of these, and none needs all.
def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'rtpcap.batch' has no attribute {name!r}")
    return getattr(import_module(f"rtpcap.batch.{home}"), name)
