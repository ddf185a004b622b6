"""Freed memory: kept for later where that can be arranged."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.malloc_blocks import TOUCH_A_BLOCK

ROOT = Path(__file__).parents[2]
# A block is written to and freed again and again: pages that are kept need no new faults.
PROGRAM = f"""
from stylekernel_hf.devices.freed_memory import keep_freed_memory
keep_freed_memory()
{TOUCH_A_BLOCK}
touch()
before = faults()
for _ in range(4):
    touch()
print(faults() - before)
"""


# Blocks with small ones in use between them are freed: of the heap's end nothing is free.
PILED_UP = """
import ctypes, re
from stylekernel_hf.devices.freed_memory import give_back_freed_memory, keep_freed_memory
keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def resident():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10
blocks, between = [], []
for _ in range(8):
    blocks.append(libc.malloc(32 << 20))
    ctypes.memset(blocks[-1], 1, 32 << 20)
    between.append(libc.malloc(100_000))
used = resident()
for block in blocks:
    libc.free(block)
kept = resident()
give_back_freed_memory()
print(used - kept, kept - resident())
"""


def faults(**environment: str) -> int:
    return int(printed(PROGRAM, **environment))


def printed(program: str, **environment: str) -> str:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if "MALLOC" not in name and name != "GLIBC_TUNABLES"
    }
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_pages_are_used_again() -> None:
    # Whose own setting is left alone.
    given_back = faults(MALLOC_MMAP_THRESHOLD_="131072")
    assert given_back > 1000
    assert faults() < given_back / 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_what_piled_up_is_given_back() -> None:
    given_back_by_itself, given_back = map(int, printed(PILED_UP).split())
    assert given_back_by_itself < 16
    assert given_back > 240
