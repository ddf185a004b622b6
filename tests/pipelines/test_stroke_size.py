"""What the size of the painting does to the strokes, with the embedded weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelPipeline, load_image, pipeline

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"
SIZES = (128, 256, 512, 1024)


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return pipeline("style-kernel", device="cpu")


def painting(name: str) -> Image.Image:
    return load_image(EXAMPLES / "styles" / f"{name}.jpg").convert("RGB")


def photo(name: str, side: int = 320) -> Image.Image:
    picture = load_image(EXAMPLES / "photos" / f"{name}.jpg").convert("RGB")
    picture.thumbnail((side, side))
    return picture


def fineness(picture: Image.Image) -> float:
    """Share of the luminance's detail (32 px and finer) that is finer than 8 px, by its spectrum.

    The window keeps the picture's borders, which do not fit each other, out of the spectrum.
    """
    values = np.asarray(picture.convert("L"), float)
    window = np.outer(*(np.hanning(side) for side in values.shape))
    power = np.abs(np.fft.fft2((values - values.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, values.shape), indexing="ij"))
    return float(power[frequency > 1 / 8].sum() / power[frequency > 1 / 32].sum())


def fineness_by_size(pipe: StyleKernelPipeline, name: str) -> list[float]:
    shares: list[float] = []
    for size in SIZES:
        style = pipe.encode_style(painting(name), style_size=size)
        results = pipe([photo("chelsea"), photo("coffee")], style).images
        shares.append(float(np.mean([fineness(result) for result in results])))
    return shares


@pytest.mark.parametrize("name", ["stained_glass", "drip_painting", "pointillism", "paper_cutout"])
def test_larger_painting_makes_coarser_strokes(pipe: StyleKernelPipeline, name: str) -> None:
    shares = fineness_by_size(pipe, name)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < shares[0] / 2


@pytest.mark.parametrize("name", ["engraving", "mosaic"])
def test_marks_that_are_too_small_to_be_seen_are_lost(pipe: StyleKernelPipeline, name: str) -> None:
    """Lines and stones of a few px are gone from the smallest painting: no finer strokes there."""
    shares = fineness_by_size(pipe, name)
    assert max(shares) > shares[0]
    assert shares[-1] < shares[-2] / 1.5


@pytest.mark.parametrize(
    ("size", "style_size"),
    [
        ((512, 512), 64),
        ((512, 512), 2048),
        ((512, 512), None),
        ((1400, 90), None),
        ((40, 40), 512),
        ((16, 400), 512),
        ((16, 4000), 64),
    ],
)
def test_painting_of_any_size_gives_a_picture_in_its_colours(
    pipe: StyleKernelPipeline, size: tuple[int, int], style_size: int | None
) -> None:
    content, style = photo("coffee", 200), painting("swirling_oil").resize(size)
    result, usual = (
        pipe(content, each, style_size=pixels, output_type="np").images[0]
        for each, pixels in ((style, style_size), (painting("swirling_oil"), 512))
    )
    original = np.asarray(content, float) / 255
    assert result.shape == original.shape and np.isfinite(result).all()
    gap = np.abs((result - usual).mean(axis=(0, 1))).max()
    assert gap < 0.1 < np.abs((original - usual).mean(axis=(0, 1))).max()
    tones = [picture.mean(axis=2).ravel() for picture in (result, original)]
    assert np.corrcoef(*tones)[0, 1] > 0.6
