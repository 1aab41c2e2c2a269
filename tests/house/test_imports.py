"""Imports between the folders go one way, and outside packages stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "rtpcap"

# From left to right; names on one line may not import each other.
ORDER = (
    ("errors", "version"),
    ("rtp",),
    ("codecs",),
    ("audio",),
    ("capture", "signalling"),
    ("streams",),
    ("api",),
    ("views", "live", "batch", "testing"),
    ("cli",),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
NEVER = {("live", "capture"), ("batch", "views"), ("testing", "views")}
FOR_EYES = {"to_frame", "plot", "_repr_html_"}
"""Methods of handles that may reach to their view, by importing it when called."""

# Where an outside package may be imported; a folder stands for all its files.
HOMES = {
    "av": {"codecs/pyav.py"},
    "dpkt": {"capture/layers/uncommon.py", "capture/writers.py"},
    "matplotlib": {"views/plot", "views/report.py"},
    "hypothesis": {"testing/strategies.py", "testing/grown.py", "testing/attacks.py"},
    "pandas": {"views/table.py"},
    "pytest": {"testing/plugin.py"},
    "socket": {"live"},
    "threading": {"live", "audio/placement.py"},
    "scipy": set[str](),
    "numba": set[str](),
}


@dataclass(frozen=True)
class Import:
    """An import statement of the package: where, what, and inside which functions."""

    file: str
    line: int
    module: str
    functions: tuple[str, ...]
    for_types: bool


def imports_of(tree: ast.AST, file: str) -> Iterator[Import]:
    """Every import of a module, also those inside functions and ``if TYPE_CHECKING``."""

    def walk(node: ast.AST, functions: tuple[str, ...], for_types: bool) -> Iterator[Import]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions = (*functions, node.name)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for statement in node.body:
                yield from walk(statement, functions, True)
            for statement in node.orelse:
                yield from walk(statement, functions, for_types)
            return
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(file, node.lineno, name.name, functions, for_types)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import"
            module = node.module or ""
            if module == "rtpcap":
                for name in node.names:
                    yield Import(file, node.lineno, f"rtpcap.{name.name}", functions, for_types)
            else:
                yield Import(file, node.lineno, module, functions, for_types)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, functions, for_types)

    yield from walk(tree, (), False)


@cache
def all_imports() -> list[Import]:
    found: list[Import] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.extend(imports_of(tree, path.relative_to(PACKAGE).as_posix()))
    return found


def room(file: str) -> str:
    """The folder, or the module at the top level, that a file belongs to."""
    return file.partition("/")[0].removesuffix(".py")


def goes_right(found: Import) -> bool:
    """Whether an import inside the package points to the right, or sideways to another room."""
    here = room(found.file)
    there = found.module.split(".")[1] if "." in found.module else ""
    # The two files that hold the public names and the entry point know the whole package.
    if here in ("__init__", "__main__") or there == here:
        return False
    eyes = there == "views" and (found.for_types or bool(FOR_EYES & set(found.functions)))
    if (here, there) in NEVER:
        return not eyes
    return RANK.get(there, len(ORDER)) >= RANK[here] and not eyes


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {room(path.relative_to(PACKAGE).as_posix()) for path in PACKAGE.rglob("*.py")}
    assert rooms - {"__init__", "__main__"} <= set(RANK)


def test_imports_go_one_way() -> None:
    own = [found for found in all_imports() if found.module.split(".")[0] == "rtpcap"]
    assert len(own) > 20
    assert [found for found in own if goes_right(found)] == []


@pytest.mark.parametrize("package", sorted(HOMES))
def test_outside_packages_stay_at_home(package: str) -> None:
    astray = [
        found
        for found in all_imports()
        if found.module.split(".")[0] == package
        and not found.for_types
        and not any(f"{found.file}/".startswith(f"{home}/") for home in HOMES[package])
    ]
    assert astray == []


@pytest.mark.parametrize(
    ("file", "source", "wrong"),
    [
        ("rtp/header.py", "from rtpcap.errors import Fault", False),
        ("rtp/header.py", "from rtpcap.streams.stream import Stream", True),
        ("capture/files/pcap.py", "from rtpcap.signalling.sip import parse", True),
        ("streams/stream.py", "from rtpcap.views.table import frame", True),
        ("streams/stream.py", "def to_frame():\n from rtpcap.views.table import frame", False),
        ("streams/stream.py", "def gaps():\n from rtpcap.views.table import frame", True),
        ("testing/differing/a.py", "from rtpcap.views.table import frame", True),
        (
            "testing/differing/a.py",
            "def to_frame():\n from rtpcap.views.table import frame",
            False,
        ),
        ("live/client.py", "from rtpcap.capture.files.formats import open_source", True),
        ("cli/main.py", "from rtpcap import batch", False),
        ("audio/audio.py", "import rtpcap", True),
    ],
)
def test_the_rule_itself(file: str, source: str, wrong: bool) -> None:
    assert any(goes_right(found) for found in imports_of(ast.parse(source), file)) is wrong
