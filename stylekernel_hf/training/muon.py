"""Muon for the network's matrices and convolutions, Adam for the rest: one optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

# Coefficients of the quintic iteration that drives all singular values towards 1.
_QUINTIC = (3.4445, -4.7750, 2.0315)

# Matrices with more rows and columns than this are orthogonalised in bfloat16.
_WIDE = 256


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by Newton-Schulz iteration (Jordan et al., 2024).

    A convolution's weight is taken as a matrix of its outputs by all its inputs. torch's own Muon
    takes only matrices. Updates are scaled to the size of Adam's (Liu et al., 2025), so that one
    learning rate serves both: parameters without two dimensions to speak of (biases, depthwise
    filters, whatever `is_matrix` declines) are Adam's.
    """

    def __init__(
        self, model: nn.Module, *, lr: float, momentum: float = 0.95, eps: float = 1e-8
    ) -> None:
        parameters = [p for p in model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if is_matrix(p)], "muon": True},
            {"params": [p for p in parameters if not is_matrix(p)], "muon": False},
        ]
        defaults = {"lr": lr, "momentum": momentum, "betas": (0.9, 0.999), "eps": eps}
        super().__init__([group for group in groups if group["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; parameters without a gradient stay."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            update = self._muon if group["muon"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update(parameter, parameter.grad, self.state[parameter], group)
        return loss

    @staticmethod
    def _muon(
        parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        average: Tensor = state["momentum"]
        average.lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(average, group["momentum"])
        update = orthogonalise(ahead.flatten(1)).view_as(ahead)
        rows, columns = ahead.shape[0], ahead[0].numel()
        parameter.add_(update, alpha=-group["lr"] * 0.2 * max(rows, columns) ** 0.5)

    @staticmethod
    def _adam(
        parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(gradient)
            state["square"] = torch.zeros_like(gradient)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        state["mean"].lerp_(gradient, 1 - beta1)
        state["square"].lerp_(gradient.square(), 1 - beta2)
        step = int(state["step"])
        mean = state["mean"] / (1 - beta1**step)
        root = (state["square"] / (1 - beta2**step)).sqrt_()
        parameter.addcdiv_(mean, root.add_(group["eps"]), value=-group["lr"])


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter has outputs and inputs enough to be orthogonalised."""
    return parameter.ndim >= 2 and parameter.shape[1] > 3 and parameter.shape[0] > 3


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return roughly U V^T of the singular value decomposition U S V^T.

    The iteration runs in float32; for wide matrices in bfloat16, as its authors' does, because
    there it would take as long as the rest of a step.
    """
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    x = x.bfloat16() if x.shape[0] > _WIDE else x.float()
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)
