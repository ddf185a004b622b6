"""The terms of the loss that no metric shares, against slow answers in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from stylekernel_hf.training.losses import color_loss, identity_losses

SIDE, DIRECTIONS = 4, 5


def pictures(seed: int, count: int = 2, side: int = 8) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def colours(picture: Tensor) -> np.ndarray:
    """The mean colours of 2 x 2 px."""
    blocks = picture.double().numpy().reshape(3, SIDE, 2, SIDE, 2)
    return blocks.mean(axis=(2, 4)).reshape(3, -1).T


def distance_by_assignment(ours: Tensor, theirs: Tensor, axes: np.ndarray) -> float:
    """Move every colour to one of the other picture, as cheaply as can be, axis by axis."""
    total = 0.0
    for axis in axes:
        a, b = (colours(x) @ (axis / np.linalg.norm(axis)) for x in (ours, theirs))
        costs = (a[:, None] - b[None]) ** 2
        total += costs[linear_sum_assignment(costs)].mean() / (b.var(ddof=1) + 0.02)
    return total / len(axes)


def test_color_loss_is_the_cheapest_move_of_one_palette_to_the_other() -> None:
    stylized, style = pictures(0), pictures(1) ** 3
    found = color_loss(
        stylized,
        style,
        torch.Generator().manual_seed(2),
        directions=DIRECTIONS,
        side=SIDE,
    )
    axes = torch.randn(DIRECTIONS, 3, generator=torch.Generator().manual_seed(2)).double().numpy()
    expected = [distance_by_assignment(*pair, axes) for pair in zip(stylized, style, strict=True)]
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-4)
    assert found > 0.1


def test_color_loss_ignores_where_colours_are() -> None:
    style = pictures(3, side=32)
    generator = torch.Generator().manual_seed(4)
    assert color_loss(style.flip(2, 3), style, generator).item() == pytest.approx(0, abs=1e-9)


def test_identity_loss_is_the_error_relative_to_the_spread_of_the_colours() -> None:
    image, repainted = pictures(5), pictures(6)
    x, y = image.double().numpy(), repainted.double().numpy()
    expected = [
        ((theirs - ours) ** 2).mean() / (np.mean([channel.var(ddof=1) for channel in ours]) + 0.01)
        for ours, theirs in zip(x, y, strict=True)
    ]
    assert identity_losses(repainted, image).tolist() == pytest.approx(expected, rel=1e-5)
    assert identity_losses(image, image).tolist() == [0, 0]
