"""Threads beside the painting: order, errors, and that none is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from stylekernel_hf.video.overlap import Behind, read_ahead, side_by_side


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = {*threading.enumerate()}
    yield
    assert {*threading.enumerate()} <= before


def test_items_come_in_order_and_no_more_of_them_than_allowed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    with read_ahead(items(), depth=2) as ahead:
        for expected, actual in enumerate(ahead):
            assert actual == expected
            # Two wait, one is about to, and this one.
            assert len(taken) <= expected + 4
    assert len(taken) == 50


def test_error_of_the_reader_comes_after_what_it_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with read_ahead(items()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ValueError, match="no more"):
            next(ahead)


def test_reader_is_closed_where_the_work_ends_early() -> None:
    closed: list[bool] = []

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    with pytest.raises(KeyError), read_ahead(items()) as ahead:
        next(ahead)
        raise KeyError
    assert closed == [True]


def test_work_is_done_in_order_and_waited_for() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        threading.Event().wait(0.01)
        done.append(number)

    with Behind(work, depth=10) as behind:
        for number in range(20):
            behind.put(number)
    assert done == [*range(20)]


def test_error_of_the_work_is_raised() -> None:
    def work(number: int) -> None:
        if number == 3:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Behind(work) as behind:
        for number in range(50):
            behind.put(number)
    with pytest.raises(OSError, match="disk full"), Behind(work) as behind:
        behind.put(3)


def test_nothing_more_is_begun_after_an_error_of_the_caller() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        assert behind._stopped.wait(120)
        done.append(number)

    with pytest.raises(KeyError), Behind(work, depth=5) as behind:
        for number in range(5):
            behind.put(number)
        raise KeyError
    assert len(done) <= 1


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_tasks_run_beside_each_other_and_their_results_come_in_order(workers: int) -> None:
    together = threading.Barrier(workers)

    def task(number: int) -> int:
        # Passed only while as many tasks run.
        together.wait(60)
        return number

    tasks = (partial(task, number) for number in range(6 * workers))
    with side_by_side(tasks, workers) as results:
        assert list(results) == list(range(6 * workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_error_of_a_task_comes_where_its_result_would(workers: int) -> None:
    def task(number: int) -> int:
        if number == 3:
            raise ValueError("a bad frame")
        return number

    taken: list[int] = []
    tasks = (partial(task, number) for number in range(9))
    with pytest.raises(ValueError, match="a bad frame"), side_by_side(tasks, workers) as results:
        for result in results:
            taken.append(result)
    assert taken == [0, 1, 2]


def test_tasks_that_nobody_waits_for_are_not_begun() -> None:
    begun: list[int] = []
    tasks = (partial(begun.append, number) for number in range(1000))
    with pytest.raises(KeyError), side_by_side(tasks, 2) as results:
        next(results)
        raise KeyError
    assert len(begun) <= 3
