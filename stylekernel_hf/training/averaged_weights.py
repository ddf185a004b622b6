"""The moving average of the weights, which is what a run saves."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from stylekernel_hf.pretrained.model import StyleKernelModel


def average_weights(model: StyleKernelModel, decay: float) -> AveragedModel:
    """Return a copy of a network whose weights follow those of `model` by a moving average.

    Args:
        model: The network that is trained; call `update_parameters(model)` after every step.
        decay: Share of the average that a step keeps, in [0, 1). In the first steps it is lower,
            (1 + n) / (10 + n) after n steps, so that the initial weights are soon forgotten.

    Returns:
        The average; its network is `averaged_network(average)`.
    """

    def average(averaged: Tensor, weights: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return torch.lerp(averaged, weights, 1 - kept)

    return AveragedModel(model, avg_fn=average)


def averaged_network(average: AveragedModel) -> StyleKernelModel:
    """Return the network with the averaged weights."""
    return cast(StyleKernelModel, average.module)
