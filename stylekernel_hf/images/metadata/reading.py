"""Metadata read from image files, wherever they are stored, without the pixels."""

from __future__ import annotations

import io
import logging
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import AvifImagePlugin, Image

from stylekernel_hf.images import jpeg_header
from stylekernel_hf.images.metadata import exif, iptc
from stylekernel_hf.images.metadata.containers import EXIF_MARK, PNG_SIGNATURE, PNG_XMP, XMP_MARK
from stylekernel_hf.images.metadata.fields import read_fields
from stylekernel_hf.images.metadata.picture_metadata import (
    TIFF_IPTC,
    TIFF_PHOTOSHOP,
    TIFF_XMP,
    PictureMetadata,
    metadata_of,
)
from stylekernel_hf.images.pillow_errors import silent_pillow
from stylekernel_hf.images.tiff_directories import TiffDirectories

logger = logging.getLogger(__name__)

_MAX_BYTES = 2**21
# Segments APP1 and APP13 of JPEG, and how their contents begin.
_METADATA_MARKERS = (0xE1, 0xED)
_SEGMENTS = {
    "exif": (0xE1, EXIF_MARK),
    "xmp": (0xE1, XMP_MARK),
    "photoshop": (0xED, b"Photoshop 3.0\0"),
}


def read_metadata(source: object) -> PictureMetadata:
    """Return the EXIF, XMP and IPTC data of an image, without decoding its pixels.

    Args:
        source: A PIL image, or the path or the bytes of a JPEG, PNG, TIFF, WebP or AVIF file.

    Returns:
        The metadata as stored. They are empty for other sources, such as pipes. For data that
        cannot be read they are empty too, and a warning is logged.

    Example:
        >>> from stylekernel_hf import read_metadata
        >>> read_metadata("painting.jpg").iptc
        b''
    """
    if isinstance(source, Image.Image):
        return metadata_of(source)
    try:
        if isinstance(source, bytes):
            return _read(io.BytesIO(source))
        if not isinstance(source, str | os.PathLike) or not Path(source).is_file():
            return PictureMetadata()
        with open(source, "rb") as stream:
            return _read(stream)
    except Exception as error:  # Pillow's plugins raise errors of any type on damaged files.
        logger.warning("the metadata of the image are left out: %s", error)
        return PictureMetadata()


def _read(stream: BinaryIO) -> PictureMetadata:
    head = stream.read(16)
    stream.seek(0)
    for begins, read in _READERS:
        if begins(head):
            with silent_pillow():
                return read(stream)
    return PictureMetadata()


def _read_jpeg(stream: BinaryIO) -> PictureMetadata:
    parts = {"exif": b"", "xmp": b"", "photoshop": b""}
    for marker, length in jpeg_header.segments(stream):
        data = stream.read(length) if marker in _METADATA_MARKERS else b""
        for name, (number, head) in _SEGMENTS.items():
            # Long EXIF and IPTC data continue in the next segment; XMP does so in another way.
            if marker == number and data.startswith(head) and (name != "xmp" or not parts[name]):
                parts[name] += data[len(head) :]
    return PictureMetadata(parts["exif"], parts["xmp"], iptc.from_photoshop(parts["photoshop"]))


def _read_png(stream: BinaryIO) -> PictureMetadata:
    parts: dict[str, bytes] = {}
    for kind, data in _png_chunks(stream):
        if kind == b"eXIf":
            parts.setdefault("exif", data)
        elif data.startswith(PNG_XMP):
            parts.setdefault("xmp", _international_text(data))
    return PictureMetadata(**parts)


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of metadata, which many programs write behind the pixels."""
    stream.seek(len(PNG_SIGNATURE))
    while len(head := stream.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind in (b"eXIf", b"iTXt") and size <= _MAX_BYTES:
            yield kind, stream.read(size)
            stream.seek(4, io.SEEK_CUR)
        else:
            stream.seek(size + 4, io.SEEK_CUR)


def _international_text(chunk: bytes) -> bytes:
    """Return the text of an iTXt chunk: key, compression, language, translated key, text."""
    _, rest = chunk.split(b"\0", 1)
    compressed, rest = rest[0], rest[2:]
    text = rest.split(b"\0", 2)[2]
    return zlib.decompressobj().decompress(text, _MAX_BYTES) if compressed else text


def _read_webp(stream: BinaryIO) -> PictureMetadata:
    parts: dict[str, bytes] = {}
    stream.seek(12)
    while len(head := stream.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        name = {b"EXIF": "exif", b"XMP ": "xmp"}.get(kind)
        if name and size <= _MAX_BYTES:
            parts[name] = stream.read(size).removeprefix(EXIF_MARK)
            size = size % 2
        else:
            size += size % 2
        stream.seek(size, io.SEEK_CUR)
    return PictureMetadata(**parts)


def _read_tiff(stream: BinaryIO) -> PictureMetadata:
    file = TiffDirectories(stream)
    fields = read_fields(file, file.first, {TIFF_XMP, TIFF_IPTC, TIFF_PHOTOSHOP})
    texts = {tag: field.data for tag, field in fields.items()}
    return PictureMetadata(
        exif=exif.read_from_tiff(stream),
        xmp=texts.get(TIFF_XMP, b""),
        iptc=texts.get(TIFF_IPTC) or iptc.from_photoshop(texts.get(TIFF_PHOTOSHOP, b"")),
    )


# How files of each format begin, and the function that reads them.
_READERS: list[tuple[Callable[[bytes], bool], Callable[[BinaryIO], PictureMetadata]]] = [
    (lambda head: head.startswith(b"\xff\xd8\xff"), _read_jpeg),
    (lambda head: head.startswith(PNG_SIGNATURE), _read_png),
    (lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", _read_webp),
    (lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _read_tiff),
    (
        lambda head: head[4:12] in (b"ftypavif", b"ftypavis"),
        lambda stream: metadata_of(AvifImagePlugin.AvifImageFile(stream)),
    ),
]
