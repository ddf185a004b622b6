"""The trained weights leave no trace of the convolutions' zero padding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylekernel_hf.hub import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.image_processor import crop_back, pad_to_multiple, to_rgb_tensor
from stylekernel_hf.model import decoder, encoder, kernel_generator, modulation, style_block
from stylekernel_hf.model.statistics import channel_statistics
from stylekernel_hf.model.style_embedding import StyleEmbedding
from stylekernel_hf.model.style_kernel import BORDER_MARGIN, StyleKernelModel

EXAMPLES = Path(__file__).parents[1] / "demo" / "examples"


@pytest.fixture(scope="module")
def model() -> StyleKernelModel:
    return load_checkpoint(EMBEDDED_CHECKPOINT)


@pytest.fixture(scope="module")
def style(model: StyleKernelModel) -> StyleEmbedding:
    painting = to_rgb_tensor(EXAMPLES / "styles" / "palette_knife.jpg", name="style")[0]
    with torch.inference_mode():
        return model.encode_style(painting)


@pytest.fixture
def zeros_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the border of every feature as the zero padding made it."""
    for module in (encoder, modulation, style_block, kernel_generator, decoder):
        monkeypatch.setattr(module, "renew_border", lambda features, _, **__: features)


@torch.inference_mode()
def deviation_of_flat_picture(model: StyleKernelModel, style: StyleEmbedding) -> float:
    """Paint one colour, and return how far any pixel is from the ones in the middle."""
    content, padding = pad_to_multiple(torch.full((1, 3, 96, 128), 0.4), model.stride, 16)
    painted = crop_back(model(content, style), padding)
    # A cell of the coarsest feature may have a pattern of its own.
    middle = painted[..., 48:56, 64:72]
    return float((painted - middle.repeat(1, 1, 12, 16)).abs().max())


def test_flat_picture_is_painted_alike_to_the_edge(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    assert deviation_of_flat_picture(model, style) < 0.5 / 255


@pytest.mark.usefixtures("zeros_are_left")
def test_flat_picture_would_have_edges_without_the_renewed_borders(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    assert deviation_of_flat_picture(model, style) > 20 / 255


@torch.inference_mode()
def change_by_wider_margin(model: StyleKernelModel, style: StyleEmbedding) -> tuple[float, float]:
    """Return the mean change along the edge and in the middle of a photo, margin 64 px wider."""
    photo = to_rgb_tensor(EXAMPLES / "photos" / "chelsea.jpg", name="content")[0][..., :160, :200]
    # The same statistics for both, so that only the padding differs.
    statistics = [channel_statistics(level) for level in model.encode_content(photo)]

    def repaint(margin: int) -> Tensor:
        padded, padding = pad_to_multiple(photo, model.stride, margin)
        features = model.encode_content(padded)
        aligned = model.align(features[-1], statistics[-1], style)
        return crop_back(model.decode(features, statistics, aligned, style.code), padding)

    change = (repaint(BORDER_MARGIN) - repaint(BORDER_MARGIN + 64)).abs()
    middle = change[..., 72:-72, 72:-72].mean()
    change[..., 16:-16, 16:-16] = torch.nan
    return float(change.nanmean()), float(middle)


def test_edge_of_a_photo_is_painted_as_if_it_went_on(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    edge, middle = change_by_wider_margin(model, style)
    # It goes on in another way, by copies of the features, not by reflected pixels.
    assert edge < 3 / 255
    assert middle < 0.01 / 255


@pytest.mark.usefixtures("zeros_are_left")
def test_edge_of_a_photo_would_be_spoilt_without_the_renewed_borders(
    model: StyleKernelModel, style: StyleEmbedding
) -> None:
    assert change_by_wider_margin(model, style)[0] > 6 / 255
