"""The rectifier, in place."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def relu_(features: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Apply `Tensor.relu_`; on a CPU, where no gradient is asked for, faster in bfloat16.

    PyTorch converts every bfloat16 to float32 and back. Read as a 16-bit integer it has the same
    sign, and zero is zero, so that the maximum of integers does the same in a third of the time;
    only a NaN of negative sign becomes zero too.
    """
    graded = torch.is_grad_enabled() and features.requires_grad
    if features.dtype != torch.bfloat16 or not features.is_cpu or graded:
        return features.relu_()
    features.view(torch.int16).clamp_min_(0)
    return features
