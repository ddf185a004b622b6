"""A region painted on the photo, as a mask."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops, ImageFilter

_FEATHER = 0.006
"""Softness of the region's edge, as a share of the longer side."""


def region_mask(layers: Sequence[Image.Image], *, inverted: bool) -> Image.Image | None:
    """Return a mask, white where any layer was painted on, or None if none was.

    The edge is a little soft. With `inverted` it is white where nothing was painted.
    """
    painted: Image.Image | None = None
    for layer in layers:
        # Whatever the brush's own transparency, its strokes count fully.
        alpha = layer.convert("RGBA").getchannel("A").point(lambda a: 255 if a > 8 else 0)
        painted = alpha if painted is None else ImageChops.lighter(painted, alpha)
    if painted is None or painted.getbbox() is None:
        return None
    soft = painted.filter(ImageFilter.GaussianBlur(_FEATHER * max(painted.size)))
    return ImageChops.invert(soft) if inverted else soft


def scaled_by(mask: Image.Image, strength: float) -> Image.Image:
    """Return the mask as a map of strength that is `strength` where the mask is white."""
    return mask.point(lambda value: round(value * strength))


def split_by(mask: Image.Image, weights: Sequence[float]) -> list[Image.Image]:
    """Return a mask for each style: the first's is `mask`, the others share the rest by weight."""
    elsewhere = ImageChops.invert(mask)
    total = sum(weights[1:]) or 1.0
    return [mask, *(scaled_by(elsewhere, weight / total) for weight in weights[1:])]
