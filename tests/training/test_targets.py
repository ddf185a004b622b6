"""Perceptual targets that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stylekernel_hf.metrics.distances import content_structure, style_statistics
from stylekernel_hf.metrics.perceptual import PerceptualNetwork, load_perceptual_network
from stylekernel_hf.training.targets import PerceptualTargets
from tests.tiny import save_tiny_vgg


@pytest.fixture
def network(tmp_path: Path) -> PerceptualNetwork:
    return load_perceptual_network(save_tiny_vgg(tmp_path / "vgg.safetensors"))


def test_kept_targets_are_those_of_the_crops(network: PerceptualNetwork) -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    targets = PerceptualTargets(network, keep=True)
    for order in ([0, 1, 2], [2, 0], [1, 1]):
        numbers = torch.tensor(order) + 5
        batch = images[order]
        structure = targets.structure(batch, numbers)
        for part, expected in zip(structure, content_structure(network(batch)), strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-2, atol=1e-2)
        (statistics,) = targets.styles(batch, numbers).statistics
        for part, expected in zip(statistics, style_statistics(network(batch)), strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-5)


def test_every_crop_is_looked_at_once(network: PerceptualNetwork) -> None:
    seen: list[int] = []
    network.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    targets = PerceptualTargets(network, keep=True)
    images = torch.rand(2, 3, 32, 32)
    for _ in range(3):
        targets.structure(images, torch.tensor([0, 1]))
    assert seen == [1, 1]
    targets.styles(images, torch.tensor([0, 1]))
    assert seen == [1, 1, 1, 1]


def test_nothing_is_kept_of_crops_that_never_come_again(network: PerceptualNetwork) -> None:
    targets = PerceptualTargets(network, keep=False)
    images = torch.rand(2, 3, 32, 32)
    for number, image in enumerate(images):
        targets.structure(image[None], torch.tensor([number]))
        targets.styles(image[None], torch.tensor([number]))
    assert not targets.kept_structure
    assert not targets.kept_statistics


def test_styles_are_looked_at_in_half_and_a_quarter_of_their_size(
    network: PerceptualNetwork,
) -> None:
    images = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    numbers = torch.tensor([3, 4])
    kept = PerceptualTargets(network, keep=True).styles(images, numbers, layers=(5, 2, 5))
    with_features = PerceptualTargets(network, keep=True).styles(
        images, numbers, layers=(5, 2, 5), features=True
    )
    for level, side in enumerate((128, 64, 32)):
        reduced = images.unflatten(3, (side, -1)).unflatten(2, (side, -1)).mean(dim=(3, 5))
        features = network(reduced, layers=(5, 2, 5)[level])
        for found in (kept, with_features):
            for part, expected in zip(
                found.statistics[level], style_statistics(features), strict=True
            ):
                torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-5)
        for part, expected in zip(with_features.features[level], features, strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-5)


def test_features_of_styles_are_not_kept(network: PerceptualNetwork) -> None:
    targets = PerceptualTargets(network, keep=True)
    targets.styles(torch.rand(2, 3, 32, 32), torch.tensor([0, 1]), features=True)
    assert not targets.kept_statistics
