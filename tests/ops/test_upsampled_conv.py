import torch

from stylekernel_hf.ops.upsampled_conv import upsampled_conv2d
from tests.model.references import assert_near


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=generator)
    weight = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=generator)
    return features, weight, torch.randn(4, dtype=torch.float64, generator=generator)


def in_two_steps(features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    fine = torch.nn.functional.interpolate(features, scale_factor=2.0, mode="bilinear")
    return torch.conv2d(fine, weight, bias, padding=1)


def test_it_is_the_convolution_of_the_upsampled_picture_but_for_the_edge():
    out = upsampled_conv2d(*inputs())
    assert out.shape == (2, 4, 10, 14)
    assert_near(out[..., 2:-2, 2:-2], in_two_steps(*inputs())[..., 2:-2, 2:-2])


def test_edge_has_zeros_around_the_coarse_picture():
    features, weight, bias = inputs()
    padded = torch.nn.functional.pad(features, (3, 3, 3, 3))
    expected = in_two_steps(padded, weight, bias)[..., 6:-6, 6:-6]
    assert_near(upsampled_conv2d(features, weight, bias), expected)


def test_gradients_are_those_of_the_two_steps():
    gradients: list[tuple[torch.Tensor, ...]] = []
    for function in (upsampled_conv2d, in_two_steps):
        parts = [part.requires_grad_() for part in inputs()]
        loss = function(*parts)[..., 2:-2, 2:-2].square().sum()
        gradients.append(torch.autograd.grad(loss, parts))
    for one, other in zip(*gradients, strict=True):
        assert other.abs().max() > 0.1
        assert_near(one, other, 1e-8)


def test_output_is_in_channels_last_layout():
    out = upsampled_conv2d(*inputs())
    assert out.is_contiguous(memory_format=torch.channels_last)
