"""Large image files read and written row by row with libvips: upright, 8-bit sRGB."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from stylekernel_hf.stored_png import StoredPng

logger = logging.getLogger(__name__)

MAX_STRIP_PIXELS = 4_000_000_000
"""The largest picture that is painted in strips.

Not memory but time and room on the disk are the reason: hours, and 12 GB beside the result.
"""
MAX_STRIP_WIDTH = 100_000
"""The widest one: rows are held whole, so that memory grows with the width."""

_ROWS_AT_ONCE = 64
# How each format is written; as `save_image` does, with all of the colour resolution in JPEG.
_SAVERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".jpeg": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
    ".jpg": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
    ".png": ("pngsave", {"filter": "all"}),
    ".tif": ("tiffsave", {"compression": "deflate", "predictor": "horizontal", "bigtiff": True}),
    ".tiff": ("tiffsave", {"compression": "deflate", "predictor": "horizontal", "bigtiff": True}),
    ".webp": ("webpsave", {"Q": 95}),
}


def import_vips() -> Any:
    """Return pyvips; ImportError with the name of the extra where it is missing."""
    try:
        import pyvips  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except (ImportError, OSError) as error:  # OSError: the binding without libvips itself.
        raise ImportError(
            'pictures too large for memory need libvips: pip install "stylekernel-hf[large]"'
        ) from error
    return pyvips


def has_vips() -> bool:
    """Say whether libvips is there."""
    try:
        import_vips()
    except ImportError:
        return False
    return True


class StripFile:
    """An image file whose rows are read from the first to the last, as often as asked for.

    Errors begin with `name`: OSErrors for the path, ValueError for what is no image, damaged, too
    large, or of a kind that cannot be read in strips. Of several frames the first is read.
    """

    def __init__(self, path: str | os.PathLike[str], *, name: str) -> None:
        self._vips = import_vips()
        self.path, self.name = Path(path), name
        if not self.path.exists():
            raise FileNotFoundError(f"{name}: no such file: '{self.path}'")
        if self.path.is_dir():
            raise IsADirectoryError(f"{name} must be an image file, but '{self.path}' is a folder")
        colors, _ = self._open()
        self.width: int = colors.width
        self.height: int = colors.height
        if self.width > MAX_STRIP_WIDTH or self.width * self.height > MAX_STRIP_PIXELS:
            raise ValueError(
                f"{name} must be at most {MAX_STRIP_WIDTH} px wide and have at most "
                f"{MAX_STRIP_PIXELS} pixels, got {self.width}x{self.height} ('{self.path}')"
            )

    def rows(self) -> FileRows:
        """Return the colours from the first row on."""
        colors, _ = self._open()
        return FileRows(self, self._vips.Region.new(colors))

    def alpha(self) -> Any | None:
        """Return the transparency as an image of libvips, to be read once, if there is any."""
        return self._open()[1]

    @contextmanager
    def damage_named(self) -> Generator[None]:
        """Turn libvips's errors into ours."""
        try:
            yield
        except self._vips.Error as error:
            # Its message is followed by lines of detail, of which the first tells the most.
            lines = [line for line in f"{error.message}\n{error.detail}".splitlines() if line]
            raise ValueError(
                f"{self.name} must be an image file that libvips can read, but '{self.path}' is "
                f"not one, or damaged: {'; '.join(lines[:2])}"
            ) from error

    def _open(self) -> tuple[Any, Any | None]:
        """Return colours, of three 8-bit channels in sRGB, and alpha, of one."""
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
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        if orientation == 2:
            return image.fliphor()
        # To turn a picture libvips needs all of it, for which it makes a file of its own.
        return image if orientation not in range(3, 9) else self._load("random").autorot()

    def _load(self, access: str) -> Any:
        # libvips remembers what it opened, and a sequence that was read cannot be read again.
        return self._vips.Image.new_from_file(
            str(self.path), access=access, fail_on="truncated", revalidate=True
        )

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
                    "%s: the ICC profile cannot be used and is left out: %s", self.name, reason
                )
        return colors.colourspace("srgb")


class FileRows:
    """The rows of a file, from the first on."""

    def __init__(self, file: StripFile, region: Any) -> None:
        self._file, self._region, self._next = file, region, 0

    def read(self, count: int) -> UInt8[Tensor, "count w 3"]:
        """Return the next rows; ValueError where the file is damaged."""
        width = self._file.width
        rows = torch.empty((count, width, 3), dtype=torch.uint8)
        with self._file.damage_named():
            for part in rows.split(_ROWS_AT_ONCE):
                data = self._region.fetch(0, self._next, width, len(part))
                pixels = torch.frombuffer(bytearray(data), dtype=torch.uint8)
                part.copy_(pixels.view(part.shape))
                self._next += len(part)
        return rows


def writes_in_strips(path: Path) -> bool:
    """Say whether a file of this name can be written row by row."""
    return path.suffix.lower() in _SAVERS


def check_strip_output(path: Path) -> None:
    """Raise ValueError for a format that is not written in strips, and OSErrors for the path."""
    if not writes_in_strips(path):
        raise ValueError(
            f"output of a large picture must end in {', '.join(sorted(_SAVERS))}, got '{path}'"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"output: no such folder: '{path.parent}'")
    if path.is_dir():
        raise IsADirectoryError(f"output must be a file, but '{path}' is a folder")


@contextmanager
def raw_file(beside: Path) -> Generator[Path]:
    """Give the name of a temporary file, private to this process and removed after."""
    path = beside.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def encode_raw(raw: Path, content: StripFile, output: Path) -> None:
    """Write rows of RGB bytes, of the content's size and with its alpha, as an image file.

    The file appears whole or not at all, with the sRGB profile embedded. JPEG has no alpha: the
    picture is laid over white.
    """
    vips = import_vips()
    saver, options = _SAVERS[output.suffix.lower()]
    with raw_file(output) as temporary, raw.open("rb") as rows:
        source = vips.SourceCustom()
        source.on_read(StoredPng(rows, content.width, content.height).read)
        try:
            image = vips.Image.new_from_source(source, "", access="sequential")
            alpha = content.alpha()
            if alpha is not None:
                image = image.bandjoin(alpha)
                if saver == "jpegsave":
                    image = image.flatten(background=[255, 255, 255])
            getattr(image, saver)(str(temporary), profile="srgb", keep="icc", **options)
        except vips.Error as error:
            size = f"{content.width}x{content.height}"
            reason = f"{error.message} {error.detail}".strip().splitlines()[0]
            raise ValueError(f"output: cannot write '{output}' of {size} px: {reason}") from error
        os.replace(temporary, output)
