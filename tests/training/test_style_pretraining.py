"""Pretraining of the style side, on tiny networks and pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from stylekernel_hf.metrics.distances import style_statistics
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from stylekernel_hf.training.style_pretraining import (
    MIRRORED_REGIONS,
    StylePretrainer,
    StylePretrainingSettings,
    split_regions,
)
from tests.tiny import save_picture, save_tiny_vgg, tiny_model


@pytest.fixture
def settings(tmp_path: Path) -> StylePretrainingSettings:
    styles = tmp_path / "styles"
    styles.mkdir()
    for index in range(6):
        save_picture(styles / f"{index}.png", (80, 72), seed=index)
    return StylePretrainingSettings(
        styles=(styles,),
        output=tmp_path / "run",
        perceptual=save_tiny_vgg(tmp_path / "vgg.safetensors"),
        steps=60,
        batch_size=4,
        size=64,
        distinct_crops=12,
        learning_rate=3e-3,
        mixed_precision="no",
    )


def test_style_code_learns_to_tell_styles_apart(settings: StylePretrainingSettings) -> None:
    distances: list[float] = []
    model = tiny_model()
    last = StylePretrainer(model, settings).run(lambda _, distance: distances.append(distance))
    assert len(distances) == settings.steps
    assert sum(distances[-10:]) < 0.7 * sum(distances[:10])
    assert last == pytest.approx(sum(distances) / len(distances))


def test_saved_model_differs_in_its_style_side_alone(settings: StylePretrainingSettings) -> None:
    StylePretrainer(tiny_model(), replace(settings, steps=2)).run()
    before = tiny_model().state_dict()
    for name, value in load_checkpoint(settings.output / "model").state_dict().items():
        changed = not torch.equal(value, before[name])
        assert changed == name.startswith(("style_encoder.", "style_code.")), name


def test_targets_are_the_statistics_of_the_quadrants(settings: StylePretrainingSettings) -> None:
    pretrainer = StylePretrainer(tiny_model(), settings)
    images, targets = pretrainer._batch([3, 5], mirrored=False)
    assert settings.perceptual is not None
    features = load_perceptual_network(settings.perceptual)(images)
    bottom_left = [layer[1:, :, layer.shape[2] // 2 :, : layer.shape[3] // 2] for layer in features]
    expected = torch.cat(style_statistics(bottom_left), dim=1)
    # Region 3 of 5, and the second of two images.
    torch.testing.assert_close(targets[3 * 2 + 1 :][:1], expected, rtol=1e-4, atol=1e-5)


def test_mirrored_picture_has_the_regions_in_mirrored_order() -> None:
    image = torch.rand(1, 3, 8, 8)
    regions = [layers[0] for layers in split_regions([image])]
    mirrored = [layers[0] for layers in split_regions([image.flip(3)])]
    for place, original in enumerate(MIRRORED_REGIONS):
        assert torch.equal(mirrored[place], regions[original].flip(3))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("batch_size", 0),
        ("distinct_crops", 0),
        ("size", 48),
        ("size", 100),
        ("max_zoom", 0.5),
        ("color_augmentation", 1.5),
        ("learning_rate", 0.0),
    ],
)
def test_bad_setting_is_named(settings: StylePretrainingSettings, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(settings, **{name: value})
