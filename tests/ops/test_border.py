"""Renewing the border of a feature map."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from references import as_array, assert_near, with_border_renewed

from stylekernel_hf.ops.border import renew_border


@pytest.fixture(params=[False, True], ids=["eager", "compiling"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it runs, and as a compiler sees it."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: request.param)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("width", [0, 1, 2])
@pytest.mark.parametrize("size", [(9, 7), (5, 5), (4, 9), (2, 3), (1, 1)])
def test_outer_rows_and_columns_become_copies(
    size: tuple[int, int], width: int, stride: int, gradients: bool
) -> None:
    features = torch.randn(2, 3, *size, dtype=torch.float64)
    expected = with_border_renewed(features.clone(), width, stride)
    # As a convolution's output is: no leaf.
    renewed = renew_border(features.requires_grad_(gradients) * 1, width, stride=stride)
    assert_near(renewed, expected)


@pytest.mark.usefixtures("either_way")
def test_gradient_is_that_of_the_copies() -> None:
    features = torch.randn(1, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: renew_border(x * 1, 2), features)
    (gradient,) = torch.autograd.grad(renew_border(features * 1, 1).sum(), features)
    assert not as_array(gradient)[..., 0, :].any()
    assert as_array(gradient)[..., 1, 1] == pytest.approx(4)


@torch.inference_mode()
def test_memory_format_and_memory_stay_the_features_own() -> None:
    features = torch.randn(1, 8, 6, 7).contiguous(memory_format=torch.channels_last)
    renewed = renew_border(features, 1)
    assert renewed.data_ptr() == features.data_ptr()
    assert renewed.is_contiguous(memory_format=torch.channels_last)


COMPILED_GRADIENTS = """
import torch
from stylekernel_hf.model.encoder import Encoder

encoder = Encoder((4, 6), (1, 2), stem_stride=2, max_pooling=False)
encoder = encoder.to(memory_format=torch.channels_last)
picture = torch.rand(2, 3, 32, 48).contiguous(memory_format=torch.channels_last)
gradients = []
for _ in ("eager", "compiled"):
    total = torch.stack([level.square().sum() for level in encoder(picture)]).sum()
    gradients.append(torch.autograd.grad(total, list(encoder.parameters())))
    encoder.compile()
for eager, compiled in zip(*gradients, strict=True):
    torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-4)
"""


def test_compilers_gradients_are_those_of_the_eager_network() -> None:
    """With torch's own compiler, and without the type checks of tests, which it cannot compile.

    It is mistaken about the memory format of the gradient of replicate padding.
    """
    subprocess.run([sys.executable, "-c", COMPILED_GRADIENTS], check=True, timeout=300)
