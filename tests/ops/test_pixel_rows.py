import pytest
import torch

from stylekernel_hf.ops.pixel_rows import pointwise_rows, rows_of_pixels
from tests.model.references import assert_near

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 6, 64, 150])
def test_pixels_come_row_by_row_between_zeros(
    channels: int, layout: torch.memory_format, dtype: torch.dtype
):
    features = torch.randn(2, channels, 5, 3).to(dtype).contiguous(memory_format=layout)
    rows = rows_of_pixels(features, 4)
    assert rows.dtype == dtype and rows.shape == (2, channels, 4 + 15 + 4)
    assert torch.equal(rows[..., 4:19], features.reshape(2, channels, 15))
    assert not rows[..., :4].any() and not rows[..., 19:].any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_zeros_too_pixels_are_innermost(layout: torch.memory_format):
    features = torch.randn(2, 6, 5, 3).contiguous(memory_format=layout)
    rows = rows_of_pixels(features)
    assert rows.is_contiguous() and torch.equal(rows, features.reshape(2, 6, 15))


def test_part_of_larger_features_is_taken_alone():
    features = torch.randn(1, 8, 6, 7).contiguous(memory_format=torch.channels_last)
    part = features[:, 2:5, 1:4, 2:6]
    assert torch.equal(rows_of_pixels(part, 1)[..., 1:-1], part.reshape(1, 3, 12))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("outputs", [0, 9])
def test_pointwise_rows_are_those_of_a_convolution(
    outputs: int, batch: int, layout: torch.memory_format
):
    features = torch.randn(batch, 6, 5, 3, dtype=torch.float64).contiguous(memory_format=layout)
    weight = torch.randn(outputs, 6, 1, 1, dtype=torch.float64)
    bias = torch.randn(outputs, dtype=torch.float64)
    rows = pointwise_rows(features, weight, bias)
    assert rows.is_contiguous() and rows.shape == (batch, outputs, 5, 3)
    if outputs:
        assert_near(rows, torch.conv2d(features, weight, bias))
