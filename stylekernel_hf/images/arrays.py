"""Checks of pictures given as arrays, for the readers with and without torch."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

_RANGE_TOLERANCE = 1e-3
"""Rounding errors up to this far outside [0, 1] are clamped."""


def pixels_of(image: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return an array as HxWxC, of its own dtype.

    It may be HxW or HxWxC with C 1, 3 or 4, and have a leading batch dimension of 1. Raises
    TypeError for a dtype other than uint8, uint16, bool and floats, and ValueError for another
    shape; the errors begin with `name`.
    """
    if image.dtype.kind not in "fb" and image.dtype.name not in {"uint8", "uint16"}:
        raise TypeError(
            f"{name} must be an array of uint8, uint16, bool or floats, got {image.dtype}"
        )
    values = image[0] if image.ndim == 4 and image.shape[0] == 1 else image
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4):
        raise ValueError(
            f"{name} must be an HxW or HxWxC array with 1, 3 or 4 channels, got {image.shape}"
        )
    return values


def check_unit_values(values: Any, count: int, name: str) -> None:
    """Raise ValueError unless `count` floats, an array or a tensor, are finite and in [0, 1]."""
    for kind, wrong in (("NaN", values != values), ("infinity", abs(values) == math.inf)):
        if wrong.any():
            raise ValueError(
                f"{name} must be finite, got {kind} in {int(wrong.sum())} of {count} values"
            )
    low, high = float(values.min()), float(values.max())
    if low < -_RANGE_TOLERANCE or high > 1 + _RANGE_TOLERANCE:
        raise ValueError(f"{name} must be in [0, 1], got values from {low:g} to {high:g}")
