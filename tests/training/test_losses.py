"""The terms of the loss that no metric shares, against slow answers in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from stylekernel_hf.training.losses import color_loss, identity_losses, smoothness_losses

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


def cells(picture: Tensor) -> np.ndarray:
    """The mean colours of 16 x 16 px."""
    _, height, width = picture.shape
    blocks = picture.double().numpy().reshape(3, height // 16, 16, width // 16, 16)
    return blocks.mean(axis=(2, 4)).transpose(1, 2, 0)


def neighbours(height: int, width: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of cells that are one or two apart, down or across."""
    return [
        ((row, column), (row + down, column + across))
        for down, across in ((1, 0), (2, 0), (0, 1), (0, 2))
        for row in range(height - down)
        for column in range(width - across)
    ]


def test_smoothness_loss_is_the_change_between_cells_that_are_alike_in_the_photo() -> None:
    stylized, style = pictures(7, side=64), pictures(8, side=48) ** 2
    # Some neighbours are alike, some are not.
    content = torch.nn.functional.interpolate(pictures(9, side=4) * 0.2, scale_factor=16)
    expected = []
    for ours, photo, painting in zip(stylized, content, style, strict=True):
        a, b, c = cells(ours), cells(photo), cells(painting)
        weights, changes = [], []
        for one, other in neighbours(4, 4):
            weights.append(np.exp(-((b[one] - b[other]) ** 2).mean() / (2 * 0.03**2)))
            changes.append(((a[one] - a[other]) ** 2).mean())
        by_kind = {}
        for one, other in neighbours(3, 3):
            kind = other[0] - one[0], other[1] - one[1]
            by_kind.setdefault(kind, []).append(((c[one] - c[other]) ** 2).mean())
        allowed = np.mean([np.mean(kind) for kind in by_kind.values()])
        expected.append(np.dot(weights, changes) / sum(weights) / (allowed + 1e-3))
    found = smoothness_losses(stylized, content, style)
    assert found.tolist() == pytest.approx(expected, rel=1e-4)


def test_smoothness_loss_sees_a_streak_in_a_plain_sky_and_no_edge_or_stroke() -> None:
    style = pictures(10, count=1, side=64)
    plain = torch.full((1, 3, 64, 64), 0.4)
    streak, edge = plain.clone(), plain.clone()
    streak[..., 16:32] = 0.7
    edge[..., 32:] = 0.9
    strokes = plain + torch.tensor([0.2, -0.2]).repeat(32)
    assert smoothness_losses(plain, plain, style) == 0
    assert smoothness_losses(streak, plain, style) > 1
    assert smoothness_losses(edge, edge, style) < 1e-6
    assert smoothness_losses(strokes, plain, style) < 1e-6


@pytest.mark.parametrize(("content_side", "style_side"), [(32, 32), (16, 16), (32, 16), (16, 48)])
def test_smoothness_loss_of_small_crops_is_finite(content_side: int, style_side: int) -> None:
    stylized = pictures(11, side=content_side).requires_grad_()
    style = pictures(12, side=style_side)
    loss = smoothness_losses(stylized, torch.zeros_like(stylized), style)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert stylized.grad is not None
    assert stylized.grad.isfinite().all()
    assert (loss > 0).all() == (content_side > 16)
