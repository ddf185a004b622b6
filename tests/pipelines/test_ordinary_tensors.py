"""Tensors that the pipeline returns may be trained on and changed, like any other."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from stylekernel_hf import StyleKernelPipeline
from tests.tiny import vivid_model


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(vivid_model())


PICTURE = torch.rand(1, 3, 96, 72, generator=torch.Generator().manual_seed(0))

RESULTS: dict[str, Callable[[StyleKernelPipeline], Tensor]] = {
    "picture": lambda pipe: pipe(PICTURE, PICTURE, output_type="pt").images[0],
    "picture in tiles": lambda pipe: pipe(PICTURE, PICTURE, tile_size=64, output_type="pt").images[
        0
    ],
    "unpainted picture": lambda pipe: pipe(PICTURE, PICTURE, strength=0, output_type="pt").images[
        0
    ],
    "picture in the photo's colours": lambda pipe: pipe(
        PICTURE, PICTURE, color="statistics", output_type="pt"
    ).images[0],
    "recoloured picture": lambda pipe: pipe(
        PICTURE, PICTURE, color="transfer", output_type="pt"
    ).images[0],
    "picture with alpha": lambda pipe: pipe(
        torch.cat([PICTURE, PICTURE[:, :1]], 1), PICTURE, output_type="pt"
    ).images[0],
    "key": lambda pipe: pipe.encode_style(PICTURE).key,
    "value": lambda pipe: pipe.encode_style(PICTURE).value,
    "code": lambda pipe: pipe.encode_style(PICTURE).code,
    "code that was encoded before": lambda pipe: pipe.encode_style(pipe.encode_style(PICTURE)).code,
}


@pytest.mark.parametrize("name", RESULTS)
def test_result_serves_in_a_training_step(pipe: StyleKernelPipeline, name: str) -> None:
    result = RESULTS[name](pipe)
    weight = torch.ones_like(result, requires_grad=True)
    (result * weight).sum().backward()
    torch.testing.assert_close(weight.grad, result)


@pytest.mark.parametrize("name", RESULTS)
def test_result_may_be_changed_in_place(pipe: StyleKernelPipeline, name: str) -> None:
    result = RESULTS[name](pipe)
    before = result.clone()
    result.sub_(0.5)
    torch.testing.assert_close(result, before - 0.5)


def test_change_of_a_result_leaves_the_input_alone(pipe: StyleKernelPipeline) -> None:
    content = PICTURE.clone()
    pipe(content, PICTURE, strength=0, output_type="pt").images[0].zero_()
    assert torch.equal(content, PICTURE)


def test_network_can_be_trained_after_stylizing() -> None:
    pipe = StyleKernelPipeline(vivid_model())
    style = pipe.encode_style(PICTURE)
    pipe(PICTURE, style)
    pipe.model(PICTURE, style).mean().backward()
    assert any(parameter.grad is not None for parameter in pipe.model.parameters())
