"""Pictures out of files, with what a file claims checked before memory is given to it."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import struct
from dataclasses import dataclass, replace
from typing import TypeAlias

from PIL import Image, ImageFile, Jpeg2KImagePlugin, JpegImagePlugin, TiffImagePlugin

from stylekernel_hf.images import jpeg_header
from stylekernel_hf.images.normalization import normalized, silent_pillow
from stylekernel_hf.images.read_errors import UnreadableImageError, damage_named
from stylekernel_hf.images.source import Stream, open_source
from stylekernel_hf.images.tiff_checks import check_whole, choose_page
from stylekernel_hf.images.tiff_directories import holds_bomb, is_bomb

_logger = logging.getLogger(__name__)

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | bytes

MAX_PIXELS = 200_000_000
"""The largest picture that is decoded: room for a phone's 200-megapixel photo, 600 MB as RGB."""

MAX_UNREDUCED_PIXELS = 2**25
"""Larger pictures, of which fewer pixels are enough, are reduced while they are read."""

MAX_DECODED_PIXELS = 2**26
"""Of those, what is decoded at most; a JPEG may be larger, whose decoder gives fewer pixels."""

_MAX_PIXELS_OF_FORMATS = {"AVIF": 2**27, "JPEG2000": 2**26, "WEBP": 2**26}
"""Whose decoders take 10 to 20 bytes a pixel, where others take 4."""

MAX_SCANS = 200
"""Of a progressive JPEG: each scan costs a walk over the whole picture, however short it is."""


