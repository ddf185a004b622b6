"""The passes of the network over an image file, whose rows go to a file without a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from stylekernel_hf.images.color_mode_names import ColorMode
from stylekernel_hf.images.color_modes import recolor
from stylekernel_hf.images.tensors import rounded_bytes
from stylekernel_hf.large.strip_files import StripFile
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.styles.embedding import StyleEmbedding
from stylekernel_hf.tiling.coarse_to_fine import ChangedRows, shrink_rows
from stylekernel_hf.tiling.low_detail import (
    measure_detail,
    measure_detail_of_rows,
    model_for_detail,
)
from stylekernel_hf.tiling.out_of_memory import retry_in_smaller_tiles
from stylekernel_hf.tiling.strip_forward import StripForward
from stylekernel_hf.tiling.strip_picture import Rows
from stylekernel_hf.tiling.tiled_forward import TiledForward

# Rows that `_finish` changes at a time.
_BAND = 64


@dataclass(frozen=True)
class StripWork:
    """What the passes stylize with, the file `raw` for the rows, and whom they tell of progress.

    `on_step` is called after every tile. `bar` is a tqdm bar, which begins anew in smaller tiles.
    """

    style: StyleEmbedding | StyleField
    raw: BinaryIO
    color: ColorMode
    bar: Any
    on_step: Callable[[], object]


class FilePasses:
    """The passes of the network over a file: at its working size, if it has one, and at full size.

    The result equals that of `CoarseToFine` in memory.
    """

    def __init__(
        self,
        pipe: StyleKernelPipeline,
        file: StripFile,
        strength: float,
        tile_size: int | None,
        size: tuple[int, int] | None,
    ) -> None:
        self._pipe, self._file, self._strength, self._tile_size = pipe, file, strength, tile_size
        self._coarse: TiledForward | None = None
        if size is None:
            self._fine = self._strips(file.rows)
        else:
            small = shrink_rows(file.rows(), file.height, file.width, size)
            model = model_for_detail(pipe.model, lambda: measure_detail(small))
            self._small, self._coarse = small, TiledForward(model, small, strength, tile_size)
            # Only counts the steps: its content, and the precision for it, come of the first pass.
            self._fine = self._forward(pipe.model, file.rows)

    @property
    def steps(self) -> int:
        """Number of tiles of all passes."""
        return self._fine.steps + (self._coarse.steps if self._coarse else 0)

    def run(self, work: StripWork) -> None:
        """Write the rows of the stylized image."""
        if self._coarse is None:
            self._write(self._fine, work)
            return
        coarse = retry_in_smaller_tiles(
            self._coarse,
            lambda each: each.run(work.style, as_bytes=False, on_step=work.on_step),
            self._pipe.device,
            name="content",
            remedy="tile_size",
        )
        coarse, file = coarse.float().cpu(), self._file
        change = coarse - self._small
        fine = self._strips(lambda: ChangedRows(file.rows(), change, file.height, file.width))
        self._write(fine, replace(work, color="style"))
        _finish(work.raw, file, coarse, work.color)

    def _strips(self, open_rows: Callable[[], Rows]) -> StripForward:
        model = model_for_detail(
            self._pipe.model, lambda: measure_detail_of_rows(open_rows(), self._file.height)
        )
        return self._forward(model, open_rows)

    def _forward(self, model: StyleKernelNetwork, open_rows: Callable[[], Rows]) -> StripForward:
        height, width = self._file.height, self._file.width
        return StripForward(model, open_rows, height, width, self._strength, self._tile_size)

    def _write(self, forward: StripForward, work: StripWork) -> None:
        def write(each: StripForward) -> None:
            # Overwrite the rows of an earlier attempt with larger tiles.
            work.raw.seek(0)
            finish = partial(recolor, color=work.color)
            for strip in each.strips(work.style, finish=finish, on_step=work.on_step):
                work.raw.write(strip.numpy().data)

        retry_in_smaller_tiles(
            forward,
            write,
            self._pipe.device,
            name="content",
            remedy="tile_size",
            on_retry=lambda smaller: work.bar.reset(total=smaller.steps),
        )


class _RawRows:
    """Reads rows of RGB bytes from the start of a file."""

    def __init__(self, raw: BinaryIO, width: int) -> None:
        raw.seek(0)
        self._raw, self._width = raw, width

    def read(self, count: int) -> UInt8[Tensor, "count w 3"]:
        data = bytearray(self._raw.read(3 * self._width * count))
        return torch.frombuffer(data, dtype=torch.uint8).view(-1, self._width, 3)


def _finish(
    raw: BinaryIO, file: StripFile, coarse: Float[Tensor, "1 3 i j"], color: ColorMode
) -> None:
    """Make the rows of `raw` look like `coarse` when reduced, and apply the colour mode."""
    height, width = file.height, file.width
    size = (coarse.shape[2], coarse.shape[3])
    change = coarse - shrink_rows(_RawRows(raw, width), height, width, size)
    changed = ChangedRows(_RawRows(raw, width), change, height, width)
    original = file.rows() if color != "style" else None
    for top in range(0, height, _BAND):
        count = min(_BAND, height - top)
        raw.seek(3 * width * top)
        rows = changed.read(count)
        if original is not None:
            content = original.read(count).permute(2, 0, 1)[None]
            recolored = recolor(rows.permute(2, 0, 1)[None], content, color)
            rows = rounded_bytes(recolored)[0].permute(1, 2, 0)
        raw.seek(3 * width * top)
        raw.write(rows.contiguous().numpy().data)
