"""Networks that lack one part each, through everything that a network goes through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stylekernel_hf.evaluation.ablation import variants_of
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding
from tests.tiny import TINY_CONFIG, tiny_model

CHANGES = {name: changes for name, changes in variants_of("small").items() if changes}


def picture(seed: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]


PHOTO, STYLE, OTHER = picture(0, 75, 150), picture(1, 64, 96), picture(2, 64, 64)


@pytest.fixture(params=CHANGES)
def pipe(request: pytest.FixtureRequest) -> StyleKernelPipeline:
    torch.manual_seed(0)
    model = StyleKernelModel(StyleKernelConfig(**TINY_CONFIG | CHANGES[request.param])).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.2)
    return StyleKernelPipeline(model)


def paint(pipe: StyleKernelPipeline, style: Any, **options: Any) -> Any:
    return pipe(PHOTO, style, output_type="np", **options).images[0]


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_tiles_leave_no_seam(pipe: StyleKernelPipeline, strength: float) -> None:
    whole, tiled = (paint(pipe, STYLE, strength=strength, tile_size=size) for size in (256, 64))
    assert np.abs(tiled - whole).max() < 1 / 255


def test_styles_are_mixed_and_count(pipe: StyleKernelPipeline) -> None:
    one, other = paint(pipe, STYLE), paint(pipe, OTHER)
    mixed = paint(pipe, [STYLE, OTHER], style_weights=[1, 1])
    assert np.abs(paint(pipe, [STYLE, OTHER], style_weights=[1, 0]) - one).max() < 1e-5
    assert min(np.abs(mixed - one).max(), np.abs(mixed - other).max()) > 1e-3


def test_point_is_explained_with_what_there_is(pipe: StyleKernelPipeline) -> None:
    config: Any = pipe.model.config
    explanation = pipe.explain(PHOTO, STYLE, point=(70, 41), style_size=64)
    assert explanation.attention.sum() == pytest.approx(1, abs=1e-5)
    assert explanation.attention.size == (15 if config.max_style_tokens > 1 else 1)
    assert explanation.gate.shape == (10, 19)
    assert config.gating or (explanation.gate == 1).all()
    assert len(explanation.kernels) == sum(config.dynamic_convolutions)
    explanation.attention_image(), explanation.gate_image()
    if explanation.kernels:
        assert explanation.kernels[0].shape[1:] == (config.kernel_size,) * 2
    else:
        with pytest.raises(ValueError, match="needs a network with dynamic_convolutions above 0"):
            explanation.kernels_image()


def test_network_and_its_styles_come_back_from_files(
    pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    style = pipe.encode_style(STYLE)
    expected = paint(pipe, style)
    style.save(tmp_path / "style.safetensors")
    pipe.save_pretrained(tmp_path / "repository")
    loaded = StyleKernelPipeline.from_pretrained(tmp_path / "repository")
    again = paint(loaded, StyleEmbedding.load(tmp_path / "style.safetensors"))
    assert np.abs(again - expected).max() < 1e-5
    with pytest.raises(ValueError, match="was encoded by another checkpoint"):
        paint(StyleKernelPipeline(tiny_model(seed=1)), style)
