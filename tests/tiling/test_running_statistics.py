"""Parts taken in one after the other give what the whole gives."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from stylekernel_hf.model.statistics import channel_statistics
from stylekernel_hf.tiling.running_statistics import RunningPool, RunningStatistics

CPU = torch.device("cpu")


def test_statistics_of_parts_are_those_of_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    whole = torch.randn(1, 5, 40, 30, generator=generator).cumsum(dim=2) + 7
    running = RunningStatistics()
    for rows in whole.split(17, dim=2):
        for part in rows.split(4, dim=3):
            running.add(part)
    for measured, expected in zip(running.result(CPU), channel_statistics(whole), strict=True):
        torch.testing.assert_close(measured, expected, rtol=1e-6, atol=1e-6)


def test_far_mean_costs_no_precision() -> None:
    whole = 4096 + torch.arange(64.0).reshape(1, 1, 8, 8) / 64
    running = RunningStatistics()
    for part in whole.split(2, dim=2):
        running.add(part)
    expected = whole.double().std(correction=0).item()
    assert running.result(CPU).std.item() == pytest.approx((expected**2 + 1e-5) ** 0.5, rel=1e-6)


@pytest.mark.parametrize("grid", [(4, 4), (3, 7), (29, 23), (1, 1)])
def test_pooled_parts_are_the_whole_pooled(grid: tuple[int, int]) -> None:
    whole = torch.randn(1, 3, 29, 23, generator=torch.Generator().manual_seed(0))
    running = RunningPool(29, 23, grid)
    for top in range(0, 29, 10):
        for left in range(0, 23, 6):
            running.add(whole[:, :, top : top + 10, left : left + 6], top, left)
    torch.testing.assert_close(
        running.result(), adaptive_avg_pool2d(whole, grid), rtol=1e-5, atol=1e-6
    )
