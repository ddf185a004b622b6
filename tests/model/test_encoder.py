from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import vgg19

from stylekernel_hf.model.encoder import Encoder
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import PRESETS
from tests.model.references import assert_near


def preset_encoder(preset: str) -> Encoder:
    """The content encoder as the preset has it, without memory for its weights."""
    with torch.device("meta"):
        return StyleKernelModel(PRESETS[preset]).content_encoder


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("small", [(24, 2), (48, 4), (96, 8)]),
        ("base", [(64, 1), (128, 2), (256, 4), (512, 8)]),
    ],
)
def test_stages_have_the_widths_and_strides_of_the_preset(
    preset: str, expected: list[tuple[int, int]]
):
    features = preset_encoder(preset)(torch.zeros(2, 3, 32, 48, device="meta"))
    shapes = [tuple(level.shape) for level in features]
    assert shapes == [(2, width, 32 // stride, 48 // stride) for width, stride in expected]


def base_and_vgg() -> tuple[Encoder, nn.Sequential]:
    """Base with max pooling, and VGG-19 to relu4_2; both without memory for the weights."""
    with torch.device("meta"):
        base = StyleKernelModel(replace(PRESETS["base"], max_pooling=True))
        return base.content_encoder, vgg19(weights=None).features[:23]


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]


def test_base_with_max_pooling_has_the_convolutions_of_vgg19_to_conv4_2():
    def geometry(layer: nn.Conv2d) -> tuple[Any, ...]:
        return tuple(layer.weight.shape), layer.stride, layer.padding, layer.bias is not None

    encoder, vgg = base_and_vgg()
    assert [*map(geometry, convolutions(encoder))] == [*map(geometry, convolutions(vgg))]


# VGG-19 pads with zeros and leaves it at that.
@pytest.mark.usefixtures("zeros_are_left")
def test_base_with_the_weights_of_a_vgg19_computes_its_features():
    encoder, vgg = base_and_vgg()
    for layer, reference in zip(convolutions(encoder), convolutions(vgg), strict=True):
        weights = {
            "weight": torch.randn(layer.weight.shape) * 0.1,
            "bias": torch.randn(layer.out_channels),
        }
        layer.load_state_dict(weights, assign=True)
        reference.load_state_dict(weights, assign=True)
    image = torch.rand(1, 3, 16, 24)
    relu1_2, relu2_2, relu3_4, relu4_2 = 3, 8, 17, 22
    with torch.no_grad():
        features = encoder(image)
        for level, index in enumerate((relu1_2, relu2_2, relu3_4, relu4_2)):
            expected = vgg[: index + 1](image - 0.5)
            assert_near(features[level] / expected.std(), expected / expected.std(), 1e-4)


@pytest.mark.parametrize("max_pooling", [False, True])
def test_mid_grey_is_where_the_encoder_is_zero(max_pooling: bool):
    # In float64, which holds sums of the float32 weights exactly.
    encoder = Encoder((4, 6), (1, 2), stem_stride=2, max_pooling=max_pooling).double()
    for layer in convolutions(encoder):
        nn.init.zeros_(layer.bias)
    grey = torch.full((1, 3, 8, 8), 0.5, dtype=torch.float64)
    assert all(not level.any() for level in encoder(grey))
    assert all(level.any() for level in encoder(torch.rand_like(grey)))


@pytest.mark.parametrize("max_pooling", [False, True])
def test_flat_picture_has_flat_features(max_pooling: bool):
    encoder = Encoder((4, 6, 6), (2, 1, 2), stem_stride=2, max_pooling=max_pooling)
    with torch.no_grad():
        features = encoder(torch.full((1, 3, 48, 64), 0.9))
    assert [feature.shape[2:] for feature in features] == [(24, 32), (12, 16), (6, 8)]
    for feature in features:
        assert_near(feature, feature[..., 2:3, 2:3].expand_as(feature), 1e-6)


def test_image_is_left_as_it_was():
    image = torch.rand(1, 3, 8, 8)
    before = image.clone()
    Encoder((4,), (1,), stem_stride=1, max_pooling=False)(image)
    assert torch.equal(image, before)
