"""Strokes of one width in pictures of any size: decided at a working size, finished at full size.

The network's marks are some pixels wide, whatever the size of the picture: in a large photo they
are finer, relative to the frame, than in a small one. So a large photo is stylized at a working
size first. The photo with these strokes is the content of a second pass at full size, which draws
edges and grain. Reduced to the working size, the result is what the first pass gave.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Num
from torch import Tensor
from torch.nn.functional import interpolate

from stylekernel_hf.images.tensors import rounded_bytes, unit_floats
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.statistics import ChannelStatistics
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.tiling.strip_picture import Rows
from stylekernel_hf.tiling.tile_side import largest_tile_size
from stylekernel_hf.tiling.tiled_forward import TiledForward
from stylekernel_hf.tiling.working_size import working_size

ModelFor: TypeAlias = Callable[[Num[Tensor, "b 3 h w"]], StyleKernelNetwork]
"""Returns the network in the precision that a picture, or a batch of them, needs."""

AdjustPass: TypeAlias = Callable[[int, list[ChannelStatistics]], list[ChannelStatistics]]

# Rows of a picture in memory that are worked on at a time, and lines of a reduced one.
_BAND = 256
_LINES = 32


class CoarseToFine:
    """Stylize a picture, or a batch of b, in one pass or two, with the interface of `TiledForward`.

    Args:
        model_for: The network for a picture; see `ModelFor`.
        rgb: The content, in uint8 or in floats in [0, 1].
        strength: From 0 (the content) to 1 (the full style), for the picture or for every pixel.
        tile_size: Side of the tiles in px; None chooses.
        stroke_scale: Width of the marks; see `working_size`.
    """

    def __init__(
        self,
        model_for: ModelFor,
        rgb: Num[Tensor, "b 3 h w"],
        strength: float | Float[Tensor, "1 1 h w"],
        tile_size: int | None,
        stroke_scale: float,
    ) -> None:
        self.height, self.width = rgb.shape[2:]
        self._model_for, self._rgb, self._strength = model_for, rgb, strength
        self._stroke_scale = stroke_scale
        self._given_tile_size = tile_size
        self._size = working_size(self.height, self.width, stroke_scale)
        self._passes: list[TiledForward] = []
        if self._size is not None:
            self._small = resize(rgb, self._size)
            self._passes.append(self._forward(self._small, _resized(strength, self._size)))
        if self._size is None or self._size[0] <= self.height:
            # After a coarse pass this one only plans: `run` gives its content the strokes.
            self._passes.append(self._forward(rgb, strength))

    @property
    def tile_size(self) -> int | None:
        """Side of the tiles of the last pass in px, or None for one piece."""
        return self._passes[-1].tile_size

    @property
    def steps(self) -> int:
        """How often `run` calls `on_step`."""
        return sum(each.steps for each in self._passes)

    def in_smaller_tiles(self) -> CoarseToFine:
        """Return the same work in tiles of half the side."""
        last = self._passes[-1]
        side = (last.tile_size or max(last.height, last.width)) // 2
        tile_size = largest_tile_size(side, self._model_for(self._rgb).stride)
        return CoarseToFine(
            self._model_for, self._rgb, self._strength, tile_size, self._stroke_scale
        )

    def run(
        self,
        style: EncodedStyle | StyleField,
        *,
        as_bytes: bool,
        on_step: Callable[[], object],
        adjust: AdjustPass | None = None,
    ) -> Num[Tensor, "b 3 h w"]:
        """Return the stylized picture: floats on the network's device, or uint8 on the CPU.

        `adjust` gets the number of a pass and the statistics of its picture, and returns those to
        stylize it with.
        """
        first, second = (None if adjust is None else partial(adjust, number) for number in (0, 1))
        if self._size is None:
            return self._passes[0].run(style, as_bytes=as_bytes, on_step=on_step, adjust=first)
        small_style = _resized(style, self._size)
        coarse = self._passes[0].run(small_style, as_bytes=False, on_step=on_step, adjust=first)
        coarse = coarse.float()
        if self._size[0] > self.height:
            small = (self.height, self.width)
            change = resize(coarse - self._small.to(coarse.device), small)
            result = with_change(unit_floats(self._rgb).to(coarse.device).float(), change)
            return rounded_bytes(result).cpu() if as_bytes else result
        content = with_change(self._rgb, coarse.to(self._small.device) - self._small)
        fine = self._forward(content, self._strength)
        finished = fine.run(style, as_bytes=as_bytes, on_step=on_step, adjust=second)
        return with_coarse(finished, coarse)

    def _forward(
        self, rgb: Num[Tensor, "b 3 h w"], strength: float | Float[Tensor, "1 1 h w"]
    ) -> TiledForward:
        return TiledForward(self._model_for(rgb), rgb, strength, self._given_tile_size)


class TensorRows:
    """The rows of a picture in memory."""

    def __init__(self, rgb: Num[Tensor, "1 3 h w"]) -> None:
        self._rgb = rgb
        self._next = 0

    def read(self, count: int) -> Num[Tensor, "count w 3"]:
        """Return the next rows."""
        rows = self._rgb[0, :, self._next : self._next + count]
        self._next += count
        return rows.permute(1, 2, 0)


class ChangedRows:
    """The rows of a picture with a change added, which is enlarged bilinearly to its size."""

    def __init__(
        self, rows: Rows, change: Float[Tensor, "1 3 i j"], height: int, width: int
    ) -> None:
        self._rows = rows
        self._change = change[0].permute(1, 0, 2).float()
        self._size = height, width
        self._next = 0

    def read(self, count: int) -> Num[Tensor, "count w 3"]:
        """Return the next rows: uint8 of uint8, floats in [0, 1] of floats."""
        rows = self._rows.read(count)
        changed = unit_floats(rows) + self._enlarged(len(rows)).to(rows.device)
        changed = changed.clamp_(0, 1)
        return rounded_bytes(changed) if rows.dtype == torch.uint8 else changed.to(rows.dtype)

    def _enlarged(self, count: int) -> Float[Tensor, "count w 3"]:
        height, width = self._size
        small = len(self._change)
        place = (torch.arange(self._next, self._next + count) + 0.5) * (small / height) - 0.5
        place = place.clamp(0, small - 1)
        self._next += count
        low = place.floor().long()
        high = (low + 1).clamp(max=small - 1)
        share = (place - low)[:, None, None].to(self._change.device)
        lines = torch.lerp(self._change[low], self._change[high], share)
        lines = interpolate(lines, width, mode="linear", align_corners=False)
        return lines.permute(0, 2, 1)


def with_change(
    rgb: Num[Tensor, "b 3 h w"], change: Float[Tensor, "b 3 i j"]
) -> Num[Tensor, "b 3 h w"]:
    """Return a picture with a change of any size added, in the picture's dtype."""
    height, width = rgb.shape[2:]
    if len(rgb) > 1:
        # Batches are of small pictures: a GPU would take longer to start the work on many bands.
        enlarged = interpolate(change.float(), (height, width), mode="bilinear")
        whole = enlarged.add_(unit_floats(rgb)).clamp_(0, 1)
        return rounded_bytes(whole) if rgb.dtype == torch.uint8 else whole.to(rgb.dtype)
    rows = ChangedRows(TensorRows(rgb), change, height, width)
    changed = torch.empty_like(rgb)
    for top in range(0, height, _BAND):
        count = min(_BAND, height - top)
        changed[0, :, top : top + count] = rows.read(count).permute(2, 0, 1)
    return changed


