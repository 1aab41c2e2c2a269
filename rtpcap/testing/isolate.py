"""A parser in a process of its own: one that crashes or hangs takes nothing else down.

The process is a copy of this one where the system can make one, so that a parser may be any
function; elsewhere it is a new one, and the parser has to be found by its name there.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import pickle
import signal
import warnings
import weakref
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import SimpleNamespace
from typing import Literal

from rtpcap.errors import RtpcapError

__all__ = ["TIMEOUT_S", "Isolated", "ParserDied", "ended_by", "isolated", "run_apart"]

TIMEOUT_S = 10.0
"""How long a parser may take over one packet, where nothing else is said."""
STOP_S = 5.0

Parse = Callable[[bytes], object]


class ParserDied(RtpcapError, RuntimeError):
    """A parser ended its process, or took too long: never the refusal of a packet."""


def isolated(parse: Parse, *, timeout_s: float = TIMEOUT_S) -> Isolated:
    """The same parser, run in a process of its own.

    What it returns comes back, and what it raises is raised here; values that cannot travel come
    back as their public attributes. Where it ends its process (a crash, an exit), or takes longer
    than `timeout_s` over a packet, ParserDied is raised, and the next packet gets a new process.
    Raises ValueError for a time that is none.

    >>> careful = isolated(lambda data: {"first": data[0]})
    >>> careful(b"\\x80")
    {'first': 128}
    >>> careful.close()
    """
    if not timeout_s > 0:
        raise ValueError(f"a time of {timeout_s} s is none")
    return Isolated(parse, timeout_s)


class Isolated:
    """A parser in a process of its own; made by `isolated`, ended by `close` or with this one."""

    def __init__(self, parse: Parse, timeout_s: float) -> None:
        self._parse = parse
        self._timeout_s = timeout_s
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._end: weakref.finalize[..., Isolated] | None = None

    def __call__(self, data: bytes) -> object:
        pipe = self._pipe or self._start()
        try:
            pipe.send_bytes(data)
            if not pipe.poll(self._timeout_s):
                self._stop()
                raise ParserDied(f"the parser did not end within {self._timeout_s:g} s")
            raised, value = pickle.loads(pipe.recv_bytes())
        except (EOFError, ConnectionError, BrokenPipeError):
            raise ParserDied(self._why()) from None
        if raised:
            raise value
        return value

    def _start(self) -> Connection:
        context = _context()
        pipe, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._parse), daemon=True)  # type: ignore[attr-defined]
        with without_fork_warning():
            process.start()
        theirs.close()
        self._process, self._pipe = process, pipe
        self._end = weakref.finalize(self, _end, process, pipe)
        return pipe

    def _why(self) -> str:
        process = self._process
        if process is not None:
            process.join(STOP_S)
        code = None if process is None else process.exitcode
        self._stop()
        return f"the parser ended its process: {ended_by(code)}"

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._process = self._pipe = self._end = None

    def close(self) -> None:
        """End the process; the next packet would get a new one."""
        self._stop()


def _end(process: BaseProcess, pipe: Connection) -> None:
    pipe.close()
    if process.is_alive():
        process.kill()
    process.join(STOP_S)


def _context() -> BaseContext:
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if "fork" in methods else "spawn")


@contextlib.contextmanager
def without_fork_warning() -> Iterator[None]:
    """Python warns of copying a process that has threads: the copy runs the parser alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
        yield


def _serve(pipe: Connection, parse: Parse) -> None:
    """Parse what comes through the pipe until it is closed."""
    # How it ends is told there, once.
    faulthandler.disable()
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            data = pipe.recv_bytes()
            try:
                answer = _packed(False, parse(data))
            # Whatever it is: this is the wall between a parser and its judge.
            except Exception as error:
                answer = _packed(True, error)
            pipe.send_bytes(answer)


def _packed(raised: bool, value: object) -> bytes:
    """The value, or what can be told of it elsewhere."""
    try:
        packed = pickle.dumps((raised, value))
        pickle.loads(packed)
    except Exception:  # whatever an unknown class raises
        told: object = RuntimeError(f"{type(value).__name__}: {value}") if raised else _plain(value)
        return pickle.dumps((raised, told))
    return packed


def _plain(value: object) -> SimpleNamespace:
    """The public attributes of an object that can travel."""
    found = {}
    for name in dir(value):
        if name.startswith("_"):
            continue
        try:
            inner = getattr(value, name)
            pickle.dumps(inner)
        except Exception:  # an attribute that cannot be had, or cannot travel
            continue
        if not callable(inner):
            found[name] = inner
    return SimpleNamespace(**found)


Outcome = Literal["passed", "failed", "skipped", "died"]


def run_apart(
    call: Callable[[], None],
    told: Callable[[BaseException], str],
    skips: tuple[type[BaseException], ...],
    timeout_s: float,
) -> tuple[Outcome, str]:
    """Run a function in a copy of this process: how it ended, and what is to be said of that.

    `told` says it of an exception, `skips` are those that fail nothing. Raises ParserDied where
    the system has no copies of processes.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        raise ParserDied("no copies of a process here: use rtpcap.testing.isolated(parse)")
    context = multiprocessing.get_context("fork")
    pipe, theirs = context.Pipe(duplex=False)

    def work() -> None:
        faulthandler.disable()
        try:
            call()
            answer: tuple[Outcome, str] = ("passed", "")
        except skips as error:
            answer = ("skipped", str(error))
        except SystemExit:
            raise
        except BaseException as error:  # as pytest has it: an outcome is an exception, too
            answer = ("failed", told(error))
        theirs.send_bytes(pickle.dumps(answer))

    process = context.Process(target=work, daemon=True)
    with without_fork_warning():
        process.start()
    theirs.close()
    try:
        if not pipe.poll(timeout_s):
            return "died", f"the parser did not end within {timeout_s:g} s"
        outcome, text = pickle.loads(pipe.recv_bytes())
        return outcome, text
    except EOFError:
        process.join(STOP_S)
        return "died", f"the parser ended its process: {ended_by(process.exitcode)}"
    finally:
        _end(process, pipe)


def ended_by(code: int | None) -> str:
    """How a process ended, in words: ``signal 11 (SIGSEGV)``, ``exit code 3``.

    >>> ended_by(-11), ended_by(3)
    ('signal 11 (SIGSEGV)', 'exit code 3')
    """
    if code is None:
        return "it cannot be told how"
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
    return f"signal {-code} ({name})"
