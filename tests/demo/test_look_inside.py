"""One point explained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from demo.catalog import painting_path
from demo.look_inside import InsideHandlers, describe
from demo.messages import VisitorError
from demo.studio import Studio
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference
from tests.tiny import save_picture


@pytest.fixture
def handlers(studio: Studio) -> InsideHandlers:
    return InsideHandlers(studio)


def test_pictures_are_those_of_the_pipeline(handlers: InsideHandlers, tmp_path: Path) -> None:
    photo = str(save_picture(tmp_path / "photo.png", (96, 64)))
    attention, gate, kernels, _ = handlers.explain(photo, ["Mosaic"], across=0.25, down=1.0)
    own = tiny_pipeline().explain(photo, painting_path("Mosaic"), point=(24, 63))
    assert difference(attention, own.attention_image()) == 0
    assert difference(gate, own.gate_image()) == 0
    assert difference(kernels, own.kernels_image()) == 0


def test_any_painting_of_a_mixture_is_looked_into(handlers: InsideHandlers, tmp_path: Path) -> None:
    photo = str(save_picture(tmp_path / "photo.png", (96, 64)))
    own = str(save_picture(tmp_path / "own.png", (80, 80), seed=4))
    for which, painting in ((2, painting_path("Cubist")), (3, own)):
        attention, *_ = handlers.explain(photo, ["Mosaic", "Cubist"], [own], which=which)
        expected = tiny_pipeline().explain(photo, painting, point=(48, 32))
        assert difference(attention, expected.attention_image()) == 0
    with pytest.raises(VisitorError, match="Painting 2 is not there: 1 is chosen"):
        handlers.explain(photo, ["Mosaic"], which=2)


def test_words_say_where_the_point_looked() -> None:
    attention = np.zeros((6, 6), np.float32)
    attention[5, 0], attention[2, 2], attention[0, 5] = 0.4, 0.35, 0.25
    gate = np.full((4, 5), 0.2, np.float32)
    gate[3, 1] = 0.75
    words = describe(
        SimpleNamespace(
            attention=attention, gate=gate, point=(15, 39), content=Image.new("RGB", (50, 40))
        )
    )
    assert "mostly at the **bottom left**" in words and "2 of its 36 places" in words
    assert "**75%**" in words and "20% to 75%" in words


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"photo": None}, "Choose or drop a photo"),
        ({"across": 1.2}, "Across must be a number from 0 to 1"),
        ({"down": -0.1}, "Down must be a number from 0 to 1"),
        ({"paintings": []}, "Choose a painting"),
        ({"paintings": ["Mona Lisa"]}, "Paintings must be among"),
    ],
)
def test_wrong_choice_is_named(
    handlers: InsideHandlers, tmp_path: Path, options: dict[str, object], told: str
) -> None:
    photo = str(save_picture(tmp_path / "photo.png"))
    with pytest.raises(VisitorError, match=told):
        handlers.explain(**{"photo": photo, "paintings": ["Mosaic"], **options})  # type: ignore[arg-type]
