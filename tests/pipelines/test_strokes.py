"""What stroke scale and size of the painting do to strokes, with the embedded weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
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
        ((512, 512), 1024),
        ((512, 512), None),
        ((1400, 90), None),
        ((40, 40), 512),
        ((16, 400), 256),
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


def changes(result: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference in levels of 255, of pictures reduced to the smaller one's size."""
    small = min(result.size, other.size)
    pair = [
        np.asarray(picture.resize(small, Image.Resampling.BILINEAR), float)
        for picture in (result, other)
    ]
    return float(np.abs(pair[0] - pair[1]).mean())


@pytest.mark.parametrize("name", ["mosaic", "palette_knife", "pointillism"])
def test_strokes_grow_with_their_scale(pipe: StyleKernelPipeline, name: str) -> None:
    style, content = pipe.encode_style(painting(name)), photo("coffee")
    shares = [fineness(pipe(content, style, stroke_scale=scale).images[0]) for scale in (0.5, 1, 2)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 1.3 * shares[-1]


@pytest.mark.parametrize("scale", [0.5, 2, 4])
def test_strokes_are_those_of_a_photo_of_another_size(
    pipe: StyleKernelPipeline, scale: float
) -> None:
    style, content = pipe.encode_style(painting("palette_knife")), photo("coffee", 400)
    size = (round(content.width / scale), round(content.height / scale))
    other = pipe(content.resize(size, Image.Resampling.BILINEAR), style).images[0]
    assert changes(pipe(content, style, stroke_scale=scale).images[0], other) < 5
    assert changes(pipe(content, style).images[0], other) > 8


def test_large_photo_looks_like_its_small_version(pipe: StyleKernelPipeline) -> None:
    style = pipe.encode_style(painting("palette_knife"))
    small = load_image(EXAMPLES / "photos" / "chelsea.jpg").convert("RGB").resize((512, 512))
    large = small.resize((1100, 1100), Image.Resampling.BICUBIC)
    preview = pipe(small, style).images[0]
    actual = pipe(large, style).images[0]
    # Without a working size, the marks of the large one would be half as wide.
    finer = pipe(large, style, stroke_scale=0.5).images[0]
    assert actual.size == large.size
    assert changes(actual, preview) < 6 < 10 < changes(finer, preview)
    # The second pass draws detail that enlarging the preview does not have.
    enlarged = preview.resize(large.size, Image.Resampling.BICUBIC)
    assert fineness(actual) > 1.2 * fineness(enlarged)


@pytest.mark.parametrize("scale", [0.5, 2])
def test_strength_keeps_its_meaning_at_every_scale(pipe: StyleKernelPipeline, scale: float) -> None:
    style, content = pipe.encode_style(painting("woodblock")), photo("coffee", 200)
    options = {"stroke_scale": scale}
    assert pipe(content, style, strength=0, **options).images[0].tobytes() == content.tobytes()
    changed = [
        changes(pipe(content, style, strength=strength, **options).images[0], content)
        for strength in (0.01, 0.5, 1)
    ]
    assert changed[0] < 1.5 and 0.3 * changed[2] < changed[1] < 0.7 * changed[2]


@pytest.mark.parametrize("scale", [0.5, 2])
def test_photo_stays_where_no_mask_is(pipe: StyleKernelPipeline, scale: float) -> None:
    # Near the mask's edge the network sees both sides.
    content, mask = photo("coffee", 400), Image.new("L", (400, 267))
    mask.paste(255, (0, 0, 100, 267))
    style = pipe.encode_style(painting("woodblock"))
    result = pipe(content, [style], masks=[mask], stroke_scale=scale).images[0]
    actual, expected = (np.asarray(picture, float) for picture in (result, content))
    right = slice(300, None)
    assert np.abs(actual[:, right] - expected[:, right]).max() <= 2
    assert np.abs(actual[:, :80] - expected[:, :80]).mean() > 20


@pytest.mark.parametrize("scale", [0.5, 2])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_tiles_leave_no_seam_at_any_scale(
    pipe: StyleKernelPipeline, scale: float, strength: float
) -> None:
    style, content = pipe.encode_style(painting("palette_knife")), photo("chelsea", 240)
    whole, tiled = (
        pipe(
            content, style, strength=strength, stroke_scale=scale, tile_size=size, output_type="np"
        ).images[0]
        for size in (1024, 128)
    )
    assert np.abs(tiled - whole).max() < 1 / 255


@pytest.mark.parametrize("output_type", ["np", "pt"])
def test_results_in_floats_are_those_in_bytes(pipe: StyleKernelPipeline, output_type: str) -> None:
    style, content = pipe.encode_style(painting("mosaic")), photo("coffee", 160)
    expected = np.asarray(pipe(content, style, stroke_scale=2).images[0], float)
    result = pipe(content, style, stroke_scale=2, output_type=output_type).images[0]  # type: ignore[arg-type]
    if isinstance(result, torch.Tensor):
        result = result.permute(1, 2, 0).numpy()
    assert np.abs(result * 255 - expected).max() < 1.6


@pytest.mark.parametrize("wrong", [0, 0.49, 4.1, -1, float("nan"), "2", None, True, [2]])
def test_scale_must_be_a_number_in_its_range(pipe: StyleKernelPipeline, wrong: object) -> None:
    with pytest.raises((TypeError, ValueError), match="^stroke_scale must "):
        pipe(photo("coffee", 64), painting("mosaic"), stroke_scale=wrong)  # type: ignore[arg-type]
