"""Bounds of a process that decodes what visitors send, set by the process itself."""

from __future__ import annotations

import signal
import sys

PATIENCE = 3
"""Seconds of wall-clock time allowed for each second of processor time, on a busy server."""


def bound(seconds: float, memory: int) -> None:
    """End this process after so many seconds of work, or `PATIENCE` times as many by the clock.

    The operating system ends it, whatever code is running. 0 means no limit. `memory` is in bytes.
    """
    if sys.platform != "win32":
        import resource

        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory, most))


def close_off() -> None:
    """Let this process open nothing more, neither files nor connections, and write to no file.

    The pipes that it has stay open. Nothing can be imported any more.
    """
    if sys.platform != "win32":
        import resource

        for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
            resource.setrlimit(limit, (0, 0))
