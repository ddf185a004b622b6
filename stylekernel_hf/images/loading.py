"""Image files read as upright, 8-bit sRGB PIL images; sizes are checked before decoding."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import struct
from dataclasses import replace
from typing import TypeAlias

from PIL import Image, ImageFile, Jpeg2KImagePlugin, JpegImagePlugin, TiffImagePlugin

from stylekernel_hf.errors.given_values import as_float
from stylekernel_hf.images import jpeg_header
from stylekernel_hf.images.bounds import MAX_PIXELS, Bounds
from stylekernel_hf.images.normalization import normalized
from stylekernel_hf.images.pillow_errors import UnreadableImageError, damage_named, silent_pillow
from stylekernel_hf.images.source import Stream, open_source
from stylekernel_hf.images.tiff_checks import check_whole, choose_page
from stylekernel_hf.images.tiff_directories import holds_bomb, is_bomb

_logger = logging.getLogger(__name__)

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | bytes

_MAX_FORMAT_PIXELS = {"AVIF": 2**27, "JPEG2000": 2**26, "WEBP": 2**26}
"""Limits of formats whose decoders take 10 to 20 bytes a pixel; others take 4."""

MAX_SCANS = 200
"""Limit of a progressive JPEG's scans: each costs a pass over the whole image."""


def load_image(
    source: ImageSource, *, name: str = "image", max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Read an image as it is meant to be seen: upright, 8 bits a channel, sRGB.

    Of several frames the first is read (of a PIL image, the current one); of a TIFF file that
    begins with a preview, the largest page. Grey of mode I counts as 16-bit, of mode F as 0 to 1.
    A pipe is read to its end.

    Args:
        source: A path, the bytes of an image file, or a PIL image, which is not changed.
        name: The caller's argument, with which every error message begins.
        max_pixels: Limit of width x height, checked in the header before decoding. WebP and
            JPEG 2000 files have a limit of 64 x 2^20 pixels, AVIF files of 128 x 2^20.

    Returns:
        A new image of mode "RGB", or "RGBA" where the source has transparency, without metadata.

    Raises:
        FileNotFoundError: The path does not exist. Other OSErrors: it cannot be read.
        TypeError: `source` is of another type.
        ValueError: The source is not an image, is damaged, is a camera's raw file, or has too
            many pixels.

    Example:
        >>> from stylekernel_hf import load_image
        >>> load_image("photo.jpg").mode
        'RGB'
    """
    as_float(max_pixels, "max_pixels")
    return read_image(source, name, Bounds(max_pixels))


def count_pixels(path: str | os.PathLike[str], *, name: str = "image") -> int:
    """Return width x height from an image file's header; errors are those of `load_image`."""
    return math.prod(read_size(path, name))


def read_image(source: ImageSource, name: str, bounds: Bounds) -> Image.Image:
    """Read an image within bounds, reduced where they allow it; else like `load_image`."""
    if isinstance(source, Image.Image):
        label = "the given PIL image"
        is_decoded = not getattr(source, "tile", None)
        if bounds.needed_side is not None and is_decoded:
            bounds = replace(bounds, max_pixels=MAX_PIXELS)
        bounds.check(source.size, name, label)
        return _decoded(source, name, label, bounds)
    stream, label = open_source(source, name)
    with stream:
        image = open_image(stream, name, label)
        _reduce_in_decoder(image, name, label, bounds)
        return _decoded(image, name, label, bounds)


def read_size(path: str | os.PathLike[str], name: str) -> tuple[int, int]:
    """Return width and height from an image file's header."""
    stream, label = open_source(path, name)
    with stream:
        return open_image(stream, name, label).size


def open_image(stream: Stream, name: str, label: str) -> ImageFile.ImageFile:
    """Read the header with the first of Pillow's plugins that takes the file.

    Raises ValueError, with the argument's `name` and the file's `label`, if none does.
    """
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
    """Check the EXIF data of formats whose plugins read them with the header."""
    if prefix.startswith(b"\xff\xd8"):
        is_one = any(is_bomb(io.BytesIO(data)) for data in jpeg_header.metadata(stream))
    else:
        is_one = prefix[4:8] == b"ftyp" and holds_bomb(stream)
    if is_one:
        raise ValueError("tags of its EXIF data overlap")


def _opened(stream: Stream, prefix: bytes) -> ImageFile.ImageFile | None:
    """Do what `PIL.Image.open` does, without its size limit.

    That limit is one for the whole process, 179 megapixels by default; ours is one for each call.
    """
    tried: set[str] = set()
    for import_plugins in (Image.preinit, Image.init):
        import_plugins()
        for image_format in [each for each in Image.ID if each not in tried]:
            tried.add(image_format)
            open_as, accepts = Image.OPEN[image_format]
            with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
                verdict = accepts is None or accepts(prefix)
                if verdict and not isinstance(verdict, str):  # A string gives a reason against.
                    stream.seek(0)
                    return open_as(stream, "")
    return None


def _reduce_in_decoder(image: ImageFile.ImageFile, name: str, label: str, bounds: Bounds) -> None:
    """Set up the decoders that can reduce, and check the number of pixels that are decoded."""
    size = decoded = image.size
    factor = bounds.factor(size)
    most = _MAX_FORMAT_PIXELS.get(image.format or "", bounds.max_pixels)
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
        # Pillow would run Ghostscript, an interpreter of a programming language, on the file.
        raise UnreadableImageError(f"{name} must be an image of pixels, but {label} is PostScript")
    # Decoders of the usual formats give no warnings, and so need not wait for the lock.
    gives_warnings = image.format not in {"JPEG", "PNG", "WEBP", None}
    with damage_named(name, label):
        with silent_pillow() if gives_warnings else contextlib.nullcontext():
            _check_data(image, name, label)
            image.load()
        if image.mode in {"P", "PA"} and image.palette is None:
            raise ValueError("it has no palette")
        bounds.check(image.size, name, label)
        return normalized(image, name, factor=bounds.factor(image.size))


def _check_data(image: Image.Image, name: str, label: str) -> None:
    """Check what Pillow's decoders do not, in a file that is not decoded yet."""
    if image.format == "PCD":
        size = f"{image.width}x{image.height} px"
        _logger.warning("%s: only %s of %s, a Photo CD image, are read", name, size, label)
    stream = getattr(image, "fp", None)
    if stream is None or not getattr(image, "tile", None):
        return
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        if image.tell() == 0:
            choose_page(stream, name, label)
        check_whole(stream, image.tell(), name, label)
    elif "progressive" in image.info and jpeg_header.count_scans(stream) > MAX_SCANS:
        raise ValueError(f"it has more than {MAX_SCANS} scans")
