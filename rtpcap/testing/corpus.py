"""A corpus: each packet a file, and what is expected of it as JSON, for parsers in any language.

`call-1842.bin` holds the bytes, `call-1842.json` what `Packet.row` gives; or one `index.jsonl` has
a line a packet, with `data` naming the file of its bytes. Bytes in JSON are hexadecimal digits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rtpcap.capture.tables import Flow
from rtpcap.errors import RtpcapError
from rtpcap.testing.fields import Reading
from rtpcap.testing.kinds import KINDS
from rtpcap.testing.packet import Origin, Packet
from rtpcap.testing.schema import SchemaError, check_schema, from_json

__all__ = ["INDEX", "CorpusError", "Written", "read_corpus", "write_corpus"]

INDEX = "index.jsonl"
CURE = "make it again with rtpcap corpus"
BYTES, EXPECTED = ".bin", ".json"


class CorpusError(RtpcapError, ValueError):
    """A corpus cannot be written where it was to go; the message names the file."""


@dataclass(frozen=True)
class Written:
    """What was written."""

    packets: int
    bytes: int
    """Of the packets alone."""


def write_corpus(
    packets: Iterable[Packet],
    folder: str | os.PathLike[str],
    prefix: Callable[[Packet], str],
    *,
    index: bool = False,
    force: bool = False,
) -> Written:
    """Write packets into a folder, each as ``PREFIX-FRAME.bin`` with its ``.json``.

    `prefix` gives what the names of a packet begin with: safe as part of a file name, and another
    one for each capture. With `index` one file says what is expected of all. Raises CorpusError
    where a file is there already, unless `force`; OSError where one cannot be written.
    """
    found = iter(packets)
    first = next(found, None)
    if first is None:
        return Written(0, 0)
    to = Path(folder)
    to.mkdir(parents=True, exist_ok=True)
    mode = "w" if force else "x"
    count = size = 0
    try:
        lines = (to / INDEX).open(mode, encoding="utf-8", newline="\n") if index else None
        try:
            for packet in chain([first], found):
                # Not another dash: `call-17-2` would be frame 2 of `call-17`, too.
                number = f"_{packet.number}" if packet.number > 1 else ""
                name = f"{prefix(packet)}-{packet.frame}{number}"
                with (to / (name + BYTES)).open(mode + "b") as file:
                    file.write(packet.data)
                row = {**packet.row(), "data": name + BYTES}
                if lines is not None:
                    lines.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
                else:
                    with (to / (name + EXPECTED)).open(mode, encoding="utf-8", newline="\n") as out:
                        json.dump(row, out, ensure_ascii=False, allow_nan=False, indent=1)
                        out.write("\n")
                count += 1
                size += len(packet.data)
        finally:
            if lines is not None:
                lines.close()
    except FileExistsError as error:
        raise CorpusError(f"{error.filename}: is there already; --force writes over it") from error
    return Written(count, size)


def read_corpus(folder: str | os.PathLike[str]) -> Iterator[Packet]:
    """The packets of a corpus, with the fields that were written down, in order of file names.

    Raises SchemaError, one line that names the file, where what is written down is of another
    schema or none at all; OSError where a file cannot be read.
    """
    for path, text in _expected(Path(folder)):
        try:
            row = json.loads(text)
        except ValueError as error:
            raise SchemaError(f"{path}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise SchemaError(f"{path}: no expectation of a packet: {CURE}")
        check_schema(row.get("schema"), str(path), CURE)
        try:
            yield _packet(row, Path(folder))
        except (KeyError, TypeError, ValueError) as error:
            raise SchemaError(
                f"{path}: no expectation of a packet ({type(error).__name__}: {error}): {CURE}"
            ) from error


def _expected(folder: Path) -> Iterator[tuple[Path, str]]:
    index = folder / INDEX
    if index.exists():
        with index.open(encoding="utf-8") as lines:
            for line in lines:
                yield index, line
    for path in sorted(folder.glob(f"*{EXPECTED}")):
        yield path, path.read_text(encoding="utf-8")


def _packet(row: Mapping[str, object], folder: Path) -> Packet:
    kind = next(kind for kind in KINDS if kind == row["kind"])
    name, fields = row["data"], from_json(kind, row["fields"])
    if not isinstance(name, str) or os.path.basename(name) != name or not isinstance(fields, dict):
        raise ValueError(f"data {name!r}")
    fault, time_ns = row["fault"], row["time_ns"]
    return Packet(
        kind,
        (folder / name).read_bytes(),
        Origin(str(row["file"]), str(row["file"])),
        _int(row["frame"]),
        _int(row["number"]),
        None if time_ns is None else _int(time_ns),
        Flow(
            str(row["src"]),
            _int(row["src_port"]),
            str(row["dst"]),
            _int(row["dst_port"]),
            "tcp" if row["transport"] == "tcp" else "udp",
        ),
        reading=Reading(fields, None if fault is None else str(fault), bool(row["refused"])),
    )


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no number")
    return value
