"""Pictures as NumPy arrays, read, checked and resized as `stylekernel_hf.images` does it."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylekernel_hf.images.arrays import check_unit_values, pixels_of
from stylekernel_hf.images.bounds import Bounds
from stylekernel_hf.images.loading import ImageSource, read_image
from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.runtime.unseen_colors import fill_unseen

PictureInput: TypeAlias = ImageSource | npt.NDArray[Any]


def read_picture(
    image: PictureInput, name: str, bounds: Bounds
) -> tuple[Floats, Floats | None, bool]:
    """Return colours h x w x 3 and alpha h x w x 1, if any, in [0, 1], and if they had 8 bits.

    Images are of the kinds that `read_values` takes. Fully transparent colours are replaced by
    those around them. Errors begin with `name`.
    """
    values, has_bytes = read_values(image, name, bounds)
    rgb = np.broadcast_to(values[..., :3], (*values.shape[:2], 3))
    alpha = values[..., 3:] if values.shape[2] == 4 else None
    if alpha is None:
        return np.ascontiguousarray(rgb), alpha, has_bytes
    filled = fill_unseen(rgb, alpha)
    return rounded(filled) if has_bytes else np.ascontiguousarray(filled), alpha, has_bytes


def read_values(image: PictureInput, name: str, bounds: Bounds) -> tuple[Floats, bool]:
    """Return an image as h x w x c in [0, 1], c being 1, 3 or 4, and whether it had 8 bits.

    A path, bytes or PIL image is read by `load_image`. An array is HxW or HxWxC, of uint8, uint16,
    bool, or floats in [0, 1], with alpha last. Errors begin with `name`.
    """
    if isinstance(image, np.ndarray):
        values = _array_values(image, name)
        bounds.check((values.shape[1], values.shape[0]), name, "width x height")
        return values, image.dtype == np.uint8
    pixels = np.asarray(read_image(image, name, bounds))
    return np.divide(pixels, 255, dtype=np.float32), True


def resize(rgb: Floats, size: tuple[int, int], *, bicubic: bool = False) -> Floats:
    """Resize h x w x c to (height, width), antialiased, bilinearly or bicubically.

    Pillow does to floats what `torch.nn.functional.interpolate` does with antialias=True.
    """
    if rgb.shape[:2] == size:
        return rgb
    kind = Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR
    height, width = size
    channels = [
        Image.fromarray(np.ascontiguousarray(channel)).resize((width, height), kind)
        for channel in np.moveaxis(rgb, 2, 0)
    ]
    return np.stack([np.asarray(channel, np.float32) for channel in channels], axis=2)


def rounded(rgb: Floats) -> Floats:
    """Round values in [0, 1] to those of 8 bits."""
    return (rgb * 255).round() / np.float32(255)


def as_bytes(rgb: Floats) -> npt.NDArray[np.uint8]:
    """Return values in [0, 1], clamped, as uint8."""
    return (clipped(rgb) * 255).round().astype(np.uint8)


def clipped(rgb: Floats) -> Floats:
    """Clamp values to [0, 1]."""
    return np.clip(rgb, np.float32(0), np.float32(1))


def _array_values(image: npt.NDArray[Any], name: str) -> Floats:
    values = pixels_of(image, name)
    if values.size == 0:
        raise ValueError(f"{name} must not be empty, got {image.shape}")
    if image.dtype.kind == "u":
        largest = np.float32(np.iinfo(image.dtype).max)
        return np.divide(values, largest, dtype=np.float32)
    check_unit_values(values, values.size, name)
    return clipped(values.astype(np.float32))
