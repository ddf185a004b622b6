"""Muon for the network's matrices and convolutions, Adam for the rest: one optimizer."""

# torch's operations on lists of tensors have no public names.
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.devices.dtypes import is_native

# Coefficients of the quintic iteration that drives all singular values towards 1.
_QUINTIC = (3.4445, -4.7750, 2.0315)

# Matrices with more rows and columns than this are orthogonalised in bfloat16 where there is any.
_WIDE = 256


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised by Newton-Schulz iteration (Jordan et al., 2024).

    A convolution's weight is taken as a matrix of its outputs by all its inputs. torch's own Muon
    takes only matrices. timm's takes convolutions and trains alike, but it always iterates in
    bfloat16: a processor without bfloat16 needs more than ten times as long for a step. Updates
    are scaled to the size of Adam's (Liu et al., 2025), so that one learning rate serves both:
    parameters without two dimensions to speak of (biases, depthwise filters, whatever `is_matrix`
    declines) are Adam's.
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
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                update = self._muon if group["muon"] else self._adam
                update(parameters, [cast(Tensor, p.grad) for p in parameters], group)
        return loss

    def _muon(
        self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]
    ) -> None:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if not self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(gradient)
        averages = [self.state[parameter]["momentum"] for parameter in parameters]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        ahead = list(torch._foreach_lerp(gradients, averages, group["momentum"]))
        for alike in _together(ahead):
            matrices = torch.stack([ahead[index].flatten(1) for index in alike])
            updates = orthogonalise(matrices)
            rate = group["lr"] * 0.2 * max(matrices.shape[1:]) ** 0.5
            for index, update in zip(alike, updates, strict=True):
                parameters[index].add_(update.view_as(parameters[index]), alpha=-rate)

    def _adam(
        self, parameters: list[Tensor], gradients: list[Tensor], group: dict[str, Any]
    ) -> None:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if not self.state[parameter]:
                self.state[parameter]["step"] = torch.zeros(())
                self.state[parameter]["mean"] = torch.zeros_like(gradient)
                self.state[parameter]["square"] = torch.zeros_like(gradient)
        states = [self.state[parameter] for parameter in parameters]
        means, squares = ([state[name] for state in states] for name in ("mean", "square"))
        for state in states:
            state["step"] += 1
        steps = [int(state["step"]) for state in states]
        beta1, beta2 = group["betas"]
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        unbiased = torch._foreach_div(means, [1 - beta1**step for step in steps])
        roots = torch._foreach_div(squares, [1 - beta2**step for step in steps])
        torch._foreach_sqrt_(roots)
        torch._foreach_add_(roots, group["eps"])
        torch._foreach_addcdiv_(parameters, unbiased, roots, -group["lr"])


def _together(tensors: list[Tensor]) -> list[list[int]]:
    """Return the places of the tensors that are orthogonalised together: those of equal shape.

    On a GPU the many small steps of the iteration would else wait for the processor. On a CPU each
    is on its own, because products of stacked bfloat16 matrices are slow there.
    """
    places: dict[Any, list[int]] = {}
    for place, tensor in enumerate(tensors):
        places.setdefault(tensor.shape if tensor.is_cuda else place, []).append(place)
    return list(places.values())


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter has outputs and inputs enough to be orthogonalised."""
    return parameter.ndim >= 2 and parameter.shape[1] > 3 and parameter.shape[0] > 3


def orthogonalise(
    matrices: Float[Tensor, "*n rows columns"], steps: int = 5
) -> Float[Tensor, "*n rows columns"]:
    """Return roughly U V^T of the singular value decomposition U S V^T of each matrix.

    The iteration runs in float32; for wide matrices in bfloat16, as its authors' does, where the
    device has it: there it would take as long as the rest of a step.
    """
    a, b, c = _QUINTIC
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    rounded = x.shape[-2] > _WIDE and is_native(torch.bfloat16, x.device)
    x = x.bfloat16() if rounded else x.float()
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)
