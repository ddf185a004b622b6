"""The directories of a TIFF file, read without a byte of what they point to."""

from __future__ import annotations

import itertools
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

# Letter of `struct` and size in bytes of each type of a value.
_INTEGERS = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q", 18: "Q"}
_SIZES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
_MAX_DIRECTORIES = 10_000
_TIFF_HEAD = re.compile(rb"II\*\0|MM\0\*")
_CHUNK = 2**20

WIDTH, HEIGHT = 256, 257
SUBFILE_TYPE, OLD_SUBFILE_TYPE = 254, 255
SUB_DIRECTORIES = 330
# Directories of metadata: EXIF, GPS, and the EXIF for exchange.
METADATA = (34665, 34853, 40965)


@dataclass
class Directory:
    """The entries of one directory by tag: type, count, and where the values lie."""

    entries: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    repeated: bool = False
    """Whether a tag comes twice: readers differ in which of the two they believe."""
    stored_bytes: int = 0
    """How many bytes the values say they have, those of repeated tags included."""
    next: int = 0


class TiffDirectories:
    """Reads the directories of a TIFF file, or of EXIF data, as far as they are whole.

    ValueError for what does not begin like a TIFF file.
    """

    def __init__(self, stream: IO[bytes], start: int = 0) -> None:
        self._stream, self._start = stream, start
        self.size = stream.seek(0, os.SEEK_END) - start
        head = self.bytes_at(0, 16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = struct.unpack(f"{self.order}H", head[2:4])[0] if len(head) == 16 else 0
        if not self.order or version not in (42, 43):
            raise ValueError("not a TIFF file")
        self.is_big = version == 43
        place = head[8:16] if self.is_big else head[4:8]
        self.first: int = struct.unpack(f"{self.order}{'Q' if self.is_big else 'L'}", place)[0]

    def pages(self) -> Iterator[Directory]:
        """The directories one after another, up to the end or to one that came before."""
        seen: set[int] = set()
        offset = self.first
        while offset and offset not in seen and len(seen) < _MAX_DIRECTORIES:
            seen.add(offset)
            directory = self.read(offset)
            yield directory
            offset = directory.next

    def with_children(self, page: Directory) -> Iterator[Directory]:
        """A page, and the directories of pictures that it holds, theirs included."""
        seen: set[int] = set()
        waiting = [page]
        while waiting:
            directory = waiting.pop()
            yield directory
            offsets = [each for each in self.values(directory, SUB_DIRECTORIES) if each not in seen]
            seen.update(offsets)
            if len(seen) < _MAX_DIRECTORIES:
                waiting += map(self.read, offsets)

    def metadata(self, page: Directory) -> Iterator[Directory]:
        """The directories of metadata that a page holds."""
        for tag in METADATA:
            yield from map(self.read, self.values(page, tag)[:1])

    def read(self, offset: int) -> Directory:
        """The directory at an offset; one that the file cuts short ends there."""
        directory = Directory()
        counter, entry = ("Q", "HHQ") if self.is_big else ("H", "HHL")
        data = self.bytes_at(offset, struct.calcsize(f"<{counter}"))
        if len(data) < struct.calcsize(f"<{counter}"):
            return directory
        (count,) = struct.unpack(self.order + counter, data)
        inline = 8 if self.is_big else 4
        head = struct.calcsize(f"<{entry}")
        place = offset + len(data)
        table = self.bytes_at(place, min(count, 2**16) * (head + inline) + inline)
        for index in range(min(count, 2**16, len(table) // (head + inline))):
            at = index * (head + inline)
            tag, kind, values = struct.unpack_from(self.order + entry, table, at)
            size = values * _SIZES.get(kind, 0)
            where = place + at + head
            if size > inline:
                (where,) = struct.unpack_from(
                    self.order + ("Q" if self.is_big else "L"), table, at + head
                )
            if where + size > self.size or not size:
                continue
            directory.stored_bytes += size
            directory.repeated |= tag in directory.entries
            directory.entries.setdefault(tag, (kind, values, where))
        end = table[count * (head + inline) :]
        if len(end) == inline:
            (directory.next,) = struct.unpack(self.order + ("Q" if self.is_big else "L"), end)
        return directory

    def values(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """The whole numbers of a tag; none where it is missing or holds something else."""
        kind, count, where = directory.entries.get(tag, (0, 0, 0))
        letter = _INTEGERS.get(kind)
        if letter is None:
            return ()
        return struct.unpack(
            f"{self.order}{count}{letter}", self.bytes_at(where, count * _SIZES[kind])
        )

    def value(self, directory: Directory, tag: int, default: int = 0) -> int:
        """The first whole number of a tag."""
        return next(iter(self.values(directory, tag)), default)

    def overlaps(self, directory: Directory) -> bool:
        """Say whether the values of a directory have far more bytes than the file."""
        return directory.stored_bytes > 2 * self.size + 2**20

    def bytes_at(self, offset: int, size: int) -> bytes:
        """So many bytes of the file, or what there is of them."""
        if not 0 <= offset < self.size:
            return b""
        self._stream.seek(self._start + offset)
        return self._stream.read(min(size, self.size - offset))


def is_bomb(stream: IO[bytes], start: int = 0) -> bool:
    """Say whether tags of a TIFF file or of EXIF data overlap.

    Pillow reads the values of all tags into memory: where they overlap, a small file takes all
    there is.
    """
    try:
        file = TiffDirectories(stream, start)
    except ValueError:
        return False
    pages = itertools.islice(file.pages(), 1)
    return any(file.overlaps(each) for page in pages for each in (page, *file.metadata(page)))


def holds_bomb(stream: IO[bytes]) -> bool:
    """Say whether there is EXIF data like that anywhere in a file of another format."""
    stream.seek(0)
    before, place = b"", 0
    while chunk := stream.read(_CHUNK):
        data = before + chunk
        starts = [match.start() + place for match in _TIFF_HEAD.finditer(data)]
        if any(is_bomb(stream, start) for start in starts):
            return True
        before = data[-3:]
        place += len(data) - len(before)
        stream.seek(place + len(before))
    return False
