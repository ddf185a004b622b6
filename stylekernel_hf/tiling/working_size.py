"""The size at which strokes are decided."""

from __future__ import annotations

WORKING_SIDE = 512
"""Short side in px of the working size with a stroke scale of 1: that of style images."""
# Below this ratio of the two sizes one pass does, at the photo's own size.
_LEAST_RATIO = 1.25
_LEAST_SIDE = 64


def working_size(height: int, width: int, stroke_scale: float) -> tuple[int, int] | None:
    """Return (height, width) at which strokes are decided, or None for the photo's own size.

    The short side is that of the photo, 512 px at most, divided by `stroke_scale`: marks are
    `stroke_scale` times as wide, relative to the frame, as in a photo of 512 px.
    """
    short = min(height, width)
    side = max(min(short, WORKING_SIDE) / stroke_scale, min(short, _LEAST_SIDE))
    ratio = side / short
    if 1 / _LEAST_RATIO < ratio < _LEAST_RATIO:
        return None
    return max(1, round(height * ratio)), max(1, round(width * ratio))
