"""A picture read row by row; memory holds only the rows that tiles still need."""

from __future__ import annotations

from typing import Protocol

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from stylekernel_hf.images.tensors import unit_floats
from stylekernel_hf.tiling.padded_picture import WindowedPicture
from stylekernel_hf.tiling.tile_grid import Span

_CPU = torch.device("cpu")


class Rows(Protocol):
    """A reader of the rows of a picture, from the first to the last, once."""

    def read(self, count: int) -> UInt8[Tensor, "count w 3"]:
        """Return the next rows."""
        ...


class StripPicture(WindowedPicture):
    """A `PaddedPicture` of rows from a file, for windows that go down the picture.

    A window may start no higher than the one before. Rows that no later window needs are dropped.
    """

    def __init__(self, rows: Rows, height: int, width: int, multiple: int, margin: int) -> None:
        super().__init__(height, width, multiple, margin, _CPU)
        self._source = rows
        # The margin at the bottom repeats rows above it, so they are kept until then.
        self._first_needed = self._rows.places.flip(0).cummin(0).values.flip(0)
        self._held = torch.empty((0, width, 3), dtype=torch.uint8)
        self._top = 0

    @property
    def rows_held(self) -> int:
        """Number of rows in memory."""
        return len(self._held)

    def window(
        self, rows: Span, columns: Span, device: torch.device, dtype: torch.dtype
    ) -> Float[Tensor, "1 3 i j"]:
        """Return a rectangle of the padded picture, channels last, in [0, 1]."""
        wanted = self._rows.places[slice(*rows)]
        self._hold(int(self._first_needed[rows.start]), int(wanted.max()) + 1)
        # Columns first: a tile is narrower than the picture, which leaves fewer rows to copy.
        part = self._columns.take(self._held, 1, *columns)
        part = part.index_select(0, wanted - self._top)
        part = part.permute(2, 0, 1)[None].to(device, memory_format=torch.channels_last)
        return unit_floats(part).to(dtype)

    def _hold(self, start: int, stop: int) -> None:
        """Drop the rows above `start` and read those up to `stop`."""
        assert start >= self._top, "windows go down the picture"
        end = self._top + len(self._held)
        if start > self._top or stop > end:
            parts = [self._held[start - self._top :]]
            if stop > end:
                parts.append(self._source.read(stop - end))
            self._held, self._top = torch.cat(parts), start
