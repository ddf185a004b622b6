"""`near` and `pattern`, against slow computations of their definitions in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from stylekernel_hf.metrics.near import local_features, nearness
from stylekernel_hf.metrics.pattern import directions, neighbourhoods, pattern_distance
from stylekernel_hf.metrics.perceptual import PerceptualNetwork, load_perceptual_network
from tests.tiny import save_tiny_vgg


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> PerceptualNetwork:
    return load_perceptual_network(
        save_tiny_vgg(tmp_path_factory.mktemp("vgg") / "vgg.safetensors")
    )


def picture(seed: int, side: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    fine = torch.rand(1, 3, side, side, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return 0.7 * smooth + 0.3 * fine


def features(seed: int, sides: tuple[int, ...] = (70, 35, 17, 9, 4)) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, 5, side, side + 1, generator=generator) for side in sides]


def slow_near(result: list[Tensor], style: list[Tensor]) -> float:
    layers = []
    for a, b in zip(result, style, strict=True):
        a, b = a.double().numpy(), b.double().numpy()
        middle = b.mean(axis=0)
        distances = np.empty((len(a), len(b)))
        for i, x in enumerate(a - middle):
            for j, y in enumerate(b - middle):
                distances[i, j] = 1 - x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
        layers.append(max(distances.min(axis=1).mean(), distances.min(axis=0).mean()))
    return float(np.mean(layers))


def test_near_is_the_relaxed_earth_movers_distance() -> None:
    result, style = (local_features(features(seed)) for seed in (0, 1))
    assert nearness(result, style) == pytest.approx(slow_near(result, style), rel=1e-4)
    assert nearness(style, result) != pytest.approx(nearness(result, style), rel=1e-3)


def test_local_features_are_all_of_small_layers_and_a_grid_of_large_ones() -> None:
    layers = features(2)
    local = local_features(layers)
    assert [len(each) for each in local] == [17 * 18, 9 * 10, 4 * 5]
    torch.testing.assert_close(local[1], layers[3][0].flatten(1).T)
    large = torch.arange(64 * 64.0).view(1, 1, 64, 64)
    (grid,) = local_features([large, large, large])
    assert len(grid) == 32 * 32
    # Corner to corner, no place twice.
    assert (grid[0, 0], grid[-1, 0]) == (0, 64 * 64 - 1)
    assert len(grid.unique()) == 32 * 32


def test_a_picture_is_near_itself_wherever_its_parts_are(network: PerceptualNetwork) -> None:
    one = local_features(network(picture(3)))
    shuffled = [layer[torch.randperm(len(layer))] for layer in one]
    assert nearness(one, one) == pytest.approx(0, abs=1e-5)
    assert nearness(shuffled, one) == pytest.approx(0, abs=1e-5)
    assert nearness(local_features(network(picture(4))), one) > 0.05


def slow_pattern(image: Tensor, other: Tensor, network: PerceptualNetwork) -> float:
    """Sort all neighbourhoods' projections, which is exact where the pictures are equally large."""
    distances = []
    for reduction in (1, 2, 4):
        layers = []
        for each in (image, other):
            height, width = (side // reduction for side in each.shape[2:])
            blocks = each.view(3, height, reduction, width, reduction)
            layers.append(network(blocks.mean(dim=(2, 4))[None], layers=2))
        for a, b in zip(*layers, strict=True):
            weights = directions(a.shape[1]).double().numpy()
            squares, spread = [], []
            for weight in weights:
                lines = []
                for feature in (a, b):
                    values = feature[0].double().numpy()
                    lines.append(
                        sorted(
                            float((values[:, y : y + 3, x : x + 3] * weight).sum())
                            for y in range(values.shape[1] - 2)
                            for x in range(values.shape[2] - 2)
                        )
                    )
                quantiles = [np.quantile(line, (np.arange(1024) + 0.5) / 1024) for line in lines]
                squares.append(((quantiles[0] - quantiles[1]) ** 2).mean())
                spread.append(quantiles[1].var())
            distances.append(np.mean(squares) / np.mean(spread))
    return float(np.mean(distances))


def test_pattern_is_the_sliced_wasserstein_distance(network: PerceptualNetwork) -> None:
    one, other = picture(5, 32), picture(6, 32)
    actual = pattern_distance(neighbourhoods(one, network), neighbourhoods(other, network))
    assert actual == pytest.approx(slow_pattern(one, other, network), rel=1e-3)


def test_pattern_tells_finer_marks_from_coarser_ones(network: PerceptualNetwork) -> None:
    def stripes(period: int) -> Tensor:
        row = (torch.arange(128) // (period // 2) % 2).float()
        return row.expand(1, 3, 128, 128).contiguous()

    style = neighbourhoods(stripes(16), network)
    distances = [
        pattern_distance(neighbourhoods(stripes(period), network), style) for period in (16, 8, 4)
    ]
    assert distances[0] == 0
    assert 0.01 < distances[1] < distances[2]


def test_pattern_does_not_depend_on_where_marks_are(network: PerceptualNetwork) -> None:
    one = picture(7, 128)
    other = picture(8, 128)
    style = neighbourhoods(one, network)
    moved = pattern_distance(neighbourhoods(one.roll(32, dims=3), network), style)
    assert moved < 0.1 * pattern_distance(neighbourhoods(other, network), style)
