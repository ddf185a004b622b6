"""Fields of TIFF directories, of which EXIF data consist, read and written byte for byte.

Pillow's reader and writer replace letters beyond ASCII by question marks and guess the types of
fields. Here a field keeps its bytes and its byte order.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stylekernel_hf.images.tiff_directories import (
    BIG,
    CLASSIC,
    INTEGERS,
    VALUE_SIZES,
    Form,
    Order,
    TiffDirectories,
)

_MAX_FIELDS = 1000
_MAX_BYTES = 2**22
_FRACTIONS = {5, 10}
_LONG, _LONG8 = 4, 16


@dataclass(frozen=True)
class Field:
    """A field: the number of its type, and its values as bytes."""

    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.data) // VALUE_SIZES[self.kind]

    def integer(self, order: Order) -> int:
        """Return the first value; raise ValueError if it is not an integer."""
        try:
            return struct.unpack_from(order + INTEGERS[self.kind], self.data)[0]
        except (KeyError, struct.error) as error:
            raise ValueError(f"a field of type {self.kind} must be an integer") from error

    def swapped(self) -> Field:
        """Return the field in the other byte order."""
        size = 4 if self.kind in _FRACTIONS else VALUE_SIZES[self.kind]
        starts = range(0, len(self.data), size)
        return Field(self.kind, b"".join(self.data[at : at + size][::-1] for at in starts))


Fields: TypeAlias = dict[int, Field]


def read_fields(file: TiffDirectories, offset: int, wanted: Container[int] | None = None) -> Fields:
    """Return the fields of a directory, or those of wanted tags; raise ValueError if it is damaged.

    Damaged fields are left out, and so are those beyond 4 MiB in total.
    """
    directory = file.read(offset)
    if not directory.is_whole or len(directory.raw) > _MAX_FIELDS:
        raise ValueError(f"a directory must be whole and have at most {_MAX_FIELDS} fields")
    fields: Fields = {}
    bytes_left = _MAX_BYTES
    for tag, entry in directory.entries.items():
        if (wanted is None or tag in wanted) and entry.size <= bytes_left:
            bytes_left -= entry.size
            fields[tag] = Field(entry.kind, file.bytes_at(entry.place, entry.size))
    return fields


class DirectoryWriter:
    """Lays out directories one after the other, beginning at an offset of the file."""

    def __init__(self, form: Form, order: Order, start: int) -> None:
        self._form, self._order, self._start = form, order, start
        self.data = b""

    def add(self, fields: Mapping[int, Field], entries: list[bytes] | None = None) -> int:
        """Add a directory of fields, and of entries as they were stored; return its offset."""
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
        kind = _LONG8 if self._form is BIG else _LONG
        return Field(kind, struct.pack(self._order + self._form.offset, offset))

    def _place(self, data: bytes) -> int:
        offset = self._start + len(self.data)
        self.data += data + bytes(len(data) % 2)  # Offsets are even.
        return offset


def block_writer(order: Order) -> DirectoryWriter:
    """Return a writer of a block of EXIF data, whose header has eight bytes."""
    return DirectoryWriter(CLASSIC, order, 8)


def block(order: Order, first: int, data: bytes) -> bytes:
    """Return a block of EXIF data: a header, with the offset of the first directory, and data."""
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HL", 42, first) + data
