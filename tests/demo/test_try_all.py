"""Every painting on one photo: one after the other, as the pipeline stylizes them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from demo.catalog import PAINTINGS, painting_path
from demo.messages import VisitorError, says_why
from demo.studio import Studio
from demo.try_all import TryAllHandlers
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference, opened
from tests.tiny import save_picture


def test_pictures_come_one_by_one(studio: Studio, tmp_path: Path) -> None:
    photo = str(save_picture(tmp_path / "photo.png", (200, 150)))
    steps = [set(step["pictures"]) for step in TryAllHandlers(studio).try_all(photo, None)]
    assert [len(step) for step in steps] == list(range(len(PAINTINGS) + 1))
    assert steps[-1] == set(PAINTINGS)


def test_pictures_are_those_of_the_pipeline(studio: Studio, tmp_path: Path) -> None:
    photo = str(save_picture(tmp_path / "photo.png", (200, 150)))
    steps = TryAllHandlers(studio).try_all(photo, None)
    next(steps)
    ((title, address),) = next(steps)["pictures"].items()
    result = opened(io.BytesIO(base64.b64decode(address.split(",")[1])))
    expected = tiny_pipeline()(photo, painting_path(title)).images[0]
    assert difference(result, expected) < 6


def test_without_a_photo_nothing_changes(studio: Studio) -> None:
    assert list(TryAllHandlers(studio).try_all(None, None)) == []


def test_error_between_two_results_is_told_in_words() -> None:
    def steps() -> Iterator[int]:
        yield 1
        raise VisitorError("This photo is gone.")

    told = says_why(steps)()
    assert next(told) == 1
    with pytest.raises(gr.Error, match=r"This photo is gone\."):
        next(told)
