"""Metadata added to JPEG, PNG and WebP files, byte for byte.

The writers of Pillow and libvips leave some metadata out, or parse and change them. Here bytes stay
as they are, and the file is the same whichever of the two wrote the pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO

EXIF_MARK = b"Exif\0\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_XMP = b"XML:com.adobe.xmp\0"

_PIECE = 2**20
_APP1, _APP13 = b"\xff\xe1", b"\xff\xed"
# Bits of WebP's first byte of flags, in its chunk VP8X.
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04


def add_to_jpeg(stream: BinaryIO, exif: bytes, xmp: bytes, photoshop: bytes) -> None:
    """Add segments to a JPEG file, behind that of JFIF, which must be the first."""
    parts = [
        (_APP1, EXIF_MARK, exif),
        (_APP1, XMP_MARK, xmp),
        (_APP13, b"", photoshop),
    ]
    data = b"".join(
        marker + struct.pack(">H", 2 + len(head) + len(part)) + head + part
        for marker, head, part in parts
        if part
    )
    stream.seek(2)
    marker, size = struct.unpack(">2sH", stream.read(4))
    _insert(stream, 4 + size if marker == b"\xff\xe0" else 2, data)


def add_to_png(stream: BinaryIO, exif: bytes, xmp: bytes) -> None:
    """Add chunks to a PNG file, between its header and its pixels."""
    # The zeros: not compressed, and no language.
    chunks = [(b"eXIf", exif), (b"iTXt", PNG_XMP + bytes(4) + xmp if xmp else b"")]
    data = b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in chunks
        if part
    )
    _insert(stream, len(PNG_SIGNATURE) + 25, data)


def add_to_webp(stream: BinaryIO, exif: bytes, xmp: bytes) -> None:
    """Add chunks to the end of a WebP file of the extended form, as one with a profile is."""
    stream.seek(12)
    kind, _, flags = struct.unpack("<4sIB", stream.read(9))
    if kind != b"VP8X":
        raise ValueError("a WebP file must be of the extended form")
    chunks = [(b"EXIF", exif, _WEBP_EXIF), (b"XMP ", xmp, _WEBP_XMP)]
    stream.seek(0, io.SEEK_END)
    for name, part, flag in chunks:
        if part:
            stream.write(struct.pack("<4sI", name, len(part)) + part + bytes(len(part) % 2))
            flags |= flag
    size = stream.tell()
    stream.seek(4)
    stream.write(struct.pack("<I", size - 8))
    stream.seek(20)
    stream.write(bytes([flags]))


def _insert(stream: BinaryIO, at: int, data: bytes) -> None:
    """Insert data at a place in a file, moving the rest back piece by piece from its end."""
    end = stream.seek(0, io.SEEK_END)
    while end > at:
        start = max(at, end - _PIECE)
        stream.seek(start)
        piece = stream.read(end - start)
        stream.seek(start + len(data))
        stream.write(piece)
        end = start
    stream.seek(at)
    stream.write(data)
