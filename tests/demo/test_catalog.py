"""The pictures that come with the demo."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo.catalog import (
    ARTWORKS,
    GALLERY_PAINTINGS,
    GALLERY_PHOTOS,
    PAINTINGS,
    PHOTOS,
    SHOWN,
    gallery_tiles,
    painting_path,
    photo_path,
)
from demo.messages import VisitorError
from demo.tabs.gallery import example


def test_every_example_picture_has_a_title() -> None:
    titled = {*map(photo_path, PHOTOS), *map(painting_path, PAINTINGS)}
    assert titled == {path for folder in SHOWN for path in folder.iterdir()}


def test_real_works_come_first_and_name_their_artists() -> None:
    assert list(PAINTINGS)[: len(ARTWORKS)] == list(ARTWORKS) and len(ARTWORKS) >= 20
    _, words = PAINTINGS["Bordighera"]
    assert words == "Claude Monet, 1884: short, turning strokes of oil"


def test_gallery_shows_every_photo_in_every_style_once() -> None:
    shown = [(photo, painting) for _, photo, painting in gallery_tiles()]
    assert sorted(shown) == sorted(product(GALLERY_PHOTOS, GALLERY_PAINTINGS))


def test_tiles_are_cut_where_their_photo_is() -> None:
    """A result keeps the photo's lights and darks: it resembles its own photo most."""
    size = (24, 24)
    photos = {}
    for title in GALLERY_PHOTOS:
        picture = Image.open(photo_path(title)).convert("L")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        photos[title] = picture.crop((left, top, left + side, top + side)).resize(size)
    right = 0
    for tile, photo, _ in gallery_tiles():
        grey = np.asarray(tile.convert("L").resize(size), float).ravel()
        likeness = {
            title: np.corrcoef(grey, np.asarray(other, float).ravel())[0, 1]
            for title, other in photos.items()
        }
        right += max(likeness, key=lambda title: likeness[title]) == photo
    assert right >= 25


def test_tiles_hold_no_margin_of_the_sheet() -> None:
    for tile, photo, painting in gallery_tiles():
        values = np.asarray(tile.convert("L"), float)
        edges = [values[0], values[-1], values[:, 0], values[:, -1]]
        assert not any((edge > 252).all() for edge in edges), (photo, painting)


@pytest.mark.parametrize("title", ["Dog", None, ["Cat"], {"Cat": 1}])
def test_other_title_is_refused_in_words(title: Any) -> None:
    with pytest.raises(VisitorError, match="^Photo must be one of Astronaut, "):
        example(title, "Mosaic")
    with pytest.raises(VisitorError, match="^Painting must be one of Window, "):
        example("Cat", title)
