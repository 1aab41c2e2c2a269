"""What lies in an output folder, and what it was made of: ``manifest.jsonl``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from pathlib import Path

from rtpcap.batch.names import safe_name

__all__ = ["Entry", "Manifest"]

NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Entry:
    """One input: what it was when it was read, with what it was decoded, and what came of it."""

    input: str
    """Its absolute path."""
    prefix: str
    """What its output files begin with."""
    size: int
    mtime_ns: int
    options: Mapping[str, object]
    version: str
    outputs: Mapping[str, int] = field(default_factory=dict)
    """File name -> bytes."""
    rows: list[dict[str, object]] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    def holds(self, folder: Path, options: Mapping[str, object], version: str) -> bool:
        """Whether the input and its output files are as they were, and would be made the same."""
        if (self.options, self.version) != (options, version):
            return False
        try:
            found = os.stat(self.input)
            sizes = {name: os.stat(folder / name).st_size for name in self.outputs}
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns, sizes) == (self.size, self.mtime_ns, self.outputs)


class Manifest:
    """The entries of an output folder by input; each is added to the file when it is made."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest of a folder; lines that make no sense (cut short) are left out."""
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self._file: TextIOWrapper | None = None
        try:
            lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            lines = []
        self._lines = len(lines)
        for line in lines:
            entry = _entry(line)
            if entry is not None:
                self.entries[entry.input] = entry

    def prefixes(self) -> Iterable[tuple[str, str]]:
        """(input, prefix) of each entry."""
        return [(entry.input, entry.prefix) for entry in self.entries.values()]

    def add(self, entry: Entry) -> None:
        """Note an input that is done: a run that is broken off goes on from here."""
        if self._file is None:
            self._file = (self.folder / NAME).open("a", encoding="utf-8")
            # After a line that was cut short the next begins anew.
            self._file.write("\n" if self._lines else "")
        self.entries[entry.input] = entry
        self._file.write(json.dumps(asdict(entry)) + "\n")
        self._file.flush()
        self._lines += 1

    def close(self) -> None:
        """Leave a file with one line an input."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        half = self.folder / f"{NAME}.part"
        text = "".join(json.dumps(asdict(entry)) + "\n" for entry in self.entries.values())
        half.write_text(text, encoding="utf-8")
        os.replace(half, self.folder / NAME)


def _entry(line: str) -> Entry | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    kinds = {"input": str, "prefix": str, "size": int, "mtime_ns": int, "version": str}
    kinds |= {"options": dict, "outputs": dict, "rows": list, "damage": list}
    if not isinstance(found, dict) or set(found) != set(kinds):
        return None
    if not all(isinstance(found[name], kind) for name, kind in kinds.items()):
        return None
    if not all(isinstance(row, dict) for row in found["rows"]):
        return None
    # A name that leads out of the folder was not written here.
    if safe_name(found["prefix"]) != found["prefix"]:
        return None
    if any(os.path.basename(name) != name for name in found["outputs"]):
        return None
    return Entry(**found)
