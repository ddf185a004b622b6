"""A picture read row by row, of which only the rows that tiles look at are held."""

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
    """The rows of a picture, which are read from the first to the last, once."""

    def read(self, count: int) -> UInt8[Tensor, "count w 3"]:
        """Return the next rows."""
        ...


class StripPicture(WindowedPicture):
    """What `PaddedPicture` is of a picture in memory, for windows that never go back up.

    A window may start no higher than the one before; the rows above all later ones are forgotten.
    """

    def __init__(self, rows: Rows, height: int, width: int, multiple: int, margin: int) -> None:
        super().__init__(height, width, multiple, margin, _CPU)
        self._source = rows
        # The margin below shows rows above it once more: the first that any later row is made of.
        self._first_needed = self._rows.places.flip(0).cummin(0).values.flip(0)
        self._held = torch.empty((0, width, 3), dtype=torch.uint8)
        self._top = 0

    @property
    def rows_held(self) -> int:
        """How many rows of the picture are in memory."""
        return len(self._held)

    def window(
        self, rows: Span, columns: Span, device: torch.device, dtype: torch.dtype
    ) -> Float[Tensor, "1 3 i j"]:
        """Return a rectangle of the padded picture, channels last, in [0, 1]."""
        wanted = self._rows.places[slice(*rows)]
        self._hold(int(self._first_needed[rows.start]), int(wanted.max()) + 1)
        # Columns first: a tile is narrower than the picture.
        part = self._columns.take(self._held, 1, *columns)
        part = part.index_select(0, wanted - self._top)
        part = part.permute(2, 0, 1)[None].to(device, memory_format=torch.channels_last)
        return unit_floats(part).to(dtype)

    def _hold(self, start: int, stop: int) -> None:
        """Forget the rows above `start`, and read those up to `stop`."""
        assert start >= self._top, "windows go down the picture"
        end = self._top + len(self._held)
        if start > self._top or stop > end:
            parts = [self._held[start - self._top :]]
            if stop > end:
                parts.append(self._source.read(stop - end))
            self._held, self._top = torch.cat(parts), start
