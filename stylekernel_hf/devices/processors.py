"""As many threads as other programs leave processors, for programs that ask for it.

The threads of OpenMP spin while they wait for each other. Where another program has taken the
processor of one of them, the others spin for as long as it is away: on two processors of which one
is busy, a picture takes ten times as long as on two that are free. With one thread fewer nobody
waits.
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
# Seconds between two readings: less is within the resolution of the counters, more is long past.
_SHORTEST, _LONGEST = 0.1, 2.0


class _Reading(NamedTuple):
    """What all programs and this one have had of the processors, in seconds."""

    clock: float
    everybody: float
    own: float


class LoadMeter:
    """Tells how many processors other programs keep busy; always 0 where that cannot be read.

    It reads Linux's counters, in which programs that were started with `nice` do not count: they
    give way by themselves.
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
        """Return the number of processors that others had on average since the last reading.

        After a long pause it is the number of other threads that are running now.
        """
        if self._last is None or self._clock() - self._last.clock < _SHORTEST:
            return self._others
        reading = self._take()
        if reading is not None:
            seconds = reading.clock - self._last.clock
            had = (reading.everybody - self._last.everybody) - (reading.own - self._last.own)
            self._others = max(0.0, had / seconds) if seconds < _LONGEST else self._running()
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
        # The least of three: what runs for a moment only is nobody who works.
        counts: list[int] = []
        for _ in range(3):
            time.sleep(0.001)
            found = self._read().partition("procs_running")[2].split()
            counts.append(int(found[0]) if found else 1)
        return float(max(0, min(counts) - 1))


class ProcessorShare:
    """The threads that each worker of this process computes with."""

    def __init__(self, meter: LoadMeter, most: int, processors: int) -> None:
        self.most = most
        self._meter, self._processors = meter, processors
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._workers = 0

    @contextlib.contextmanager
    def worker(self) -> Generator[None]:
        """Within it, one more thread of this process paints."""
        with self._lock:
            self._workers += 1
        try:
            yield
        finally:
            with self._lock:
                self._workers -= 1

    def threads(self) -> int:
        """Return how many threads a worker should compute with now."""
        with self._lock:
            free = self._processors - round(self._meter.others())
            return max(1, min(self.most, free) // max(1, self._workers))

    def adapt(self) -> None:
        """Set the number of threads of the thread that calls."""
        # A forked process has lost the others' threads, and stays with one.
        if os.getpid() != self._process:
            return
        threads = self.threads()
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


_share: ProcessorShare | None = None


def share_processors(share: bool = True) -> None:
    """Compute from now on with as many threads as other programs leave processors.

    It holds for all pipelines of this process, and for torch's number of threads in the threads
    that call them: hence it is for programs, not for libraries. The command line and the demo do
    it. The load is looked at before every picture and every tile. On an idle machine nothing
    changes. Sums may be rounded differently with another number of threads. With False it ends,
    and the calling thread has as many threads again as before.

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
