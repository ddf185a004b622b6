"""One training at a time in a folder."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

logger = logging.getLogger(__name__)

LOCK_NAME = ".training.lock"
"""The file stays; what counts is the lock on it, which the system takes back from the dead."""


@contextmanager
def sole_training(output: Path) -> Generator[None]:
    """Hold the folder of a run, which must be there; BlockingIOError where another one does.

    Where folders cannot be locked, as on some network drives, a warning says so.
    """
    lock = FileLock(output / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(
            f"output: another training is going on in '{output}': wait for its end, or take "
            "another folder"
        ) from None
    except (OSError, NotImplementedError) as error:
        logger.warning(
            "output: '%s' cannot be locked, take care that no other training is started there: %s",
            output,
            error,
        )
    try:
        yield
    finally:
        lock.release()


def check_sole_training(output: Path) -> None:
    """Raise BlockingIOError where a training is going on, and change nothing elsewhere."""
    if (output / LOCK_NAME).exists():
        with sole_training(output):
            pass
