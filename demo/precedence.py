"""Large works pause while small ones are done, so that pictures for the screen come fast."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

_TICK = 0.1
"""Seconds between two questions whether a work that pauses is still wanted."""


class Precedence:
    """Counts the small works that are under way; large ones wait for them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._small = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def small(self) -> Iterator[None]:
        """Within it, a small work is done."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @property
    def is_free(self) -> bool:
        """Whether no small work is done now."""
        return not self._small

    def wait(self) -> None:
        """Wait a moment for the small works to end."""
        with self._changed:
            if self._small:
                self._changed.wait(_TICK)

    def _count(self, change: int) -> None:
        with self._changed:
            self._small += change
            self._changed.notify_all()


class Pauses:
    """The pauses of one large work, which are no longer than its work between them.

    It begins with `most` seconds of pauses to its credit, and never has more.
    """

    def __init__(self, precedence: Precedence, most: float = 10) -> None:
        self._precedence, self._most = precedence, most
        self._credit = most
        self._since = precedence.clock()

    def give_way(self, check: Callable[[], object]) -> float:
        """Pause while small works are done, and return for how many seconds.

        `check` is called again and again; what it raises ends the pause.
        """
        if self._precedence.is_free:
            return 0.0
        clock = self._precedence.clock
        begun = clock()
        self._credit = min(self._most, self._credit + begun - self._since)
        while not self._precedence.is_free and clock() - begun < self._credit:
            check()
            self._precedence.wait()
        self._since = clock()
        self._credit -= self._since - begun
        return self._since - begun


precedence = Precedence()
"""Of this process: its works share its processors."""
