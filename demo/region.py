"""A region painted on the photo, as a mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageFilter

BRUSHES = ("#ff00d4", "#00d5ff", "#38e01a", "#ffe100")
"""Colours to paint regions in, one for each painting in its order: brighter than photos are."""
_FEATHER = 0.006
"""Softness of the region's edge, as a share of the longer side."""
_UNPAINTED = 8
"""Opacity, of 255, up to which a pixel counts as not painted."""


def region_mask(layers: Sequence[Image.Image], *, inverted: bool) -> Image.Image | None:
    """Return a mask, white where any layer was painted on, or None if none was.

    The edge is a little soft. With `inverted` it is white where nothing was painted.
    """
    painted: Image.Image | None = None
    for layer in layers:
        # Strokes count fully, whatever the transparency of the brush.
        alpha = layer.convert("RGBA").getchannel("A").point(lambda a: 255 if a > _UNPAINTED else 0)
        painted = alpha if painted is None else ImageChops.lighter(painted, alpha)
    if painted is None or painted.getbbox() is None:
        return None
    return ImageChops.invert(_softened(painted)) if inverted else _softened(painted)


def color_masks(layers: Sequence[Image.Image], count: int) -> list[Image.Image] | None:
    """Return a mask for each of `count` paintings, white where its brush was used.

    None if nothing was painted. Of layers on top of each other the last one counts.
    """
    if not layers:
        return None
    size = layers[0].size
    brush = np.full(size[::-1], -1)
    palette = np.array([ImageColor.getrgb(color) for color in BRUSHES])
    for layer in layers:
        pixels = np.asarray(layer.convert("RGBA").resize(size, Image.Resampling.NEAREST), int)
        distances = np.abs(pixels[:, :, None, :3] - palette).sum(axis=-1)
        brush = np.where(pixels[..., 3] > _UNPAINTED, distances.argmin(axis=-1), brush)
    if (brush < 0).all():
        return None
    masks = [Image.fromarray(np.uint8(255) * (brush == index)) for index in range(count)]
    return [_softened(mask) for mask in masks]


def _softened(mask: Image.Image) -> Image.Image:
    return mask.filter(ImageFilter.GaussianBlur(_FEATHER * max(mask.size)))


def as_map(picture: Image.Image) -> Image.Image:
    """Return a picture as a map of strength; what is transparent is black."""
    black = Image.new("RGBA", picture.size, "black")
    return Image.alpha_composite(black, picture.convert("RGBA")).convert("L")


def multiplied(mask: Image.Image, other: Image.Image) -> Image.Image:
    """Return both maps at once, at the size of the larger one."""
    larger, smaller = sorted((mask, other), key=lambda each: max(each.size), reverse=True)
    return ImageChops.multiply(larger, smaller.resize(larger.size, Image.Resampling.BILINEAR))


def scaled_by(mask: Image.Image, strength: float) -> Image.Image:
    """Return the mask as a map of strength that is `strength` where the mask is white."""
    return mask.point(lambda value: round(value * strength))


def split_by(mask: Image.Image, weights: Sequence[float]) -> list[Image.Image]:
    """Return a mask for each style: the first's is `mask`, the others share the rest by weight."""
    elsewhere = ImageChops.invert(mask)
    total = sum(weights[1:]) or 1.0
    return [mask, *(scaled_by(elsewhere, weight / total) for weight in weights[1:])]
