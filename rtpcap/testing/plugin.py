"""The pytest plugin: ``@pytest.mark.rtpcap("captures/", kind="rtp")``.

A test with the marker has an argument ``packet`` and runs once for each. Paths are relative to the
test's file, or else to the root directory. The fixture ``rtpcap_golden`` compares a capture with
what was written down of it, which ``--rtpcap-update`` writes. Nothing is imported here that a run
without them would have to wait for.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.testing.packet import Packet

__all__ = [
    "Golden",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_pyfunc_call",
    "pytest_terminal_summary",
    "rtpcap_golden",
]

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
    group.addoption(
        "--rtpcap-update",
        action="store_true",
        help="Where a test asks rtpcap_golden for an expectation, write it as it is found now.",
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
    return [_found(metafunc.definition.path, metafunc.config, Path(str(each))) for each in several]


def _found(test: Path, config: pytest.Config, path: Path) -> Path:
    beside = test.parent / path
    there = beside.exists() or any(beside.parent.glob(beside.name))
    return beside if there else config.rootpath / path


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


class Golden(Protocol):
    """What the fixture ``rtpcap_golden`` gives."""

    def __call__(
        self,
        capture: Capture | str | os.PathLike[str],
        golden: str | os.PathLike[str] | None = None,
        *,
        sound: bool = True,
        tolerances: Mapping[str, float | None] | None = None,
    ) -> None:
        """Fail the test where a capture is not as its expectation says.

        That is `golden`, beside the test or in the root, or else ``golden/NAME.json`` beside it.
        """
        ...


FOLDER = "golden"
WRITTEN = "rtpcap_golden"
"""The property of a test that names an expectation it wrote."""


@pytest.fixture
def rtpcap_golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a capture with what was written down: ``rtpcap_golden("captures/call.pcap")``."""
    from rtpcap.errors import RtpcapError
    from rtpcap.testing.golden import check

    update = bool(request.config.getoption("--rtpcap-update"))

    def compare(
        capture: Capture | str | os.PathLike[str],
        golden: str | os.PathLike[str] | None = None,
        *,
        sound: bool = True,
        tolerances: Mapping[str, float | None] | None = None,
    ) -> None:
        __tracebackhide__ = True
        if isinstance(capture, str | os.PathLike):
            capture = _near(_found(request.path, request.config, Path(capture)))
            name = Path(capture).name
        else:
            name = Path(capture.path).name
        if golden is None:
            path = request.path.parent / FOLDER / f"{name.partition('.')[0] or name}.json"
        else:
            path = _found(request.path, request.config, Path(golden))
            if not path.exists():
                path = request.path.parent / golden
        path = _near(path)
        wrong = None
        try:
            written = check(capture, path, update=update, sound=sound, tolerances=tolerances)
        except (RtpcapError, OSError) as error:
            wrong = str(error)
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)
        if written:
            request.node.user_properties.append((WRITTEN, str(path)))

    return compare


def _near(path: Path) -> Path:
    """The path as seen from the current folder, where it lies in there: messages name it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # From the reports: with several processes the tests ran elsewhere.
    reports = [each for several in terminalreporter.stats.values() for each in several]
    written = {
        path
        for report in reports
        for name, path in getattr(report, "user_properties", ())
        if name == WRITTEN
    }
    for path in sorted(written):
        terminalreporter.write_line(f"rtpcap: wrote {path}")
