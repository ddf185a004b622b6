"""Numbers of NumPy and torch, in every argument of the public calls, are as good as Python's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import StyleEmbedding, StyleKernelPipeline, load_image, save_image, stylize_file
from stylekernel_hf.cli.bulk import run_jobs
from stylekernel_hf.cli.jobs import plan_jobs
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.style_pretraining import StylePretrainingSettings
from tests.tiny import save_picture, tiny_model
from tests.training.runs import tiny_settings

NO_NUMBERS = [True, np.True_, torch.tensor(False), "0.5x", 1j, {}, b"1"]


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", size=(150, 80))


@pytest.fixture
def styles(pipe: StyleKernelPipeline, tmp_path: Path) -> list[StyleEmbedding]:
    return [pipe.encode_style(save_picture(tmp_path / f"{i}.png", seed=i)) for i in (1, 2)]


def array(pipe: StyleKernelPipeline, *inputs: Any, **options: Any) -> np.ndarray:
    return pipe(*inputs, output_type="np", **options).images[0]


@pytest.mark.parametrize(
    ("option", "plain", "others"),
    [
        ("strength", 0.5, [np.float32(0.5), np.float16(0.5), torch.tensor(0.5), Fraction(1, 2)]),
        ("strength", 1.0, [1, np.int64(1), np.uint8(1), torch.tensor(1), np.array(1.0)]),
        ("strength", 0.0, [0, np.float32(0), torch.tensor(0.0)]),
        ("tile_size", 64, [np.int64(64), np.uint16(64), torch.tensor(64), np.array(64)]),
        ("style_size", 64, [np.int32(64), torch.tensor(64), np.float64(64), Fraction(64)]),
    ],
)
def test_option_of_any_library_gives_the_same_picture(
    pipe: StyleKernelPipeline, photo: Path, option: str, plain: Any, others: list[Any]
) -> None:
    expected = array(pipe, photo, photo, **{option: plain})
    for other in others:
        assert np.array_equal(array(pipe, photo, photo, **{option: other}), expected), repr(other)


@pytest.mark.parametrize(
    "weights",
    [
        (1, 3),
        np.array([1.0, 3.0]),
        np.array([1, 3], dtype=np.int8),
        torch.tensor([1.0, 3.0]),
        [np.float32(1), torch.tensor(3)],
        [Fraction(1), Fraction(3)],
        range(1, 4, 2),
    ],
    ids=repr,
)
def test_style_weights_of_any_library_mix_the_same(
    pipe: StyleKernelPipeline, photo: Path, styles: list[StyleEmbedding], weights: Any
) -> None:
    expected = array(pipe, photo, styles, style_weights=[1.0, 3.0])
    assert np.array_equal(array(pipe, photo, styles, style_weights=weights), expected)


def test_weights_that_are_all_of_one_style_are_no_empty_list(
    pipe: StyleKernelPipeline, photo: Path, styles: list[StyleEmbedding]
) -> None:
    alone = array(pipe, photo, styles[1])
    assert np.array_equal(array(pipe, photo, styles, style_weights=np.array([0.0, 1.0])), alone)
    with pytest.raises(ValueError, match="style_weights must be one number per style, got 0 for 2"):
        pipe(photo, styles, style_weights=[])


@pytest.mark.parametrize("option", ["strength", "style_size", "tile_size"])
@pytest.mark.parametrize("wrong", NO_NUMBERS, ids=repr)
def test_option_that_is_no_number_is_named(
    pipe: StyleKernelPipeline, photo: Path, option: str, wrong: Any
) -> None:
    with pytest.raises((TypeError, ValueError, FileNotFoundError), match=f"^{option}"):
        pipe(photo, photo, **{option: wrong})


@pytest.mark.parametrize("option", ["strength", "style_size", "tile_size"])
@pytest.mark.parametrize(
    "wrong",
    [float("nan"), float("inf"), np.float32("nan"), torch.tensor(-1e30), -(10**400), -(10**5000)],
    ids=lambda value: type(value).__name__,
)
def test_number_without_a_place_is_named(
    pipe: StyleKernelPipeline, photo: Path, option: str, wrong: Any
) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{option} must"):
        pipe(photo, photo, **{option: wrong})


@pytest.mark.parametrize("wrong", [*NO_NUMBERS, 0.5, np.array(1.0), None])
def test_style_weights_that_are_no_numbers_are_named(
    pipe: StyleKernelPipeline, photo: Path, styles: list[StyleEmbedding], wrong: Any
) -> None:
    if wrong is not None:
        with pytest.raises(TypeError, match="^style_weights must be a list of numbers"):
            pipe(photo, styles, style_weights=wrong)
    with pytest.raises(TypeError, match=r"^style_weights\[1\] must be a number"):
        pipe(photo, styles, style_weights=[1, [wrong]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, float("nan")], r"style_weights\[1\] must be finite"),
        (np.array([np.inf, 1]), r"style_weights\[0\] must be finite"),
        (torch.tensor([1.0, -1.0]), r"style_weights\[1\] must be at least 0"),
        ([0, 0], "style_weights must sum to more than 0"),
        ([1e308, 1e308], "style_weights must sum to more than 0, and finitely"),
        (np.ones((2, 2)), None),
    ],
)
def test_style_weights_that_mix_nothing_are_named(
    pipe: StyleKernelPipeline,
    photo: Path,
    styles: list[StyleEmbedding],
    weights: Any,
    message: str | None,
) -> None:
    error = ValueError if message else TypeError
    with pytest.raises(error, match=message or r"style_weights\[0\] must be a number"):
        pipe(photo, styles, style_weights=weights)


def test_network_itself_takes_any_number() -> None:
    # In a process of its own, without the types that the tests check in calls of the network.
    code = """
