"""The machine's own limits, measured: arithmetic by a matrix product, bandwidth by a copy."""

from __future__ import annotations

from typing import NamedTuple

import torch

from stylekernel_hf.benchmark.timing import measure_cost


class MachineLimits(NamedTuple):
    """What a device can do at most in a dtype."""

    operations_per_second: float
    """Multiplications and additions of a large matrix product."""
    bytes_per_second: float
    """Bytes read plus bytes written by a large copy."""


def measure_limits(
    device: torch.device, dtype: torch.dtype, *, side: int, repeats: int
) -> MachineLimits:
    """Time the product, and the copy of 16 times as many values, of side x side matrices."""
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    product = measure_cost(lambda: left @ right, device, repeats=repeats)
    source = torch.zeros(16 * side * side, device=device, dtype=dtype)
    target = torch.zeros_like(source)
    copy = measure_cost(lambda: target.copy_(source), device, repeats=repeats)
    moved = 2 * source.numel() * source.element_size()
    return MachineLimits(2 * side**3 / product.seconds, moved / copy.seconds)
