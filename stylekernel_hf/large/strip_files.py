"""Large image files read row by row with libvips, as upright 8-bit sRGB."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from PIL import TiffImagePlugin
from torch import Tensor

from stylekernel_hf.images.metadata.exif import orientation
from stylekernel_hf.images.metadata.reading import read_metadata
from stylekernel_hf.images.pillow_errors import damage_named, silent_pillow
from stylekernel_hf.images.source import open_source
from stylekernel_hf.images.tensors import RgbAndAlpha
from stylekernel_hf.images.tiff_checks import check_whole, choose_page
from stylekernel_hf.images.unseen_colors import SeenColors
from stylekernel_hf.large.vips_library import import_vips, vips_message

logger = logging.getLogger(__name__)

MAX_STRIP_PIXELS = 4_000_000_000
"""Limit of images in strips: hours of work, and 12 GB on the disk beside the result."""
MAX_STRIP_WIDTH = 100_000
"""Limit of the width: whole rows are held in memory."""

_ROWS_AT_ONCE = 64
# Libvips and Pillow read the same pixels of these kinds; they convert CMYK and Lab differently.
_LOADERS = frozenset({"jpegload", "pngload", "tiffload", "webpload"})
_INTERPRETATIONS = frozenset({"b-w", "grey16", "rgb16", "srgb"})
_TIFF_BANDS = {"1": 1, "I;16": 1, "I;16B": 1, "L": 1, "LA": 2, "P": 3, "RGB": 3, "RGBA": 4}
# Otherwise the parts of a TIFF file that cannot be decoded are black.
_FAIL_ON = "error"


class StripFile:
    """An image file whose rows can be read from first to last, any number of times.

    Of several frames the first is read. A file with transparency is read once more, for
    `SeenColors`. Raises OSError for the path, and ValueError for a file that is not an image, is
    damaged, too large, or of a kind that cannot be read in strips; messages begin with `name`.
    """

    def __init__(self, path: str | os.PathLike[str], *, name: str) -> None:
        self._vips = import_vips()
        self.path, self.name = Path(path), name
        self._page = self._check_file()
        self._orientation = orientation(read_metadata(path).exif)
        colors, alpha = self._open()
        self.width: int = colors.width
        self.height: int = colors.height
        if self.width > MAX_STRIP_WIDTH or self.width * self.height > MAX_STRIP_PIXELS:
            raise ValueError(
                f"{name} must be at most {MAX_STRIP_WIDTH} px wide and have at most "
                f"{MAX_STRIP_PIXELS} pixels, got {self.width}x{self.height} ('{self.path}')"
            )
        self._seen = None if alpha is None else self._seen_colors()

    def rows(self) -> FileRows:
        """Start to read the colours at the first row; fully transparent pixels are filled."""
        return FileRows(self, self._region(), self._seen)

    def alpha(self) -> Any | None:
        """Return the alpha channel, if any, as a libvips image that can be read once."""
        colors, alpha = self._open()
        if (colors.width, colors.height) != (self.width, self.height):
            raise ValueError(f"{self.name} changed while it was read: '{self.path}'")
        return alpha

    @contextmanager
    def damage_named(self) -> Generator[None]:
        """Turn errors of libvips into a ValueError that names argument and file."""
        try:
            yield
        except self._vips.Error as error:
            raise ValueError(
                f"{self.name} must be an image file that libvips can read, but '{self.path}' is "
                f"not one, or is damaged: {vips_message(error)}"
            ) from error

    def _seen_colors(self) -> SeenColors:
        seen = SeenColors(self.width)
        rows = FileRows(self, self._region(), None)
        for top in range(0, self.height, _ROWS_AT_ONCE):
            rgb, alpha = rows.fetch(min(_ROWS_AT_ONCE, self.height - top))
            if alpha is not None:
                seen.add(rgb, alpha)
        return seen

    def _region(self) -> Any:
        """Open the file for reading from the top, with alpha as the last channel."""
        colors, alpha = self._open()
        return self._vips.Region.new(colors if alpha is None else colors.bandjoin(alpha))

    def _check_file(self) -> int:
        """Check what libvips does not, and return the page of the main image."""
        if self.path.is_fifo():
            raise ValueError(
                f"{self.name} must be a file that can be read again, not a pipe, got '{self.path}'"
            )
        stream, label = open_source(self.path, self.name)
        with stream, damage_named(self.name, label), silent_pillow():
            page = choose_page(stream, self.name, label)
            check_whole(stream, page, self.name, label)
        return page

    def _open(self) -> tuple[Any, Any | None]:
        """Return the colours as 8-bit sRGB, and the alpha channel if there is one."""
        with self.damage_named():
            image = self._upright()
            image = self._bytes(image)
            colors, alpha = image, None
            if image.hasalpha():
                colors, alpha = image.extract_band(0, n=image.bands - 1), image[image.bands - 1]
            colors = self._to_srgb(colors)
            if colors.bands != 3:
                raise ValueError(
                    f"{self.name} must be grey or coloured, got {image.bands} channels of "
                    f"{image.interpretation} ('{self.path}')"
                )
            return colors, alpha

    def _upright(self) -> Any:
        image = self._load("sequential")
        place = image.get("orientation")
        if place == 2:
            return image.fliphor()
        # libvips decodes an image to turn it into a temporary file.
        return image if place not in range(3, 9) else self._load("random").autorot()

    def _load(self, access: str) -> Any:
        # Without revalidate, libvips would return the cached image, which was already read.
        options = {"page": self._page} if self._page else {}
        image = self._vips.Image.new_from_file(
            str(self.path), access=access, fail_on=_FAIL_ON, revalidate=True, **options
        )
        if not image.get_typeof("orientation"):
            # libvips does not see the EXIF data behind the pixels of a PNG file.
            image = image.copy()
            image.set_type(self._vips.GValue.gint_type, "orientation", self._orientation)
        return image

    def _bytes(self, image: Any) -> Any:
        if image.format == "ushort":
            kind = {"grey16": "b-w", "rgb16": "srgb"}.get(image.interpretation)
            image = (image / 257).rint().cast("uchar")
            return image.copy(interpretation=kind) if kind else image
        if image.format != "uchar":
            raise ValueError(
                f"{self.name} must have 8 or 16 bits a channel to be read in strips, "
                f"got {image.format} ('{self.path}')"
            )
        return image

    def _to_srgb(self, colors: Any) -> Any:
        if colors.get_typeof("icc-profile-data"):
            try:
                return colors.icc_transform("srgb", embedded=True, intent="perceptual", depth=8)
            except self._vips.Error as error:
                reason = error.message
                logger.warning(
                    "%s: the ICC profile cannot be used and is ignored: %s", self.name, reason
                )
        return colors.colourspace("srgb")


class FileRows:
    """Reads the rows of a `StripFile` in order."""

    def __init__(self, file: StripFile, region: Any, seen: SeenColors | None) -> None:
        self._file, self._region, self._seen, self._next = file, region, seen, 0

    def read(self, count: int) -> UInt8[Tensor, "count w 3"]:
        """Return the next rows; raise ValueError where the file is damaged."""
        rows = torch.empty((count, self._file.width, 3), dtype=torch.uint8)
        for part in rows.split(_ROWS_AT_ONCE):
            top = self._next
            rgb, alpha = self.fetch(len(part))
            if alpha is not None and self._seen is not None:
                rgb = self._seen.fill(rgb, alpha, top=top)
            part.copy_(rgb[0].permute(1, 2, 0))
        return rows

    def fetch(self, count: int) -> RgbAndAlpha:
        """Return the next rows unfilled, with their alpha."""
        with self._file.damage_named():
            data = self._region.fetch(0, self._next, self._file.width, count)
        self._next += count
        pixels = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        pixels = pixels.view(1, count, self._file.width, -1).permute(0, 3, 1, 2)
        return pixels[:, :3], pixels[:, 3:] if pixels.shape[1] == 4 else None


def reads_in_strips(path: str | os.PathLike[str]) -> bool:
    """Return whether libvips reads this kind of file, and to the same pixels as Pillow.

    False for a damaged file, since Pillow's error says more.
    """
    vips = import_vips()
    try:
        image = vips.Image.new_from_file(
            str(path), access="sequential", fail_on=_FAIL_ON, revalidate=True
        )
        loader = image.get("vips-loader")
        known = loader in _LOADERS and image.interpretation in _INTERPRETATIONS
        if not known or image.format not in ("uchar", "ushort"):
            return False
        # Only decoding shows whether libvips has the codec.
        image.crop(0, 0, image.width, 1).avg()
    except vips.Error:
        return False
    return loader != "tiffload" or _tiff_bands(path) == image.bands


def _tiff_bands(path: str | os.PathLike[str]) -> int | None:
    """Return the number of channels that Pillow reads; it ignores some extra ones of TIFF."""
    with open(path, "rb") as file, silent_pillow():
        return _TIFF_BANDS.get(TiffImagePlugin.TiffImageFile(file).mode)
