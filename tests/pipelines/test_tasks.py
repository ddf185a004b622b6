"""`pipeline("style-kernel")` with the embedded weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import stylekernel_hf
from stylekernel_hf import StyleKernelPipeline, pipeline
from tests.tiny import save_picture, tiny_model


def test_default_is_the_embedded_checkpoint_in_float32() -> None:
    pipe = pipeline("style-kernel", device="cpu")
    assert isinstance(pipe, StyleKernelPipeline)
    assert pipe.dtype == torch.float32
    assert pipe.model.config.encoder_channels is not None


def test_name_pipeline_is_the_function_whatever_was_imported_first() -> None:
    assert callable(stylekernel_hf.pipeline)


def test_default_device_is_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from stylekernel_hf.pipelines import loading

    monkeypatch.setattr(loading, "best_device", lambda: torch.device("meta"))
    assert pipeline("style-kernel").device.type == "meta"


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_floats_are_close_to_float32(tmp_path: Path, half: torch.dtype) -> None:
    photo = save_picture(tmp_path / "photo.png", (96, 80), seed=1)
    painting = save_picture(tmp_path / "painting.png", (96, 80), seed=2)
    exact, rounded = (
        pipeline("style-kernel", device="cpu", dtype=dtype)(
            photo, painting, output_type="np"
        ).images[0]
        for dtype in (torch.float32, half)
    )
    assert np.abs(exact - rounded).mean() < 0.02


def test_folder_of_ones_own_is_loaded(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "mine")
    pipe = pipeline("style-kernel", model=tmp_path / "mine", device="cpu")
    assert pipe.model.config.code_channels == 8


def test_unknown_task_is_refused() -> None:
    with pytest.raises(ValueError, match="task must be 'style-kernel', got 'text-generation'"):
        pipeline("text-generation")


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta", "xpu:7"])
def test_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match=f"device must .*{device}"):
        pipeline("style-kernel", device=device)


def test_integer_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dtype must be .* got torch\.int8"):
        pipeline("style-kernel", dtype=torch.int8)


def test_dtype_that_the_device_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TypeError("BFloat16 is not supported on MPS\nand so on")

    monkeypatch.setattr(torch, "zeros", refuse)
    expected = "dtype must be one that cpu has, got torch.bfloat16: BFloat16 is not supported"
    with pytest.raises(ValueError, match=expected):
        pipeline("style-kernel", device="cpu", dtype=torch.bfloat16)


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="model: no such folder"):
        pipeline("style-kernel", model=tmp_path / "nowhere")