import fractions, numpy, torch
from tests.tiny import tiny_model
model, content = tiny_model(), torch.rand(1, 3, 16, 24)
with torch.no_grad():
    style = model.encode_style(torch.rand(1, 3, 16, 16))
    for plain in (0.5, 1.0):
        expected = model(content, style, plain)
        for kind in (numpy.float32, numpy.float64, numpy.array, fractions.Fraction):
            assert torch.equal(model(content, style, kind(plain)), expected), (kind, plain)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_files_take_any_number(
    pipe: StyleKernelPipeline, photo: Path, styles: list[StyleEmbedding], tmp_path: Path
) -> None:
    def painted(**options: Any) -> bytes:
        stylize_file(pipe, photo, styles, tmp_path / "out.png", **options)
        return load_image(tmp_path / "out.png").tobytes()

    plain = painted(strength=0.5, style_weights=[1.0, 3.0], tile_size=64, style_size=64)
    assert plain == painted(
        strength=np.float32(0.5),
        style_weights=np.array([1.0, 3.0]),
        tile_size=np.int64(64),
        style_size=torch.tensor(64),
    )
    for option in ("strength", "tile_size", "style_size"):
        with pytest.raises(TypeError, match=f"^{option} must be "):
            painted(**{"style_weights": [1, 1], option: True})


def test_jobs_take_any_number(
    pipe: StyleKernelPipeline, photo: Path, styles: list[StyleEmbedding], tmp_path: Path
) -> None:
    styles[0].save(tmp_path / "style.safetensors")
    jobs = plan_jobs([photo], [tmp_path / "style.safetensors"], tmp_path / "out")
    options: Any = {"strength": np.float32(0.5), "tile_size": np.int64(64)}
    (outcome,) = run_jobs(pipe, jobs, **options)
    assert outcome.error == ""
    expected = pipe(photo, styles[0], strength=0.5, tile_size=64).images[0]
    assert load_image(outcome.job.output).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "point", [(3, 4), np.array([3, 4]), torch.tensor([3.0, 4.0]), [np.int8(3), torch.tensor(4)]]
)
def test_point_of_any_library_is_explained(
    pipe: StyleKernelPipeline, photo: Path, point: Any
) -> None:
    assert pipe.explain(photo, photo, point=point, style_size=np.int64(64)).point == (3, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "point", [(True, 4), (3, "4"), np.array([[3, 4]]), np.array(3), "34", None]
)
def test_point_that_is_none_is_named(pipe: StyleKernelPipeline, photo: Path, point: Any) -> None:
    with pytest.raises(TypeError, match="^point must be"):
        pipe.explain(photo, photo, point=point)


def test_quality_of_any_library_is_taken(tmp_path: Path) -> None:
    picture = load_image(save_picture(tmp_path / "a.png"))
    save_image(picture, tmp_path / "plain.jpg", quality=60)
    for quality in (np.int64(60), torch.tensor(60)):
        save_image(picture, tmp_path / "b.jpg", quality=quality)  # type: ignore[arg-type]
        assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "plain.jpg").read_bytes()
    for wrong in (True, 60.5, "60", None):
        with pytest.raises(TypeError, match="^quality must be an integer"):
            save_image(picture, tmp_path / "c.jpg", quality=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["100", None, True, float("nan")])
def test_bound_of_pixels_that_is_none_is_named(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="^max_pixels must be"):
        load_image(Image.new("RGB", (20, 20)), max_pixels=wrong)


def test_settings_of_training_are_plain(tmp_path: Path) -> None:
    plain = replace(tiny_settings(tmp_path), steps=3, learning_rate=0.5)
    given = replace(plain, steps=np.int64(3), learning_rate=torch.tensor(0.5))
    assert given == plain
    assert repr(given) == repr(plain)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("steps", 3.0),
        ("steps", "3"),
        ("steps", True),
        ("batch_size", None),
        ("size", float("nan")),
        ("seed", [1]),
        ("learning_rate", "0.1"),
        ("learning_rate", float("inf")),
        ("min_zoom", float("nan")),
        ("max_zoom", float("nan")),
        ("ema_decay", False),
        ("cache_gigabytes", {}),
        ("encoder_init", "no"),
    ],
)
def test_setting_of_a_wrong_type_is_named(tmp_path: Path, name: str, wrong: Any) -> None:
    settings = tiny_settings(tmp_path)
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be "):
        replace(settings, **{name: wrong})


def test_settings_of_pretraining_are_checked_alike(tmp_path: Path) -> None:
    make: Callable[..., Any] = StylePretrainingSettings
    with pytest.raises(TypeError, match="^steps must be an integer"):
        make((tmp_path,), tmp_path, steps="3")
    with pytest.raises(ValueError, match="^max_zoom must be finite"):
        make((tmp_path,), tmp_path, max_zoom=float("nan"))
    assert make((tmp_path,), tmp_path, steps=np.int64(3)).steps == 3


def test_weights_of_the_terms_are_finite() -> None:
    with pytest.raises(ValueError, match="^style_weight must be finite, got nan"):
        LossWeights(style=float("nan"))
