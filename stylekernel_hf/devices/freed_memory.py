"""Memory that a network has freed, kept for its next layer or given back."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK, _KEPT = 2**28, 2**30
_OWN_SETTINGS = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


def keep_freed_memory() -> None:
    """Have this process keep up to 1 GiB of freed memory, where malloc is glibc's.

    It makes a CPU faster, and it holds for all that the process does: hence it is for programs, not
    for libraries. The command line and the demo call it when they start.

    By itself glibc gives blocks of more than 32 MiB, and the end of its heap, back to the system as
    soon as they are free. The features of every layer then lie on new pages, one fault for each,
    which takes longer than many a layer. Blocks of more than 256 MiB are given back still, and
    whoever set glibc's thresholds in the environment is left alone.
    """
    if sys.platform != "linux" or any(name in os.environ for name in _OWN_SETTINGS):
        return
    # Other libraries of C have no mallopt, or do nothing in it.
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)


def give_back_freed_memory() -> None:
    """Give all memory that is free back to the system, where malloc is glibc's.

    What lies between blocks in use, and is too small for the next, would stay and pile up.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
