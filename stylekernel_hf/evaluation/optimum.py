"""How far results are from the optimum of the training's objective: descent on their pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.errors.given_values import as_integer
from stylekernel_hf.evaluation.candidate import Candidate
from stylekernel_hf.metrics.distances import content_structure, style_statistics
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.training.losses import LossWeights, stylization_losses
from stylekernel_hf.training.targets import StyleTargets

# About how far Adam moves the logit of a pixel in each step.
_LEARNING_RATE = 0.08
# Pixels are clamped this far inside (0, 1), so that their logits are finite.
_MARGIN = 0.02


def with_optimum(candidate: Candidate, network: PerceptualNetwork, steps: int) -> Candidate:
    """Return a candidate whose results are those of `candidate` after `steps` of `descend`.

    Scored beside `candidate`, it shows how far a network is from what its objective allows. Its
    name is that of `candidate` with the number of steps. Raises TypeError or ValueError unless
    `steps` is an integer of at least 1.
    """
    steps = as_integer(steps, "optimum", low=1)

    def encode(style: Tensor) -> tuple[Tensor, Any]:
        return style, candidate.encode(style)

    def stylize(content: Tensor, style: tuple[Tensor, Any]) -> Tensor:
        painting, encoded = style
        result = candidate.stylize(content, encoded)
        return descend(result, content, painting, network, steps=steps)

    return replace(
        candidate,
        model=f"{candidate.model}, {steps} steps on its pixels",
        stylize=stylize,
        encode_style=encode,
        without_alignment=None,
    )


def descend(
    result: Float[Tensor, "1 3 h w"],
    content: Float[Tensor, "1 3 h w"],
    style: Float[Tensor, "1 3 s t"],
    network: PerceptualNetwork,
    *,
    steps: int,
    weights: LossWeights | None = None,
) -> Float[Tensor, "1 3 h w"]:
    """Lower the training's objective by Adam on the pixels of one result, RGB in [0, 1].

    The terms are those of `stylization_losses` on the features of `network`, weighted as training
    weights them by default. Gatys et al. (CVPR 2016) stylize in this way from the start.
    """
    weights = weights or LossWeights()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        structure = content_structure(network(content.float()))
        style_features = network(style.float())
        targets = StyleTargets([style_statistics(style_features)], [style_features])
    with torch.inference_mode(False), torch.enable_grad():
        logits = result.detach().float().clamp(_MARGIN, 1 - _MARGIN).logit().requires_grad_()
        optimizer = torch.optim.Adam([logits], lr=_LEARNING_RATE)
        for _ in range(steps):
            stylized = logits.sigmoid()
            terms = stylization_losses(
                network, stylized, structure, targets, style.float(), generator, weights
            )
            loss = sum(getattr(weights, name) * term for name, term in terms.items())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[union-attr]
            optimizer.step()
    return logits.detach().sigmoid()
