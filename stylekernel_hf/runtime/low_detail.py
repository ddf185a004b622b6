"""Pictures with too little detail for bfloat16; see `tiling.low_detail`."""

from __future__ import annotations

import numpy as np

from stylekernel_hf.runtime.engines import Floats

LEAST_DETAIL = 4.5 * 2**-7
"""Below it, pictures in bfloat16 were more than 1 of 255 off on average. OpenVINO computes the
statistics in bfloat16, too, so it is twice that of PyTorch."""
_BLOCK, _MOST_BLOCKS = 4, 128


def measure_detail(rgb: Floats) -> float:
    """Return the root mean square difference of neighbouring 2x2 means of h x w x 3 in [0, 1].

    It is sampled: at most 128 blocks of 4 x 4 px down and across, evenly spaced.
    """
    rows, columns = (_places(side) for side in rgb.shape[:2])
    blocks = rgb[rows][:, columns]
    parts = blocks.reshape(len(rows) // _BLOCK, 2, 2, len(columns) // _BLOCK, 2, 2, 3)
    means = parts.mean(axis=(2, 5))
    down, across = np.diff(means, axis=1), np.diff(means, axis=3)
    return float(np.sqrt(np.square(down).mean() / 2 + np.square(across).mean() / 2))


def _places(side: int) -> list[int]:
    step = max(_BLOCK, -(-side // _MOST_BLOCKS))
    starts = range(0, side - _BLOCK + 1, step)
    return [start + index for start in starts for index in range(_BLOCK)]
