"""Files stylized in strips have the pixels of the pipeline's result."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf.images.loading import load_image
from stylekernel_hf.large import file_stylization, strip_files
from stylekernel_hf.large.file_stylization import stylize_file
from stylekernel_hf.large.stored_png import StoredPng
from stylekernel_hf.large.strip_files import StripFile
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.images.image_files import P3_TO_XYZ, matrix_profile, orientation_exif
from tests.tiny import save_picture, tiny_model

pytest.importorskip("pyvips", reason="needs libvips")


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", (150, 101), seed=1)


def pixels(path: Path, mode: str = "RGB") -> np.ndarray[Any, Any]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode)).astype(int)


def save_rgba(photo: Path, path: Path) -> None:
    picture = Image.open(photo)
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(path)


def save_wide_grey(_: Path, path: Path) -> None:
    values = np.arange(40 * 30, dtype=np.uint16).reshape(40, 30) * 54
    Image.fromarray(values).save(path)


def save_with_profile(photo: Path, path: Path) -> None:
    Image.open(photo).save(path, icc_profile=matrix_profile(P3_TO_XYZ, 2.2))


def save_turned(orientation: int) -> Callable[[Path, Path], None]:
    def save(photo: Path, path: Path) -> None:
        Image.open(photo).save(path, exif=b"Exif\0\0" + orientation_exif(orientation))

    return save


@pytest.mark.parametrize(
    ("save", "tolerance"),
    [
        (lambda photo, path: Image.open(photo).save(path), 0),
        (lambda photo, path: Image.open(photo).convert("L").save(path), 0),
        (lambda photo, path: Image.open(photo).convert("P").save(path), 0),
        (save_rgba, 0),
        (save_wide_grey, 0),
        # Both convert with LittleCMS, on other ways.
        (save_with_profile, 3),
        *((save_turned(orientation), 0) for orientation in range(1, 9)),
    ],
    ids=["rgb", "grey", "palette", "alpha", "16-bit", "profile", *map(str, range(1, 9))],
)
def test_rows_are_those_of_the_picture_in_memory(
    photo: Path, tmp_path: Path, save: Callable[[Path, Path], None], tolerance: int
) -> None:
    save(photo, tmp_path / "saved.png")
    expected = np.asarray(load_image(tmp_path / "saved.png").convert("RGB")).astype(int)
    file = StripFile(tmp_path / "saved.png", name="content")
    assert (file.height, file.width) == expected.shape[:2]
    for _ in range(2):
        rows = file.rows()
        parts = [rows.read(min(37, file.height - start)) for start in range(0, file.height, 37)]
        assert np.abs(torch.cat(parts).numpy() - expected).max() <= tolerance


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("color", ["style", "luminance"])
def test_file_is_stylized_as_the_pipeline_does(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path, strength: float, color: Any
) -> None:
    styles = [photo, save_picture(tmp_path / "other.png", seed=2)]
    options: Any = {"strength": strength, "color": color, "style_weights": [1, 2], "tile_size": 64}
    stylize_file(pipe, photo, styles, tmp_path / "out.png", **options)
    expected = np.asarray(pipe(photo, styles, **options).images[0]).astype(int)
    assert np.abs(pixels(tmp_path / "out.png") - expected).max() <= (color == "luminance")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_every_format_holds_the_picture_and_the_profile(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("the old file")
    stylize_file(pipe, photo, photo, output, tile_size=64)
    expected = np.asarray(pipe(photo, photo, tile_size=64).images[0]).astype(int)
    lossless = suffix in {".png", ".tif"}
    assert np.abs(pixels(output) - expected).mean() <= (0 if lossless else 2)
    with Image.open(output) as picture:
        assert picture.info["icc_profile"]
    # Converting from sRGB to sRGB changes next to nothing.
    assert np.abs(np.asarray(load_image(output)).astype(int) - pixels(output)).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(5, 3), (700, 1200)])
def test_stream_of_raw_rows_is_a_png(tmp_path: Path, width: int, height: int) -> None:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    stream = StoredPng(io.BytesIO(values.tobytes()), width, height)
    data = b"".join(iter(lambda: stream.read(70_000), b""))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), values)


def test_alpha_is_kept_and_laid_over_white_in_jpeg(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path
) -> None:
    save_rgba(photo, tmp_path / "clear.png")
    for name in ("out.png", "out.jpg"):
        stylize_file(pipe, tmp_path / "clear.png", photo, tmp_path / name, tile_size=64)
    expected = np.asarray(pipe(tmp_path / "clear.png", photo, tile_size=64).images[0]).astype(int)
    assert np.array_equal(pixels(tmp_path / "out.png", "RGBA"), expected)
    opacity = expected[..., 3:] / 255
    over_white = expected[..., :3] * opacity + 255 * (1 - opacity)
    assert np.abs(pixels(tmp_path / "out.jpg") - over_white).mean() < 2


def limit_windows(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Let the device run out of memory at windows of more than `limit` px a side."""
    encode_content = StyleKernelModel.encode_content

    def limited(model: StyleKernelModel, content: torch.Tensor) -> list[torch.Tensor]:
        if max(content.shape[2:]) > limit:
            raise torch.OutOfMemoryError("no memory")
        return encode_content(model, content)

    monkeypatch.setattr(StyleKernelModel, "encode_content", limited)


