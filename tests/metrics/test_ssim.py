import sys

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from stylekernel_hf.metrics.ssim import luminance_ssim

RADIUS = 5
"""Of the Gaussian window: 3.5 sigma of 1.5 px."""


def test_ssim_equals_that_of_scikit_image():
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(2, 3, 40, 33, generator=generator)
    # One picture like its reference and one darker and unlike.
    image = torch.rand(2, 3, 40, 33, generator=generator)
    image[0] = 0.8 * reference[0] + 0.2 * image[0]
    image[1] *= 0.5

    def reflected_luminance(rgb: torch.Tensor) -> np.ndarray:
        red, green, blue = rgb.double().numpy()
        # scikit-image leaves out a border as wide as its window reaches.
        return np.pad(0.299 * red + 0.587 * green + 0.114 * blue, RADIUS, mode="reflect")

    expected = [
        structural_similarity(
            reflected_luminance(first),
            reflected_luminance(second),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
        )
        for first, second in zip(image, reference, strict=True)
    ]
    result = luminance_ssim(image, reference)
    assert result.tolist() == pytest.approx(expected, abs=1e-5)
    assert result[0] > 0.9 > 0.1 > result[1]


def test_ssim_of_a_flat_picture_with_itself_is_1():
    flat = torch.full((1, 3, 16, 16), 0.5)
    assert luminance_ssim(flat, flat).item() == pytest.approx(1)


def test_ssim_ignores_colours_of_the_same_luminance():
    grey = torch.full((1, 3, 16, 16), 0.299)
    red = torch.zeros(1, 3, 16, 16)
    red[:, 0] = 1
    assert luminance_ssim(red, grey).item() == pytest.approx(1, abs=1e-6)


def test_without_torchmetrics_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.functional.image", None)
    picture = torch.zeros(1, 3, 16, 16)
    with pytest.raises(ImportError, match=r"SSIM needs torchmetrics.*stylekernel-hf\[train\]"):
        luminance_ssim(picture, picture)
