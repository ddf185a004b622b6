"""Signals that end a command in order, with a last line that says what is kept."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
_STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

_received: list[Stopped] = []
"""The first signal that the running command received."""


class Stopped(SystemExit):
    """A signal asked the command to end; `code` is the exit code that a shell expects.

    It is not a KeyboardInterrupt, which click handles silently, and not an Exception, which batches
    take for an error of one picture.
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
    """Raise `Stopped` on Ctrl-C, SIGTERM or SIGHUP, so that every `finally` runs.

    A second Ctrl-C ends the process at once. Signals that are ignored, as by nohup, stay ignored.
    """
    before: dict[int, object] = {}
    _received.clear()

    def stop(signum: int, _: FrameType | None) -> None:
        for each in before:
            # `timeout` and closed terminals send their signal twice; the second one is ignored.
            signal.signal(each, signal.SIG_DFL if each == signal.SIGINT else signal.SIG_IGN)
        before.clear()
        _received.append(Stopped(signum))
        raise _received[0]

    try:
        for signum in _STOPPING:
            if signal.getsignal(signum) != signal.SIG_IGN:
                before[signum] = signal.signal(signum, stop)
    except ValueError:  # Only the main thread can handle signals.
        pass
    try:
        yield
        raise_if_stopped()
    except BaseException as error:
        # A progress bar on a closed terminal may have raised another error on the way out.
        if _received and error is not _received[0]:
            raise _received[0] from error
        raise
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]
        _received.clear()


def raise_if_stopped() -> None:
    """Raise `Stopped` again after a library has swallowed it, as callbacks from C do."""
    if _received:
        raise _received[0]


@contextmanager
def report_when_stopped(kept: Callable[[], str]) -> Generator[None]:
    """Let the last line of a command that is stopped in this block say what is kept."""
    try:
        yield
        raise_if_stopped()
    except Stopped as stopped:
        stopped.kept = stopped.kept or kept()
        raise
