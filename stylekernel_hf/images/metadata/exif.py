"""EXIF data: the fields that stay true of a stylized image, kept as stored."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from stylekernel_hf.images.metadata.fields import (
    DirectoryWriter,
    Field,
    Fields,
    block,
    block_writer,
    read_fields,
)
from stylekernel_hf.images.tiff_directories import Order, TiffDirectories

MAX_BYTES = 65_527
"""Room for EXIF data in a JPEG file."""

# Tags of the first directory that are kept; most others of a TIFF file tell how pixels are stored.
_ORIENTATION = 0x0112
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_EXIF, _GPS = 0x8769, 0x8825
_DESCRIPTIVE = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    _ORIENTATION: "Orientation",
    _X_RESOLUTION: "XResolution",
    _Y_RESOLUTION: "YResolution",
    _RESOLUTION_UNIT: "ResolutionUnit",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x4746: "Rating",
    0x4749: "RatingPercent",
    0x8298: "Copyright",
    0x9003: "DateTimeOriginal",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    0xC614: "UniqueCameraModel",
}
# Tags of the EXIF directory.
_MAKER_NOTE, _COLOR_SPACE, _WIDTH, _HEIGHT = 0x927C, 0xA001, 0xA002, 0xA003
# Gamma of other colour spaces than sRGB, and padding.
_UNTRUE = {0xA005, 0xEA1C, 0xEA1D}
_SHORT, _LONG = 3, 4


def clean(data: bytes, size: tuple[int, int], *, location: bool) -> bytes:
    """Return the EXIF data of a stylized image of `size` from those of its photo.

    The result is upright, in sRGB, and has no thumbnail. Without `location` GPS data are left out,
    and the maker's note, whose contents are unknown, as well. Raises ValueError for damaged data,
    and for more than `MAX_BYTES`.
    """
    order, first, exif, gps = _parts(io.BytesIO(data.removeprefix(b"Exif\0\0")))
    if not first and not exif and not gps:
        return b""
    if _ORIENTATION in first:
        first[_ORIENTATION] = Field(_SHORT, struct.pack(order + "H", 1))
    for tag, length in zip((_WIDTH, _HEIGHT), size, strict=True):
        if tag in exif:
            exif[tag] = Field(_LONG, struct.pack(order + "I", length))
    if _COLOR_SPACE in exif:
        exif[_COLOR_SPACE] = Field(_SHORT, struct.pack(order + "H", 1))
    exif = {tag: field for tag, field in exif.items() if tag not in _UNTRUE}
    if not location:
        exif.pop(_MAKER_NOTE, None)
        gps = {}
    result = _block(order, first, exif, gps)
    if len(result) > MAX_BYTES and _MAKER_NOTE in exif:
        del exif[_MAKER_NOTE]
        result = _block(order, first, exif, gps)
    if len(result) > MAX_BYTES:
        raise ValueError(f"they must have at most {MAX_BYTES} bytes, got {len(result)}")
    return result


def without_orientation(data: bytes) -> bytes:
    """Return cleaned EXIF data for a format that stores the orientation itself."""
    order, first, exif, gps = _parts(io.BytesIO(data))
    first.pop(_ORIENTATION, None)
    return _block(order, first, exif, gps)


def orientation(data: bytes) -> int:
    """Return the orientation, 1 (upright) to 8; 1 where EXIF data are damaged or lack it."""
    try:
        order, first, _, _ = _parts(io.BytesIO(data))
        return first[_ORIENTATION].integer(order) if _ORIENTATION in first else 1
    except ValueError:
        return 1


def resolution(data: bytes) -> tuple[float, float] | None:
    """Return the pixels per millimetre, across and down, if cleaned EXIF data have them."""
    order, first, _, _ = _parts(io.BytesIO(data))
    try:
        unit = {2: 25.4, 3: 10.0}[first[_RESOLUTION_UNIT].integer(order)]
        values = [
            struct.unpack(order + "II", first[tag].data) for tag in (_X_RESOLUTION, _Y_RESOLUTION)
        ]
        across, down = (pixels / parts / unit for pixels, parts in values)
    except (KeyError, ValueError, struct.error, ZeroDivisionError):
        return None
    return across, down


def read_from_tiff(stream: BinaryIO) -> bytes:
    """Return the EXIF data of a TIFF file, which are fields of its own, as a block."""
    return _block(*_parts(stream))


def add_to_tiff(stream: BinaryIO, data: bytes, others: Fields) -> None:
    """Add cleaned EXIF data, and other fields, to the first directory of a TIFF file.

    The new directory is written to the end of the file, and the header points to it.
    """
    order, first, exif, gps = _parts(io.BytesIO(data)) if data else ("<", {}, {}, {})
    file = TiffDirectories(stream)
    if order != file.order:
        first, exif, gps = (_swapped(each) for each in (first, exif, gps))
    first |= others
    entries = [
        entry
        for entry in file.read(file.first).raw
        if struct.unpack_from(file.order + "H", entry)[0] not in first
    ]
    end = stream.seek(0, io.SEEK_END)
    writer = DirectoryWriter(file.form, file.order, end + end % 2)
    place = _add(writer, first, exif, gps, entries)
    stream.write(bytes(end % 2) + writer.data)
    stream.seek(file.pointer)
    stream.write(struct.pack(file.order + file.form.offset, place))


def _parts(stream: BinaryIO) -> tuple[Order, Fields, Fields, Fields]:
    """Return the byte order, and the fields of the first, EXIF and GPS directories."""
    file = TiffDirectories(stream)
    first = read_fields(file, file.first, {*_DESCRIPTIVE, _EXIF, _GPS})
    exif, gps = (_pointed_to(file, first.pop(tag, None)) for tag in (_EXIF, _GPS))
    return file.order, first, exif, gps


def _pointed_to(file: TiffDirectories, pointer: Field | None) -> Fields:
    return {} if pointer is None else read_fields(file, pointer.integer(file.order))


def _block(order: Order, first: Fields, exif: Fields, gps: Fields) -> bytes:
    writer = block_writer(order)
    place = _add(writer, first, exif, gps)
    return block(order, place, writer.data)


def _add(
    writer: DirectoryWriter,
    first: Fields,
    exif: Fields,
    gps: Fields,
    entries: list[bytes] | None = None,
) -> int:
    fields = dict(first)
    for tag, part in ((_EXIF, exif), (_GPS, gps)):
        if part:
            fields[tag] = writer.pointer(writer.add(part))
    return writer.add(fields, entries)


def _swapped(fields: Fields) -> Fields:
    return {tag: field.swapped() for tag, field in fields.items()}
