"""Checks of TIFF files that Pillow and libvips lack: the main image, and whether it is complete.

libtiff accepts a strip whose data end early, and leaves other memory of the process in its pixels.
The kinds of strips in which that can happen are checked before decoding.
"""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from PIL import Image

from stylekernel_hf.images.jpeg_header import frame_size
from stylekernel_hf.images.pillow_errors import UnreadableImageError
from stylekernel_hf.images.tiff_directories import (
    HEIGHT,
    OLD_SUBFILE_TYPE,
    SUBFILE_TYPE,
    WIDTH,
    Directory,
    TiffDirectories,
)

logger = logging.getLogger(__name__)

_COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _PLANES = 259, 262, 266, 284
_STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_SAMPLES, _DNG_VERSION = 277, 50706
_GROUP4, _OLD_JPEG, _JPEG = 4, 6, 7
_YCBCR, _RAW_PHOTOMETRICS = 6, {32803, 34892}
_SEPARATE_PLANES = 2

MAX_TILE_PIXELS = 2**24
"""Tiles of more pixels must not be larger than four times the image."""


def choose_page(stream: IO[bytes], name: str, label: str) -> int:
    """Return the page of a TIFF file's main image; 0 for files of other formats.

    The main image is the first page, or the largest one if the first is a preview. Raises
    ValueError for a camera's raw file, for overlapping tags, and if a larger image is stored where
    Pillow does not read it.
    """
    try:
        file = TiffDirectories(stream)
    except ValueError:
        return 0
    pages = list(file.pages())
    if not pages:
        return 0
    if any(map(file.overlaps, [*pages, *file.metadata(pages[0])])):
        raise UnreadableImageError(
            f"{name} must be an image file, but {label} is damaged: its tags overlap"
        )
    number = _full_page(file, pages)
    _check_nothing_larger(file, pages[number], name, label)
    largest = max(pages, key=lambda page: _pixels(file, page))
    if _pixels(file, largest) > _pixels(file, pages[number]):
        sizes = _size(file, pages[number]), _size(file, largest)
        logger.warning(
            "%s: of the pages of %s the first, %s, is read; one has %s", name, label, *sizes
        )
    return number


def check_whole(stream: IO[bytes], number: int, name: str, label: str) -> None:
    """Raise ValueError for a page of which libtiff would skip parts without an error."""
    try:
        file = TiffDirectories(stream)
    except ValueError:
        return
    page = next((page for at, page in enumerate(file.pages()) if at == number), Directory())
    reason = _missing_part(file, page)
    if reason:
        raise UnreadableImageError(
            f"{name} must be an image file, but {label} is truncated or damaged: {reason}"
        )


def _full_page(file: TiffDirectories, pages: list[Directory]) -> int:
    if not _is_preview(file, pages[0]):
        return 0
    full = [at for at, page in enumerate(pages) if not _is_preview(file, page)]
    return max(full, key=lambda at: _pixels(file, pages[at]), default=0)


def _is_preview(file: TiffDirectories, page: Directory) -> bool:
    reduced = file.value(page, SUBFILE_TYPE) & 1
    return bool(reduced) or file.value(page, OLD_SUBFILE_TYPE) == 2


def _pixels(file: TiffDirectories, page: Directory) -> int:
    return file.value(page, WIDTH) * file.value(page, HEIGHT)


def _size(file: TiffDirectories, page: Directory) -> str:
    return f"{file.value(page, WIDTH)}x{file.value(page, HEIGHT)} px"


def _check_nothing_larger(file: TiffDirectories, page: Directory, name: str, label: str) -> None:
    pictures = list(file.with_children(page))
    largest = max(pictures, key=lambda picture: _pixels(file, picture))
    is_larger = _pixels(file, largest) > _pixels(file, page)
    of_camera = (
        any(file.value(each, _PHOTOMETRIC) in _RAW_PHOTOMETRICS for each in pictures)
        or _DNG_VERSION in page.entries
        or file.bytes_at(8, 2) == b"CR"
    )
    if of_camera:
        of_size = f" of {_size(file, largest)}" if is_larger else ""
        raise UnreadableImageError(
            f"{name} must be a finished picture, but {label} is a camera's raw file{of_size}, of "
            f"which a preview at most can be read: develop it to JPEG, PNG or TIFF first"
        )
    if is_larger:
        raise UnreadableImageError(
            f"{name} must be a file whose largest picture can be read, but {label} holds one of "
            f"{_size(file, largest)}, of which only a preview of {_size(file, page)} can be read"
        )


@dataclass(frozen=True)
class _Part:
    """A strip or tile: the size that it must have, and its data."""

    width: int
    height: int
    data: bytes


