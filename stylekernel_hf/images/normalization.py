"""PIL images of any mode to upright 8-bit RGB or RGBA in sRGB."""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from PIL import ExifTags, Image, ImageCms

from stylekernel_hf.images.pillow_errors import UnreadableImageError, silent_pillow
from stylekernel_hf.images.tiff_directories import is_bomb

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ICC_MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
_BAND_PIXELS = 2**22

Conversion: TypeAlias = Callable[[Image.Image], Image.Image]

_logger = logging.getLogger(__name__)


def normalized(image: Image.Image, name: str, *, factor: int = 1) -> Image.Image:
    """Return a new upright "RGB" or "RGBA" image in sRGB, without metadata, reduced by `factor`.

    The conversion goes band by band, so that it needs memory for one band beside the images.
    """
    image = _upright(image, name)
    to_srgb = _profile_conversion(image, name)
    rows = max(1, _BAND_PIXELS // (image.width * factor)) * factor
    bands = (
        _rows(image, top, min(top + rows, image.height)) for top in range(0, image.height, rows)
    )
    made = (_band(band, to_srgb, name) for band in bands)
    reduced = made if factor == 1 else (band.reduce(factor) for band in made)
    first = next(reduced)
    if rows >= image.height:
        return first
    result = Image.new(first.mode, (first.width, -(-image.height // factor)))
    for index, band in enumerate(itertools.chain([first], reduced)):
        result.paste(band, (0, index * rows // factor))
    return result


def _rows(image: Image.Image, top: int, bottom: int) -> Image.Image:
    """Return a copy of some rows, since Pillow changes the palette of an image that it converts.

    `Image.crop` would apply Pillow's size limit, which is one for the whole process.
    """
    size = (image.width, bottom - top)
    return image.resize(size, Image.Resampling.NEAREST, box=(0, top, image.width, bottom))


def _band(image: Image.Image, to_srgb: Conversion | None, name: str) -> Image.Image:
    if image.mode == "F":
        image = _from_float_grey(image, name)
    elif image.mode.startswith("I"):
        image = _from_wide_grey(image, name)
    elif image.mode == "La":
        image = image.convert("LA")
    colors, alpha = _split_alpha(image)
    result = to_srgb(colors) if to_srgb else colors
    result = result if result.mode == "RGB" else result.convert("RGB")
    if alpha is not None:
        result.putalpha(alpha)
    result.info.clear()
    return result


def _upright(image: Image.Image, name: str) -> Image.Image:
    """Turn the image upright by its EXIF orientation."""
    orientation = None
    try:
        if is_bomb(io.BytesIO(_exif_data(image))):
            raise ValueError("tags overlap")
        with silent_pillow():
            orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception as error:  # Pillow raises errors of any type on damaged EXIF data.
        _logger.warning("%s: EXIF data cannot be read and are ignored: %s", name, error)
    transpose = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if transpose is None else image.transpose(transpose)


def _exif_data(image: Image.Image) -> bytes:
    """Return the bytes that Pillow will parse as EXIF data."""
    data = image.info.get("exif")
    if data is None and "Raw profile type exif" in image.info:
        lines = str(image.info["Raw profile type exif"]).split("\n")[3:]
        data = bytes.fromhex("".join(lines))
    return data.removeprefix(b"Exif\0\0") if isinstance(data, bytes) else b""


def _from_float_grey(image: Image.Image, name: str) -> Image.Image:
    import numpy as np

    values = np.asarray(image)
    if not ((values >= 0) & (values <= 1)).all():
        raise UnreadableImageError(
            f"{name} must be in [0, 1] where its pixels are floats, "
            f"got {values.min()} to {values.max()}"
        )
    grey = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    grey.info = image.info.copy()
    return grey


def _from_wide_grey(image: Image.Image, name: str) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion clips at 255."""
    wide = image.convert("I")
    darkest, lightest = cast(tuple[int, int], wide.getextrema())
    if darkest < 0 or lightest > 65535:
        raise UnreadableImageError(
            f"{name} must be in 0 to 65535 where its pixels are integers, "
            f"got {darkest} to {lightest}"
        )
    grey = wide.point([(value + 128) // 257 for value in range(65536)], "L")
    transparent = grey.info.pop("transparency", None)
    if transparent is not None:
        grey.putalpha(wide.point([255 * (value != transparent) for value in range(65536)], "L"))
    return grey


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours as "L", "RGB" or "CMYK", and the alpha channel if there is one."""
    if image.mode == "CMYK":
        return image, None
    is_grey = image.mode in {"1", "L", "LA"}
    if not image.has_transparency_data:
        mode = "L" if is_grey else "RGB"
        return image if image.mode == mode else image.convert(mode), None
    rgba = image.convert("RGBA")
    colors = rgba.getchannel("R") if is_grey else rgba.convert("RGB")
    return colors, rgba.getchannel("A")


def _profile_conversion(image: Image.Image, name: str) -> Conversion | None:
    """Return the conversion of the image's ICC profile to sRGB, if it has a usable profile."""
    profile: Any = image.info.get("icc_profile")
    if not profile:
        return None
    mode = _color_mode(image)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space: str = cast(Any, source.profile).xcolor_space
        wanted = _ICC_MODES.get(space, "")
        if wanted != mode and (wanted, mode) != ("RGB", "L"):
            raise ValueError(f"it is for {space.strip()}, not for {mode}")
        if wanted == "L":
            return _grey_conversion(source)
        transform = _transform(source, wanted)
        return lambda colors: _applied(transform, colors.convert(wanted))
    except MemoryError:
        raise
    except Exception as error:  # LittleCMS raises errors of several types on damaged profiles.
        _logger.warning("%s: the ICC profile cannot be used and is ignored: %s", name, error)
        return None


def _color_mode(image: Image.Image) -> str:
    """Return the mode of the colours that `_split_alpha` will return."""
    if image.mode == "CMYK":
        return "CMYK"
    is_grey = image.mode in {"1", "L", "LA", "La", "F"} or image.mode.startswith("I")
    return "L" if is_grey else "RGB"


def _grey_conversion(source: ImageCms.ImageCmsProfile) -> Conversion:
    """Return a conversion by a table of all 256 greys.

    LittleCMS interpolates between 33 of them, which is up to 10 levels off.
    """
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    exact = _applied(_transform(source, "L", ImageCms.Flags.NOOPTIMIZE), ramp)
    table = [value for band in exact.split() for value in band.tobytes()]
    return lambda grey: grey.convert("RGB").point(table)


def _transform(
    source: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> ImageCms.ImageCmsTransform:
    srgb = ImageCms.createProfile("sRGB")
    perceptual = ImageCms.Intent.PERCEPTUAL
    return ImageCms.buildTransform(source, srgb, mode, "RGB", perceptual, flags)


def _applied(transform: ImageCms.ImageCmsTransform, colors: Image.Image) -> Image.Image:
    return cast(Image.Image, ImageCms.applyTransform(colors, transform))
