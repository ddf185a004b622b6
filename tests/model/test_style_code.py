import numpy as np
import pytest
import torch
from torch import Tensor

from stylekernel_hf.model.style_code import StyleCode
from tests.model.references import as_array, assert_near


@pytest.fixture
def style_code() -> StyleCode:
    style_code = StyleCode((4, 6), 8)
    with torch.no_grad():
        for parameter in style_code.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return style_code


def style_images(batch: int = 2) -> tuple[Tensor, list[Tensor]]:
    return torch.rand(batch, 3, 8, 6), [torch.randn(batch, 4, 4, 3), torch.randn(batch, 6, 2, 3)]


def test_code_is_made_of_channel_statistics(style_code: StyleCode):
    image, features = style_images()
    parts: list[object] = []
    for x in (image, *features):
        exact = as_array(x)
        deviation = np.sqrt(exact.var(axis=(2, 3)) + 1e-5)
        parts.append(np.concatenate([exact.mean(axis=(2, 3)), deviation], axis=1))
    parts[0] = parts[0] * 4 - 2
    for index, norm in enumerate(style_code.norms, start=1):
        x = parts[index]
        x = x - x.mean(axis=1, keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)
        parts[index] = x * as_array(norm.weight) + as_array(norm.bias)
    x = np.concatenate(parts, axis=1)
    for index in (0, 2, 4):
        layer = style_code.layers[index]
        x = x @ as_array(layer.weight).T + as_array(layer.bias)
        x = np.maximum(x, 0) if index < 4 else x
    assert_near(style_code(image, features), x, 1e-5)


def test_where_things_are_in_the_style_makes_no_difference(style_code: StyleCode):
    image, features = style_images()

    def shuffled(x: Tensor) -> Tensor:
        pixels = x.shape[2] * x.shape[3]
        return x.flatten(2)[..., torch.randperm(pixels)].view_as(x)

    expected = style_code(image, features)
    assert_near(style_code(shuffled(image), [shuffled(x) for x in features]), expected, 1e-5)


def test_palette_and_features_both_count(style_code: StyleCode):
    image, features = style_images()
    code = style_code(image, features)
    assert (style_code(image * 0.5, features) - code).abs().max() > 1e-3
    for level in range(2):
        other = [x + torch.randn(x.shape) if i == level else x for i, x in enumerate(features)]
        assert (style_code(image, other) - code).abs().max() > 1e-3


def test_styles_of_a_batch_have_codes_of_their_own(style_code: StyleCode):
    image, features = style_images()
    together = style_code(image, features)
    alone = style_code(image[1:], [x[1:] for x in features])
    assert_near(together[1:], alone, 1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-2


def test_flat_style_has_a_finite_code_and_gradient(style_code: StyleCode):
    image = torch.full((1, 3, 8, 6), 0.25, requires_grad=True)
    code = style_code(image, [torch.zeros(1, 4, 4, 3), torch.zeros(1, 6, 2, 3)])
    code.sum().backward()
    assert code.isfinite().all()
    assert image.grad is not None
    assert image.grad.isfinite().all()
