"""Slow answers in float64, pixel by pixel, to compare the network's parts with."""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[np.float64]


def as_array(tensor: Tensor) -> Array:
    return tensor.detach().double().numpy()


def assert_near(actual: Tensor, expected: Tensor | Array, tolerance: float = 1e-10):
    """Compare in float64, with an absolute tolerance."""
    expected = expected if isinstance(expected, Tensor) else torch.from_numpy(expected)
    torch.testing.assert_close(
        actual.detach().double(), expected.detach().double(), rtol=0, atol=tolerance
    )


def norm_by_numpy(features: Tensor, epsilon: float = 1e-5) -> Array:
    x = as_array(features)
    mean = x.mean(axis=(2, 3), keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=(2, 3), keepdims=True) + epsilon)


def dynamic_conv2d_by_loops(features: Tensor, kernels: Tensor, groups: int) -> Array:
    x, taps = as_array(features), as_array(kernels)
    batch, channels, height, width = x.shape
    size = math.isqrt(taps.shape[1] // groups)
    out = np.zeros_like(x)
    for b, c, i, j in np.ndindex(batch, channels, height, width):
        group = c // (channels // groups)
        for row, column in np.ndindex(size, size):
            y, z = i + row - size // 2, j + column - size // 2
            if 0 <= y < height and 0 <= z < width:
                tap = taps[b, group * size * size + row * size + column, i, j]
                out[b, c, i, j] += tap * x[b, c, y, z]
    return out


def channel_shuffle_by_loops(x: Array, groups: int) -> Array:
    """Take the first channel of every group, then the second of every group, and so on."""
    width = x.shape[1] // groups
    return x[:, [group * width + index for index in range(width) for group in range(groups)]]


def gated_weights_by_loops(query: Tensor, key: Tensor, gamma: Tensor, beta: Tensor) -> Array:
    """Weights ~ max(S - t, 1e-6) exp(S) with t = gamma mean(S) + beta, row by row."""
    q, k, g, b = (as_array(part) for part in (query, key, gamma, beta))
    batch, pixels, width = q.shape
    out = np.zeros((batch, pixels, k.shape[1]))
    for item, i in np.ndindex(batch, pixels):
        scores = [float(q[item, i] @ token) / math.sqrt(width) for token in k[item]]
        threshold = g[item, i, 0] * sum(scores) / len(scores) + b[item, i, 0]
        exponentials = [math.exp(score - max(scores)) for score in scores]
        weights = [
            max(score - threshold, 1e-6) * exponential
            for score, exponential in zip(scores, exponentials, strict=True)
        ]
        out[item, i] = np.array(weights) / sum(weights)
    return out


def with_border_renewed(features: Tensor | Array, width: int, stride: int = 1) -> Array:
    """Cut `width` off all sides and put copies of the edge in its place, by NumPy.

    With a stride, only off the top and the left.
    """
    array = features if isinstance(features, np.ndarray) else as_array(features)
    cut = (width, width if stride == 1 else 0)
    if width == 0 or min(array.shape[2:]) <= sum(cut):
        return array
    height, length = array.shape[2:]
    inside = array[..., cut[0] : height - cut[1], cut[0] : length - cut[1]]
    return np.pad(inside, ((0, 0), (0, 0), cut, cut), mode="edge")
