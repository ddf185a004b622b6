"""A painted region as a mask."""

from __future__ import annotations

import numpy as np
from PIL import Image

from demo.region import region_mask, scaled_by, split_by


def painted(box: tuple[int, int, int, int], alpha: int = 255) -> Image.Image:
    picture = Image.new("RGBA", (100, 80))
    picture.paste((200, 70, 40, alpha), box)
    return picture


def test_mask_is_white_inside_the_stroke_and_black_away_from_it() -> None:
    mask = region_mask([painted((0, 0, 50, 80), alpha=90)], inverted=False)
    assert mask is not None and mask.size == (100, 80)
    values = np.asarray(mask)
    assert (values[:, :45] == 255).all() and (values[:, 55:] == 0).all()


def test_inverted_mask_and_mask_sum_to_white() -> None:
    layers = [painted((10, 10, 60, 60))]
    mask, other = (region_mask(layers, inverted=inverted) for inverted in (False, True))
    assert (np.asarray(mask, int) + np.asarray(other, int) == 255).all()


def test_layers_add_up() -> None:
    mask = region_mask([painted((0, 0, 30, 80)), painted((70, 0, 100, 80))], inverted=False)
    values = np.asarray(mask)[40]
    assert [values[10], values[50], values[90]] == [255, 0, 255]


def test_untouched_canvas_is_no_region() -> None:
    assert region_mask([painted((0, 0, 0, 0))], inverted=False) is None
    assert region_mask([], inverted=True) is None


def test_strength_scales_the_mask() -> None:
    assert set(np.asarray(scaled_by(Image.new("L", (4, 4), 255), 0.6)).ravel()) == {153}


def test_other_styles_share_what_the_first_one_leaves() -> None:
    mask = Image.fromarray(np.array([[0, 51, 255]], np.uint8))
    values = [np.asarray(each)[0].tolist() for each in split_by(mask, [0.2, 0.25, 0.75])]
    assert values == [[0, 51, 255], [64, 51, 0], [191, 153, 0]]
    assert np.asarray(split_by(mask, [1.0, 0.0])[1]).max() == 0
