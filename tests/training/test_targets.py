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
        statistics = targets.statistics(batch, numbers)
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
    targets.statistics(images, torch.tensor([0, 1]))
    assert seen == [1, 1, 1, 1]


def test_nothing_is_kept_of_crops_that_never_come_again(network: PerceptualNetwork) -> None:
    targets = PerceptualTargets(network, keep=False)
    images = torch.rand(2, 3, 32, 32)
    for number, image in enumerate(images):
        targets.structure(image[None], torch.tensor([number]))
        targets.statistics(image[None], torch.tensor([number]))
    assert not targets.kept_structure
    assert not targets.kept_statistics
