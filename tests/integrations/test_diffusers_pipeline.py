"""The pipeline as diffusers has it: the same pictures, in classes that diffusers works with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, ModelMixin

from stylekernel_hf import (
    StyleKernelConfig,
    StyleKernelDiffusionModel,
    StyleKernelDiffusionPipeline,
    StyleKernelPipeline,
)
from tests.loaders import weights_equal
from tests.tiny import TINY_CONFIG, save_picture, tiny_model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture(params=["its own", "diffusers'"])
def pipe(request: pytest.FixtureRequest, saved: Path) -> StyleKernelDiffusionPipeline:
    if request.param == "its own":
        return StyleKernelDiffusionPipeline.from_pretrained(saved)
    loaded = DiffusionPipeline.from_pretrained(saved, trust_remote_code=True)
    assert isinstance(loaded, StyleKernelDiffusionPipeline)
    return loaded


def test_it_is_of_diffusers_classes_and_of_ours(pipe: StyleKernelDiffusionPipeline) -> None:
    assert isinstance(pipe, DiffusionPipeline) and isinstance(pipe, StyleKernelPipeline)
    assert isinstance(pipe.model, ModelMixin)
    assert pipe.components == {"model": pipe.model}


def test_it_paints_as_ours(pipe: StyleKernelDiffusionPipeline, tmp_path: Path) -> None:
    pictures = [save_picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(2)]
    expected = StyleKernelPipeline(tiny_model())(*pictures, output_type="np").images[0]
    assert np.array_equal(pipe(*pictures, output_type="np").images[0], expected)


def test_it_moves_as_a_whole_and_without_warnings(
    pipe: StyleKernelDiffusionPipeline, caplog: pytest.LogCaptureFixture
) -> None:
    assert pipe.to("cpu", torch.float64) is pipe
    assert (pipe.device, pipe.dtype) == (torch.device("cpu"), torch.float64)
    assert pipe.model.style_alignment.key.weight.dtype == torch.float64
    assert caplog.records == []


def test_what_it_saves_is_what_ours_saves(
    pipe: StyleKernelDiffusionPipeline, saved: Path, tmp_path: Path
) -> None:
    pipe.save_pretrained(tmp_path / "again")
    for name in ("model_index.json", "model/config.json", "pipeline.py"):
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()
    loaded = StyleKernelPipeline.from_pretrained(tmp_path / "again")
    assert weights_equal(loaded.model, tiny_model())
    assert type(loaded.model) is not StyleKernelDiffusionModel


def test_network_offers_what_diffusers_adds() -> None:
    model = StyleKernelDiffusionModel(StyleKernelConfig(**TINY_CONFIG))
    assert model.num_parameters() == sum(value.numel() for value in model.parameters())
    assert model.config == tiny_model().config


def test_options_of_diffusers_are_taken_where_they_change_nothing(saved: Path) -> None:
    load = StyleKernelDiffusionModel.from_pretrained
    model = load(saved, low_cpu_mem_usage=True, use_safetensors=True, torch_dtype=torch.float64)
    assert weights_equal(model, tiny_model().double())
    assert load(saved, torch_dtype=None, dtype=torch.float16).dtype == torch.float16


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"use_safetensors": False}, ValueError, "use_safetensors is not supported, got False"),
        ({"offload_folder": "x"}, ValueError, "offload_folder is not supported, got 'x'"),
        ({"torch_dtype": torch.int8}, ValueError, r"dtype must be .* got torch\.int8"),
        ({"subfolders": "x"}, TypeError, "unexpected keyword argument 'subfolders'"),
    ],
)
def test_option_that_cannot_be_met_is_refused(
    saved: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        StyleKernelDiffusionModel.from_pretrained(saved, **options)
