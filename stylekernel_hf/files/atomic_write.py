"""Files and folders that appear whole or not at all.

They are written under a hidden temporary name, with a lock that the system releases when the
process ends. The next process that writes to the folder removes temporary files without a lock.
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

if sys.platform != "win32":  # On Windows there are no locks, and no files of others are removed.
    import fcntl

logger = logging.getLogger(__name__)

# Seconds; the lock is held only while a folder is renamed.
_LONGEST_WAIT = 120
_HIDDEN_NAME = re.compile(r"\.partial-[0-9a-f]{16}")


def atomic_write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to a file that appears whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Generator[Path]:
    """Yield the path of an empty temporary file, which replaces `path` at the end.

    After an error or a crash, the old file is unchanged. An OSError of the temporary file names
    `path`.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        with temporary_path(target.parent) as temporary:
            yield temporary
            with temporary.open("rb+") as file:
                # Some file systems report a full or failing disk only here.
                os.fsync(file.fileno())
            temporary.replace(target)
    except OSError as error:
        raise_for_target(error, target, temporary)


def raise_for_target(error: OSError, target: Path, temporary: Path | None) -> NoReturn:
    """Raise an OSError of a temporary path, or below it, as an error of the target."""
    place = None if error.filename is None else Path(str(error.filename))
    is_temporary = (
        place is None or place in (target.parent, temporary) or temporary in place.parents
    )
    if error.errno is None or not is_temporary:
        raise error
    raise OSError(error.errno, os.strerror(error.errno), str(target)) from error


@contextmanager
def temporary_path(parent: Path, *, folder: bool = False) -> Generator[Path]:
    """Yield the path of a new empty file or folder, which is removed unless it was moved.

    Temporary files that ended processes left in `parent` are removed first.
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
    """Lock a folder, waiting up to two minutes for another process; then raise TimeoutError.

    The system releases the lock of a process that ends. Without support for locks, nothing is
    locked.
    """
    if sys.platform == "win32":
        yield
        return
    lock = os.open(folder, os.O_RDONLY)
    try:
        _wait_for(lock, folder)
        yield
        # A process forked in between would keep the lock otherwise.
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
                    f"'{folder}' has been locked by another process that saves to it for "
                    f"{_LONGEST_WAIT} s: end it, or save elsewhere"
                ) from None
        except OSError:
            return  # Some file systems have no locks.
        time.sleep(0.05)


def _create(parent: Path, folder: bool) -> tuple[Path, int | None]:
    while True:
        # Files of the module tempfile stay readable by their owner only.
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
            with suppress(OSError):  # Some file systems have no locks.
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)
        # Another process removed the path before it was locked.


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
        logger.info("removing '%s', left by a process that has ended", path)
        _remove(path)
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
