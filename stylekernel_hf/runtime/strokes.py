"""Strokes of one width in pictures of any size; see `tiling.coarse_to_fine`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stylekernel_hf.runtime.engines import Floats
from stylekernel_hf.runtime.network import RuntimeNetwork
from stylekernel_hf.runtime.pictures import clipped, resize, rounded
from stylekernel_hf.runtime.shares import Shares
from stylekernel_hf.runtime.style import RuntimeStyle
from stylekernel_hf.runtime.tiles import PicturePass
from stylekernel_hf.tiling.working_size import working_size


class CoarseToFine:
    """Stylizes a picture of height x width in one pass or two, in `steps` steps.

    Args:
        network: The network.
        size: (height, width) of the picture.
        shares: The shares of the styles, and the strength, which is above 0.
        tile_size: Side of the tiles in px; None for tiles only where one piece is too large.
        stroke_scale: Width of the strokes; see `working_size`.
    """

    def __init__(
        self,
        network: RuntimeNetwork,
        size: tuple[int, int],
        shares: Shares,
        tile_size: int | None,
        stroke_scale: float,
    ) -> None:
        self._working = working_size(*size, stroke_scale)
        self._passes: list[PicturePass] = []
        if self._working is not None:
            small = shares.resized(self._working)
            self._passes.append(PicturePass(network, self._working, small, tile_size))
        if self._working is None or self._working[0] <= size[0]:
            self._passes.append(PicturePass(network, size, shares, tile_size))

    @property
    def steps(self) -> int:
        """How often `run` calls `on_step`."""
        return sum(each.steps for each in self._passes)

    def run(
        self,
        rgb: Floats,
        styles: Sequence[RuntimeStyle],
        *,
        has_bytes: bool,
        on_step: Callable[[], object],
    ) -> Floats:
        """Return the stylized picture, h x w x 3.

        With `has_bytes`, the picture and what is between the passes have the values of 8 bits.
        """
        if self._working is None:
            return self._passes[0].run(rgb, styles, on_step)
        small = resize(rgb, self._working)
        coarse = self._passes[0].run(small, styles, on_step)
        changed = _with_change(rgb, coarse - small)
        if len(self._passes) == 1:
            return changed
        content = rounded(changed) if has_bytes else changed
        finished = self._passes[1].run(content, styles, on_step)
        return _with_change(finished, coarse - resize(finished, self._working))


def _with_change(rgb: Floats, change: Floats) -> Floats:
    """Return a picture with a change of any size added."""
    return clipped(rgb + resize(change, (rgb.shape[0], rgb.shape[1])))