def shrink_rows(
    rows: Rows, height: int, width: int, size: tuple[int, int]
) -> Float[Tensor, "1 3 i j"]:
    """Reduce a picture that is read row by row to (height, width), as floats in [0, 1].

    Antialiased and bilinear, as `torch.nn.functional.interpolate` does it.
    """
    small, narrow = size
    scale = height / small
    held = torch.empty((0, 3, narrow))
    top = 0
    parts: list[Tensor] = []
    for first in range(0, small, _LINES):
        last = min(first + _LINES, small)
        middles = (torch.arange(first, last, dtype=torch.float64) + 0.5) * scale
        start = max(0, int(middles[0] - scale + 0.5))
        stop = min(height, int(middles[-1] + scale + 0.5))
        missing = stop - top - len(held)
        if missing > 0:
            read = unit_floats(rows.read(missing)).float().permute(0, 2, 1)
            narrowed = interpolate(read[:, :, None], (1, narrow), mode="bilinear", antialias=True)
            held = torch.cat([held.to(read.device), narrowed[:, :, 0]])
        held, top = held[start - top :], start
        places = torch.arange(start, stop, dtype=torch.float64) + 0.5
        weights = (1 - (places - middles[:, None]).abs() / scale).clamp(min=0)
        weights = (weights / weights.sum(dim=1, keepdim=True)).float().to(held.device)
        parts.append((weights @ held.flatten(1)).unflatten(1, (3, narrow)))
    return torch.cat(parts).permute(1, 0, 2)[None]


def resize(rgb: Num[Tensor, "b 3 h w"], size: tuple[int, int]) -> Float[Tensor, "b 3 i j"]:
    """Resize a picture in memory to (height, width), as floats, bilinearly and antialiased."""
    height, width = rgb.shape[2:]
    if size[0] > height or size[1] > width or len(rgb) > 1:
        return interpolate(unit_floats(rgb).float(), size, mode="bilinear", antialias=True)
    # Row by row: there is no room for a copy in floats of a large picture.
    return shrink_rows(TensorRows(rgb), height, width, size)


def with_coarse(
    rgb: Num[Tensor, "b 3 h w"], coarse: Float[Tensor, "b 3 i j"]
) -> Num[Tensor, "b 3 h w"]:
    """Return a picture that looks like `coarse` when it is reduced, with its own fine detail."""
    size = (coarse.shape[2], coarse.shape[3])
    return with_change(rgb, coarse.to(rgb.device) - resize(rgb, size))


def _resized(maps: EncodedStyle | StyleField | float | Tensor, size: tuple[int, int]) -> Any:
    """Resize a map of strengths, or the map of a style field; what has no map stays as it is."""
    if isinstance(maps, StyleField) and maps.shares.shape[2:] != (1, 1):
        return StyleField(maps.styles, _resized(maps.shares, size))
    if isinstance(maps, Tensor):
        return interpolate(maps.float(), size, mode="bilinear", antialias=True)
    return maps
