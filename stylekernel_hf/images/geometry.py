"""Geometry of image tensors: resizing, reflection padding and cropping."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Num
from torch import Tensor

from stylekernel_hf.images.bounds import Bounds


@dataclass(frozen=True)
class Padding:
    """Pixels that `pad_to_multiple` adds on each side."""

    left: int
    top: int
    right: int
    bottom: int


def pad_to_multiple(
    x: Float[Tensor, "b c h w"], multiple: int, margin: int = 0
) -> tuple[Float[Tensor, "b c h2 w2"], Padding]:
    """Pad `x` by reflection: `margin` on all sides, then right and down to the next multiple.

    An image smaller than the padding is reflected repeatedly.
    """
    if multiple < 1 or margin < 0:
        raise ValueError(
            f"multiple must be at least 1 and margin at least 0, got {multiple} and {margin}"
        )
    height, width = x.shape[-2:]
    padding = plan_padding(height, width, multiple, margin)
    for axis, length, after in ((-1, width, padding.right), (-2, height, padding.bottom)):
        line = ReflectedLine(length, margin, after, x.device)
        x = line.take(x, axis, 0, len(line))
    return x, padding


def plan_padding(height: int, width: int, multiple: int, margin: int) -> Padding:
    """Return what `pad_to_multiple` adds to an image of this size."""
    right = margin - (width + 2 * margin) % -multiple
    bottom = margin - (height + 2 * margin) % -multiple
    return Padding(left=margin, top=margin, right=right, bottom=bottom)


def crop_back(x: Float[Tensor, "b c h w"], padding: Padding) -> Float[Tensor, "b c h2 w2"]:
    """Undo `pad_to_multiple`."""
    bottom, right = x.shape[-2] - padding.bottom, x.shape[-1] - padding.right
    return x[..., padding.top : bottom, padding.left : right]


class ReflectedLine:
    """Source indices of one axis padded by reflection: 2 1 | 0 1 2 3 | 2 1 0 1.

    A line shorter than its padding is reflected repeatedly, which torch's reflection padding
    refuses.
    """

    def __init__(self, length: int, before: int, after: int, device: torch.device) -> None:
        period = max(1, 2 * (length - 1))
        position = torch.arange(-before, length + after, device=device) % period
        self.places = torch.minimum(position, period - position)
        """Index in the unpadded line of each pixel of the padded line."""
        self._inside = (before, before + length)

    def __len__(self) -> int:
        return len(self.places)

    def take(self, x: Num[Tensor, "*shape"], axis: int, start: int, stop: int) -> Tensor:
        """Return `x.index_select(axis, places[start:stop])`; pixels inside are copied in one run.

        A range that lies inside is a view.
        """
        first, last = (min(max(bound, start), stop) for bound in self._inside)
        if first >= last:
            return x.index_select(axis, self.places[start:stop])
        inside = x.narrow(axis, first - self._inside[0], last - first)
        if (first, last) == (start, stop):
            return inside
        before = x.index_select(axis, self.places[start:first])
        after = x.index_select(axis, self.places[last:stop])
        return torch.cat([before, inside, after], dim=axis)


def check_size(
    image: Float[Tensor, "*b c h w"], *, name: str, min_side: int, max_pixels: int
) -> None:
    """Raise ValueError for an image with a side below `min_side` or more than `max_pixels`."""
    height, width = image.shape[-2:]
    Bounds(max_pixels, min_side).check((width, height), name, "width x height")


def resize_rgb(x: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c h2 w2"]:
    """Resize to (height, width) with antialiased bicubic filtering, clamped to [0, 1]."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    resized = torch.nn.functional.interpolate(x, size=size, mode="bicubic", antialias=True)
    return resized.clamp_(0, 1)


def fit_short_side(x: Float[Tensor, "b c h w"], short_side: int) -> Float[Tensor, "b c h2 w2"]:
    """Resize to `short_side` px on the shorter side, keeping the aspect ratio."""
    if short_side < 1:
        raise ValueError(f"short_side must be at least 1, got {short_side}")
    height, width = x.shape[-2:]
    scale = short_side / min(height, width)
    return resize_rgb(x, (round(height * scale), round(width * scale)))
