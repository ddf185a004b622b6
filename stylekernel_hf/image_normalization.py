"""Any PIL image to what the rest of the package works on: upright, 8-bit, RGB or RGBA, in sRGB."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import warnings
from collections.abc import Generator
from typing import Any, cast

from PIL import ExifTags, Image, ImageCms

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

_logger = logging.getLogger(__name__)
_warnings_lock = threading.Lock()


def normalized(image: Image.Image, name: str) -> Image.Image:
    """A fresh upright "RGB" or "RGBA" image in sRGB, without metadata."""
    image = _upright(image, name)
    if image.mode == "F":
        image = _from_float_grey(image, name)
    elif image.mode.startswith("I"):
        image = _from_wide_grey(image, name)
    elif image.mode == "La":
        image = image.convert("LA")
    profile: bytes | None = image.info.get("icc_profile")
    colors, alpha = _split_alpha(image)
    if profile:
        colors = _to_srgb(colors, profile, name)
    result = colors.convert("RGB")
    if alpha is not None:
        result.putalpha(alpha)
    result.info.clear()
    return result


def _upright(image: Image.Image, name: str) -> Image.Image:
    """The image as it should be seen, or itself if it is upright."""
    try:
        with silent_pillow():
            orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception as error:  # As in `image_io`; the pixels are well.
        _logger.warning("%s: EXIF data cannot be read and are left out: %s", name, error)
        orientation = None
    transpose = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if transpose is None else image.transpose(transpose)


def _from_float_grey(image: Image.Image, name: str) -> Image.Image:
    import numpy as np

    values = np.asarray(image)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"{name} must be in [0, 1] where its pixels are floats, "
            f"got {values.min()} to {values.max()}"
        )
    grey = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    grey.info = image.info.copy()
    return grey


def _from_wide_grey(image: Image.Image, name: str) -> Image.Image:
    """16-bit grey to 8 bits; Pillow's own conversion clips at 255."""
    wide = image.convert("I")
    darkest, lightest = cast(tuple[int, int], wide.getextrema())
    if darkest < 0 or lightest > 65535:
        raise ValueError(
            f"{name} must be in 0 to 65535 where its pixels are integers, "
            f"got {darkest} to {lightest}"
        )
    grey = wide.point([(value + 128) // 257 for value in range(65536)], "L")
    transparent = grey.info.pop("transparency", None)
    if transparent is not None:
        grey.putalpha(wide.point([255 * (value != transparent) for value in range(65536)], "L"))
    return grey


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours as "L", "RGB" or "CMYK", and the transparency if there is any."""
    if image.mode == "CMYK":
        return image, None
    is_grey = image.mode in {"1", "L", "LA"}
    if not image.has_transparency_data:
        return image.convert("L" if is_grey else "RGB"), None
    # Of a copy, because Pillow writes the transparency of a palette into the image it converts.
    rgba = (image.copy() if image.mode == "P" else image).convert("RGBA")
    colors = rgba.getchannel("R") if is_grey else rgba.convert("RGB")
    return colors, rgba.getchannel("A")


def _to_srgb(colors: Image.Image, profile: bytes, name: str) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space: str = cast(Any, source.profile).xcolor_space
        mode = _ICC_MODES.get(space)
        if mode == "RGB" and colors.mode == "L":
            colors = colors.convert("RGB")
        if mode != colors.mode:
            raise ValueError(f"it is for {space.strip()}, not for {colors.mode}")
        return _grey_to_srgb(colors, source) if mode == "L" else _transform(colors, source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        _logger.warning("%s: the ICC profile cannot be used and is left out: %s", name, error)
        return colors


def _grey_to_srgb(grey: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """By a table of all 256 greys: LittleCMS interpolates between 33, up to 10 levels off."""
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    exact = _transform(ramp, source, ImageCms.Flags.NOOPTIMIZE)
    table = b"".join(band.tobytes() for band in exact.split())
    return grey.convert("RGB").point(list(table))


def _transform(
    colors: Image.Image,
    source: ImageCms.ImageCmsProfile,
    flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    perceptual = ImageCms.Intent.PERCEPTUAL
    converted = ImageCms.profileToProfile(colors, source, srgb, perceptual, "RGB", flags=flags)
    return cast(Image.Image, converted)


@contextlib.contextmanager
def silent_pillow() -> Generator[None]:
    """Keep to ourselves what Pillow warns of: size, which is checked here, and odd metadata.

    Warning filters belong to the process: two threads that changed them at once could leave them
    changed for good.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
