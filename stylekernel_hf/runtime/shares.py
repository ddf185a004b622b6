"""Masks and maps of the strength on NumPy arrays; see `images.masks` and `styles.mixing`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds
from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.runtime.pictures import clipped, read_values, resize

# Below this sum of all masks, their quotients are rounding errors.
_EPSILON = 1e-6


@dataclass(frozen=True)
class Shares:
    """The shares of n styles, and the strength, as numbers or as maps of a picture's size.

    Attributes:
        styles: n, or n x h x w; they sum to 1.
        strength: A number without dimensions, or h x w.
    """

    styles: Floats
    strength: Floats

    @property
    def has_map(self) -> bool:
        """Whether they differ from pixel to pixel."""
        return self.styles.ndim > 1 or self.strength.ndim > 0

    @property
    def is_partial(self) -> bool:
        """Whether the strength is below 1 somewhere."""
        return bool((self.strength < 1).any())

    def present(self) -> list[int]:
        """Return the styles that have a share somewhere."""
        flat = self.styles.reshape(len(self.styles), -1)
        whole = [index for index, share in enumerate(flat) if (share == 1).all()]
        return whole[:1] or [index for index, share in enumerate(flat) if (share > 0).any()]

    def of(self, styles: Sequence[int]) -> Shares:
        """Return the shares of these styles; the others have none."""
        if len(styles) == 1:
            return replace(self, styles=np.ones(1, np.float32))
        return replace(self, styles=self.styles[list(styles)])

    def resized(self, size: tuple[int, int]) -> Shares:
        """Return the shares for the picture scaled to (height, width)."""
        styles, strength = self.styles, self.strength
        if styles.ndim > 1:
            styles = np.moveaxis(resize(np.moveaxis(styles, 0, 2), size), 2, 0)
        if strength.ndim > 0:
            strength = resize(strength[..., None], size)[..., 0]
        return Shares(styles, strength)


def plan_shares(
    size: tuple[int, int], *, strength: Any, weights: Sequence[float], masks: Sequence[Any] | None
) -> Shares:
    """Read the maps for a content of (height, width); without masks, weights apply everywhere.

    Where no mask reaches the strength is 0.
    """
    if isinstance(strength, float):
        amount = np.array(strength, np.float32)
    else:
        amount = read_mask(strength, size, name="strength")
    if masks is None:
        shares = np.array(weights, np.float64)
        return Shares((shares / shares.sum()).astype(np.float32), _as_number(amount))
    read = [read_mask(mask, size, name=f"masks[{index}]") for index, mask in enumerate(masks)]
    styles, masked = share_out(read)
    return Shares(styles, _as_number(masked * amount))


def read_mask(mask: Any, size: tuple[int, int], *, name: str) -> Floats:
    """Read a mask and scale it to h x w: 1 where it is white, 0 where it is black or transparent.

    Colours count by the mean of red, green and blue.
    """
    bounds = Bounds(max(MAX_DECODED_PIXELS, math.prod(size)), needed_side=max(size))
    is_array = isinstance(mask, np.ndarray)
    values, _ = read_values(mask, name, Bounds(2**62) if is_array else bounds)
    grey = values[..., :3].mean(axis=2, keepdims=True, dtype=np.float32)
    grey = grey * values[..., 3:] if values.shape[2] == 4 else grey
    return clipped(resize(grey, size)[..., 0])


def share_out(masks: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return each style's share of a pixel, n x h x w, and the masked part of the pixel, h x w.

    Overlapping masks share a pixel in proportion. Where all masks are black, shares are equal and
    the masked part is 0.
    """
    stacked = np.stack(masks)
    total = stacked.sum(axis=0)
    shares = stacked / np.maximum(total, np.float32(_EPSILON))
    even = np.float32(1 / len(masks))
    return np.where(total > _EPSILON, shares, even), clipped(total)


def _as_number(amount: Floats) -> Floats:
    """Return a constant map as a number."""
    is_constant = amount.ndim > 0 and bool((amount == amount[0, 0]).all())
    return np.array(amount[0, 0], np.float32) if is_constant else np.asarray(amount)
