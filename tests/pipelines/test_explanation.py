"""What `explain` says of a point is what the network does there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from stylekernel_hf.images.geometry import fit_short_side, pad_to_multiple
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.statistics import channel_statistics, normalise
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.ops.dynamic_conv import channel_shuffle
from stylekernel_hf.pipelines.explanation_pictures import draw_kernels, highlight, mark
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.tiny import TINY_CONFIG, tiny_model

HEIGHT, WIDTH = 75, 93
POINT = (70, 41)


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    model = tiny_model()
    generator = torch.Generator().manual_seed(0)
    # Kernels and thresholds start out the same everywhere: there would be nothing to explain.
    for part in (model.kernel_generators, model.style_alignment.get_submodule("gating")):
        for name, values in part.named_parameters():
            if name.endswith("weight"):
                torch.nn.init.normal_(values, std=0.3, generator=generator)
    return StyleKernelPipeline(model)


def picture(seed: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]


CONTENT, STYLE = picture(0, HEIGHT, WIDTH), picture(1, 64, 96)


def encoded(model: StyleKernelModel) -> tuple[Any, list[Tensor], Tensor]:
    """The style, the content features, and the aligned style of the padded content."""
    style, _ = pad_to_multiple(fit_short_side(STYLE[None], 64), model.style_stride)
    embedding = model.encode_style(style)
    features = model.encode_content(pad_to_multiple(CONTENT[None], model.stride, BORDER_MARGIN)[0])
    return (
        embedding,
        features,
        model.align(features[-1], channel_statistics(features[-1]), embedding),
    )


def explain(pipe: StyleKernelPipeline, point: Any = POINT) -> Any:
    return pipe.explain(CONTENT, STYLE, point=point, style_size=64)


@torch.no_grad()
def test_attention_is_what_the_point_is_aligned_with(pipe: StyleKernelPipeline) -> None:
    explanation = explain(pipe)
    embedding, _, aligned = encoded(pipe.model)
    assert explanation.attention.shape == (3, 5)  # 8x12 features, in at most 16 tokens
    assert explanation.attention.sum() == pytest.approx(1, abs=1e-5)
    x, y = ((place + BORDER_MARGIN) // pipe.model.stride for place in POINT)
    averaged = explanation.attention.reshape(-1) @ embedding.value[0].numpy()
    np.testing.assert_allclose(averaged, aligned[0, :, y, x].numpy(), atol=1e-5)
    elsewhere = explain(pipe, (3, 70))
    assert np.abs(elsewhere.attention - explanation.attention).max() > 1e-3


@torch.no_grad()
def test_gate_is_the_share_of_the_scores_above_the_threshold(pipe: StyleKernelPipeline) -> None:
    gate = explain(pipe).gate
    assert gate.shape == (-(-HEIGHT // 8), -(-WIDTH // 8))
    assert gate.min() < gate.max()
    embedding, features, _ = encoded(pipe.model)
    alignment = pipe.model.style_alignment
    coarsest = normalise(features[-1])
    gamma, beta = (part.view(coarsest.shape[2:]) for part in alignment.gating(coarsest))
    for row, column in ((0, 0), (4, 7), (9, 11)):
        place = (row + BORDER_MARGIN // 8, column + BORDER_MARGIN // 8)
        query = alignment.query(coarsest)[0, :, place[0], place[1]].double()
        scores = embedding.key[0].double() @ query / query.numel() ** 0.5
        threshold = gamma[place] * scores.mean() + beta[place]
        assert gate[row, column] == pytest.approx((scores > threshold).double().mean().item())


@torch.no_grad()
def test_kernels_are_those_that_filter_the_point(pipe: StyleKernelPipeline) -> None:
    explanation = explain(pipe)
    assert explanation.kernel_strides == (4, 8, 8)
    model = pipe.model
    _, features, aligned = encoded(model)
    finest = features[0]
    generator: Any = model.kernel_generators[0]
    kernels = generator(aligned, tuple(finest.shape[2:]))
    # With nothing but taps, what comes out at the point is the kernel times what is around it.
    plain = kernels._replace(
        scale=torch.ones_like(kernels.scale), shift=torch.zeros_like(kernels.shift)
    )
    filtered = generator.apply_kernels(finest, plain)
    x, y = ((place + BORDER_MARGIN) // 4 for place in POINT)
    around = finest[0, :, y - 1 : y + 2, x - 1 : x + 2].unflatten(0, (generator.groups, -1)).numpy()
    by_hand = (around * explanation.kernels[0][:, None]).sum((2, 3)).reshape(-1)
    np.testing.assert_allclose(by_hand, filtered[0, :, y, x].numpy(), atol=1e-5)


@torch.no_grad()
def test_second_kernels_filter_what_the_first_left_shuffled(pipe: StyleKernelPipeline) -> None:
    explanation = explain(pipe)
    model = pipe.model
    _, features, aligned = encoded(model)
    generator: Any = model.kernel_generators[1]
    first, second = generator(aligned).taps.chunk(2, dim=1)
    x, y = ((place + BORDER_MARGIN) // 8 for place in POINT)
    for taps, shown in ((first, explanation.kernels[1]), (second, explanation.kernels[2])):
        assert np.array_equal(taps[0, :, y, x].numpy(), shown.reshape(-1))
    assert not torch.equal(channel_shuffle(features[1], generator.groups), features[1])


def test_network_of_the_ablations_is_explained_by_what_it_has() -> None:
    torch.manual_seed(0)
    bare: dict[str, Any] = {"gating": False, "max_style_tokens": 1, "dynamic_convolutions": (0, 2)}
    pipe = StyleKernelPipeline(
        StyleKernelModel(StyleKernelConfig(**{**TINY_CONFIG, **bare})).eval()
    )
    explanation = explain(pipe)
    assert explanation.attention.tolist() == [[1.0]]
    assert (explanation.gate == 1).all()
    assert explanation.kernel_strides == (8, 8), "of the coarser level alone"


def test_pictures_are_as_large_as_what_they_show(pipe: StyleKernelPipeline) -> None:
    explanation = explain(pipe)
    assert explanation.attention_image().size == (96, 64)
    assert explanation.gate_image().size == (WIDTH, HEIGHT)
    assert explanation.kernels_image().size == (28 + 2 * 60 + 8, 14 + 3 * (60 + 14))


@pytest.mark.parametrize(
    ("point", "error", "message"),
    [
        ((WIDTH, 3), ValueError, "point must lie in the content of 93x75 px, got"),
        ((3, -1), ValueError, "point must lie in the content"),
        ((float("nan"), 3), ValueError, "point must lie in the content"),
        (5, TypeError, r"point must be \(x, y\) in px, got 5"),
        ((1, 2, 3), TypeError, r"point must be \(x, y\)"),
        (("a", 1), TypeError, "point must be two numbers"),
    ],
)
def test_what_is_no_point_is_refused(
    pipe: StyleKernelPipeline, point: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explain(pipe, point)


def test_encoded_style_is_refused(pipe: StyleKernelPipeline) -> None:
    style: Any = pipe.encode_style(STYLE)
    with pytest.raises(TypeError, match="style must be an image for an explanation"):
        pipe.explain(CONTENT, style, point=POINT)


def test_photo_too_large_to_explain_in_one_piece_is_refused(pipe: StyleKernelPipeline) -> None:
    large = np.zeros((4100, 4100, 1), np.uint8)
    with pytest.raises(ValueError, match="content must have at most 16777216 pixels"):
        pipe.explain(large, STYLE, point=POINT)


def test_highlight_keeps_colours_where_the_amount_is_one() -> None:
    red = Image.new("RGB", (40, 20), (200, 0, 0))
    shown = np.asarray(highlight(red, np.array([[0.0, 0.0, 1.0, 1.0]], np.float32)))
    assert tuple(shown[10, 39]) == (200, 0, 0)
    assert tuple(shown[10, 0]) == (18, 18, 18)  # three tenths of its luminance, 60


def test_mark_changes_the_surroundings_of_the_point_only() -> None:
    grey = Image.new("RGB", (100, 80), (90, 90, 90))
    changed = (np.asarray(mark(grey, (30, 40))) != 90).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 20 < columns.min() < 30 < columns.max() < 40
    assert 30 < rows.min() < 40 < rows.max() < 50
    assert not changed[40, 30]


def test_identity_kernels_are_drawn_as_one_orange_tap_on_white() -> None:
    identity = np.zeros((2, 3, 3), np.float32)
    identity[:, 1, 1] = 1
    identity[1, 0, 0] = -1
    drawn = np.asarray(draw_kernels([identity]))
    centre, corner = drawn[14 + 30, 14 + 30], drawn[14 + 10, 14 + 10]
    second = drawn[14 + 10, 14 + 60 + 8 + 10]
    assert tuple(corner) == (255, 255, 255)
    assert centre[0] > 200 > 100 > centre[2]
    assert second[2] > 150 > 50 > second[0]
