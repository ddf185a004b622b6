"""The detail of a picture in NumPy is that of the torch function it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stylekernel_hf.runtime.low_detail import measure_detail
from stylekernel_hf.tiling import low_detail


@pytest.mark.parametrize("size", [(17, 16), (63, 130), (700, 515)])
def test_detail_is_that_of_torch(size: tuple[int, int]):
    rgb = np.random.default_rng(0).random((*size, 3), np.float32)
    expected = low_detail.measure_detail(torch.from_numpy(rgb).permute(2, 0, 1)[None])
    assert measure_detail(rgb) == pytest.approx(expected, rel=1e-5)
