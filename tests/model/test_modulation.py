import pytest
import torch
from torch import Tensor

from stylekernel_hf.model.modulation import ModulatedConv2d, Modulation
from tests.model.references import assert_near, with_border_renewed


@pytest.fixture(params=[1, 3])
def layer(request: pytest.FixtureRequest) -> ModulatedConv2d:
    layer = ModulatedConv2d(3, 4, 5, kernel_size=request.param).double()
    torch.nn.init.normal_(layer.modulation.affine.weight)
    torch.nn.init.normal_(layer.modulation.affine.bias)
    return layer


def zero_affine(modulation: Modulation):
    torch.nn.init.zeros_(modulation.affine.weight)
    torch.nn.init.zeros_(modulation.affine.bias)


def plain(layer: ModulatedConv2d, features: Tensor) -> Tensor:
    convolution = layer.convolution
    convolved = torch.conv2d(features, convolution.weight, convolution.bias, padding="same")
    return torch.from_numpy(with_border_renewed(convolved, convolution.kernel_size[0] // 2))


def test_kernels_are_3x3_unless_told_otherwise():
    assert ModulatedConv2d(3, 4, 5).convolution.weight.shape == (4, 3, 3, 3)


def test_zero_affine_is_the_identity():
    modulation = Modulation(5, 4)
    zero_affine(modulation)
    scale, shift = modulation(torch.randn(2, 5), torch.randn(2, 4, 3, 3))
    assert torch.equal(scale, torch.ones(2, 4, 1, 1))
    assert torch.equal(shift, torch.zeros(2, 4, 1, 1))


@pytest.mark.parametrize("styles", [1, 2])
def test_zero_affine_leaves_an_ordinary_convolution(layer: ModulatedConv2d, styles: int):
    zero_affine(layer.modulation)
    features = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    code = torch.randn(styles, 5, dtype=torch.float64)
    assert_near(layer(features, code), plain(layer, features).relu())


def test_style_scales_and_shifts_the_outputs_of_the_convolution(layer: ModulatedConv2d):
    features = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    code = torch.randn(2, 5, dtype=torch.float64)
    affine = code @ layer.modulation.affine.weight.T + layer.modulation.affine.bias
    expected = torch.empty(2, 4, 6, 5, dtype=torch.float64)
    for item in range(2):
        for channel in range(4):
            scaled = plain(layer, features)[item, channel] * (1 + affine[item, channel])
            expected[item, channel] = (scaled + affine[item, 4 + channel]).clamp(min=0)
    assert_near(layer(features, code), expected)


def test_folding_one_style_into_the_weights_changes_nothing(layer: ModulatedConv2d):
    features = torch.randn(3, 3, 6, 5, dtype=torch.float64)
    code = torch.randn(1, 5, dtype=torch.float64)
    assert_near(layer(features, code), layer(features, code.expand(3, 5)))


def test_folding_passes_the_same_gradients(layer: ModulatedConv2d):
    features = torch.randn(3, 3, 6, 5, dtype=torch.float64)
    code = torch.randn(1, 5, dtype=torch.float64)
    gradients: list[tuple[Tensor, ...]] = []
    for codes in (code, code.expand(3, 5)):
        loss = layer(features, codes).square().sum()
        gradients.append(torch.autograd.grad(loss, tuple(layer.parameters())))
    for folded, unfolded in zip(*gradients, strict=True):
        assert folded.abs().max() > 0
        assert_near(folded, unfolded, 1e-8)


@pytest.mark.parametrize("styles", [1, 2])
def test_upsampling_first_is_upsampling_within(styles: int):
    layer = ModulatedConv2d(3, 4, 5).double()
    torch.nn.init.normal_(layer.modulation.affine.weight)
    features = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    code = torch.randn(styles, 5, dtype=torch.float64)
    upsampled = torch.nn.functional.interpolate(features, scale_factor=2.0, mode="bilinear")
    inner = (..., slice(2, -2), slice(2, -2))
    assert_near(layer(features, code, upsample=True)[inner], layer(upsampled, code)[inner])
