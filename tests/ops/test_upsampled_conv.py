import torch

from stylekernel_hf.ops.upsampled_conv import upsampled_conv2d
from tests.model.references import assert_near, with_border_renewed


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=generator)
    weight = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=generator)
    return features, weight, torch.randn(4, dtype=torch.float64, generator=generator)


def in_two_steps(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    fine = torch.nn.functional.interpolate(features, scale_factor=2.0, mode="bilinear")
    return torch.conv2d(fine, weight, bias, padding=1)


def test_it_is_the_convolution_of_the_upsampled_picture_with_a_replicated_border():
    actual = upsampled_conv2d(*inputs())
    assert actual.shape == (2, 4, 10, 14)
    assert_near(actual, with_border_renewed(in_two_steps(*inputs()), 2))


def test_output_is_in_channels_last_layout():
    out = upsampled_conv2d(*inputs())
    assert out.is_contiguous(memory_format=torch.channels_last)
