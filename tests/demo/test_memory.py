"""What requests have freed goes back to the system."""

from __future__ import annotations

import ctypes
import platform

import psutil
import pytest

from demo.memory import memory_given_back

MEGABYTE = 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do it themselves")
def test_freed_blocks_go_back_to_the_system() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

    def resident() -> float:
        return psutil.Process().memory_info().rss / MEGABYTE

    size, count = 64 * 1024, 2400
    before = resident()
    blocks = [libc.malloc(ctypes.c_size_t(size)) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    # The last block stays in use: without help, those below it would stay in the process.
    for block in blocks[:-1]:
        libc.free(block)
    kept = resident()
    assert kept - before > 100
    with memory_given_back():
        pass
    assert resident() - before < 20
    libc.free(blocks[-1])
