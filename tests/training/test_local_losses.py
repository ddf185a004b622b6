"""The terms that reward looking, against slow answers in float64."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylekernel_hf.training.local_losses import (
    SHARPNESS,
    attended_style,
    attention_loss,
    local_loss,
    near_loss,
    pattern_loss,
    perceptual_attention,
)

Matrix = NDArray[np.float64]


def features(seed: int, *sizes: tuple[int, int, int]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(2, *size, generator=generator) for size in sizes]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def places(layer: Tensor) -> Matrix:
    """One row for every place of one picture's feature."""
    return layer.double().numpy().reshape(len(layer), -1).T


def cosine(a: Matrix, b: Matrix) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def normalised(layer: Tensor) -> Matrix:
    rows = places(layer)
    return (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + 1e-5)


def neighbourhoods_along(layer: Tensor, axis: Tensor) -> Matrix:
    x, weight = layer.double().numpy(), axis.double().numpy()
    _, height, width = x.shape
    return np.array(
        [
            (x[:, i : i + 3, j : j + 3] * weight).sum()
            for i, j in product(range(height - 2), range(width - 2))
        ]
    )


def test_pattern_loss_is_the_distance_of_the_quantiles_of_neighbourhoods() -> None:
    ours, theirs = features(0, (3, 6, 7)), features(1, (3, 8, 5))
    actual = pattern_loss(ours, theirs, generator()).item()

    axes = torch.randn(8, 3, 3, 3, generator=generator())
    axes = axes / axes.flatten(1).norm(dim=1)[:, None, None, None]
    middles = (np.arange(512) + 0.5) / 512
    expected: list[float] = []
    for a, b in zip(ours[0], theirs[0], strict=True):
        found = [
            np.quantile(neighbourhoods_along(layer, axis), middles)
            for layer, axis in product((a, b), axes)
        ]
        x, y = np.array(found[:8]), np.array(found[8:])
        spread = ((y - y.mean(axis=1, keepdims=True)) ** 2).mean()
        distance = ((x - y) ** 2).mean()
        expected.append(distance / (distance + spread + 1e-6))
    assert actual == pytest.approx(np.mean(expected), rel=1e-4)
    assert actual > 0.01


def test_pattern_loss_ignores_where_marks_are_and_sees_another_grain() -> None:
    (layer,) = features(2, (4, 24, 24))
    wrapped = torch.nn.functional.pad(layer, (1, 1, 1, 1), mode="circular")
    moved = torch.nn.functional.pad(layer.roll((5, 9), (2, 3)), (1, 1, 1, 1), mode="circular")
    assert pattern_loss([moved], [wrapped], generator()).item() == pytest.approx(0, abs=1e-8)
    # Pixels in another order have the same colours, and other neighbourhoods.
    smooth = torch.nn.functional.avg_pool2d(wrapped, 3, stride=1)
    shuffled = smooth.flatten(2)[:, :, torch.randperm(24 * 24, generator=generator())]
    assert pattern_loss([shuffled.view_as(smooth)], [smooth], generator()).item() > 0.01


def test_pattern_loss_takes_features_of_one_neighbourhood() -> None:
    ours, theirs = features(3, (3, 3, 3)), features(4, (3, 3, 3))
    assert math.isfinite(pattern_loss(ours, theirs, generator()).item())


def earth_movers(ours: Tensor, theirs: Tensor) -> float:
    x, y = places(ours), places(theirs)
    middle = y.mean(axis=0)
    distances = [[1 - cosine(a - middle, b - middle) for b in y] for a in x]
    there = np.mean([min(row) for row in distances])
    back = np.mean([min(column) for column in zip(*distances, strict=True)])
    return float(max(there, back))


def test_near_loss_is_the_relaxed_earth_movers_distance_of_the_coarse_layers() -> None:
    sizes = ((2, 9, 9), (2, 9, 9), (5, 6, 4), (6, 4, 3), (7, 2, 2))
    ours, theirs = features(5, *sizes), features(6, *sizes)
    expected = [
        earth_movers(a, b)
        for x, y in zip(ours[2:], theirs[2:], strict=True)
        for a, b in zip(x, y, strict=True)
    ]
    actual = near_loss(ours, theirs, generator()).item()
    assert actual == pytest.approx(np.mean(expected), rel=1e-5)
    assert near_loss(theirs, theirs, generator()).item() == pytest.approx(0, abs=1e-5)


