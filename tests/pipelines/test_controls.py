"""Mixing, regions, maps of strength, and colours, through the pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from stylekernel_hf.images.color_modes import keep_luminance, match_color_statistics
from stylekernel_hf.model.modulation import Modulation
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import tiny_model

HEIGHT, WIDTH = 53, 210


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    model = tiny_model()
    # Modulations start as the identity: without this, all codes would do the same.
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, Modulation):
            torch.nn.init.normal_(module.affine.weight, std=0.3, generator=generator)
    return StyleKernelPipeline(model)


def picture(seed: int, height: int, width: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(3, height, width, generator=generator) * (high - low) + low


CONTENT = picture(0, HEIGHT, WIDTH)
DARK, LIGHT = picture(1, 64, 64, 0.0, 0.4), picture(2, 70, 90, 0.6, 1.0)
WHITE = Image.new("L", (10, 10), 255)
BLACK = Image.new("L", (10, 10), 0)


def left_half() -> np.ndarray[Any, Any]:
    mask = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    mask[:, : WIDTH // 2] = 1
    return mask


def run(pipe: StyleKernelPipeline, style: Any, **options: Any) -> Tensor:
    image = pipe(CONTENT, style, output_type="pt", **options).images[0]
    assert image.shape == CONTENT.shape
    return image


def differ(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().mean())


def test_weight_of_one_equals_that_style_alone(pipe: StyleKernelPipeline) -> None:
    for weights, alone in (([3, 0], DARK), ([0, 0.5], LIGHT)):
        assert torch.equal(run(pipe, [DARK, LIGHT], style_weights=weights), run(pipe, alone))


def test_weights_need_not_sum_to_one(pipe: StyleKernelPipeline) -> None:
    first = run(pipe, [DARK, LIGHT], style_weights=[1, 3])
    torch.testing.assert_close(run(pipe, [DARK, LIGHT], style_weights=[0.25, 0.75]), first)
    assert differ(run(pipe, [DARK, LIGHT], style_weights=[3, 1]), first) > 1e-4


def test_mixture_goes_steadily_from_one_style_to_the_other(pipe: StyleKernelPipeline) -> None:
    dark, light = run(pipe, DARK), run(pipe, LIGHT)
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    mixed = [run(pipe, [DARK, LIGHT], style_weights=[1 - s, s]) for s in shares]
    for target, sign in ((dark, 1), (light, -1)):
        distances = np.array([differ(each, target) for each in mixed])
        assert (np.diff(distances) * sign > 0).all()


def test_encoded_styles_mix_as_their_images_do(pipe: StyleKernelPipeline) -> None:
    encoded = [pipe.encode_style(style) for style in (DARK, LIGHT)]
    expected = run(pipe, [DARK, LIGHT], style_weights=[1, 1])
    assert torch.equal(run(pipe, encoded, style_weights=[1, 1]), expected)


def test_one_mixture_serves_all_contents(pipe: StyleKernelPipeline) -> None:
    contents = [CONTENT, picture(5, 40, 44), picture(6, 33, 60)]
    images = pipe(contents, [DARK, LIGHT], style_weights=[1, 1], output_type="pt").images
    assert [image.shape for image in images] == [content.shape for content in contents]
    assert torch.equal(images[0], run(pipe, [DARK, LIGHT], style_weights=[1, 1]))


def test_full_mask_equals_the_plain_result(pipe: StyleKernelPipeline) -> None:
    assert torch.equal(run(pipe, DARK, masks=[WHITE]), run(pipe, DARK))
    both = run(pipe, [DARK, LIGHT], masks=[BLACK, WHITE], strength=0.5)
    assert torch.equal(both, run(pipe, LIGHT, strength=0.5))


def test_photo_stays_where_no_mask_is(pipe: StyleKernelPipeline) -> None:
    image = run(pipe, DARK, masks=[left_half()])
    torch.testing.assert_close(image[..., -20:], CONTENT[..., -20:], rtol=0, atol=1e-5)
    assert differ(image[..., :20], CONTENT[..., :20]) > 1e-2
    assert torch.equal(run(pipe, DARK, masks=[BLACK]), CONTENT)


def test_each_region_is_stylized_in_its_own_style(pipe: StyleKernelPipeline) -> None:
    image = run(pipe, [DARK, LIGHT], masks=[left_half(), 1 - left_half()])
    for columns, style in ((slice(0, 20), DARK), (slice(-20, None), LIGHT)):
        alone = run(pipe, style)[..., columns]
        torch.testing.assert_close(image[..., columns], alone, rtol=0, atol=1e-4)


def test_even_map_of_strengths_equals_the_number(pipe: StyleKernelPipeline) -> None:
    grey = np.full((4, 4, 1), 0.5, np.float32)
    assert torch.equal(run(pipe, DARK, strength=grey), run(pipe, DARK, strength=0.5))
    assert torch.equal(run(pipe, DARK, strength=BLACK), CONTENT)


def test_map_of_strengths_fades_the_style(pipe: StyleKernelPipeline) -> None:
    ramp = np.linspace(0, 1, WIDTH, dtype=np.float32)[None, :, None].repeat(HEIGHT, axis=0)
    changed = (run(pipe, DARK, strength=ramp) - CONTENT).abs().mean(dim=(0, 1))
    full = (run(pipe, DARK) - CONTENT).abs().mean(dim=(0, 1))
    assert changed[:20].mean() < 0.15 * full[:20].mean()
    assert changed[-20:].mean() > 0.7 * full[-20:].mean()
    assert changed[:70].mean() < changed[70:140].mean() < changed[140:].mean()


@pytest.mark.parametrize(
    "options",
    [
        {"style_weights": [1.0, 2.0]},
        {"masks": [left_half(), 1 - left_half()]},
        {"masks": [left_half(), BLACK]},
        {"masks": [left_half(), 1 - left_half()], "strength": 0.5},
        {"style_weights": [1.0, 1.0], "strength": left_half()},
    ],
)
def test_controls_are_the_same_in_tiles(pipe: StyleKernelPipeline, options: dict[str, Any]) -> None:
    whole = run(pipe, [DARK, LIGHT], **options)
    tiled = run(pipe, [DARK, LIGHT], tile_size=64, **options)
    assert float((tiled - whole).abs().max()) < 1 / 255


def test_photo_keeps_its_colors_if_asked(pipe: StyleKernelPipeline) -> None:
    plain, content = run(pipe, DARK)[None], CONTENT[None]
    luminance = run(pipe, DARK, color="luminance")[None]
    torch.testing.assert_close(luminance, keep_luminance(plain, content))
    statistics = run(pipe, DARK, color="statistics")[None]
    torch.testing.assert_close(statistics, match_color_statistics(plain, content))
    assert differ(luminance, plain) > 1e-2
    assert differ(statistics, plain) > 1e-2


def test_color_transfer_changes_colors_and_nothing_else(pipe: StyleKernelPipeline) -> None:
    image = run(pipe, LIGHT, color="transfer")
    torch.testing.assert_close(image.mean(dim=(1, 2)), LIGHT.mean(dim=(1, 2)), atol=0.02, rtol=0)
    # One linear map of colours: what was one colour stays one colour.
    grey = CONTENT.clone()
    grey[:, :, 10:] = grey[:, :, :1]
    flat = pipe(grey, LIGHT, color="transfer", output_type="pt").images[0]
    assert torch.equal(flat[:, :, 10:], flat[:, :, :1].expand_as(flat[:, :, 10:]))


def test_color_transfer_obeys_strength_weights_and_masks(pipe: StyleKernelPipeline) -> None:
    dark, light = (run(pipe, style, color="transfer") for style in (DARK, LIGHT))
    half = run(pipe, DARK, color="transfer", strength=0.5)
    torch.testing.assert_close(half, (CONTENT + dark) / 2)
    mixed = run(pipe, [DARK, LIGHT], color="transfer", style_weights=[1, 3])
    torch.testing.assert_close(mixed, 0.25 * dark + 0.75 * light)
    sides = run(pipe, [DARK, LIGHT], color="transfer", masks=[left_half(), BLACK])
    torch.testing.assert_close(sides[..., :100], dark[..., :100])
    torch.testing.assert_close(sides[..., -100:], CONTENT[..., -100:])


def test_pictures_come_out_in_every_color_mode_as_pil(pipe: StyleKernelPipeline) -> None:
    photo = Image.fromarray((CONTENT.permute(1, 2, 0).numpy() * 255).astype(np.uint8))
    for color in ("style", "luminance", "statistics", "transfer"):
        image = pipe(photo, DARK, color=color).images[0]
        assert image.size == photo.size
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"style_weights": [1.0]},
            ValueError,
            r"style_weights must be one number per style, got 1",
        ),
        ({"style_weights": [1.0, -1.0]}, ValueError, r"style_weights\[1\] must be at least 0"),
        ({"style_weights": [0, 0]}, ValueError, "style_weights must sum to more than 0"),
        ({"style_weights": [1, float("nan")]}, ValueError, r"style_weights\[1\].*nan"),
        ({"style_weights": ["1", 1]}, TypeError, r"style_weights\[0\] must be a number, got '1'"),
        ({"masks": [WHITE]}, ValueError, "masks must be one image per style, got 1 for 2"),
        ({"masks": WHITE}, TypeError, "masks must be a list of images"),
        ({"masks": [WHITE, "no_such.png"]}, FileNotFoundError, r"masks\[1\]"),
        ({"masks": [WHITE, WHITE], "style_weights": [1, 1]}, ValueError, "exclude each other"),
        ({}, ValueError, "style must be one image or one per content.*style_weights mixes"),
        ({"strength": "no_such.png", "style_weights": [1, 1]}, FileNotFoundError, "strength"),
        ({"strength": [0.5], "style_weights": [1, 1]}, TypeError, "strength must be a number or"),
        ({"color": "blue", "style_weights": [1, 1]}, ValueError, "color must be 'style', .*'blue'"),
    ],
)
def test_bad_control_is_named(
    pipe: StyleKernelPipeline, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(pipe, [DARK, LIGHT], **options)


def test_color_transfer_needs_the_image_of_the_style(pipe: StyleKernelPipeline) -> None:
    with pytest.raises(TypeError, match="style must be an image for color='transfer'"):
        run(pipe, pipe.encode_style(DARK), color="transfer")
