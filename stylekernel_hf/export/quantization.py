"""Convolutions in 8-bit integers: features and weights are rounded to 256 and to 128 values.

The rounding is written as QuantizeLinear and DequantizeLinear around a Conv, which runtimes fuse to
one convolution of integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int8]

# Weights have 7 bits: two products of 8 bits each overflow the 16 bits in which older processors,
# and browsers, add them.
_LARGEST_WEIGHT = 63
# Channels that hardly vary are not stretched further than this share of the widest.
_LEAST_GAIN = 1e-2
_LEAST_WEIGHT = 1e-3
# Of features that do not vary, so that the bias fits in an integer.
_LEAST_RANGE = 1e-2


@dataclass(frozen=True)
class LayerRange:
    """What a convolution was seen to take and to give.

    Attributes:
        inputs: The least and the largest value that it took.
        lows: The least value that every output channel had.
        highs: The largest value that every output channel had.
    """

    inputs: tuple[float, float]
    lows: Floats
    highs: Floats

    def gains(self) -> Floats:
        """Return by what to divide the outputs, one for every channel, so that all are as wide."""
        largest = np.maximum(np.abs(self.lows), np.abs(self.highs))
        return np.maximum(largest, _LEAST_GAIN * largest.max()).clip(1e-6)

    def outputs(self, gains: Floats | None) -> tuple[float, float]:
        """Return the least and the largest value of the outputs, divided by `gains`."""
        by = 1 if gains is None else gains
        return float((self.lows / by).min()), float((self.highs / by).max())


LayerRanges: TypeAlias = Mapping[str, LayerRange]


def integer_scale(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Return the step and the zero of 256 values from `low` to `high`, of which one is 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    step = np.float32(max(high - low, _LEAST_RANGE) / 255)
    return step, np.uint8(round(min(-low / float(step), 255)))


def rounded_weights(weight: Floats) -> tuple[Integers, Floats]:
    """Return the weights as integers, and the step of every output channel."""
    largest = np.abs(weight).reshape(len(weight), -1).max(1)
    least = max(_LEAST_WEIGHT * float(largest.max()), 1e-6)
    steps = np.maximum(largest, least).astype(np.float32) / _LARGEST_WEIGHT
    rounded = np.rint(weight / steps.reshape(-1, 1, 1, 1))
    return rounded.astype(np.int8), steps
