"""Memory that the C library keeps from finished requests goes back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

# glibc has the function; other C libraries do without.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None


@contextlib.contextmanager
def memory_given_back() -> Iterator[None]:
    """At its end, give back to the system what the work within has freed.

    glibc keeps freed blocks for the thread that had them, and the server's threads come and go:
    without this, a server with the embedded weights grew from 1.1 to 2.5 GB over 250 requests.
    """
    try:
        yield
    finally:
        if _trim is not None:
            _trim(0)
