"""What requests have freed goes back to the system."""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from demo.memory import FreedMemory
from stylekernel_hf import give_back_freed_memory
from tests.demo.visitor import PATIENCE

MEGABYTE = 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do it themselves")
def test_freed_blocks_go_back_to_the_system() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

    def resident() -> float:
        return psutil.Process().memory_info().rss / MEGABYTE

    size, count = 64 * 1024, 2400
    give_back_freed_memory()  # What tests before have freed would be taken first.
    before = resident()
    blocks = [libc.malloc(ctypes.c_size_t(size)) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    # The last block stays in use: without help, those below it would stay in the process.
    for block in blocks[:-1]:
        libc.free(block)
    kept = resident()
    assert kept - before > 100
    give_back_freed_memory()
    assert resident() - before < 20
    libc.free(blocks[-1])


class Heap:
    """Counts how often it was given back."""

    def __init__(self) -> None:
        self.times = 0
        self.given_back = threading.Event()

    def give_back(self) -> None:
        self.times += 1
        self.given_back.set()


@dataclass
class Timer:
    """A timer that runs out when a test says so."""

    seconds: float
    run_out: Callable[[], None]
    runs: bool = False

    def start(self) -> None:
        self.runs = True

    def cancel(self) -> None:
        self.runs = False


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[Timer]:
    """All timers that were made."""
    made: list[Timer] = []

    def make(*arguments: Any) -> Timer:
        made.append(Timer(*arguments))
        return made[-1]

    monkeypatch.setattr("demo.memory.threading", SimpleNamespace(Lock=threading.Lock, Timer=make))
    return made


def test_memory_goes_back_in_a_pause_and_not_before(timers: list[Timer]) -> None:
    heap = Heap()
    freed = FreedMemory(heap.give_back, pause=7)
    for _ in range(3):
        with freed.of_request():
            assert not any(timer.runs for timer in timers)
        assert [timer.runs for timer in timers].count(True) == 1
        assert heap.times == 0
    assert timers[-1].seconds == 7
    timers[-1].run_out()
    assert heap.times == 1


def test_pause_does_not_end_during_a_request(timers: list[Timer]) -> None:
    heap = Heap()
    freed = FreedMemory(heap.give_back)
    with freed.of_request():
        pass
    with freed.of_request():
        with freed.of_request():
            pass
        assert not any(timer.runs for timer in timers)
        # It had run out already when the request came.
        timers[-1].run_out()
        assert heap.times == 0
    timers[-1].run_out()
    assert timers[-1].runs and heap.times == 1


def test_pause_ends_by_itself() -> None:
    heap = Heap()
    with FreedMemory(heap.give_back, pause=0.05).of_request():
        pass
    assert heap.given_back.wait(PATIENCE) and heap.times == 1


def test_many_requests_without_a_pause_give_back_as_well() -> None:
    heap = Heap()
    freed = FreedMemory(heap.give_back, pause=60, requests=4)
    for _ in range(9):
        with freed.of_request():
            pass
    assert heap.times == 2


def test_failed_request_counts_too() -> None:
    heap = Heap()
    freed = FreedMemory(heap.give_back, pause=60, requests=1)
    with pytest.raises(KeyError), freed.of_request():
        raise KeyError
    assert heap.times == 1
