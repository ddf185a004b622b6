"""How busy other programs keep the processors."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_STAT = Path("/proc/stat")
# Seconds between two readings: less is below the counters' resolution, more is out of date.
_SHORTEST, _LONGEST = 0.1, 2.0


class _Reading(NamedTuple):
    """Seconds of processor time used so far by all programs and by this one."""

    clock: float
    everybody: float
    own: float


class LoadMeter:
    """Measures how many processors other programs keep busy, from Linux's counters.

    Programs started with `nice` do not count, because they give way. On other systems the result
    is always 0.
    """

    def __init__(
        self,
        read: Callable[[], str] = lambda: _STAT.read_text(encoding="ascii"),
        *,
        own: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._own, self._clock = read, own, clock
        self._others = 0.0
        self._last = self._take()

    def others(self) -> float:
        """Return the average number of processors used by others since the last reading.

        After a long pause, it is the number of other threads running now.
        """
        if self._last is None or self._clock() - self._last.clock < _SHORTEST:
            return self._others
        reading = self._take()
        if reading is not None:
            seconds = reading.clock - self._last.clock
            used = (reading.everybody - self._last.everybody) - (reading.own - self._last.own)
            self._others = max(0.0, used / seconds) if seconds < _LONGEST else self.running()
        self._last = reading
        return self._others

    def _take(self) -> _Reading | None:
        with contextlib.suppress(OSError, ValueError):
            names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq")
            ticks = dict(zip(names, map(int, self._read().split()[1:8]), strict=True))
            busy = ticks["user"] + ticks["system"] + ticks["irq"] + ticks["softirq"]
            return _Reading(self._clock(), busy / os.sysconf("SC_CLK_TCK"), self._own())
        return None

    def running(self) -> float:
        """Return the number of other threads running now, within 3 ms."""
        # The least of three, which leaves out what runs for a moment only.
        counts: list[int] = []
        for _ in range(3):
            time.sleep(0.001)
            fields: list[str] = []
            with contextlib.suppress(OSError):
                fields = self._read().partition("procs_running")[2].split()
            counts.append(int(fields[0]) if fields else 1)
        return float(max(0, min(counts) - 1))
