"""Frames read ahead, stylized beside each other, and written behind, in threads."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_DEPTH = 2
# Seconds after which a thread that waits looks whether it is still wanted.
_GLANCE = 0.1


class _End:
    """What comes after the last item: an error, or nothing."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@contextmanager
def read_ahead(items: Iterator[_Item], depth: int = _DEPTH) -> Generator[Iterator[_Item]]:
    """Have a thread take `items`, up to `depth` before they are asked for.

    An error of theirs is raised where the next item is asked for. At the end the thread is over.
    """
    waiting: queue.Queue[_Item | _End] = queue.Queue(depth)
    stopped = threading.Event()

    def offer(item: _Item | _End) -> None:
        while not stopped.is_set():
            try:
                return waiting.put(item, timeout=_GLANCE)
            except queue.Full:
                continue

    def read() -> None:
        try:
            for item in items:
                offer(item)
                if stopped.is_set():
                    break
            offer(_End())
        except BaseException as error:
            offer(_End(error))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    def taken() -> Iterator[_Item]:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    thread = threading.Thread(target=read, name="read ahead", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        stopped.set()
        thread.join()


@contextmanager
def side_by_side(tasks: Iterable[Callable[[], _Item]], workers: int) -> Generator[Iterator[_Item]]:
    """Have `workers` threads begin the tasks in order, and yield what they return, in order.

    With one, tasks run in the calling thread. An error is raised where the task's result is asked
    for. At the end no task runs any more.
    """
    if workers == 1:
        yield (task() for task in tasks)
        return

    def results() -> Iterator[_Item]:
        running: deque[Future[_Item]] = deque()
        for task in tasks:
            running.append(pool.submit(task))
            # One more than there are workers: none is idle while a result is taken.
            if len(running) > workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()

    pool = ThreadPoolExecutor(workers, thread_name_prefix="side by side")
    try:
        yield results()
    finally:
        pool.shutdown(cancel_futures=True)


class Behind(Generic[_Item]):
    """Hands items to a thread that does the work with them; a context that waits for the last.

    An error of the work is raised at the next item, or at the end. After an error in the context
    nothing more is begun.
    """

    def __init__(self, work: Callable[[_Item], None], depth: int = _DEPTH) -> None:
        self._work = work
        self._waiting: queue.Queue[_Item | _End] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="write behind", daemon=True)

    def __enter__(self) -> Behind[_Item]:
        self._thread.start()
        return self

    def put(self, item: _Item) -> None:
        """Hand over an item, after waiting until there is room for it."""
        self._offer(item)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stopped.set()
        try:
            self._offer(_End())
            self._thread.join()
        finally:
            # Also after an error, such as Ctrl-C while the rest is waited for.
            self._stopped.set()
            self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _offer(self, item: _Item | _End) -> None:
        while not self._stopped.is_set() and self._error is None:
            try:
                return self._waiting.put(item, timeout=_GLANCE)
            except queue.Full:
                continue
        if not self._stopped.is_set() and self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                item = self._waiting.get(timeout=_GLANCE)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                return
            try:
                self._work(item)
            except BaseException as error:
                self._error = error
                return
