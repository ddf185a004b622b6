"""The trained weights leave no trace of the convolutions' zero padding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylekernel_hf.images.geometry import crop_back, pad_to_multiple
from stylekernel_hf.images.tensors import to_rgb_tensor
from stylekernel_hf.model.statistics import channel_statistics
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"


@pytest.fixture(scope="module")
def model() -> StyleKernelModel:
    return load_checkpoint(EMBEDDED_CHECKPOINT)


@pytest.fixture(scope="module")
def style(model: StyleKernelModel) -> StyleEmbedding:
    painting = to_rgb_tensor(EXAMPLES / "styles" / "palette_knife.jpg", name="style")[0]
    with torch.inference_mode():
        return model.encode_style(painting)


@torch.inference_mode()
def deviation_of_flat_picture(model: StyleKernelModel, style: StyleEmbedding) -> float:
    """Paint one colour, and return how far any pixel is from the ones in the middle."""
    content, padding = pad_to_multiple(torch.full((1, 3, 96, 128), 0.4), model.stride, 16)
    painted = crop_back(model(content, style), padding)
    # A cell of the coarsest feature may have a pattern of its own.
    middle = painted[..., 48:56, 64:72]
    return float((painted - middle.repeat(1, 1, 12, 16)).abs().max())


def test_flat_picture_is_stylized_alike_to_the_edge(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    assert deviation_of_flat_picture(model, style) < 0.5 / 255


@pytest.mark.usefixtures("zeros_are_left")
def test_flat_picture_would_have_edges_without_the_renewed_borders(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    assert deviation_of_flat_picture(model, style) > 20 / 255


@torch.inference_mode()
def error_at_edge(model: StyleKernelModel, style: StyleEmbedding, margin: int) -> float:
    """Return how far the outer 16 px of a part of a photo are from the same in the whole one."""
    photo = to_rgb_tensor(EXAMPLES / "photos" / "chelsea.jpg", name="content")[0]
    part = (..., slice(72, 232), slice(120, 320))
    # The same statistics for both, so that only what lies around the part differs.
    statistics = [channel_statistics(level) for level in model.encode_content(photo[part])]

    def stylize(content: Tensor, margin: int) -> Tensor:
        padded, padding = pad_to_multiple(content, model.stride, margin)
        features = model.encode_content(padded)
        aligned = model.align(features[-1], statistics[-1], style)
        return crop_back(model.decode(features, statistics, aligned, style.code), padding)

    error = (stylize(photo[part], margin) - stylize(photo, 0)[part]).abs()
    error[..., 16:-16, 16:-16] = torch.nan
    return float(error.nanmean())


def test_edge_of_a_photo_is_stylized_as_well_as_with_a_wide_margin(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    narrow, wide = (error_at_edge(model, style, margin) for margin in (BORDER_MARGIN, 80))
    # What is beyond the edge nobody can know: the wide margin is wrong about it as well.
    assert 2 / 255 < wide < 25 / 255
    assert narrow < 1.1 * wide


@pytest.mark.usefixtures("zeros_are_left")
def test_edge_of_a_photo_would_be_spoilt_without_the_renewed_borders(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    narrow, wide = (error_at_edge(model, style, margin) for margin in (BORDER_MARGIN, 80))
    assert narrow > 1.5 * wide
