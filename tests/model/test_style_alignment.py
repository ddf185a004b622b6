import itertools

import pytest
import torch
from torch import Tensor, nn

from stylekernel_hf.model.style_alignment import StyleAlignment
from stylekernel_hf.model.token_grid import token_grid
from tests.model.references import as_array, assert_near, norm_by_numpy


@pytest.fixture
def alignment() -> StyleAlignment:
    alignment = StyleAlignment(3, 5, attention_channels=4, max_tokens=12, gating=True).double()
    with torch.no_grad():
        for parameter in alignment.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return alignment


def linear(layer: nn.Module, tokens: object) -> Tensor:
    """A 1x1 convolution as a matrix product: B x M x C in and out."""
    weight, bias = (as_array(part) for part in layer.parameters())
    return torch.from_numpy(tokens @ weight[:, :, 0, 0].T + bias)


def test_tokens_are_the_blocks_of_the_style_feature(alignment: StyleAlignment):
    style = torch.randn(2, 5, 6, 8, dtype=torch.float64)
    key, value = alignment.encode_tokens(style)

    def blocks(feature: object) -> object:
        return feature.reshape(2, 5, 3, 2, 4, 2).mean((3, 5)).reshape(2, 5, 12).swapaxes(1, 2)

    # Our statistics are measured in float32.
    assert_near(key, linear(alignment.key, blocks(norm_by_numpy(style))), 1e-5)
    assert_near(value, linear(alignment.value, blocks(as_array(style))))


def test_small_style_feature_keeps_all_its_pixels_as_tokens(alignment: StyleAlignment):
    style = torch.randn(1, 5, 3, 4, dtype=torch.float64)
    _, value = alignment.encode_tokens(style)
    assert_near(value, linear(alignment.value, as_array(style).reshape(1, 5, 12).swapaxes(1, 2)))


def test_constant_style_gives_the_same_token_everywhere(alignment: StyleAlignment):
    style = torch.randn(2, 5, 1, 1, dtype=torch.float64).expand(2, 5, 6, 7)
    for tokens in alignment.encode_tokens(style):
        assert_near(tokens, tokens[:, :1].expand_as(tokens))


def test_constant_style_aligns_to_the_same_value_at_every_pixel(alignment: StyleAlignment):
    color = torch.randn(2, 5, 1, 1, dtype=torch.float64)
    key, value = alignment.encode_tokens(color.expand(2, 5, 6, 7))
    aligned = alignment(torch.randn(2, 3, 4, 5, dtype=torch.float64), key, value)
    expected = linear(alignment.value, as_array(color)[:, None, :, 0, 0])
    assert_near(aligned, expected.transpose(1, 2).unsqueeze(3).expand(2, 5, 4, 5))


def test_order_of_the_style_tokens_makes_no_difference(alignment: StyleAlignment):
    key, value = alignment.encode_tokens(torch.randn(1, 5, 6, 8, dtype=torch.float64))
    content = torch.randn(1, 3, 4, 5, dtype=torch.float64)
    order = torch.randperm(12)
    aligned = alignment(content, key, value)
    assert_near(alignment(content, key[:, order], value[:, order]), aligned)
    assert (alignment(content, key, value[:, order]) - aligned).abs().max() > 0.1


def test_every_pixel_is_aligned_by_itself(alignment: StyleAlignment):
    key, value = alignment.encode_tokens(torch.randn(2, 5, 6, 8, dtype=torch.float64))
    content = torch.randn(2, 3, 2, 5, dtype=torch.float64)
    aligned = alignment(content, key, value)
    for row, column in itertools.product(range(2), range(5)):
        pixel = (..., slice(row, row + 1), slice(column, column + 1))
        assert_near(aligned[pixel], alignment(content[pixel], key, value))


def test_style_of_one_serves_a_batch_of_contents(alignment: StyleAlignment):
    key, value = alignment.encode_tokens(torch.randn(1, 5, 6, 8, dtype=torch.float64))
    content = torch.randn(3, 3, 2, 5, dtype=torch.float64)
    each = [alignment(item[None], key, value) for item in content]
    assert_near(alignment(content, key, value), torch.cat(each))


SIDES = (1, 2, 3, 7, 16, 17, 31, 64, 100, 333, 1000)
GRIDS = [
    (height, width, most)
    for height, width in itertools.product(SIDES, SIDES)
    for most in (1, 2, 10, 64, 256, 300, 4096)
]


def test_token_grid_has_at_least_one_and_at_most_the_allowed_tokens():
    for height, width, most in GRIDS:
        rows, columns = token_grid(height, width, most)
        assert 1 <= rows * columns <= most, (height, width, most)


def test_token_grid_is_never_finer_than_the_feature():
    for height, width, most in GRIDS:
        rows, columns = token_grid(height, width, most)
        assert 1 <= rows <= height, (height, width, most)
        assert 1 <= columns <= width, (height, width, most)


def test_token_grid_keeps_every_pixel_that_the_bound_allows():
    small = [case for case in GRIDS if case[0] * case[1] <= case[2]]
    assert all(token_grid(*case) == case[:2] for case in small)


def test_token_grid_of_ordinary_pictures_uses_most_of_the_tokens():
    ordinary = [case for case in GRIDS if 1 / 4 <= case[0] / case[1] <= 4]
    for height, width, most in ordinary:
        rows, columns = token_grid(height, width, most)
        if most >= 64:
            assert rows * columns >= 0.75 * min(most, height * width), (height, width, most)


def test_token_grid_keeps_the_aspect_of_ordinary_pictures():
    ordinary = [case for case in GRIDS if 1 / 4 <= case[0] / case[1] <= 4]
    for height, width, most in ordinary:
        rows, columns = token_grid(height, width, most)
        if most >= 64:
            assert 0.7 < (rows / columns) / (height / width) < 1.4, (height, width, most)


def test_without_gating_the_attention_is_plain_softmax():
    alignment = StyleAlignment(3, 5, attention_channels=4, max_tokens=12, gating=False).double()
    content = torch.randn(2, 3, 4, 3, dtype=torch.float64)
    key, value = alignment.encode_tokens(torch.randn(1, 5, 3, 4, dtype=torch.float64))
    query = linear(alignment.query, content.flatten(2).transpose(1, 2).numpy())
    scores = query @ key.transpose(1, 2) / 4**0.5
    weights = scores.exp() / scores.exp().sum(dim=2, keepdim=True)
    expected = (weights @ value).transpose(1, 2).unflatten(2, (4, 3))
    assert_near(alignment(content, key, value), expected)
    assert_near(alignment.attention_weights(content, key, 2, 1), weights[:, 2 * 3 + 1])
    assert torch.equal(alignment.share_let_through(content, key), torch.ones(2, 4, 3))
    assert not any("gating" in name for name in alignment.state_dict())


def test_with_one_token_every_place_gets_the_mean_of_the_style():
    alignment = StyleAlignment(3, 5, attention_channels=4, max_tokens=1, gating=True).double()
    style = torch.randn(1, 5, 6, 8, dtype=torch.float64)
    aligned = alignment(
        torch.randn(1, 3, 4, 3, dtype=torch.float64), *alignment.encode_tokens(style)
    )
    mean = linear(alignment.value, style.mean(dim=(2, 3)).numpy()[:, None])
    assert_near(aligned, mean[0, 0].view(1, 5, 1, 1).expand_as(aligned))
