"""The optimizer."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from stylekernel_hf.training import muon
from stylekernel_hf.training.muon import Muon, is_matrix, orthogonalise


def test_orthogonalised_matrix_has_the_singular_vectors_and_values_near_one() -> None:
    for shape in ((12, 30), (30, 12), (16, 16), (300, 320)):
        matrix = torch.randn(shape, generator=torch.Generator().manual_seed(shape[0]))
        u, s, vt = torch.linalg.svd(matrix, full_matrices=False)
        result = u.T @ orthogonalise(matrix) @ vt.T
        diagonal = result.diagonal()
        # Wide matrices are rounded to bfloat16 on the way.
        rounding = 0.06 if min(shape) > 256 else 1e-3
        assert (result - torch.diag(diagonal)).abs().max() < rounding
        # Small singular values take more than five iterations to arrive.
        assert ((diagonal > 0.6) & (diagonal < 1.3))[s > 0.1 * s.max()].all()


def test_wide_matrix_is_not_rounded_where_bfloat16_is_emulated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix = torch.randn(300, 320, generator=torch.Generator().manual_seed(0))
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    for native, low, high in ((False, 0, 1e-3), (True, 1e-3, 0.06)):
        monkeypatch.setattr(muon, "is_native", lambda *_, native=native: native)
        turned = u.T @ orthogonalise(matrix) @ vt.T
        assert low <= (turned - torch.diag(turned.diagonal())).abs().max() < high


def test_biases_and_depthwise_filters_take_the_steps_of_adam() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 3, 1))
    reference = copy.deepcopy(model)
    ours = Muon(model, lr=1e-2)
    adam = torch.optim.Adam(reference.parameters(), lr=1e-2)
    images = torch.randn(2, 8, 6, 6)
    for _ in range(5):
        for network, optimizer in ((model, ours), (reference, adam)):
            optimizer.zero_grad()
            network(images).square().sum().backward()
            optimizer.step()
    for value, expected in zip(model.parameters(), reference.parameters(), strict=True):
        assert not is_matrix(value)
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_weight_of_a_convolution_moves_as_the_matrix_that_it_is() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(6, 10, 3, bias=False).to(memory_format=torch.channels_last)
    linear = nn.Linear(54, 10, bias=False)
    gradient = torch.randn(10, 6, 3, 3)
    for layer, shape in ((convolution, (10, 6, 3, 3)), (linear, (10, 54))):
        nn.init.zeros_(layer.weight)
        layer.weight.grad = gradient.view(shape)
        Muon(layer, lr=0.1).step()
    torch.testing.assert_close(convolution.weight.flatten(1), linear.weight)
    # Of the size of Adam's steps: the root mean square is a fifth of the learning rate.
    rms = linear.weight.square().mean().sqrt()
    assert 0.015 < rms < 0.025


def test_parameters_without_a_gradient_stay() -> None:
    layer = nn.Linear(4, 4)
    before = layer.weight.clone()
    Muon(layer, lr=0.1).step()
    assert torch.equal(layer.weight, before)


def test_matrices_that_are_orthogonalised_together_move_as_each_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    alone = nn.Sequential(nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 20))
    together = copy.deepcopy(alone)
    scales = (1.0, 100.0, 1.0)
    for network in (alone, together):
        if network is together:
            # As on CUDA: the two of equal shape, and the third.
            monkeypatch.setattr(muon, "_together", lambda _: [[0, 1], [2]])
        optimizer = Muon(network, lr=0.1)
        for layer, scale in zip(network, scales, strict=True):
            gradient = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(1))
            layer.weight.grad = scale * gradient
        optimizer.step()
    for value, expected in zip(together.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(value, expected)
