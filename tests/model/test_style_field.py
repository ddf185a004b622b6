"""Mixed styles, and styles that change from place to place."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from stylekernel_hf.model.modulation import Modulation
from stylekernel_hf.model.style_field import StyleField, fade
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.styles.embedding import StyleEmbedding
from tests.model.references import assert_near

SIZE = (48, 64)


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


@pytest.fixture
def content() -> Tensor:
    return torch.rand(1, 3, *SIZE)


@pytest.fixture
def styles(tiny_model: StyleKernelModel) -> tuple[StyleEmbedding, StyleEmbedding]:
    # Modulations start as the identity: without this, all codes would do the same.
    for module in tiny_model.modules():
        if isinstance(module, Modulation):
            torch.nn.init.normal_(module.affine.weight, std=0.3)
    dark, light = torch.rand(1, 3, 32, 32) * 0.3, torch.rand(1, 3, 16, 48) * 0.3 + 0.7
    return tiny_model.encode_style(dark), tiny_model.encode_style(light)


def uniform(*shares: float) -> Tensor:
    return torch.tensor(shares).view(1, -1, 1, 1)


def everywhere(*shares: float) -> Tensor:
    return uniform(*shares).expand(1, len(shares), *SIZE)


@pytest.mark.parametrize("shares", [uniform, everywhere])
def test_whole_share_equals_that_style_alone(
    tiny_model: StyleKernelModel, content: Tensor, styles: tuple[StyleEmbedding, ...], shares
):
    for index, alone in enumerate(styles):
        field = StyleField(styles, shares(*(float(i == index) for i in range(2))))
        assert_near(tiny_model(content, field), tiny_model(content, alone), 1e-5)


def test_same_shares_everywhere_equal_one_share_for_all(
    tiny_model: StyleKernelModel, content: Tensor, styles: tuple[StyleEmbedding, ...]
):
    mixed = tiny_model(content, StyleField(styles, uniform(0.3, 0.7)))
    assert_near(tiny_model(content, StyleField(styles, everywhere(0.3, 0.7))), mixed, 1e-5)
    for alone in styles:
        assert (tiny_model(content, alone) - mixed).abs().mean() > 1e-3


def test_style_mixed_with_itself_is_that_style(
    tiny_model: StyleKernelModel, content: Tensor, styles: tuple[StyleEmbedding, ...]
):
    twice = StyleField((styles[0], styles[0]), uniform(0.25, 0.75))
    assert_near(tiny_model(content, twice), tiny_model(content, styles[0]), 1e-5)


def test_each_half_is_painted_in_its_own_style(
    tiny_model: StyleKernelModel, styles: tuple[StyleEmbedding, ...]
):
    width = 256
    content = torch.rand(1, 3, 32, width)
    left = torch.zeros(1, 1, 32, width)
    left[..., : width // 2] = 1
    field = StyleField(styles, torch.cat([left, 1 - left], dim=1))
    picture = tiny_model(content, field)
    # Away from the border between the two.
    for alone, columns in zip(styles, (slice(0, 32), slice(-32, None)), strict=True):
        expected = tiny_model(content, alone)[..., columns]
        assert_near(picture[..., columns], expected, 1e-5)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_even_map_of_strengths_equals_the_number(
    tiny_model: StyleKernelModel, content: Tensor, styles: tuple[StyleEmbedding, ...], strength
):
    style = StyleField(styles, uniform(0.5, 0.5))
    even = torch.full((1, 1, *SIZE), strength)
    assert_near(tiny_model(content, style, even), tiny_model(content, style, strength), 1e-5)


def test_pixels_without_strength_stay_the_content(
    tiny_model: StyleKernelModel, styles: tuple[StyleEmbedding, ...]
):
    content = torch.rand(1, 3, 32, 256)
    strength = torch.zeros(1, 1, 32, 256)
    strength[..., 128:] = 1
    picture = tiny_model(content, styles[0], strength)
    assert_near(picture[..., :64], content[..., :64], 1e-5)
    assert (picture[..., -32:] - content[..., -32:]).abs().mean() > 1e-2


def test_fading_leaves_shares_that_sum_to_one(styles: tuple[StyleEmbedding, ...]):
    strength = torch.rand(1, 1, *SIZE)
    field = fade(styles[0], StyleField(styles, uniform(0.2, 0.8)), strength)
    assert field.shares.shape == (1, 3, *SIZE)
    assert_near(field.shares.sum(dim=1), torch.ones(1, *SIZE), 1e-6)
    assert_near(field.shares[:, 2:], 0.8 * strength, 1e-6)


def test_maps_come_in_batches_too(tiny_model: StyleKernelModel, styles: tuple[StyleEmbedding, ...]):
    contents = torch.rand(2, 3, *SIZE)
    shares = torch.rand(2, 2, *SIZE).softmax(dim=1)
    pictures = tiny_model(contents, StyleField(styles, shares))
    for index in range(2):
        chosen = slice(index, index + 1)
        alone = tiny_model(contents[chosen], StyleField(styles, shares[chosen]))
        assert_near(pictures[chosen], alone, 1e-5)
