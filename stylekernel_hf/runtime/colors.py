"""Colour modes on NumPy arrays; see `images.color_modes`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.runtime.shares import Shares

# Smallest standard deviation of a colour direction that is stretched.
_MIN_STD = 0.5 / 255
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


def recolor(stylized: Floats, content: Floats, color: str) -> Floats:
    """Apply "luminance" or "statistics" to a stylized image; anything else leaves it unchanged."""
    if color == "luminance":
        return keep_luminance(stylized, content)
    return match_color_statistics(stylized, content) if color == "statistics" else stylized


def transfer_color(content: Floats, styles: Sequence[Floats], shares: Shares) -> Floats:
    """Give the content the colours of the styles, mixed by their shares, and no strokes."""
    changed = np.zeros_like(content)
    for style, share in zip(styles, shares.styles, strict=True):
        amount = share[..., None]  # A number or a map.
        changed += amount * (match_color_statistics(content, style) - content)
    strength = shares.strength
    return (content + strength[..., None] * changed).astype(np.float32)


def keep_luminance(stylized: Floats, content: Floats) -> Floats:
    """Combine the luminance of `stylized` with the chroma of `content`, both RGB in [0, 1]."""
    brightness = (stylized @ _LUMA)[..., None]
    chroma = content - (content @ _LUMA)[..., None]
    # The largest share of the chroma that keeps every channel in [0, 1].
    room = np.where(chroma > 0, 1 - brightness, brightness)
    share = (room / np.maximum(np.abs(chroma), 1e-6)).min(axis=2, keepdims=True).clip(0, 1)
    return (brightness + share * chroma).clip(0, 1)


def match_color_statistics(image: Floats, reference: Floats) -> Floats:
    """Give `image` the mean and the covariance of the colours of `reference`, both in [0, 1]."""
    mean, covariance = _color_statistics(image)
    target_mean, target_covariance = _color_statistics(reference)
    root, inverse_root = _roots(covariance)
    inner, _ = _roots(root @ target_covariance @ root)
    linear = (inverse_root @ inner @ inverse_root).astype(np.float32)
    mapped = (image - mean.astype(np.float32)) @ linear.T
    return (mapped + target_mean.astype(np.float32)).clip(0, 1)


def _color_statistics(image: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    pixels = image.reshape(-1, 3).astype(np.float64)
    mean = pixels.mean(axis=0)
    centred = pixels - mean
    return mean, centred.T @ centred / len(pixels)


def _roots(
    matrix: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the square root of a covariance, and its inverse without flat directions."""
    values, vectors = np.linalg.eigh(matrix)
    root = np.sqrt(values.clip(0))
    inverse = np.where(root > _MIN_STD, 1 / np.maximum(root, _MIN_STD), 0)
    return (vectors * root) @ vectors.T, (vectors * inverse) @ vectors.T
