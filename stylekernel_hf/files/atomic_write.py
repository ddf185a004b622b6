"""Files that appear whole or not at all, and temporary names that no ended process leaves for good.

What is being written has a hidden name and a lock, which the system takes back from a process that
ends in whatever way. So the next one that writes into the folder can tell what was left there.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

if sys.platform != "win32":  # There nothing is locked, and nothing of others removed.
    import fcntl

logger = logging.getLogger(__name__)

# Seconds; only renaming is waited for.
_LONGEST_WAIT = 120
_HIDDEN_NAME = re.compile(r"\.partial-[0-9a-f]{16}")


def atomic_write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to a file that appears whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Generator[Path]:
    """Give the name of an empty file to fill, which takes the place of `path` at the end.

    After an error, or a crash, what was at `path` is as it was. An OSError of the file being
    filled names `path`.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        with temporary_path(target.parent) as temporary:
            yield temporary
            with temporary.open("rb+") as file:
                # Only now does the system own up to a full or failing disk.
                os.fsync(file.fileno())
            temporary.replace(target)
    except OSError as error:
        raise_for_target(error, target, temporary)


def raise_for_target(error: OSError, target: Path, temporary: Path | None) -> NoReturn:
    """Raise an error of writing to a temporary path, or below it, as one of the target."""
    place = None if error.filename is None else Path(str(error.filename))
    ours = place is None or place in (target.parent, temporary) or temporary in place.parents
    if error.errno is None or not ours:
        raise error
    raise OSError(error.errno, os.strerror(error.errno), str(target)) from error


@contextmanager
def temporary_path(parent: Path, *, folder: bool = False) -> Generator[Path]:
    """Give a new empty file, or folder, with a hidden name, which is removed unless it was moved.

    What ended processes left in `parent` is removed before.
    """
    _remove_abandoned(parent)
    path, lock = _create(parent, folder)
    try:
        yield path
    finally:
        _remove(path)
        if lock is not None:
            os.close(lock)


@contextmanager
def locked_folder(folder: Path) -> Generator[None]:
    """Hold a folder, after waiting for whoever else holds it; TimeoutError if that takes minutes.

    The system takes it back from a process that ends. Where there are no locks, nothing is held.
    """
    if sys.platform == "win32":
        yield
        return
    lock = os.open(folder, os.O_RDONLY)
    try:
        _wait_for(lock, folder)
        yield
        # A process that was forked in between would go on holding it.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_UN)
    finally:
        os.close(lock)


def _wait_for(lock: int, folder: Path) -> None:
    if sys.platform == "win32":
        return
    end = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError(
                    f"'{folder}' has been held by another process that saves to it for "
                    f"{_LONGEST_WAIT} s: end it, or save elsewhere"
                ) from None
        except OSError:
            return  # Not every file system has locks.
        time.sleep(0.05)


def _create(parent: Path, folder: bool) -> tuple[Path, int | None]:
    while True:
        # Not tempfile: its files are private to their owner, and stay so when renamed.
        path = parent / f".partial-{secrets.token_hex(8)}"
        try:
            if folder:
                path.mkdir()
            else:
                path.touch(exist_ok=False)
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), str(parent)) from error
        if sys.platform == "win32":
            return path, None
        with suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY)
            with suppress(OSError):  # Not every file system has locks.
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)
        # Before the lock was there, another process took the path for an abandoned one.


def _remove_abandoned(parent: Path) -> None:
    if sys.platform == "win32":
        return
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if _HIDDEN_NAME.fullmatch(entry.name) and not entry.is_symlink():
                with suppress(OSError):
                    _remove_unless_locked(Path(entry.path))


def _remove_unless_locked(path: Path) -> None:
    if sys.platform == "win32":
        return
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        logger.info("removing '%s', which an ended process left", path)
        _remove(path)
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
