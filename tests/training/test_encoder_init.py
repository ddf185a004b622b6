"""Encoders that start as VGG-19."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.training.encoder_init import initialise_encoders
from tests.tiny import save_tiny_vgg, tiny_model, vgg_shaped_model


def test_initialised_encoders_give_the_features_of_vgg19(tmp_path: Path) -> None:
    vgg19 = load_perceptual_network(save_tiny_vgg(tmp_path / "vgg.safetensors"))
    model = vgg_shaped_model()
    initialise_encoders(model, vgg19)
    image = torch.rand(1, 3, 192, 192, generator=torch.Generator().manual_seed(0))
    expected = vgg19(image)[3]
    for encoder in (model.content_encoder, model.style_encoder):
        relu4_1 = encoder.stages[3][:2]  # type: ignore[index]
        features = relu4_1(encoder.pool(encoder(image)[2]))
        # The two pad the picture differently, which reaches 10 places inwards.
        inner = (..., slice(10, -10), slice(10, -10))
        assert expected[inner].std() > 0.01
        torch.testing.assert_close(features[inner], expected[inner], rtol=1e-4, atol=1e-5)


def test_style_encoder_has_conv5_1_and_keeps_its_own_layers_after_it(tmp_path: Path) -> None:
    vgg19 = load_perceptual_network(save_tiny_vgg(tmp_path / "vgg.safetensors"))
    model = vgg_shaped_model()
    coarsest = model.style_encoder.stages[4]
    before = coarsest[2].weight.clone()  # type: ignore[index]
    initialise_encoders(model, vgg19)
    assert torch.equal(coarsest[0].weight, vgg19.blocks[4][-1].weight)  # type: ignore[index]
    assert torch.equal(coarsest[2].weight, before)  # type: ignore[index]


def test_encoders_of_another_shape_are_refused(tmp_path: Path) -> None:
    vgg19 = load_perceptual_network(save_tiny_vgg(tmp_path / "vgg.safetensors"))
    with pytest.raises(ValueError, match="encoder_init needs encoders of VGG-19's geometry"):
        initialise_encoders(tiny_model(), vgg19)
    with pytest.raises(ValueError, match="content_encoder differs at convolution 1 of stage 1"):
        initialise_encoders(vgg_shaped_model(width=8), vgg19)
