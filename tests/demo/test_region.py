"""A painted region as a mask."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor

from demo.region import (
    BRUSHES,
    as_map,
    color_masks,
    multiplied,
    region_mask,
    scaled_by,
    split_by,
)


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


def test_each_brush_makes_the_mask_of_its_painting() -> None:
    picture = Image.new("RGBA", (100, 80))
    for index, color in enumerate(BRUSHES):
        red, green, blue = ImageColor.getrgb(color)[:3]
        # As the editor keeps a half transparent stroke, with rounded colours.
        picture.paste((red - 3, green + 3, blue, 140), (25 * index, 0, 25 * index + 25, 60))
    masks = color_masks([picture], 3)
    assert masks is not None
    values = np.array([np.asarray(mask) for mask in masks])
    assert values[:, 30, [12, 37, 62, 87]].tolist() == [
        [255, 0, 0, 0],
        [0, 255, 0, 0],
        [0, 0, 255, 0],
    ]
    assert (values[:, 70] == 0).all()


def test_last_layer_counts_where_brushes_meet() -> None:
    first, second = (
        Image.new("RGBA", (40, 40), (*ImageColor.getrgb(color)[:3], 255)) for color in BRUSHES[:2]
    )
    masks = color_masks([first, second], 2)
    assert masks is not None
    assert [mask.getextrema() for mask in masks] == [(0, 0), (255, 255)]
    assert color_masks([Image.new("RGBA", (40, 40))], 2) is None
    assert color_masks([], 2) is None


def test_transparent_parts_of_a_map_are_black() -> None:
    picture = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
    picture.putpixel((1, 0), (255, 255, 255, 255))
    assert np.asarray(as_map(picture)).tolist() == [[0, 255]]


def test_maps_of_two_sizes_are_multiplied_at_the_larger() -> None:
    half = Image.new("L", (10, 8), 128)
    ramp = Image.linear_gradient("L")
    both = multiplied(half, ramp)
    assert both.size == ramp.size
    np.testing.assert_allclose(np.asarray(both), np.asarray(ramp) * (128 / 255), atol=1)