def _missing_part(file: TiffDirectories, page: Directory) -> str:
    """Return what is wrong with the strips or tiles of a page; an empty string if nothing is."""
    compression = file.value(page, _COMPRESSION, 1)
    photometric = file.value(page, _PHOTOMETRIC)
    tile = file.value(page, _TILE_WIDTH) * file.value(page, _TILE_HEIGHT)
    if tile > max(MAX_TILE_PIXELS, 4 * _pixels(file, page)):
        return f"its tiles have {tile} pixels each"
    # YCbCr, which libtiff converts to RGB, it decodes into cleared memory.
    if compression == _OLD_JPEG and photometric != _YCBCR:
        return "its colours are not those of its compression"
    if compression not in (_JPEG, _GROUP4):
        return ""
    if page.repeated:
        return "a tag occurs twice"
    separate = file.value(page, _PLANES, 1) == _SEPARATE_PLANES
    if compression == _JPEG and separate and photometric == _YCBCR:
        return ""
    part = None
    for part in _parts(file, page, separate):
        if compression == _JPEG:
            width, height = frame_size(io.BytesIO(part.data))
            if width < part.width or height < part.height:
                return f"a part of {part.width}x{part.height} px holds {width}x{height}"
        elif not _has_all_rows(part, file.value(page, _FILL_ORDER, 1)):
            return f"a part of {part.width}x{part.height} px ends early"
    return "" if part else "strips or tiles are missing"


def _parts(file: TiffDirectories, page: Directory, separate: bool) -> Iterator[_Part]:
    """Yield the strips or tiles of a page; none if some are missing."""
    width, height = file.value(page, WIDTH), file.value(page, HEIGHT)
    tiled = _TILE_WIDTH in page.entries
    part_width = file.value(page, _TILE_WIDTH) if tiled else width
    rows = file.value(page, _TILE_HEIGHT if tiled else _ROWS_PER_STRIP) or height
    if min(width, height, part_width) < 1:
        return
    offsets = file.values(page, _TILE_OFFSETS if tiled else _STRIP_OFFSETS)
    sizes = file.values(page, _TILE_BYTES if tiled else _STRIP_BYTES)
    down = -(-height // rows)
    planes = file.value(page, _SAMPLES, 1) if separate else 1
    if len(offsets) < down * -(-width // part_width) * planes:
        return
    for index, offset in enumerate(offsets):
        left = rows if tiled else height - rows * (index % down)
        size = sizes[index] if index < len(sizes) else file.size
        yield _Part(part_width, min(rows, left), file.bytes_at(offset, size))


def _has_all_rows(part: _Part, fill_order: int) -> bool:
    """Return whether fax data of Group 4 fill every row.

    The data are decoded twice, after rows of white and after rows with a black pixel on the left,
    into the same memory. A row that the data leave out shows those pixels.
    """
    white = "1" * part.height
    # One row of a black pixel, by horizontal mode, and the others as the one above it.
    dotted = "001" + "00110101" + "010" + "1" + "111" * (part.height - 1)
    seen = {_left_column(part, bits, fill_order) for bits in (white, dotted)}
    return len(seen) == 1


def _left_column(part: _Part, bits: str, fill_order: int) -> bytes:
    """Return the left column of the part, decoded after as many rows of these bits."""
    octets = [f"{bits[at : at + 8]:0<8}" for at in range(0, len(bits), 8)]
    before = bytes(int(octet[::-1] if fill_order == 2 else octet, 2) for octet in octets)
    entries = [
        (WIDTH, part.width),
        (HEIGHT, 2 * part.height),
        (258, 1),  # Bits a sample.
        (_COMPRESSION, _GROUP4),
        (_PHOTOMETRIC, 0),
        (_FILL_ORDER, fill_order),
        (_STRIP_OFFSETS, 0),
        (_ROWS_PER_STRIP, part.height),
        (_STRIP_BYTES, 0),
    ]
    table = 10 + 12 * len(entries) + 4
    strips = {
        _STRIP_OFFSETS: (table, struct.pack("<2L", table + 16, table + 16 + len(before))),
        _STRIP_BYTES: (table + 8, struct.pack("<2L", len(before), len(part.data))),
    }
    head = b"II*\0" + struct.pack("<LH", 8, len(entries))
    for tag, value in entries:
        place, _ = strips.get(tag, (value, b""))
        head += struct.pack("<HHLL", tag, 4, 2 if tag in strips else 1, place)
    head += bytes(4) + b"".join(values for _, values in strips.values())
    with Image.open(io.BytesIO(head + before + part.data)) as image:
        return image.crop((0, part.height, 1, 2 * part.height)).tobytes()
