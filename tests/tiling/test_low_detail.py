"""Half precision paints flat, hazy and faint pictures as float32 does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import StyleKernelPipeline, pipeline, stylize_file
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.tiling.low_detail import (
    measure_detail,
    measure_detail_of_rows,
    model_for_detail,
)
from tests.golden_pictures import PAINTING, PHOTO, mean_difference

HALVES = (torch.bfloat16, torch.float16)


@pytest.fixture(scope="module")
def pipes() -> dict[torch.dtype, StyleKernelPipeline]:
    dtypes = (torch.float32, *HALVES)
    return {dtype: pipeline("style-kernel", device="cpu", dtype=dtype) for dtype in dtypes}


def plain_picture(kind: str) -> np.ndarray:
    """Draw a picture of 128x128 px in which little happens."""
    photo = np.asarray(Image.open(PHOTO), float)
    ramp = np.linspace(0, 1, 128)[None, :, None] * np.ones((128, 1, 3))
    random = np.random.default_rng(0)
    values = {
        "black": np.zeros_like(photo),
        "grey card": np.full_like(photo, 128),
        "coloured card": np.broadcast_to([200, 40, 90], photo.shape),
        "haze": 220 + 0.02 * (photo - photo.mean()),
        "faint photo": 0.03 * photo,
        "fade": 118 + 20 * ramp,
        "fade to white": 255 * ramp,
        "sensor noise": 128 + random.integers(-4, 5, photo.shape),
    }[kind]
    return values.round().clip(0, 255).astype(np.uint8)


KINDS = (
    *("black", "grey card", "coloured card", "haze"),
    *("faint photo", "fade", "fade to white", "sensor noise"),
)


@pytest.mark.filterwarnings("ignore:dtype torch.float16 is emulated")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", HALVES)
def test_plain_picture_comes_out_as_in_float32(
    pipes: dict[torch.dtype, StyleKernelPipeline], dtype: torch.dtype, kind: str
) -> None:
    content = plain_picture(kind)
    actual, expected = (
        pipes[each](content, PAINTING, style_size=128).images[0] for each in (dtype, torch.float32)
    )
    # The weights themselves are rounded: with 8 bits, in bfloat16, the tones of a fade shift by 2.
    shift = 1 if dtype == torch.bfloat16 and kind.startswith("fade") else 0
    assert mean_difference(actual, expected) < 2 + shift


@pytest.mark.parametrize("options", [{"tile_size": 64}, {"strength": 0.5}, {"color": "luminance"}])
def test_plain_picture_comes_out_as_in_float32_with_options(
    pipes: dict[torch.dtype, StyleKernelPipeline], options: dict[str, object]
) -> None:
    actual, expected = (
        pipes[dtype](plain_picture("haze"), PAINTING, style_size=128, **options).images[0]  # type: ignore[arg-type]
        for dtype in (torch.bfloat16, torch.float32)
    )
    assert mean_difference(actual, expected) < 2


def test_plain_picture_in_strips_comes_out_as_in_float32(
    pipes: dict[torch.dtype, StyleKernelPipeline], tmp_path: Path
) -> None:
    pytest.importorskip("pyvips")
    Image.fromarray(plain_picture("haze")).save(tmp_path / "haze.png")
    for dtype in (torch.bfloat16, torch.float32):
        output = tmp_path / f"{dtype}.png"
        stylize_file(pipes[dtype], tmp_path / "haze.png", PAINTING, output, style_size=128)
    actual, expected = (
        Image.open(tmp_path / f"{dtype}.png") for dtype in (torch.bfloat16, torch.float32)
    )
    assert mean_difference(actual, expected) < 2


@pytest.mark.parametrize("kind", ["black", "haze", "fade"])
def test_plain_painting_gives_what_it_gives_in_float32(
    pipes: dict[torch.dtype, StyleKernelPipeline], kind: str
) -> None:
    actual, expected = (
        pipes[dtype](PHOTO, plain_picture(kind), style_size=128).images[0]
        for dtype in (torch.bfloat16, torch.float32)
    )
    assert mean_difference(actual, expected) < 2


def test_tensor_of_a_plain_picture_has_the_dtype_of_the_network(
    pipes: dict[torch.dtype, StyleKernelPipeline],
) -> None:
    pipe = pipes[torch.bfloat16]
    result = pipe(plain_picture("haze"), PAINTING, style_size=128, output_type="pt").images[0]
    assert result.dtype == torch.bfloat16


def test_only_plain_pictures_are_painted_in_float32(
    pipes: dict[torch.dtype, StyleKernelPipeline],
) -> None:
    photo, black = (
        torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
        for picture in (Image.open(PHOTO), plain_picture("black"))
    )

    def model_for(rgb: torch.Tensor, dtype: torch.dtype) -> StyleKernelNetwork:
        return model_for_detail(pipes[dtype].model, lambda: measure_detail(rgb))

    for dtype in HALVES:
        assert model_for(photo, dtype) is pipes[dtype].model
        assert model_for(black, dtype).dtype == torch.float32
        assert pipes[dtype].model.dtype == dtype
    assert model_for(black, torch.float32) is pipes[torch.float32].model


def slow_detail(picture: np.ndarray, step: tuple[int, int]) -> float:
    values = picture.astype(float) / 255
    height, width, _ = values.shape
    down: list[float] = []
    across: list[float] = []
    for top in range(0, height - 3, step[0]):
        for left in range(0, width - 3, step[1]):
            block = values[top : top + 4, left : left + 4]
            means = [
                [block[y : y + 2, x : x + 2].mean(axis=(0, 1)) for x in (0, 2)] for y in (0, 2)
            ]
            for i in (0, 1):
                down += list((means[1][i] - means[0][i]) ** 2)
                across += list((means[i][1] - means[i][0]) ** 2)
    return float(((np.mean(down) + np.mean(across)) / 2) ** 0.5)


@pytest.mark.parametrize(("size", "step"), [((37, 50), (4, 4)), ((700, 33), (6, 4))])
def test_detail_is_that_of_a_slow_loop(size: tuple[int, int], step: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    values = torch.from_numpy(picture).permute(2, 0, 1)[None]
    expected = slow_detail(picture, step)
    assert measure_detail(values) == pytest.approx(expected, rel=1e-5)
    assert measure_detail(values.float() / 255) == pytest.approx(expected, rel=1e-5)
    assert measure_detail_of_rows(RowsInMemory(picture), size[0]) == pytest.approx(
        expected, rel=1e-5
    )


class RowsInMemory:
    """A picture whose rows are read once."""

    def __init__(self, picture: np.ndarray) -> None:
        self._rows, self._next = torch.from_numpy(picture), 0

    def read(self, count: int) -> torch.Tensor:
        assert self._next + count <= len(self._rows), "reads past the end"
        self._next += count
        return self._rows[self._next - count : self._next]
