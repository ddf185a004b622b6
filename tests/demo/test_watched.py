"""Progress and the end of time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo.limits import Limits
from demo.messages import AbandonedError, VisitorError
from demo.pictures import read_picture
from demo.watched import Watch, WatchedFile, WatchedPipeline, is_wanted, watched
from stylekernel_hf import StyleKernelPipeline
from tests.tiny import save_picture, tiny_model

SIDE = 200


def paint(watch: Watch) -> None:
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    with watched(watch):
        WatchedPipeline(tiny_model())(photo, photo[:64, :64], tile_size=64)


def test_progress_runs_through_its_part_of_the_whole() -> None:
    told: list[tuple[float, str]] = []
    watch = Watch(lambda share, label: told.append((share, label)), seconds=60)
    watch.part("Painting", 0.2, 0.6)
    paint(watch)
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and len(shares) > 4
    assert shares[0] == 0.2 and shares[-1] == pytest.approx(0.8)
    assert {label for _, label in told} == {"Painting"}


def test_work_ends_when_time_is_up() -> None:
    with pytest.raises(VisitorError, match="more than 0 seconds, the limit here"):
        paint(Watch(lambda share, label: None, seconds=0))


def test_pipeline_that_nobody_watches_paints() -> None:
    photo = np.zeros((32, 32, 3), np.uint8)
    assert WatchedPipeline(tiny_model())(photo, photo).images[0].size == (32, 32)


@contextlib.contextmanager
def ended(answers: Sequence[bool] = (), seconds: float = 60) -> Iterator[None]:
    """Work within it is watched; somebody waits for so long as these are True."""
    said = iter(answers)
    token = is_wanted.set(lambda: next(said, False))
    try:
        with watched(Watch(lambda share, label: None, seconds)):
            yield
    finally:
        is_wanted.reset(token)


@pytest.mark.parametrize("color", ["style", "luminance", "statistics", "transfer"])
def test_no_kind_of_painting_goes_on_for_nobody(color: Any) -> None:
    """In one piece, so that there is no step before the end."""
    pipe, photo = StyleKernelPipeline(tiny_model()), np.zeros((32, 32, 3), np.uint8)
    with ended([True] * 9), pytest.raises(AbandonedError):
        pipe(photo, photo, color=color)


def test_neither_encoding_nor_explaining_goes_on_for_nobody() -> None:
    pipe, photo = StyleKernelPipeline(tiny_model()), np.zeros((32, 32, 3), np.uint8)
    with ended([True] * 9), pytest.raises(AbandonedError):
        pipe.encode_style(photo)
    with ended([True] * 9), pytest.raises(AbandonedError):
        pipe.explain(photo, photo, point=(3, 3))


def test_work_of_a_single_step_ends_when_time_is_up() -> None:
    pipe, photo = StyleKernelPipeline(tiny_model()), np.zeros((32, 32, 3), np.uint8)
    with ended([True] * 10**5, seconds=0), pytest.raises(VisitorError, match="more than 0 seconds"):
        pipe.encode_style(photo)


def test_png_is_written_as_it_is_and_for_somebody_alone(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    picture, path = Image.fromarray(noise), tmp_path / "picture.png"
    with path.open("wb") as file:
        picture.save(WatchedFile(file), "PNG")
    assert (np.asarray(Image.open(path)) == noise).all()
    with ended([True] * 9), pytest.raises(AbandonedError), path.open("wb") as file:
        picture.save(WatchedFile(file), "PNG")
    assert 0 < path.stat().st_size < noise.size // 2


def test_no_picture_is_decoded_for_nobody(tmp_path: Path) -> None:
    data = save_picture(tmp_path / "photo.png", (4000, 3000)).read_bytes()
    with ended(), pytest.raises(AbandonedError):
        read_picture(data, "Photo", Limits(decode_seconds=20))


def test_checks_change_no_value() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    pipe = StyleKernelPipeline(tiny_model())
    expected = pipe(photo, photo[:64, :64]).images[0]
    with ended([True] * 10**6):
        result = pipe(photo, photo[:64, :64]).images[0]
    assert (np.asarray(result) == np.asarray(expected)).all()
