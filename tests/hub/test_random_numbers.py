"""Loading leaves everybody's random numbers alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, load_checkpoint, pipeline
from stylekernel_hf.metrics.perceptual import load_perceptual_network
from tests.loaders import LOADERS
from tests.tiny import save_tiny_vgg, tiny_model


def drawn_after(action: Callable[[], object]) -> list[Any]:
    """Draw from the generators that programs share; Python's own, the tests' type checks use."""
    np.random.seed(5)
    torch.manual_seed(5)
    action()
    return [np.random.rand(), torch.rand(1).item()]


@pytest.fixture(params=["5GB", "10KB"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path, max_shard_size=request.param)
    return str(tmp_path)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loading_draws_none(saved: str, loader: str, dtype: torch.dtype) -> None:
    load = LOADERS[loader]
    assert drawn_after(lambda: load(saved, dtype=dtype)) == drawn_after(lambda: None)


def test_loading_draws_none_of_pythons_own(tmp_path: Path) -> None:
    """Of the weights in the package, and of others in one file and in several."""
    sizes = ("5GB", "10KB")
    for size in sizes:
        StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / size, max_shard_size=size)
    code = """
import random, sys
from stylekernel_hf import StyleKernelModel, pipeline
def check(load, *words, **options):
    random.seed(5)
    load(*words, **options)
    came = random.random()
    random.seed(5)
    assert came == random.random()
check(pipeline, "style-kernel", device="cpu")
for folder in sys.argv[1:]:
    check(StyleKernelModel.from_pretrained, folder)
"""
    folders = [str(tmp_path / size) for size in sizes]
    subprocess.run([sys.executable, "-c", code, *folders], check=True)


@pytest.mark.parametrize(
    "action",
    [
        lambda: pipeline("style-kernel", device="cpu"),
        lambda: load_checkpoint(Path(__file__).parents[2] / "stylekernel_hf" / "weights"),
    ],
    ids=["pipeline", "load_checkpoint"],
)
def test_loading_the_embedded_weights_draws_none(action: Callable[[], object]) -> None:
    assert drawn_after(action) == drawn_after(lambda: None)


def test_loading_a_perceptual_network_draws_none(tmp_path: Path) -> None:
    path = save_tiny_vgg(tmp_path / "vgg.safetensors")
    assert drawn_after(lambda: load_perceptual_network(path)) == drawn_after(lambda: None)


def test_new_network_draws_its_weights() -> None:
    torch.manual_seed(5)
    one, other = tiny_model(seed=1), tiny_model(seed=2)
    assert not torch.equal(one.decoder.to_rgb.weight, other.decoder.to_rgb.weight)
    assert drawn_after(StyleKernelModel) != drawn_after(lambda: None)


def test_nothing_of_a_loaded_network_is_without_values(saved: str) -> None:
    model = StyleKernelModel.from_pretrained(saved)
    tensors = [*model.named_parameters(), *model.named_buffers()]
    assert [name for name, tensor in tensors if tensor.is_meta] == []
    assert all(parameter.requires_grad for parameter in model.parameters())