def test_out_of_memory_falls_back_to_smaller_tiles_once(
    pipe: StyleKernelPipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    photo = save_picture(tmp_path / "wide.png", (300, 101), seed=1)
    limit_windows(monkeypatch, 260)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        stylize_file(pipe, photo, photo, tmp_path / "out.png", tile_size=304)
    assert "trying tiles of 152 px" in caplog.text
    expected = np.asarray(pipe(photo, photo, tile_size=152).images[0]).astype(int)
    assert np.array_equal(pixels(tmp_path / "out.png"), expected)


def test_out_of_memory_in_smaller_tiles_is_an_error_with_advice(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_windows(monkeypatch, 1)
    with pytest.raises(MemoryError, match="more memory than cpu has, even in tiles of 72 px"):
        stylize_file(pipe, photo, photo, tmp_path / "out.png", tile_size=152)
    assert not (tmp_path / "out.png").exists()


def test_progress_bar_counts_tiles_of_both_passes(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = StyleKernelPipeline(tiny_model())
    pipe.set_progress_bar_config(disable=False)
    stylize_file(pipe, photo, photo, tmp_path / "out.png", tile_size=64)
    # 3 x 2 tiles, and with the margin 3 x 3 to be measured before.
    assert " 15/15 " in capsys.readouterr().err


def test_truncated_file_is_named_and_leaves_nothing(
    pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    data = (tmp_path / "photo.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="content must be an image file .*cut.png"):
        stylize_file(
            pipe, tmp_path / "cut.png", tmp_path / "photo.png", tmp_path / "out.png", tile_size=64
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.png", "photo.png"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"content": "none.png"}, FileNotFoundError, "content: no such file"),
        ({"content": "."}, IsADirectoryError, "content must be an image file, but .* is a folder"),
        ({"content": "text.png"}, ValueError, "content must be an image file that libvips can"),
        ({"output": "out.bmp"}, ValueError, "output of a large image must end in .*out.bmp"),
        ({"output": "none/out.png"}, FileNotFoundError, "output: no such folder"),
        ({"strength": "map.png"}, TypeError, "strength must be a number .* got str"),
        ({"strength": 1.5}, ValueError, "strength must lie in"),
        ({"color": "statistics"}, ValueError, "color of an image in strips must be 'style' or"),
        ({"tile_size": 90}, ValueError, "tile_size must be a multiple of 8"),
    ],
)
def test_wrong_arguments_are_named(
    pipe: StyleKernelPipeline,
    photo: Path,
    tmp_path: Path,
    change: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    options: dict[str, Any] = {"content": "photo.png", "output": "out.png"} | change
    paths = {name: tmp_path / options.pop(name) for name in ("content", "output")}
    with pytest.raises(error, match=message):
        stylize_file(pipe, paths["content"], photo, paths["output"], **options)
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_STRIP_PIXELS", 150 * 101 - 1), ("MAX_STRIP_WIDTH", 149)]
)
def test_bounds_are_of_its_own(
    photo: Path, limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strip_files, limit, value)
    with pytest.raises(ValueError, match=f"content must .*{value}.*, got 150x101"):
        StripFile(photo, name="content")


def test_limit_of_images_in_memory_does_not_apply_to_strips(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stylekernel_hf.pipelines.photos.MAX_PIXELS", 64 * 64)
    style = pipe.encode_style(Image.new("RGB", (64, 64), "teal"))
    with pytest.raises(ValueError, match="content must have at most 4096 pixels"):
        pipe(photo, style)
    stylize_file(pipe, photo, style, tmp_path / "out.png", tile_size=64)
    assert pixels(tmp_path / "out.png").shape == (101, 150, 3)


def test_missing_library_names_the_extra(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(ImportError, match=r"needs libvips: pip install 'stylekernel-hf\[large\]'"):
        file_stylization.stylize_file(pipe, photo, photo, tmp_path / "out.png")


@pytest.mark.parametrize("color", ["style", "luminance"])
@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("transparent", [False, True])
def test_two_passes_from_file_to_file_give_the_picture_of_the_call(
    pipe: StyleKernelPipeline,
    photo: Path,
    tmp_path: Path,
    color: Any,
    strength: float,
    transparent: bool,
) -> None:
    if transparent:
        save_rgba(photo, tmp_path / "alpha.png")
        photo = tmp_path / "alpha.png"
    style = save_picture(tmp_path / "style.png", seed=2)
    options: dict[str, Any] = {"strength": strength, "color": color, "stroke_scale": 4}
    stylize_file(pipe, photo, style, tmp_path / "strips.png", tile_size=64, **options)
    pipe(photo, style, **options).images[0].save(tmp_path / "call.png")
    mode = "RGBA" if transparent else "RGB"
    actual, expected = (pixels(tmp_path / f"{name}.png", mode) for name in ("strips", "call"))
    assert np.abs(actual - expected).max() <= 2
    assert np.abs(actual - expected).mean() < 0.2


def test_strokes_finer_than_the_file_allows_are_refused(
    pipe: StyleKernelPipeline, photo: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="^stroke_scale must be at least 1 for a picture"):
        stylize_file(pipe, photo, photo, tmp_path / "out.png", stroke_scale=0.5)
    assert not (tmp_path / "out.png").exists()
