"""Markers of JPEG data: size, metadata, and the number of scans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

_START_OF_SCAN, _END = 0xDA, 0xD9
# Start of frame in all coding processes; 0xC4, 0xC8 and 0xCC mean something else.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xD9)}
_EXIF, _MULTI_PICTURE = (0xE1, b"Exif\0\0"), (0xE2, b"MPF\0")
_CHUNK = 2**20


def frame_size(stream: IO[bytes]) -> tuple[int, int]:
    """Return width and height from the first frame header; (0, 0) without one."""
    for marker, length in segments(stream):
        if marker in _FRAMES:
            header = stream.read(min(length, 5))
            return int.from_bytes(header[3:5], "big"), int.from_bytes(header[1:3], "big")
    return 0, 0


def metadata(stream: IO[bytes]) -> list[bytes]:
    """Return the data that Pillow reads as TIFF directories: EXIF and multi-picture data."""
    exif, multi_picture = b"", list[bytes]()
    for marker, length in segments(stream):
        if marker not in (0xE1, 0xE2):
            continue
        data = stream.read(length)
        if (marker, data[:6]) == _EXIF:
            exif += data[6:]
        elif (marker, data[:4]) == _MULTI_PICTURE:
            multi_picture.append(data[4:])
    return [exif, *multi_picture]


def count_scans(stream: IO[bytes]) -> int:
    """Return the number of scans, those of embedded thumbnails included."""
    stream.seek(0)
    count, before = 0, b""
    while chunk := stream.read(_CHUNK):
        data = before + chunk
        count += data.count(b"\xff\xda")
        before = data[-1:]
    return count


def segments(stream: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Yield marker and data length of each segment before the first scan.

    The stream stands at the data, which the caller may read.
    """
    stream.seek(0)
    while True:
        byte = stream.read(1)
        while byte and byte != b"\xff":
            byte = stream.read(1)
        while byte == b"\xff":
            byte = stream.read(1)
        if not byte or byte[0] in (_START_OF_SCAN, _END):
            return
        if byte[0] in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(stream.read(2), "big") - 2
        place = stream.tell()
        yield byte[0], max(0, length)
        stream.seek(place + max(0, length))
