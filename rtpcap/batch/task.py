"""A task over many inputs, through any executor; one that fails never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future, ProcessPoolExecutor

__all__ = ["Result", "run"]

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Result(Generic[Given, Made]):
    """What came of one input: a value, or the error that ended it."""

    input: Given
    value: Made | None = None
    error: Exception | None = None


def run(
    inputs: Iterable[Given],
    task: Callable[[Given], Made],
    executor: Executor | None = None,
    *,
    jobs: int = 1,
) -> Iterator[Result[Given, Made]]:
    """``task(input)`` for each input; the results come in the order of the inputs.

    With an `executor` (any of ``concurrent.futures``, a cluster's too) the task runs there;
    otherwise in `jobs` processes, or for one job right here, input by input as results are asked
    for. In other processes task, inputs and values must be picklable. Raises ValueError for
    `jobs` below 1.

    >>> [result.value for result in run(["a", "bb"], len)]
    [1, 2]
    """
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, not {jobs}")
    listed = list(inputs)
    guarded = _Guarded(task)
    if executor is not None:
        return _through(executor, guarded, listed)
    if jobs == 1 or len(listed) < 2:
        return map(guarded, listed)
    return _in_processes(guarded, listed, min(jobs, len(listed)))


@dataclass(frozen=True)
class _Guarded(Generic[Given, Made]):
    """A task that returns its error."""

    task: Callable[[Given], Made]

    def __call__(self, given: Given) -> Result[Given, Made]:
        try:
            return Result(given, self.task(given))
        # Whatever it is: this is the wall between one input and all the others.
        except Exception as error:
            return Result(given, error=_portable(error))


def _portable(error: Exception) -> Exception:
    """The error, or one that says the same and survives the way to another process."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever an unknown class raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _through(
    executor: Executor, guarded: _Guarded[Given, Made], inputs: list[Given]
) -> Iterator[Result[Given, Made]]:
    futures = [executor.submit(guarded, given) for given in inputs]
    futures.reverse()
    try:
        for given in inputs:
            yield _result(given, futures.pop())
    finally:
        for future in futures:
            future.cancel()


def _result(given: Given, future: Future[Result[Given, Made]]) -> Result[Given, Made]:
    # Executors report their own failures this way, and each has classes of its own.
    try:
        return future.result()
    except Exception as error:
        return Result(given, error=error)


def _pool(workers: int) -> ProcessPoolExecutor:
    """A pool of fresh processes: forking this one would copy the locks of its threads."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(kind))


def _in_processes(
    guarded: _Guarded[Given, Made], inputs: list[Given], workers: int
) -> Iterator[Result[Given, Made]]:
    """Results through a pool; when a process dies, its inputs are tried again one by one."""
    from concurrent.futures import BrokenExecutor

    pool = _pool(workers)
    try:
        for result in _through(pool, guarded, inputs):
            if isinstance(result.error, BrokenExecutor):
                yield _alone(guarded, result.input)
            else:
                yield result
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(guarded: _Guarded[Given, Made], given: Given) -> Result[Given, Made]:
    """The result of one input in a process of its own, which may die of it."""
    from concurrent.futures import BrokenExecutor

    with _pool(1) as pool:
        result = _result(given, pool.submit(guarded, given))
    if isinstance(result.error, BrokenExecutor):
        return Result(given, error=RuntimeError("the process that worked on it died"))
    return result
