"""Large works wait for small ones, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from demo.messages import AbandonedError
from demo.precedence import Pauses, Precedence
from demo.studio import Studio
from demo.watched import is_wanted
from tests.demo.visitor import PATIENCE, until


class Clock:
    """A clock that moves when a test says so, and by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def never() -> None: ...


def test_large_work_does_nothing_while_a_small_one_is_done(studio: Studio) -> None:
    steps, done = [0], threading.Event()

    def large() -> None:
        with studio.watch(large=True):
            while not done.is_set():
                torch.zeros(1)
                steps[0] += 1

    with ThreadPoolExecutor() as pool:
        work = pool.submit(large)
        assert until(lambda: steps[0] > 100)
        with studio.watch():
            # The step that it was at may still end.
            before = steps[0]
            for _ in range(300):
                torch.zeros(1)
            assert steps[0] <= before + 1
        assert until(lambda: steps[0] > before + 100)
        done.set()
        work.result(PATIENCE)


def test_work_that_pauses_ends_when_it_is_cancelled(studio: Studio) -> None:
    wanted, paused = threading.Event(), threading.Event()
    wanted.set()

    def large() -> None:
        is_wanted.set(wanted.is_set)
        with studio.watch(large=True):
            paused.set()
            torch.zeros(1)

    with ThreadPoolExecutor() as pool, studio.watch():
        work = pool.submit(large)
        assert paused.wait(PATIENCE)
        wanted.clear()
        with pytest.raises(AbandonedError):
            work.result(PATIENCE)


@pytest.fixture
def busy() -> Iterator[Precedence]:
    """Small works without a pause between them."""
    precedence = Precedence(Clock())
    with precedence.small():
        yield precedence


def test_pauses_are_no_longer_than_the_work_between_them(busy: Precedence) -> None:
    pauses = Pauses(busy, most=10)
    first = pauses.give_way(never)
    assert first == pytest.approx(10, abs=2)
    # The clock has moved by a few seconds, and so has the credit.
    assert pauses.give_way(never) <= 3
    busy.clock.now += 6  # type: ignore[attr-defined]
    assert pauses.give_way(never) == pytest.approx(6, abs=2)
    busy.clock.now += 600  # type: ignore[attr-defined]
    assert pauses.give_way(never) == pytest.approx(10, abs=2)


def test_without_small_works_there_is_no_pause() -> None:
    clock = Clock()
    pauses = Pauses(Precedence(clock))
    before = clock.now
    assert pauses.give_way(never) == 0 and clock.now == before
