"""Fewer threads while other programs are busy, for programs that ask for it.

The threads of OpenMP spin while they wait for each other. If another program takes the processor of
one of them, the others spin until it returns: with one of two processors busy, a picture takes ten
times as long as with both free. With one thread fewer, no thread waits.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Generator

import torch

from stylekernel_hf.devices.load_meter import LoadMeter


class ProcessorShare:
    """Divides the free processors among the threads of this process that stylize."""

    def __init__(self, meter: LoadMeter, most: int, processors: int) -> None:
        self.most = most
        self._meter, self._processors = meter, processors
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._workers = 0

    @contextlib.contextmanager
    def workers(self, count: int) -> Generator[None]:
        """Count so many more stylizing threads of this process."""
        with self._lock:
            self._workers += count
        try:
            yield
        finally:
            with self._lock:
                self._workers -= count

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
    idle machine pictures are stylized as without it, and videos on the CPU two frames at a time,
    with half the threads each. With another number of threads, sums may be rounded differently.

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
    on_step: Callable[[], object] = lambda: None, workers: int = 1
) -> Generator[Callable[[], object]]:
    """Adapt the number of threads to the machine's load, now and at every step.

    It yields the function to call at every step, which calls `on_step` too; if there are several
    `workers`, each calls it in its own thread. The number of threads changes only if the program
    has called `share_processors`.
    """
    share = _share
    if share is None:
        yield on_step
        return

    def step() -> None:
        on_step()
        share.adapt()

    with share.workers(workers):
        share.adapt()
        yield step


def useful_workers(device: torch.device) -> int:
    """Return how many pictures of a series to stylize beside each other.

    On the CPU two at a time, with half the threads each, are faster than one after the other; the
    threads are divided only if the program has called `share_processors`.
    """
    share = _share
    return 2 if share is not None and device.type == "cpu" and share.most > 1 else 1
