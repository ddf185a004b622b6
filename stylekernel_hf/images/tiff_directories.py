"""Directories of TIFF files and EXIF data; values are read only on request.

Pillow's reader loads all values of a directory, and turns them into text and numbers. Here a small
file whose tags overlap takes no memory, and metadata stay the bytes that they were.
"""

from __future__ import annotations

import itertools
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Literal, TypeAlias

Order: TypeAlias = Literal["<", ">"]

VALUE_SIZES = {
    **dict.fromkeys((1, 2, 6, 7, 129), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
"""Bytes of a value by the number of its type (TIFF 6, BigTIFF and EXIF 3)."""
INTEGERS = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q", 18: "Q"}
"""Letter of `struct` of the types that are integers."""

_MAX_DIRECTORIES = 10_000
_MAX_ENTRIES = 2**16
_TIFF_HEAD = re.compile(rb"II\*\0|MM\0\*")
_CHUNK = 2**20

WIDTH, HEIGHT = 256, 257
SUBFILE_TYPE, OLD_SUBFILE_TYPE = 254, 255
SUB_DIRECTORIES = 330
# Directories of metadata: EXIF, GPS, and EXIF interoperability.
METADATA = (34665, 34853, 40965)


@dataclass(frozen=True)
class Form:
    """Letters of `struct` that distinguish TIFF and BigTIFF: of offsets, and of entry counts."""

    offset: str
    number: str

    @property
    def width(self) -> int:
        """Bytes of an offset; values that fit are stored in its place."""
        return struct.calcsize("<" + self.offset)

    @property
    def entry(self) -> int:
        """Bytes of an entry."""
        return 4 + 2 * self.width


CLASSIC, BIG = Form("L", "H"), Form("Q", "Q")


@dataclass(frozen=True)
class Entry:
    """Type of a tag's values, how many there are, and where in the file they begin."""

    kind: int
    count: int
    place: int

    @property
    def size(self) -> int:
        """Bytes of all values; 0 for an unknown type."""
        return self.count * VALUE_SIZES.get(self.kind, 0)


@dataclass
class Directory:
    """The entries of a directory by tag. Those without values in the file are left out."""

    entries: dict[int, Entry] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)
    """All entries as stored."""
    is_whole: bool = False
    """Whether all entries are in the file."""
    repeated: bool = False
    """Whether a tag occurs twice; readers differ in which of the two they use."""
    stored_bytes: int = 0
    """Bytes of all values, those of repeated tags included."""
    next: int = 0
    """Offset of the next page; 0 after the last."""


class TiffDirectories:
    """Reads the directories of a TIFF file or of EXIF data, as far as they are whole.

    Raises ValueError for data that do not begin like a TIFF file.
    """

    def __init__(self, stream: IO[bytes], start: int = 0) -> None:
        self._stream, self._start = stream, start
        self.size = stream.seek(0, os.SEEK_END) - start
        head = self.bytes_at(0, 16)
        self.order: Order = ">" if head[:2] == b"MM" else "<"
        version = struct.unpack_from(f"{self.order}H", head, 2)[0] if len(head) >= 8 else 0
        self.form = BIG if version == 43 else CLASSIC
        self.pointer = self.form.width
        """Where the offset of the first page is stored."""
        if (
            head[:2] not in (b"II", b"MM")
            or version not in (42, 43)
            or len(head) < 2 * self.pointer
        ):
            raise ValueError("it must begin as TIFF does")
        self.first = self._offset(head, self.pointer)

    def pages(self) -> Iterator[Directory]:
        """Yield the directories of pages in order, up to the last or to a repeated one."""
        seen: set[int] = set()
        offset = self.first
        while offset and offset not in seen and len(seen) < _MAX_DIRECTORIES:
            seen.add(offset)
            directory = self.read(offset)
            yield directory
            offset = directory.next

    def with_children(self, page: Directory) -> Iterator[Directory]:
        """Yield a page and all directories below it."""
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
        """Yield the directories of metadata of a page."""
        for tag in METADATA:
            yield from map(self.read, self.values(page, tag)[:1])

    def read(self, offset: int) -> Directory:
        """Return the directory at an offset, or as much of it as is in the file."""
        directory, form = Directory(), self.form
        head = struct.calcsize("<" + form.number)
        data = self.bytes_at(offset, head)
        if len(data) < head:
            return directory
        (count,) = struct.unpack(self.order + form.number, data)
        place = offset + head
        table = self.bytes_at(place, min(count, _MAX_ENTRIES) * form.entry + form.width)
        stored = min(count, _MAX_ENTRIES, len(table) // form.entry)
        directory.is_whole = stored == count
        for at in range(0, stored * form.entry, form.entry):
            raw = table[at : at + form.entry]
            directory.raw.append(raw)
            self._add(directory, raw, place + at)
        end = table[count * form.entry :]
        if len(end) == form.width:
            directory.next = self._offset(end, 0)
        return directory

    def _add(self, directory: Directory, raw: bytes, place: int) -> None:
        """Add the entry stored at a place, unless its values are missing in the file."""
        tag, kind = struct.unpack_from(self.order + "HH", raw)
        entry = Entry(kind, self._offset(raw, 4), place + 4 + self.form.width)
        if entry.size > self.form.width:
            entry = Entry(kind, entry.count, self._offset(raw, 4 + self.form.width))
        if entry.size and entry.place + entry.size <= self.size:
            directory.stored_bytes += entry.size
            directory.repeated |= tag in directory.entries
            directory.entries.setdefault(tag, entry)

    def values(self, directory: Directory, tag: int) -> tuple[int, ...]:
        """Return the integers of a tag; none where it is missing or holds something else."""
        entry = directory.entries.get(tag)
        letter = INTEGERS.get(entry.kind) if entry else None
        if entry is None or letter is None:
            return ()
        data = self.bytes_at(entry.place, entry.size)
        return struct.unpack(f"{self.order}{entry.count}{letter}", data)

    def value(self, directory: Directory, tag: int, default: int = 0) -> int:
        """Return the first integer of a tag."""
        return next(iter(self.values(directory, tag)), default)

    def overlaps(self, directory: Directory) -> bool:
        """Return whether the values of a directory have far more bytes than the file."""
        return directory.stored_bytes > 2 * self.size + 2**20

    def bytes_at(self, offset: int, size: int) -> bytes:
        """Return `size` bytes of the file, or as many as there are."""
        if not 0 <= offset < self.size:
            return b""
        self._stream.seek(self._start + offset)
        return self._stream.read(min(size, self.size - offset))

    def _offset(self, data: bytes, place: int) -> int:
        return struct.unpack_from(self.order + self.form.offset, data, place)[0]


def is_bomb(stream: IO[bytes], start: int = 0) -> bool:
    """Return whether tags of a TIFF file or of EXIF data overlap.

    Pillow reads the values of all tags into memory, so that a small file with overlapping tags can
    take any amount of it.
    """
    try:
        file = TiffDirectories(stream, start)
    except ValueError:
        return False
    pages = itertools.islice(file.pages(), 1)
    return any(file.overlaps(each) for page in pages for each in (page, *file.metadata(page)))


def holds_bomb(stream: IO[bytes]) -> bool:
    """Return whether a file of another format contains such EXIF data anywhere."""
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
