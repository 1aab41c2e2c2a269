"""Expectation: what was found in a capture, as JSON that says how exactly it has to stay so."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rtpcap.capture.files.held import is_stream
from rtpcap.capture.writers import whole_file
from rtpcap.streams.counted import counted
from rtpcap.streams.endpoints import endpoints
from rtpcap.streams.formats import payload_map
from rtpcap.testing.golden.found import SECTIONS, find
from rtpcap.testing.golden.layout import layout
from rtpcap.testing.golden.sound import BLOCK_S
from rtpcap.testing.golden.tolerance import DEFAULTS, Tolerances
from rtpcap.testing.schema import SCHEMA_VERSION, SchemaError, check_schema
from rtpcap.version import __version__

if TYPE_CHECKING:
    from rtpcap.api import Capture

__all__ = ["Expectation", "digest", "expect", "relative"]

CURE = "write it again with rtpcap expect"
MOST_BYTES = 256 << 20
"""No expectation is larger; other files would be read for nothing."""
MOST_STEP_S = 1e6
MOST_DIGITS = 20
"""Of 64 bits and a sign: no whole number that is found has more."""


class Expectation:
    """What was found in a capture; made by `expect`, or read from its file.

    `content` is what the JSON holds: the `schema`, the `files` of the capture, how it was `opened`,
    the `tolerances`, a section each for the `capture` as a whole, `calls`, `streams`, `gaps`,
    `digits` and `sound`, and the version of `rtpcap` that wrote it. Sections and keys that somebody
    takes out are not compared.
    """

    def __init__(self, content: Mapping[str, Any], folder: str | os.PathLike[str]) -> None:
        self.content = dict(content)
        self.folder = os.path.abspath(folder)
        """What the paths in `files` are relative to."""

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """The expectation in a file.

        Raises SchemaError, whose message is one line that names the file, for what is none or is
        of another schema; OSError where the file cannot be read.
        """
        name = os.fspath(path)
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        content = _parsed(data, name)
        _check(content, name)
        return cls(content, os.path.dirname(os.path.abspath(path)))

    @property
    def paths(self) -> list[str]:
        """The files of the capture, as they can be opened.

        Named as seen from the expectation; one that was sent to stdout names them as seen from
        where it was made, so that what is not there is looked for in the current folder too.
        """
        found = [_from(self.folder, row["path"]) for row in self.content["files"]]
        here = [_from(os.getcwd(), row["path"]) for row in self.content["files"]]
        return (
            found if any(map(os.path.exists, found)) or not all(map(os.path.exists, here)) else here
        )

    @property
    def tolerances(self) -> dict[str, float | None]:
        """Name or unit -> how far apart numbers may lie; None: as far as they like."""
        return dict(self.content["tolerances"])

    def to_json(self) -> str:
        """The JSON: a row a line, keys sorted in each, so that what changes is seen in git."""
        return layout(self.content)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON to a file; it names its capture as seen from there."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        content = self._seen_from(os.path.dirname(os.path.abspath(path)))
        with whole_file(path) as file:
            file.write(layout(content).encode("ascii"))

    def renew(
        self,
        path: str | os.PathLike[str],
        *,
        tolerances: Mapping[str, float | None] | None = None,
    ) -> bool:
        """Write it in place of an older one, whose tolerances stay; gives whether it changed.

        `tolerances` are put over those. Raises SchemaError where the file is there and no
        expectation.
        """
        before, allowed = b"", self.tolerances
        try:
            with open(path, "rb") as file:
                before = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            pass
        else:
            older = _parsed(before, os.fspath(path))
            if older.get("schema") == SCHEMA_VERSION and isinstance(older["tolerances"], dict):
                allowed = older["tolerances"]
        new = Expectation(
            {**self.content, "tolerances": {**allowed, **(tolerances or {})}}, self.folder
        )
        _check(new.content, os.fspath(path))
        content = new._seen_from(os.path.dirname(os.path.abspath(path)))
        if before == layout(content).encode("ascii"):
            return False
        new.write(path)
        return True

    def _seen_from(self, folder: str) -> dict[str, Any]:
        rows = [{**row, "path": relative(_from(self.folder, row["path"]), folder)}
                for row in self.content["files"]]  # fmt: skip
        return {**self.content, "files": rows}

    def row(self) -> dict[str, object]:
        """How much there is of each, with the keys of ``rtpcap expect``."""
        counts = {name: len(self.content.get(name, ())) for name in SECTIONS[1:]}
        return {"file": self._named(), **counts}

    def _named(self) -> str:
        return ", ".join(os.path.basename(row["path"]) for row in self.content["files"])

    def __repr__(self) -> str:
        counts = self.row()
        told = [
            counted(int(str(counts[name])), one, many)
            for name, one, many in (
                ("calls", "call", "s"), ("streams", "stream", "s"), ("gaps", "gap", "s"),
                ("digits", "press", "es"), ("sound", "sound", "s"),
            )
        ]  # fmt: skip
        return f"<Expectation of {self._named()!r}: {', '.join(told)}>"


def expect(
    capture: Capture | str | os.PathLike[str],
    *,
    sound: bool = True,
    tolerances: Mapping[str, float | None] | None = None,
) -> Expectation:
    """What is found in a capture now, to be written down and compared with later by `verify`.

    Without `sound` nothing is decoded, and key presses are those that packets tell. `tolerances`
    are put over `DEFAULTS`. Raises CaptureError for what is no capture, ValueError for a tolerance
    of no name.

    >>> expect("fixtures/pj-pcmu.pcap")
    <Expectation of 'pj-pcmu.pcap': 1 call, 2 streams, 0 gaps, 4 presses, 4 sounds>
    """
    from rtpcap.api import Capture, open

    allowed = {**DEFAULTS, **(tolerances or {})}
    Tolerances(allowed)
    if not isinstance(capture, Capture):
        capture = open(capture)
    opened: dict[str, object] = {}
    if capture.pt_map:
        opened["pt_map"] = {str(n): str(fmt) for n, fmt in sorted(capture.pt_map.items())}
    if capture.rtp:
        opened["rtp"] = capture.rtp
    folder = os.getcwd()
    content = {
        "schema": SCHEMA_VERSION,
        "files": [_file(path, folder) for path in capture.files],
        "opened": opened,
        "tolerances": allowed,
        **find(capture, SECTIONS if sound else SECTIONS[:-1], listen=sound),
        "rtpcap": __version__,
    }
    return Expectation(content, folder)


def _file(path: str, folder: str) -> dict[str, object]:
    found = digest(path)
    size = None if found is None else os.path.getsize(path)
    return {"bytes": size, "path": relative(path, folder), "sha256": found}


def digest(path: str) -> str | None:
    """The SHA-256 of a file as it lies on the disk; None for what is no file on a disk."""
    if is_stream(path):
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def relative(path: str, folder: str) -> str:
    """A path as seen from a folder, with ``/`` on every system; what is no file stays."""
    if is_stream(path):
        return path
    try:
        return os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:
        # On another drive: there is no way from here to there.
        return os.path.abspath(path)


def _from(folder: str, path: str) -> str:
    return path if is_stream(path) else os.path.normpath(os.path.join(folder, path))


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    """The object in a file that may be an expectation, of whatever schema."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    def whole(digits: str) -> int:
        if len(digits) > MOST_DIGITS:
            raise ValueError(f"a number of {len(digits)} digits")
        return int(digits)

    if not data.lstrip().startswith(b"{") or len(data) > MOST_BYTES:
        raise SchemaError(f"{name}: no expectation, which rtpcap expect writes: no JSON object")
    try:
        content = json.loads(data, parse_constant=refuse, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{name}: damaged JSON: {error}") from None
    if not isinstance(content, dict) or not {"files", "tolerances"} <= set(content):
        raise SchemaError(
            f"{name}: no expectation, which rtpcap expect writes: it has no files and tolerances"
        )
    return content


def _check(content: dict[str, Any], name: str) -> None:
    """Raise SchemaError where the form is not what we read."""
    check_schema(content.get("schema"), name, CURE)
    wrong = _wrong(content)
    if wrong:
        raise SchemaError(f"{name}: damaged: {wrong}: {CURE}")
    try:
        Tolerances(content["tolerances"])
    except ValueError as error:
        raise SchemaError(f"{name}: tolerances: {error}") from None


def _wrong(content: dict[str, Any]) -> str:
    files = content["files"]
    if not isinstance(files, list) or not files or not all(map(_is_file, files)):
        return "files is no list of paths"
    if not isinstance(content["tolerances"], dict):
        return "tolerances is no object"
    opened = content.get("opened", {})
    if not isinstance(opened, dict) or not _is_opened(opened):
        return "opened is no pt_map and rtp"
    try:
        payload_map({int(number): fmt for number, fmt in opened.get("pt_map", {}).items()})
        endpoints(opened.get("rtp"))
    except ValueError as error:
        return f"opened: {error}"
    if not isinstance(content.get("capture", {}), dict):
        return "capture is no object"
    for name in ("calls", "streams", "gaps", "sound"):
        section = content.get(name, {})
        if not isinstance(section, dict) or not all(isinstance(r, dict) for r in section.values()):
            return f"{name} is no object of objects"
    digits = content.get("digits", [])
    if not isinstance(digits, list) or not all(isinstance(row, dict) for row in digits):
        return "digits is no list of objects"
    for key, row in content.get("sound", {}).items():
        step = row.get("step_s", BLOCK_S)
        if isinstance(step, bool) or not isinstance(step, int | float):
            return f"step_s of sound {key} is no number"
        if not BLOCK_S <= step <= MOST_STEP_S or abs(step / BLOCK_S - round(step / BLOCK_S)) > 1e-6:
            return f"step_s of sound {key} is no multiple of {BLOCK_S}"
        bands = row.get("bands_dbov", {})
        if not isinstance(bands, dict) or not all(
            isinstance(levels, list) for levels in (row.get("level_dbov", []), *bands.values())
        ):
            return f"the levels of sound {key} are no lists"
    return ""


def _is_file(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("path"), str) and "\0" not in row["path"]


def _is_opened(opened: dict[str, Any]) -> bool:
    named, rtp = opened.get("pt_map", {}), opened.get("rtp", [])
    return (
        isinstance(named, dict)
        and all(number.isascii() and number.isdigit() and len(number) <= 3 for number in named)
        and all(isinstance(fmt, str) for fmt in named.values())
        and isinstance(rtp, list)
        and all(isinstance(end, str) for end in rtp)
    )