@dataclass(frozen=True)
class Bounds:
    """What a picture must be, and what of it is used.

    `max_pixels` is what may be decoded. Where `enough` is given, a picture of more than
    `MAX_UNREDUCED_PIXELS` is reduced by a whole factor that leaves its short side so many px.
    """

    max_pixels: int = MAX_PIXELS
    min_side: int = 1
    enough: int | None = None

    def factor(self, size: tuple[int, int]) -> int:
        """Return by how much a picture is reduced, if possible to no less than twice `enough`."""
        pixels, short = math.prod(size), min(size)
        if self.enough is None or pixels <= MAX_UNREDUCED_PIXELS:
            return 1
        wanted = math.ceil(math.sqrt(pixels / MAX_UNREDUCED_PIXELS))
        return max(1, short // (2 * self.enough), min(wanted, short // self.enough))

    def check(self, size: tuple[int, int], name: str, label: str) -> None:
        """Raise ValueError for a size outside of the bounds; `label` says what was measured."""
        width, height = size
        if min(size) < 1:
            raise UnreadableImageError(f"{name} must not be empty, got {width}x{height} px")
        if min(size) < self.min_side:
            raise UnreadableImageError(
                f"{name} must be at least {self.min_side} px a side, got {width}x{height} ({label})"
            )
        if width * height > self.max_pixels:
            raise UnreadableImageError(
                f"{name} must have at most {self.max_pixels} pixels, got {width}x{height} ({label})"
            )


def read_image(source: ImageSource, name: str, bounds: Bounds) -> Image.Image:
    """Read a picture within bounds; see `stylekernel_hf.images.loading.load_image`."""
    if isinstance(source, Image.Image):
        label = "the given PIL image"
        if bounds.enough is not None and not getattr(source, "tile", None):
            bounds = replace(bounds, max_pixels=MAX_PIXELS)  # It is decoded already.
        bounds.check(source.size, name, label)
        return _decoded(source, name, label, bounds)
    stream, label = open_source(source, name)
    with stream:
        image = _identify(stream, name, label)
        _reduce_in_decoder(image, name, label, bounds)
        return _decoded(image, name, label, bounds)


def read_size(path: str | os.PathLike[str], name: str) -> tuple[int, int]:
    """Return width and height of the picture in a file, as its header says."""
    stream, label = open_source(path, name)
    with stream:
        return _identify(stream, name, label).size


def _identify(stream: Stream, name: str, label: str) -> ImageFile.ImageFile:
    """`PIL.Image.open` without its size check, which is one global limit for the whole process."""
    prefix = stream.read(16)
    if not prefix:
        raise UnreadableImageError(f"{name} must be an image file, but {label} is empty (0 bytes)")
    with damage_named(name, label), silent_pillow():
        _check_metadata(stream, prefix)
        page = choose_page(stream, name, label)
        image = _opened(stream, prefix)
        if image is not None and page:
            image.seek(page)
    if image is None:
        raise UnreadableImageError(
            f"{name} must be an image file, but {label} is not one that Pillow can read"
        )
    return image


def _check_metadata(stream: Stream, prefix: bytes) -> None:
    """Look at the EXIF data of the formats for which Pillow reads them before we can."""
    if prefix.startswith(b"\xff\xd8"):
        is_one = any(is_bomb(io.BytesIO(data)) for data in jpeg_header.metadata(stream))
    else:
        is_one = prefix[4:8] == b"ftyp" and holds_bomb(stream)
    if is_one:
        raise ValueError("tags of its EXIF data overlap")


def _opened(stream: Stream, prefix: bytes) -> ImageFile.ImageFile | None:
    tried: set[str] = set()
    for import_plugins in (Image.preinit, Image.init):
        import_plugins()
        for image_format in [each for each in Image.ID if each not in tried]:
            tried.add(image_format)
            open_as, accepts = Image.OPEN[image_format]
            with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
                verdict = accepts is None or accepts(prefix)
                if verdict and not isinstance(verdict, str):  # A string says why not.
                    stream.seek(0)
                    return open_as(stream, "")
    return None


def _reduce_in_decoder(image: ImageFile.ImageFile, name: str, label: str, bounds: Bounds) -> None:
    """Have the decoders that can do so give fewer pixels, and check how many there will be."""
    size = decoded = image.size
    factor = bounds.factor(size)
    most = _MAX_PIXELS_OF_FORMATS.get(image.format or "", bounds.max_pixels)
    bounds = replace(bounds, max_pixels=min(most, bounds.max_pixels))
    if isinstance(image, JpegImagePlugin.JpegImageFile) and "progressive" not in image.info:
        image.draft(None, (-(-size[0] // factor), -(-size[1] // factor)))
        decoded = image.size
    elif isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
        image.reduce = halvings = factor.bit_length() - 1
        decoded = size[0] >> halvings, size[1] >> halvings
    if decoded != size and math.prod(decoded) <= bounds.max_pixels:
        bounds = replace(bounds, max_pixels=max(MAX_PIXELS, bounds.max_pixels))
    bounds.check(size, name, label)


def _decoded(image: Image.Image, name: str, label: str, bounds: Bounds) -> Image.Image:
    if image.format == "EPS":
        # Pillow would run Ghostscript, a whole programming language, on a stranger's file.
        raise UnreadableImageError(f"{name} must be an image of pixels, but {label} is PostScript")
    # The formats most used give no warnings while decoding, and need not wait for one another.
    calm = image.format in {"JPEG", "PNG", "WEBP", None}
    with damage_named(name, label):
        with contextlib.nullcontext() if calm else silent_pillow():
            _check_data(image, name, label)
            image.load()
        if image.mode in {"P", "PA"} and image.palette is None:
            raise ValueError("it has no palette")
        bounds.check(image.size, name, label)
        return normalized(image, name, factor=bounds.factor(image.size))


def _check_data(image: Image.Image, name: str, label: str) -> None:
    """Look for what the decoders themselves do not look for, in a file not decoded yet."""
    if image.format == "PCD":
        size = f"{image.width}x{image.height} px"
        _logger.warning("%s: of %s, a Photo CD, no more than %s can be read", name, label, size)
    stream = getattr(image, "fp", None)
    if stream is None or not getattr(image, "tile", None):
        return
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        if image.tell() == 0:
            choose_page(stream, name, label)
        check_whole(stream, image.tell(), name, label)
    elif "progressive" in image.info and jpeg_header.count_scans(stream) > MAX_SCANS:
        raise ValueError(f"it has more than {MAX_SCANS} scans")