def test_near_loss_of_many_places_is_about_that_of_all_of_them() -> None:
    # Features of few kinds: chosen places stand for all.
    kinds = torch.randn(2, 5, 4, generator=generator())
    layers = [kinds[:, :, torch.arange(40 * 40) % 4].unflatten(2, (40, 40)) for _ in range(5)]
    assert near_loss(layers, layers, generator()).item() == pytest.approx(0, abs=1e-5)


def attention_of(content: Matrix, style: Matrix) -> Matrix:
    scores = np.array([[SHARPNESS * cosine(a, b) for b in style] for a in content])
    weights = np.exp(scores)
    return weights / weights.sum(axis=1, keepdims=True)


def content_like(seed: int) -> Tensor:
    (layer,) = features(seed, (5, 3, 4))
    return torch.nn.functional.instance_norm(layer)


def test_perceptual_attention_is_the_softmax_of_cosine_similarities() -> None:
    content, (style,) = content_like(8), features(9, (5, 4, 2))
    actual = perceptual_attention(content, style)
    for weights, a, b in zip(actual, content, style, strict=True):
        expected = attention_of(places(a), places(b))
        np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-3)


def attended(content: Tensor, style: Tensor, stride: int = 1) -> Matrix:
    _, height, width = style.shape
    seen = np.arange(height * width).reshape(height, width)[::stride, ::stride].ravel()
    weights = attention_of(places(content), normalised(style)[seen])
    values = places(style)[seen]
    rows: list[Any] = []
    for place, row in zip(places(content), weights, strict=True):
        mean = sum(w * v for w, v in zip(row, values, strict=True))
        variance = sum(w * (v - mean) ** 2 for w, v in zip(row, values, strict=True))
        rows.append(np.sqrt(variance) * place + mean)
    return np.array(rows)


def test_attended_style_is_the_weighed_mean_and_deviation_at_every_place() -> None:
    content, (style,) = content_like(12), features(13, (5, 4, 3))
    actual = attended_style(content, style)
    for found, a, b in zip(actual, content, style, strict=True):
        np.testing.assert_allclose(places(found), attended(a, b), rtol=1e-3, atol=1e-4)


def test_attended_style_looks_at_every_nth_place_of_a_large_one() -> None:
    content, (style,) = content_like(12), features(13, (5, 35, 40))
    actual = attended_style(content, style)
    for found, a, b in zip(actual, content, style, strict=True):
        np.testing.assert_allclose(places(found), attended(a, b, 2), rtol=1e-3, atol=1e-4)


def test_local_loss_is_the_error_from_what_attention_finds_over_its_variance() -> None:
    content, (style,), (ours,) = content_like(14), features(15, (5, 4, 3)), features(16, (5, 3, 4))
    expected: list[float] = []
    for a, b, x in zip(content, style, ours, strict=True):
        target = attended(a, b)
        expected.append(((places(x) - target) ** 2).mean() / target.var(ddof=1))
    actual = local_loss([ours], [content], [style]).item()
    assert actual == pytest.approx(np.mean(expected), rel=1e-3)
    assert local_loss([attended_style(content, style)], [content], [style]).item() == 0


def test_attention_loss_is_the_divergence_from_the_wanted_attention() -> None:
    generator_ = generator()
    query = torch.randn(2, 3, 4, generator=generator_)
    key = torch.randn(2, 5, 4, generator=generator_)
    wanted = torch.rand(2, 3, 5, generator=generator_).softmax(dim=2)
    expected: list[float] = []
    for q, k, w in zip(query.double(), key.double(), wanted.double(), strict=True):
        for row, want in zip(q, w, strict=True):
            scores = [float(row @ each) / 2 for each in k]
            total = sum(math.exp(score) for score in scores)
            expected.append(
                sum(
                    float(p) * (math.log(float(p)) - score + math.log(total))
                    for p, score in zip(want, scores, strict=True)
                )
            )
    assert attention_loss(query, key, wanted).item() == pytest.approx(np.mean(expected), rel=1e-4)
    same = (query @ key.transpose(1, 2) / 2).softmax(dim=2)
    assert attention_loss(query, key, same).item() == pytest.approx(0, abs=1e-6)
