"""The options that videos have and pictures do not, checked."""

from __future__ import annotations

import math
from fractions import Fraction

from stylekernel_hf.errors.given_values import as_float, as_integer, shown
from stylekernel_hf.styles.picture_size import MIN_SIDE

_MOST_FPS = 240


def check_smoothing(smoothing: object) -> float:
    """Return a half-life in seconds, 0 for none."""
    seconds = as_float(smoothing, "smoothing")
    if seconds < 0:
        raise ValueError(f"smoothing must be at least 0 s, got {seconds:g}")
    return seconds


def check_times(start: object, end: object) -> tuple[float, float | None]:
    """Return the begin and end of a part of a clip, in seconds."""
    first = as_float(start, "start")
    if first < 0:
        raise ValueError(f"start must be at least 0 s, got {first:g}")
    if end is None:
        return first, None
    last = as_float(end, "end")
    if last <= first:
        raise ValueError(f"end must be after the start at {first:g} s, got {last:g}")
    return first, last


def check_fps(fps: object) -> Fraction | None:
    """Return a rate as a fraction that files can hold, such as 30000 / 1001."""
    if fps is None:
        return None
    rate = as_float(fps, "fps")
    if not 0 < rate <= _MOST_FPS:
        raise ValueError(f"fps must lie in (0, {_MOST_FPS}], got {shown(rate)}")
    return Fraction(fps if isinstance(fps, Fraction) else rate).limit_denominator(1001)


def scaled_size(width: int, height: int, max_side: object) -> tuple[int, int]:
    """Return (width, height) with a longer side of at most `max_side`, even if smaller."""
    if max_side is None:
        return width, height
    most = as_integer(max_side, "max_side", low=MIN_SIDE)
    scale = most / max(width, height)
    if scale >= 1:
        return width, height
    smaller = [max(MIN_SIDE, math.floor(side * scale / 2 + 0.5) * 2) for side in (width, height)]
    return min(smaller[0], most), min(smaller[1], most)
