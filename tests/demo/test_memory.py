"""What requests have freed goes back to the system."""

from __future__ import annotations

import ctypes
import platform
import threading

import psutil
import pytest

from demo.memory import FreedMemory
from stylekernel_hf import give_back_freed_memory

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


def test_memory_goes_back_in_a_pause_and_not_before() -> None:
    heap = Heap()
    freed = FreedMemory(heap.give_back, pause=0.3)
    for _ in range(3):
        with freed.of_request():
            pass
        assert heap.times == 0
    assert heap.given_back.wait(10) and heap.times == 1


def test_pause_does_not_end_during_a_request() -> None:
    heap = Heap()
    freed = FreedMemory(heap.give_back, pause=0.05)
    with freed.of_request():
        pass
    with freed.of_request():
        with freed.of_request():
            pass
        assert not heap.given_back.wait(0.3)
    assert heap.given_back.wait(10) and heap.times == 1


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
