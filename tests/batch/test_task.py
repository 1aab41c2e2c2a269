"""A task over many inputs: in order, through any executor, none stopping the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from rtpcap.batch import Result, run
from rtpcap.errors import CaptureError
from tests.batch import tasks


def check_odd_only(results: Iterator[Result[int, int]]) -> None:
    listed = list(results)
    assert [result.input for result in listed] == list(range(8))
    assert [result.value for result in listed] == [None, 1, None, 3, None, 5, None, 7]
    for result in listed[::2]:
        assert isinstance(result.error, CaptureError)
        assert str(result.error) == f"{result.input} is even"
    assert all(result.error is None for result in listed[1::2])


def test_here() -> None:
    check_odd_only(run(range(8), tasks.odd_only))
    assert next(run([0], tasks.process_id)).value == os.getpid()


def test_in_processes() -> None:
    check_odd_only(run(range(8), tasks.odd_only, jobs=2))
    results = list(run(range(20), tasks.process_id, jobs=2))
    assert os.getpid() not in {result.value for result in results}


def test_through_an_executor() -> None:
    with ThreadPoolExecutor(4) as threads:
        check_odd_only(run(range(8), tasks.odd_only, threads))


def test_through_an_executor_of_another_kind() -> None:
    class Counting(Executor):
        submitted = 0

        def submit(self, task, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            self.submitted += 1
            future: Future[object] = Future()
            future.set_result(task(*args, **kwargs))
            return future

    executor = Counting()
    check_odd_only(run(range(8), tasks.odd_only, executor))
    assert executor.submitted == 8


def test_results_come_as_they_are_asked_for() -> None:
    done = []

    def note(number: int) -> int:
        done.append(number)
        return number

    results = run(range(100), note)
    assert [next(results).value for _ in range(3)] == [0, 1, 2]
    assert done == [0, 1, 2]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_that_cannot_travel_says_the_same(jobs: int) -> None:
    results = list(run([1, 5], tasks.strange, jobs=jobs))
    assert [str(result.error) for result in results] == [
        "Strange: 1 and 2",
        "Strange: 5 and 6",
    ]


def test_a_process_that_dies_takes_nothing_with_it() -> None:
    results = list(run(range(6), tasks.dies_of_three, jobs=2))
    assert [result.value for result in results] == [0, 1, 2, None, 4, 5]
    assert "died" in str(results[3].error)


def test_jobs_below_one_are_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="jobs"):
        run([1], tasks.double, jobs=0)


def test_nothing_to_do() -> None:
    empty: list[int] = []
    assert list(run(empty, tasks.double, jobs=2)) == []
