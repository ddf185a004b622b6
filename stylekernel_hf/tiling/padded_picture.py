"""A picture with a reflected margin, padded window by window."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Num
from torch import Tensor

from stylekernel_hf.images.geometry import ReflectedLine, plan_padding
from stylekernel_hf.images.tensors import unit_floats
from stylekernel_hf.tiling.tile_grid import Span


class WindowedPicture(ABC):
    """A picture with a reflected margin; subclasses say where its pixels come from."""

    def __init__(
        self, height: int, width: int, multiple: int, margin: int, device: torch.device
    ) -> None:
        self.padding = plan_padding(height, width, multiple, margin)
        self._rows = ReflectedLine(height, self.padding.top, self.padding.bottom, device)
        self._columns = ReflectedLine(width, self.padding.left, self.padding.right, device)

    @property
    def height(self) -> int:
        """Height with the margin, in px."""
        return len(self._rows)

    @property
    def width(self) -> int:
        """Width with the margin, in px."""
        return len(self._columns)

    @abstractmethod
    def window(
        self, rows: Span, columns: Span, device: torch.device, dtype: torch.dtype
    ) -> Float[Tensor, "b n i j"]:
        """Return a rectangle of the padded picture, channels last, in [0, 1]."""


class PaddedPicture(WindowedPicture):
    """Windows of `pad_to_multiple` of a picture or of maps, in uint8 or floats."""

    def __init__(self, rgb: Num[Tensor, "b n h w"], multiple: int, margin: int) -> None:
        super().__init__(rgb.shape[2], rgb.shape[3], multiple, margin, rgb.device)
        self._rgb = rgb

    def window(
        self, rows: Span, columns: Span, device: torch.device, dtype: torch.dtype
    ) -> Float[Tensor, "b n i j"]:
        """Return a rectangle of the padded picture, channels last, in [0, 1]."""
        cuts = [(2, self._rows, rows), (3, self._columns, columns)]
        # The side that loses more is cut first, which leaves the second cut less to copy.
        cuts.sort(key=lambda cut: (cut[2].stop - cut[2].start) / self._rgb.shape[cut[0]])
        part = self._rgb
        for axis, line, span in cuts:
            part = line.take(part, axis, *span)
        # The layout is changed before the conversion: bytes move faster than floats.
        part = part.to(device, memory_format=torch.channels_last)
        return unit_floats(part).to(dtype)
