"""The embedded weights paint what they painted when the pictures in `golden` were stored.

After new weights: `python -m tests.test_golden` stores them anew; look at them before the commit.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelPipeline, load_image, pipeline, stylize_file
from tests.golden_pictures import GOLDEN, PAINTING, PHOTO, mean_difference

pytestmark = pytest.mark.smoke

STYLE_SIZE = 128


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return pipeline("style-kernel", device="cpu")


def ramp() -> Image.Image:
    """Draw a mask that is black on the left and white on the right."""
    return Image.fromarray(np.tile(np.linspace(0, 255, 128).astype(np.uint8), (128, 1)))


def whole(pipe: StyleKernelPipeline) -> Image.Image:
    return pipe(PHOTO, PAINTING, style_size=STYLE_SIZE).images[0]


def in_tiles(pipe: StyleKernelPipeline) -> Image.Image:
    return pipe(PHOTO, PAINTING, style_size=STYLE_SIZE, tile_size=64).images[0]


def masked(pipe: StyleKernelPipeline) -> Image.Image:
    return pipe(PHOTO, PAINTING, style_size=STYLE_SIZE, masks=[ramp()]).images[0]


def at_half_strength(pipe: StyleKernelPipeline) -> Image.Image:
    return pipe(PHOTO, PAINTING, style_size=STYLE_SIZE, strength=0.5).images[0]


STORED = {"whole": whole, "masked": masked, "half": at_half_strength}


@pytest.mark.parametrize(
    ("paint", "name"),
    [(whole, "whole"), (in_tiles, "whole"), (masked, "masked"), (at_half_strength, "half")],
)
def test_result_is_the_stored_one(
    pipe: StyleKernelPipeline, paint: Callable[[StyleKernelPipeline], Image.Image], name: str
) -> None:
    expected = load_image(GOLDEN / f"{name}.png")
    assert mean_difference(paint(pipe), expected) < 1


@pytest.mark.skipif(importlib.util.find_spec("pyvips") is None, reason="needs the extra 'large'")
@pytest.mark.parametrize(("strength", "name"), [(1.0, "whole"), (0.5, "half")])
def test_result_from_file_to_file_is_the_stored_one(
    pipe: StyleKernelPipeline, tmp_path: Path, strength: float, name: str
) -> None:
    output = tmp_path / "out.png"
    stylize_file(pipe, PHOTO, PAINTING, output, strength=strength, style_size=STYLE_SIZE)
    assert mean_difference(load_image(output), load_image(GOLDEN / f"{name}.png")) < 1


def test_stored_results_differ_from_each_other_and_from_the_photo() -> None:
    pictures = [load_image(GOLDEN / f"{name}.png") for name in ("photo", *STORED)]
    for index, one in enumerate(pictures):
        for other in pictures[:index]:
            assert mean_difference(one, other) > 5


def store() -> None:
    """Paint the stored results anew."""
    embedded = pipeline("style-kernel", device="cpu")
    for name, paint in STORED.items():
        paint(embedded).save(GOLDEN / f"{name}.png", optimize=True)


if __name__ == "__main__":
    store()
