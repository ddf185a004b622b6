"""The rectifier, in place; faster for bfloat16 on a CPU."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def relu_reference(features: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return max(features, 0)."""
    return features.relu()


def relu_(features: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Apply `relu_reference` in place.

    PyTorch rectifies bfloat16 on a CPU by way of float32. Read as 16-bit integers, the values have
    the same signs and zero is zero, so the maximum of integers gives the same in a quarter of the
    time. Only a NaN with a negative sign becomes zero.
    """
    graded = torch.is_grad_enabled() and features.requires_grad
    if features.dtype != torch.bfloat16 or not features.is_cpu or graded:
        return features.relu_()
    features.view(torch.int16).clamp_min_(0)
    return features
