"""The network over a picture strip by strip: rows come from a file and go to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import UInt8
from torch import Tensor

from stylekernel_hf.devices.freed_memory import give_back_freed_memory
from stylekernel_hf.images.tensors import rounded_bytes
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.tiling.measuring import measure, measuring_tiles, own_part
from stylekernel_hf.tiling.strip_picture import Rows, StripPicture
from stylekernel_hf.tiling.tile_side import largest_tile_size
from stylekernel_hf.tiling.tile_size import choose_tile_size
from stylekernel_hf.tiling.tiled_forward import output_tiles, stylize_tile


class StripForward:
    """Stylize a picture whose rows are read from the first to the last, as `TiledForward` does.

    The rows are read twice: once for the statistics of the whole picture, once to stylize.
    Memory grows with the width and the tiles, not with the height.

    Args:
        model: The network.
        open_rows: Returns a reader of the rows, from the first on; called for every reading.
        height: Height of the picture in px.
        width: Width of the picture in px.
        strength: From 0 (the content) to 1 (the full style), above 0.
        tile_size: Side of the tiles in px; None chooses.
    """

    def __init__(
        self,
        model: StyleKernelNetwork,
        open_rows: Callable[[], Rows],
        height: int,
        width: int,
        strength: float,
        tile_size: int | None,
    ) -> None:
        self.height, self.width = height, width
        whole = largest_tile_size(max(height, width) + model.stride - 1, model.stride)
        self._strength = strength
        chosen = tile_size or choose_tile_size(model, height, width, own_style=self._partly)
        self.tile_size = chosen or whole
        self._model = model
        self._open_rows = open_rows
        picture = self._open()
        self._measuring = measuring_tiles(model, picture, self.tile_size, own_style=self._partly)
        self._tiles = output_tiles(model, picture, height, width, self.tile_size)

    @property
    def _partly(self) -> bool:
        return self._strength < 1

    @property
    def steps(self) -> int:
        """How often `strips` calls `on_step`."""
        return len(self._measuring) + len(self._tiles)

    def in_smaller_tiles(self) -> StripForward:
        """Return the same work in tiles of half the side."""
        side = largest_tile_size(self.tile_size // 2, self._model.stride)
        return StripForward(
            self._model, self._open_rows, self.height, self.width, self._strength, side
        )

    def strips(
        self,
        style: EncodedStyle | StyleField,
        *,
        finish: Callable[[Tensor, Tensor], Tensor],
        on_step: Callable[[], object],
    ) -> Iterator[UInt8[Tensor, "h w 3"]]:
        """Yield the stylized picture from top to bottom, in strips one tile high.

        `finish` maps a stylized part and the same part of the content, 1x3xHxW in [0, 1], to what
        is written. `on_step` is called after every tile of both passes.
        """
        model = self._model
        style = style.to(model.device, model.dtype)
        statistics, own = measure(
            model, self._open(), self._measuring, own_style=self._partly, on_tile=on_step
        )
        picture = self._open()
        strip = torch.empty(0)
        for tile in self._tiles:
            columns = slice(*(edge - BORDER_MARGIN for edge in tile.columns))
            if columns.start == 0:
                # Once per strip: after every tile, the call would take a fifth more time.
                give_back_freed_memory()
                rows = tile.rows.stop - tile.rows.start
                strip = torch.empty((rows, self.width, 3), dtype=torch.uint8)
            place = tile.window_rows, tile.window_columns
            window = picture.window(*place, model.device, model.dtype)
            part = stylize_tile(model, window, tile, statistics, style, own, self._strength)
            part = rounded_bytes(finish(part, own_part(window, tile, 1)))
            strip[:, columns] = part[0].permute(1, 2, 0)
            on_step()
            if columns.stop == self.width:
                yield strip

    def _open(self) -> StripPicture:
        rows = self._open_rows()
        return StripPicture(rows, self.height, self.width, self._model.stride, BORDER_MARGIN)
