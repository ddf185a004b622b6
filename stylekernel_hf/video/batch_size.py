"""How many frames of a video go through the network at once."""

from __future__ import annotations

from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelNetwork
from stylekernel_hf.tiling.tile_size import fitting_pixels
from stylekernel_hf.tiling.working_size import working_size

_MOST_FRAMES = 8
# With this many pixels a GPU takes longer to compute than to start the work.
_MOST_PIXELS = 2**23


def choose_batch_size(
    model: StyleKernelNetwork,
    size: tuple[int, int],
    stroke_scale: float,
    *,
    own_style: bool,
) -> int:
    """Return how many frames of (height, width) to stylize at once.

    A GPU computes a small frame in less time than it takes to start the network's kernels, and a
    batch starts them once. A CPU gains nothing by it. The frames' own style, for a strength below
    1, needs memory as well.
    """
    if model.device.type != "cuda":
        return 1
    passes = [size, working_size(*size, stroke_scale) or size]
    pixels = max(
        (height + 2 * BORDER_MARGIN) * (width + 2 * BORDER_MARGIN) for height, width in passes
    )
    most = min(_MOST_PIXELS, fitting_pixels(model, own_style=own_style))
    return max(1, min(_MOST_FRAMES, most // pixels))
