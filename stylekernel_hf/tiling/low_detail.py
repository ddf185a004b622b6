"""Pictures with too little detail for half precision: flat, hazy, faint or out of focus.

The network divides every channel by its standard deviation over the picture. Where that is small,
the rounding errors of half precision grow to the size of the picture's own detail.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from jaxtyping import Num
from torch import Tensor

from stylekernel_hf.images.tensors import unit_floats
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.tiling.strip_picture import Rows

# Detail, in multiples of the dtype's resolution, below which results were more than 1.5 of 255 off.
_LEAST_DETAIL = 2.3
_BLOCK, _MOST_BLOCKS = 4, 128


def measure_detail(rgb: Num[Tensor, "b 3 h w"]) -> float:
    """Return the root mean square difference of neighbouring 2x2 means, for values in [0, 1].

    Of a batch it is that of the picture with the least. It is sampled: at most 128 blocks of 4 x 4
    px down and across, evenly spaced.
    """
    height, width = rgb.shape[2:]
    blocks = rgb.unfold(2, _BLOCK, _step(height)).unfold(3, _BLOCK, _step(width))
    means = unit_floats(blocks).float().unflatten(-2, (2, 2)).unflatten(-1, (2, 2)).mean((-3, -1))
    down, across = (means.diff(dim=axis).square().flatten(1).mean(1) for axis in (-2, -1))
    return float(((down + across) / 2).min().sqrt())


def measure_detail_of_rows(rows: Rows, height: int) -> float:
    """Measure the same of a picture whose rows are read once, from the first on."""
    step = _step(height)
    kept: list[Tensor] = []
    for top in range(0, height - _BLOCK + 1, step):
        if top > 0 and step > _BLOCK:
            rows.read(step - _BLOCK)
        kept.append(rows.read(_BLOCK))
    return measure_detail(torch.cat(kept).permute(2, 0, 1)[None])


def model_for_detail(model: StyleKernelNetwork, measure: Callable[[], float]) -> StyleKernelNetwork:
    """Return `model`, or a copy of it in float32 where its dtype is too coarse for a picture.

    Args:
        model: The network, of any dtype.
        measure: Measures the picture's detail; called only for a network in half precision.
    """
    if model.dtype.itemsize >= 4 or measure() >= _LEAST_DETAIL * torch.finfo(model.dtype).eps:
        return model
    return copy.deepcopy(model).float()


def _step(side: int) -> int:
    return max(_BLOCK, -(-side // _MOST_BLOCKS))
