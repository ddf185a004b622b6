"""Signals that ask a command to end: it ends in order, and says in one line what is kept."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
_STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

_came: list[Stopped] = []
"""The first of the signals that came to the command that is running."""


class Stopped(SystemExit):
    """A signal asked for the end; its `code` is what a shell expects then.

    It is no KeyboardInterrupt, which click ends without a word, and no Exception, which batches
    take for the fault of one picture.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signum = signum
        self.kept = ""

    def __str__(self) -> str:
        ended = signal.Signals(self.signum).name
        words = "interrupted" if self.signum == signal.SIGINT else f"ended by {ended}"
        return f"{words}: {self.kept}" if self.kept else words


@contextmanager
def stop_signals() -> Generator[None]:
    """Raise `Stopped` where Ctrl-C, SIGTERM or SIGHUP comes, so that every `finally` is run.

    A second Ctrl-C ends at once. A signal that is ignored, as by nohup, stays so.
    """
    before: dict[int, object] = {}
    _came.clear()

    def stop(signum: int, _: FrameType | None) -> None:
        for each in before:
            # `timeout` and closed terminals send theirs twice, which must not cut the end short.
            signal.signal(each, signal.SIG_DFL if each == signal.SIGINT else signal.SIG_IGN)
        before.clear()
        _came.append(Stopped(signum))
        raise _came[0]

    try:
        for signum in _STOPPING:
            if signal.getsignal(signum) != signal.SIG_IGN:
                before[signum] = signal.signal(signum, stop)
    except ValueError:  # Only the main thread is given signals.
        pass
    try:
        yield
        raise_if_stopped()
    except BaseException as error:
        # What was raised on the way out, by a progress bar on a closed terminal, is no reason.
        if _came and error is not _came[0]:
            raise _came[0] from error
        raise
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]
        _came.clear()


def raise_if_stopped() -> None:
    """Raise `Stopped` again where a library has swallowed it, as callbacks from C do."""
    if _came:
        raise _came[0]


@contextmanager
def told_when_stopped(kept: Callable[[], str]) -> Generator[None]:
    """Have the last line of a command that is stopped in here say what is kept."""
    try:
        yield
        raise_if_stopped()
    except Stopped as stopped:
        stopped.kept = stopped.kept or kept()
        raise
