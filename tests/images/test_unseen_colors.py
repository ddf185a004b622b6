"""Hidden colours of fully transparent pixels have no effect; visible ones stay unchanged."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from stylekernel_hf import StyleKernelPipeline, load_image, pipeline, stylize_file
from stylekernel_hf.images.masks import read_mask
from stylekernel_hf.images.tensors import load_rgb
from stylekernel_hf.images.unseen_colors import CELL, SeenColors, fill_unseen

HEIGHT, WIDTH = 120, 150
Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    made = pipeline("style-kernel", device="cpu")
    made.set_progress_bar_config(disable=True)
    return made


def smooth(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def alpha_of_a_disc() -> Pixels:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(x - 70, y - 50)
    return np.clip((45 - distance) * 20, 0, 255).astype(np.uint8)  # With a soft edge.


def cutouts() -> list[Pixels]:
    """The same disc over black, white, noise, and the whole picture."""
    seen, alpha = smooth(0), alpha_of_a_disc()
    noise = np.random.default_rng(5).integers(0, 256, seen.shape, np.uint8)
    hidden = [np.zeros_like(seen), np.full_like(seen, 255), noise, seen]
    return [np.dstack([np.where(alpha[..., None] == 0, under, seen), alpha]) for under in hidden]


def saved(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def palette(index: int) -> Image.Image:
    """A picture of two colours, of which the other is transparent, whatever it is."""
    picture = Image.fromarray((alpha_of_a_disc() > 0).astype(np.uint8), "P")
    picture.putpalette([[0, 0, 0], [255, 0, 255]][index] + [90, 160, 40])
    picture.info["transparency"] = 0
    return picture


def rgb_with_key(index: int) -> bytes:
    key = [(0, 0, 255), (255, 255, 0)][index]
    seen = smooth(0) // 2 + 40
    pixels = np.where(alpha_of_a_disc()[..., None] == 0, np.uint8(key), seen)
    return saved(Image.fromarray(pixels), "PNG", transparency=key)


KINDS: dict[str, Any] = {
    "PIL": lambda: [Image.fromarray(each) for each in cutouts()],
    "PNG": lambda: [saved(Image.fromarray(each), "PNG") for each in cutouts()],
    "WebP": lambda: [
        saved(Image.fromarray(each), "WEBP", lossless=True, exact=True) for each in cutouts()
    ],
    "TIFF": lambda: [saved(Image.fromarray(each), "TIFF") for each in cutouts()],
    "TGA": lambda: [saved(Image.fromarray(each), "TGA") for each in cutouts()],
    "grey": lambda: [Image.fromarray(each).convert("LA") for each in cutouts()],
    "palette": lambda: [palette(index) for index in (0, 1)],
    "palette PNG": lambda: [saved(palette(index), "PNG") for index in (0, 1)],
    "RGB with a key": lambda: [rgb_with_key(index) for index in (0, 1)],
    "uint8 array": cutouts,
    "float array": lambda: [each.astype(np.float64) / 255 for each in cutouts()],
    "tensor": lambda: [torch.from_numpy(each).permute(2, 0, 1) for each in cutouts()],
    "float tensor": lambda: [
        torch.from_numpy(each).permute(2, 0, 1).float() / 255 for each in cutouts()
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_photos_that_look_alike_are_stylized_alike(pipe: StyleKernelPipeline, kind: str):
    painting = Image.fromarray(smooth(1))
    made = [pipe(each, painting, style_size=64).images[0].tobytes() for each in KINDS[kind]()]
    assert all(each == made[0] for each in made)


@pytest.mark.parametrize("kind", ["PIL", "PNG", "grey", "palette", "float array", "tensor"])
def test_paintings_that_look_alike_are_encoded_alike(pipe: StyleKernelPipeline, kind: str):
    first, *others = [pipe.encode_style(each, style_size=64) for each in KINDS[kind]()]
    assert all(torch.equal(first.key, each.key) for each in others)
    assert all(torch.equal(first.code, each.code) for each in others)


@pytest.mark.parametrize("options", [{"tile_size": 64}, {"color": "statistics"}, {"strength": 0.5}])
def test_options_do_not_see_more(pipe: StyleKernelPipeline, options: dict[str, Any]):
    painting = Image.fromarray(smooth(1))
    made = [
        pipe(Image.fromarray(each), painting, style_size=64, **options).images[0].tobytes()
        for each in cutouts()[:2]
    ]
    assert made[0] == made[1]


def test_colours_of_a_painting_are_those_that_are_seen(pipe: StyleKernelPipeline):
    photo = Image.fromarray(smooth(3))
    made = [
        pipe(photo, Image.fromarray(each), color="transfer").images[0].tobytes()
        for each in cutouts()
    ]
    assert all(each == made[0] for each in made)


def test_masks_that_look_alike_are_alike():
    masks = [read_mask(Image.fromarray(each), (60, 75), name="mask") for each in cutouts()]
    assert all(torch.equal(each, masks[0]) for each in masks)


def test_explanations_that_look_alike_are_alike(pipe: StyleKernelPipeline):
    made = [
        pipe.explain(each, each, point=(70, 50), style_size=64).attention for each in cutouts()[:3]
    ]
    assert all(np.array_equal(each, made[0]) for each in made)


def test_visible_part_is_stylized_as_if_the_rest_were_like_it(pipe: StyleKernelPipeline):
    """Of one grey, cut out or not, the inside is painted alike: no foreign colour comes near."""
    painting = Image.fromarray(smooth(1))
    whole = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    cut = np.dstack([np.where(alpha_of_a_disc()[..., None] == 0, 255, whole), alpha_of_a_disc()])
    expected = pipe(Image.fromarray(whole), painting, style_size=64).images[0]
    result = pipe(Image.fromarray(np.uint8(cut)), painting, style_size=64).images[0]
    seen = alpha_of_a_disc() > 0
    off = np.asarray(result)[seen][:, :3].astype(int) - np.asarray(expected)[seen]
    assert np.abs(off).max() <= 1


def test_strips_see_no_more_than_the_picture_in_memory(pipe: StyleKernelPipeline, tmp_path: Path):
    painting = Image.fromarray(smooth(1))
    made: list[Pixels] = []
    for number, each in enumerate(cutouts()[:3]):
        path, output = tmp_path / f"{number}.png", tmp_path / f"{number}-out.png"
        Image.fromarray(each).save(path)
        stylize_file(pipe, path, painting, output, style_size=64)
        made.append(np.asarray(load_image(output)))
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])
    in_memory = np.asarray(pipe(Image.fromarray(cutouts()[0]), painting, style_size=64).images[0])
    seen = alpha_of_a_disc() > 0
    assert np.abs(made[0][seen].astype(int) - in_memory[seen]).max() <= 1


def test_fully_transparent_image_is_stylized(pipe: StyleKernelPipeline):
    made = [
        pipe(Image.new("RGBA", (40, 30), (shade, 0, 0, 0)), Image.fromarray(smooth(1))).images[0]
        for shade in (0, 255)
    ]
    assert made[0].tobytes() == made[1].tobytes()
    assert made[0].getextrema()[3] == (0, 0)


def test_strength_0_returns_the_photo_unchanged(pipe: StyleKernelPipeline):
    photo = Image.fromarray(cutouts()[2])
    result = pipe(photo, Image.fromarray(smooth(1)), strength=0).images[0]
    assert result.tobytes() == photo.tobytes()


def test_seen_colours_stay_and_hidden_ones_are_the_mean_of_their_cell():
    rgb = torch.from_numpy(smooth(0)).permute(2, 0, 1)[None]
    alpha = torch.from_numpy(alpha_of_a_disc())[None, None]
    filled = fill_unseen(rgb, alpha)
    assert torch.equal(
        filled[alpha.expand(-1, 3, -1, -1) > 0], rgb[alpha.expand(-1, 3, -1, -1) > 0]
    )
    plain = torch.full((1, 3, 40, 40), 77, dtype=torch.uint8)
    hole = torch.full((1, 1, 40, 40), 255, dtype=torch.uint8)
    hole[..., 3:9, 5:30] = 0
    assert torch.equal(fill_unseen(plain * (hole > 0), hole), plain)


def test_hidden_colours_go_from_one_seen_colour_to_the_other():
    rgb = torch.zeros(1, 1, 64, 320)
    rgb[..., 160:] = 1
    rgb = rgb.expand(-1, 3, -1, -1)
    alpha = torch.zeros(1, 1, 64, 320)
    alpha[..., :32] = alpha[..., -32:] = 1
    line = fill_unseen(rgb, alpha)[0, 0, 30]
    assert (line[:24] == 0).all() and (line[-24:] == 1).all()
    assert (line.diff() >= -1e-6).all()
    assert line.diff().max() < 0.1


@pytest.mark.parametrize("kind", ["uint8", "float"])
def test_filling_by_any_rows_gives_what_filling_at_once_gives(kind: str):
    rgb = torch.from_numpy(smooth(0)).permute(2, 0, 1)[None]
    alpha = torch.from_numpy(alpha_of_a_disc())[None, None]
    if kind == "float":
        rgb, alpha = rgb / 255, alpha / 255
    expected = fill_unseen(rgb, alpha)
    seen = SeenColors(WIDTH)
    for colors, part in zip(rgb.split(CELL, 2), alpha.split(CELL, 2), strict=True):
        seen.add(colors, part)
    tops = [0, 1, 40, 41, HEIGHT]
    parts = [
        seen.fill(rgb[:, :, top:end], alpha[:, :, top:end], top=top)
        for top, end in itertools.pairwise(tops)
    ]
    torch.testing.assert_close(torch.cat(parts, dim=2), expected)


def test_pictures_without_transparency_are_not_copied():
    rgb, alpha = torch.rand(1, 3, 20, 20), torch.ones(1, 1, 20, 20)
    assert fill_unseen(rgb, alpha) is rgb
    assert fill_unseen(rgb, None) is rgb


def test_images_for_training_and_evaluation_have_hidden_colours_filled(tmp_path: Path):
    made: list[bytes] = []
    for number, each in enumerate(cutouts()[:3]):
        Image.fromarray(each).save(tmp_path / f"{number}.png")
        picture = load_rgb(tmp_path / f"{number}.png")
        assert picture.mode == "RGB"
        made.append(picture.tobytes())
    assert made[0] == made[1] == made[2]
