"""Visitors' files on the server's disk, limited in bytes and in age."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from demo.limits import Limits

logger = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of the system for a full disk or an exhausted quota."""
NO_ROOM = "The server has no room for more files now. Please try again later."

_LEAST = 64 * 2**10
"""Bytes counted for the smallest file, so that the limit in bytes also limits their number."""
_STEP = 64 * 2**20
"""Bytes that are freed at a time."""
_SPARE, _SPARE_SHARE = 256 * 2**20, 0.05
"""Bytes of the disk that stay free for other programs, and that share on a small disk."""


class FullError(Exception):
    """There is no room for an upload; the text tells its visitor why."""


@dataclass
class Share:
    """What one visitor sends: uploads under way, all bytes, and when those sent had come."""

    under_way: int = 0
    size: int = 0
    sent: deque[tuple[float, int]] = field(default_factory=deque)

    def forget(self, oldest: float) -> None:
        """Stop counting bytes that arrived before a moment of `time.monotonic`."""
        while self.sent and self.sent[0][0] < oldest:
            self.size -= self.sent.popleft()[1]


class Store:
    """The folder of all uploads and results.

    Whoever made a file, it is deleted once it is `keep_seconds` old; the oldest go earlier if all
    together have more than `stored_bytes`. One visitor may send `visitor_bytes` in `keep_seconds`.
    Servers may share the folder, because only the age of a file decides. Links are not followed.
    """

    def __init__(self, folder: str | Path, limits: Limits) -> None:
        self._folder = os.path.realpath(folder)
        _check_own(self._folder)
        self._limits = limits
        self._sweeping = threading.Lock()
        self._shares: dict[str, Share] = {}
        self._shown: set[str] = set()
        self._used = 0

    def show(self, paths: Iterable[str]) -> None:
        """Keep those of the files that lie in the folder, for as long as this server runs."""
        self._shown.update(filter(None, map(self._inside, paths)))

    def begin(self, visitor: str | None) -> Upload:
        """Return the account of an upload; without a visitor it counts for none.

        All uploads belong to one thread, that of the server's loop.
        """
        oldest = time.monotonic() - self._limits.keep_seconds
        for other, share in list(self._shares.items()):
            share.forget(oldest)
            if not (share.under_way or share.size):
                del self._shares[other]
        share = Share() if visitor is None else self._shares.setdefault(visitor, Share())
        return Upload(self, share, self._limits)

    def is_full(self) -> bool:
        """Say whether files must be deleted before more can be stored."""
        return self._used > self._limits.stored_bytes or self._free() < 0

    def make_room(self) -> None:
        """Delete the oldest files until there is some room; FullError if there is none."""
        self.sweep(min(_STEP, self._limits.stored_bytes // 10))
        if self.is_full():
            logger.warning("full: %d bytes stored, %d more free", self._used, self._free())
            raise FullError(NO_ROOM)

    def count(self, size: int) -> None:
        """Count new bytes until the folder is next listed."""
        self._used += size

    def sweep(self, room: int = 0) -> None:
        """Delete what is too old, and the oldest of the rest until `room` bytes are left."""
        with self._sweeping:
            for path in self._shown:
                # So that other servers keep them as well.
                with contextlib.suppress(OSError):
                    os.utime(path)
            files = sorted(self._sweep(self._folder, time.time()))
            used = sum(size for _, size, _ in files)
            for _, size, path in files:
                if used + room <= self._limits.stored_bytes:
                    break
                if path not in self._shown and _delete(path):
                    used -= size
            self._used = used

    def delete(self, paths: Iterable[str], *, shown: bool) -> None:
        """Delete those of the files that lie in the folder; those `shown` too or not at all."""
        inside = set(filter(None, map(self._inside, paths)))
        for path in inside | self._shown if shown else inside - self._shown:
            _delete(path)
            if (folder := os.path.dirname(path)) != self._folder:
                with contextlib.suppress(OSError):
                    os.rmdir(folder)

    def _free(self) -> int:
        """Return the bytes of the disk that may still be used."""
        try:
            total, _, free = shutil.disk_usage(self._folder)
        except FileNotFoundError:
            return 0
        return free - min(_SPARE, int(total * _SPARE_SHARE))

    def _inside(self, path: str) -> str | None:
        """Return the path by its real folder; None if that is not within the folder."""
        folder, name = os.path.split(os.path.abspath(path))
        real = os.path.realpath(folder)
        return os.path.join(real, name) if Path(real).is_relative_to(self._folder) else None

    def _sweep(self, folder: str, now: float) -> list[tuple[float, int, str]]:
        """Delete what is too old; return the time, size and path of each other file."""
        files: list[tuple[float, int, str]] = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    # A time in the future comes from a wrong clock.
                    is_old = abs(now - status.st_mtime) > self._limits.keep_seconds
                    if entry.is_dir(follow_symlinks=False):
                        files += self._sweep(entry.path, now)
                        if is_old:
                            os.rmdir(entry.path)
                    elif not (is_old and _delete(entry.path)):
                        files.append((status.st_mtime, max(status.st_size, _LEAST), entry.path))
        return files


class Upload:
    """The account of one upload, which has counted until `end` says that nothing was kept."""

    def __init__(self, store: Store, share: Share, limits: Limits) -> None:
        self._store, self._share, self._limits = store, share, limits
        self._size = 0
        share.under_way += 1

    def announce(self, size: int) -> None:
        """Say how much will come; FullError if that is more than the visitor's share."""
        most = self._limits.visitor_bytes
        if self._share.size + size > most:
            raise FullError(
                f"One visitor may send {most / 2**20:.0f} MB within "
                f"{self._limits.keep_seconds / 60:.0f} minutes, and this would be more. "
                "Please send less, or come back later."
            )

    def add(self, size: int) -> None:
        """Count what has come; FullError if it is more than the visitor's share."""
        self.announce(size)
        self._size += size
        self._share.size += size
        self._store.count(size)

    def end(self, *, kept: bool) -> None:
        """Say whether what has come is on the disk now."""
        self._share.under_way -= 1
        if kept:
            self._share.size += max(0, _LEAST - self._size)
            self._share.sent.append((time.monotonic(), max(self._size, _LEAST)))
        else:
            self._share.size -= self._size
            self._store.count(-self._size)


def _check_own(folder: str) -> None:
    """Refuse a folder in which old files may be anybody's."""
    others = (Path.home(), Path.cwd(), Path(tempfile.gettempdir()), Path(__file__).parent)
    for other in map(os.path.realpath, others):
        if Path(other).is_relative_to(folder):
            raise ValueError(
                f"GRADIO_TEMP_DIR must be a folder for the demo alone, because old files in it are "
                f"deleted; got {folder}, which holds {other}"
            )


def _delete(path: str) -> bool:
    """Delete a file, or a link itself; tell whether it is gone."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        logger.exception("a file could not be deleted")
        return False
    return True
