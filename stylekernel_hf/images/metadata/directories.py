"""Directories of TIFF, of which EXIF data consist too: fields read and written as they are.

Pillow has readers and writers of its own, which turn letters beyond ASCII into question marks and
guess the types of fields. Here a field stays the bytes that it was, in the byte order that it had.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Literal, TypeAlias

Order: TypeAlias = Literal["<", ">"]

_MAX_FIELDS = 1000
_MAX_BYTES = 2**22
# Bytes a value, by the number of the field's type (TIFF 6, BigTIFF and EXIF 3).
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4} | {
    16: 8,
    17: 8,
    18: 8,
    129: 1,
}
_FRACTIONS = {5, 10}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_LONG, _LONG8 = 4, 16


@dataclass(frozen=True)
class Field:
    """A field: the number of its type, and its values as bytes."""

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.data) // _SIZES[self.kind]

    def integer(self, order: Order) -> int:
        """Return the first value; ValueError where that is no integer."""
        try:
            return struct.unpack_from(order + _INTEGERS[self.kind], self.data)[0]
        except (KeyError, struct.error) as error:
            raise ValueError(f"a field of type {self.kind} must be an integer") from error

    def swapped(self) -> Field:
        """Return the field in the other byte order."""
        size = 4 if self.kind in _FRACTIONS else _SIZES[self.kind]
        starts = range(0, len(self.data), size)
        return Field(self.kind, b"".join(self.data[at : at + size][::-1] for at in starts))


Directory: TypeAlias = dict[int, Field]


@dataclass(frozen=True)
class Form:
    """The two forms of TIFF: how offsets, and numbers of fields, are written."""

    offset: str
    number: str

    @property
    def width(self) -> int:
        """Bytes of an offset; values that are no longer stand in its place."""
        return struct.calcsize(self.offset)

    @property
    def entry(self) -> int:
        """Bytes of a field's entry."""
        return 4 + 2 * self.width


_CLASSIC, _BIG = Form("I", "H"), Form("Q", "Q")


class DirectoryReader:
    """Reads the directories of a TIFF file, or of a block of EXIF data, in any order.

    ValueError for what is neither, or has a damaged directory; damaged fields are left out. Nothing
    is read that is not asked for.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._bytes_left = stream, _MAX_BYTES
        header = self._read(0, 8)
        self.order: Order = ">" if header[:2] == b"MM" else "<"
        magic = struct.unpack_from(self.order + "H", header, 2)[0]
        if header[:2] not in (b"II", b"MM") or magic not in (42, 43):
            raise ValueError("it must begin as TIFF does")
        self.form = _BIG if magic == 43 else _CLASSIC
        self.pointer = 8 if self.form is _BIG else 4
        """Where the offset of the first directory stands."""

    def first(self) -> int:
        """Return the offset of the first directory."""
        return self._number(self.pointer, self.form.offset)

    def read(self, offset: int, wanted: Container[int] | None = None) -> Directory:
        """Return the fields of a directory, or those of wanted tags."""
        fields: Directory = {}
        for entry in self.entries(offset):
            tag, kind = struct.unpack_from(self.order + "HH", entry)
            count = struct.unpack_from(self.order + self.form.offset, entry, 4)[0]
            if kind not in _SIZES or (wanted is not None and tag not in wanted):
                continue
            size, place = count * _SIZES[kind], 4 + self.form.width
            if size > self.form.width:
                at = struct.unpack_from(self.order + self.form.offset, entry, place)[0]
                with suppress(ValueError):
                    fields[tag] = Field(kind, self._read(at, size))
            else:
                fields[tag] = Field(kind, entry[place : place + size])
        return fields

    def entries(self, offset: int) -> list[bytes]:
        """Return the entries of a directory as they are."""
        number = self._number(offset, self.form.number)
        if number > _MAX_FIELDS:
            raise ValueError(f"a directory must have at most {_MAX_FIELDS} fields, got {number}")
        start, size = offset + struct.calcsize(self.form.number), self.form.entry
        data = self._read(start, number * size)
        return [data[place : place + size] for place in range(0, len(data), size)]

    def _number(self, offset: int, kind: str) -> int:
        return struct.unpack(self.order + kind, self._read(offset, struct.calcsize(kind)))[0]

    def _read(self, offset: int, size: int) -> bytes:
        self._bytes_left -= size  # Fields may overlap: a small file could be read for ever.
        if self._bytes_left < 0:
            raise ValueError(f"its fields must have at most {_MAX_BYTES} bytes")
        self._stream.seek(offset)
        data = self._stream.read(size)
        if len(data) != size:
            raise ValueError(f"it must have {size} bytes at {offset}, got {len(data)}")
        return data


class DirectoryWriter:
    """Lays out directories one after the other, from an offset of the file on."""

    def __init__(self, form: Form, order: Order, start: int) -> None:
        self._form, self._order, self._start = form, order, start
        self.data = b""

    def add(self, fields: Mapping[int, Field], entries: list[bytes] | None = None) -> int:
        """Add a directory of fields, and of entries as they were read; return its offset."""
        form, order = self._form, self._order
        made: list[bytes] = list(entries or [])
        for tag, field in fields.items():
            head = struct.pack(order + "HH" + form.offset, tag, field.kind, field.count)
            value = field.data
            if len(value) > form.width:
                value = struct.pack(order + form.offset, self._place(value))
            made.append(head + value.ljust(form.width, b"\0"))
        made.sort(key=lambda entry: struct.unpack_from(order + "H", entry))
        number = struct.pack(order + form.number, len(made))
        return self._place(number + b"".join(made) + bytes(form.width))

    def pointer(self, offset: int) -> Field:
        """Return the field that points to a directory."""
        kind = _LONG8 if self._form is _BIG else _LONG
        return Field(kind, struct.pack(self._order + self._form.offset, offset))

    def _place(self, data: bytes) -> int:
        offset = self._start + len(self.data)
        self.data += data + bytes(len(data) % 2)  # Offsets are even.
        return offset


def block_writer(order: Order) -> DirectoryWriter:
    """Return a writer of a block of EXIF data: the header's eight bytes come before."""
    return DirectoryWriter(_CLASSIC, order, 8)


def block(order: Order, first: int, data: bytes) -> bytes:
    """Return a block of EXIF data of laid-out directories, the first of which is at an offset."""
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, first) + data
