"""The pytest plugin: ``@pytest.mark.rtpcap("captures/", kind="rtp")``.

A test with the marker has an argument ``packet`` and runs once for each. Paths are relative to the
test's file, or else to the root directory. Nothing is imported here that a run without the marker
would have to wait for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rtpcap.testing.packet import Packet

__all__ = ["pytest_addoption", "pytest_configure", "pytest_generate_tests", "pytest_pyfunc_call"]

MARKER = "rtpcap"
ARGUMENT = "packet"
TOLD = ("kind", "limit", "unique", "cut", "pt_map", "rtp")

Asked = tuple[tuple[str, ...], str]
"""The paths, and all else as text."""
READ = pytest.StashKey[dict[Asked, "list[Packet]"]]()
"""What was read already: tests of one file often ask for the same packets."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rtpcap", "packets of captures")
    group.addoption(
        "--rtpcap-limit",
        type=_number,
        metavar="N",
        help="Run each test of the marker rtpcap over N packets at most.",
    )
    group.addoption(
        "--rtpcap-isolate",
        action="store_true",
        help="Run each test of the marker rtpcap in a process of its own: a parser that crashes or "
        "hangs fails its test and no other.",
    )
    group.addoption(
        "--rtpcap-timeout",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="How many seconds such a process may take. Left out: 10.",
    )


def _number(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        'rtpcap(paths, *, kind="rtp", limit=None, unique=False, cut=False, pt_map=None, rtp=None): '
        "run the test once for each packet of captures, as its argument `packet` "
        "(rtpcap.testing.packets).",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marks = list(metafunc.definition.iter_markers(MARKER))
    if not marks:
        return
    if ARGUMENT not in metafunc.fixturenames:
        name = metafunc.definition.name
        raise pytest.Collector.CollectError(
            f"{name}: the marker rtpcap wants an argument `packet` of the test"
        )
    found = {packet.id: packet for mark in reversed(marks) for packet in _packets(metafunc, mark)}
    metafunc.parametrize(ARGUMENT, list(found.values()), ids=list(found))


def _packets(metafunc: pytest.Metafunc, mark: pytest.Mark) -> list[Packet]:
    """The packets that a marker asks for; what is wrong with it or them is one line."""
    from rtpcap.errors import RtpcapError
    from rtpcap.testing.captured import packets

    where = metafunc.definition.name
    unknown = set(mark.kwargs) - set(TOLD)
    if not mark.args or unknown:
        wrong = f"no {', '.join(sorted(unknown))}" if unknown else "which captures?"
        raise pytest.Collector.CollectError(
            f"{where}: marker rtpcap: {wrong}: it takes paths, {', '.join(TOLD)}"
        )
    limits = [mark.kwargs.get("limit"), metafunc.config.getoption("--rtpcap-limit")]
    limit = min((each for each in limits if each is not None), default=None)
    told: dict[str, Any] = {**mark.kwargs, "limit": limit}
    paths = tuple(str(path) for each in mark.args for path in _resolved(metafunc, each))
    asked: Asked = (paths, repr(sorted(told.items())))
    read = metafunc.config.stash.setdefault(READ, {})
    if asked not in read:
        try:
            read[asked] = list(packets(paths, **told))
        except (RtpcapError, OSError, ValueError, TypeError) as error:
            raise pytest.Collector.CollectError(f"{where}: marker rtpcap: {error}") from error
    return read[asked]


def _resolved(metafunc: pytest.Metafunc, given: object) -> list[Path]:
    """Paths as they are meant: beside the test's file where they are there, else in the root."""
    several = given if isinstance(given, list | tuple) else [given]
    found = []
    for each in several:
        path = Path(str(each))
        beside = metafunc.definition.path.parent / path
        there = beside.exists() or any(beside.parent.glob(beside.name))
        found.append(beside if there else metafunc.config.rootpath / path)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    if not pyfuncitem.config.getoption("--rtpcap-isolate") or not pyfuncitem.get_closest_marker(
        MARKER
    ):
        return (yield)
    test = pyfuncitem.obj
    pyfuncitem.obj = _apart(pyfuncitem)
    try:
        return (yield)
    finally:
        pyfuncitem.obj = test


def _apart(item: pytest.Function) -> Callable[..., None]:
    """The test's function, run in a process of its own."""
    from rtpcap.testing.isolate import run_apart

    test = item.obj
    timeout_s = float(item.config.getoption("--rtpcap-timeout"))

    def told(error: BaseException) -> str:
        return str(item.repr_failure(pytest.ExceptionInfo.from_exception(error)))

    @functools.wraps(test)
    def run(**given: object) -> None:
        outcome, text = run_apart(lambda: test(**given), told, (pytest.skip.Exception,), timeout_s)
        if outcome == "skipped":
            pytest.skip(text)
        if outcome == "died":
            text = f"{getattr(given.get(ARGUMENT), 'id', item.name)}: {text}"
        if outcome != "passed":
            pytest.fail(text, pytrace=False)

    return run
