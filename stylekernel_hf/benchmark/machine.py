"""The machine's own limits, measured: arithmetic by products, bandwidth by a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from stylekernel_hf.benchmark.timing import measure_cost


class MachineLimits(NamedTuple):
    """The highest rates measured on a device in a dtype."""

    operations_per_second: float
    """Multiplications and additions of the fastest of several large products."""
    bytes_per_second: float
    """Bytes read plus bytes written by a large copy."""


class Product(NamedTuple):
    """A matrix product or a convolution, and how many operations it takes."""

    operations: int
    run: Callable[[], object]


def measure_limits(
    device: torch.device, dtype: torch.dtype, *, side: int, repeats: int
) -> MachineLimits:
    """Time `products`, and a copy of 16 times as many values as a matrix of `side` has.

    The fastest run of the copy and of all products counts.
    """
    operations_per_second = max(
        product.operations / measure_cost(product.run, device, repeats=repeats).fastest
        for product in products(device, dtype, side)
    )
    source = torch.zeros(16 * side * side, device=device, dtype=dtype)
    target = torch.zeros_like(source)
    copy = measure_cost(lambda: target.copy_(source), device, repeats=repeats)
    moved = 2 * source.numel() * source.element_size()
    return MachineLimits(operations_per_second, moved / copy.fastest)


def products(device: torch.device, dtype: torch.dtype, side: int) -> Iterator[Product]:
    """Yield products of matrices of `side` and half of it, and convolutions 1x1 and 3x3.

    Matrix products and convolutions may use different libraries, and either may be the faster. The
    convolutions take about as long as the product.
    """
    for size in (side, side // 2):
        left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        yield Product(2 * size**3, lambda left=left, right=right: left @ right)
    channels = side // 8
    for kernel_size in (1, 3):
        height = round(8 * side**0.5 / kernel_size)
        features = torch.randn(1, channels, height, height, device=device)
        weight = torch.randn(channels, channels, kernel_size, kernel_size, device=device)
        features, weight = (
            part.to(dtype).contiguous(memory_format=torch.channels_last)
            for part in (features, weight)
        )
        yield Product(
            2 * (channels * kernel_size * height) ** 2,
            lambda features=features, weight=weight: torch.conv2d(features, weight, padding="same"),
        )
