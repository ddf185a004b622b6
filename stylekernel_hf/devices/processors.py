"""Fewer threads while other programs are busy, for programs that ask for it.

The threads of OpenMP spin while they wait for each other. If another program takes the processor of
one of them, the others spin until it returns: with one of two processors busy, a picture takes ten
times as long as with both free. With one thread fewer, no thread waits.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import torch

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
            self._others = max(0.0, used / seconds) if seconds < _LONGEST else self._running()
        self._last = reading
        return self._others

    def _take(self) -> _Reading | None:
        with contextlib.suppress(OSError, ValueError):
            names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq")
            ticks = dict(zip(names, map(int, self._read().split()[1:8]), strict=True))
            busy = ticks["user"] + ticks["system"] + ticks["irq"] + ticks["softirq"]
            return _Reading(self._clock(), busy / os.sysconf("SC_CLK_TCK"), self._own())
        return None

    def _running(self) -> float:
        # The least of three, which leaves out what runs for a moment only.
        counts: list[int] = []
        for _ in range(3):
            time.sleep(0.001)
            fields = self._read().partition("procs_running")[2].split()
            counts.append(int(fields[0]) if fields else 1)
        return float(max(0, min(counts) - 1))


class ProcessorShare:
    """Divides the free processors among the threads of this process that stylize."""

    def __init__(self, meter: LoadMeter, most: int, processors: int) -> None:
        self.most = most
        self._meter, self._processors = meter, processors
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._workers = 0

    @contextlib.contextmanager
    def worker(self) -> Generator[None]:
        """Count one more stylizing thread of this process."""
        with self._lock:
            self._workers += 1
        try:
            yield
        finally:
            with self._lock:
                self._workers -= 1

    def threads(self) -> int:
        """Return the number of threads for each worker now."""
        with self._lock:
            free = self._processors - round(self._meter.others())
            return max(1, min(self.most, free) // max(1, self._workers))

    def adapt(self) -> None:
        """Set torch's number of threads in the calling thread."""
        # OpenMP's threads do not survive a fork, so a forked process keeps one.
        if os.getpid() != self._process:
            return
        threads = self.threads()
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


_share: ProcessorShare | None = None


def share_processors(share: bool = True) -> None:
    """Use fewer threads from now on while other programs are busy.

    The setting holds for all pipelines of this process and sets torch's number of threads in the
    threads that call them, so programs call this function and libraries do not. The command line
    and the demo call it. The pipeline reads the load before every picture and every tile. On an
    idle machine nothing changes. With another number of threads, sums may be rounded differently.

    Args:
        share: False ends it and restores the calling thread's number of threads.

    Example:
        >>> from stylekernel_hf import share_processors
        >>> share_processors()
        >>> share_processors(False)
    """
    global _share
    if share and _share is None:
        _share = ProcessorShare(LoadMeter(), torch.get_num_threads(), os.cpu_count() or 1)
    elif not share and _share is not None:
        torch.set_num_threads(_share.most)
        _share = None


@contextlib.contextmanager
def adaptive_threads(
    on_step: Callable[[], object] = lambda: None,
) -> Generator[Callable[[], object]]:
    """Adapt the number of threads to the machine's load, now and at every step.

    It yields the function to call at every step, which calls `on_step` too. The number of threads
    changes only if the program has called `share_processors`.
    """
    share = _share
    if share is None:
        yield on_step
        return

    def step() -> None:
        on_step()
        share.adapt()

    with share.worker():
        share.adapt()
        yield step
