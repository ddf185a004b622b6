"""Images that a format cannot hold are refused before the work; encoders decide what it holds."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf.images import formats
from stylekernel_hf.images.formats import MAX_SIDES, check_image_size, format_to_write
from stylekernel_hf.images.writing import save_image
from stylekernel_hf.large.file_stylization import stylize_file
from stylekernel_hf.large.strip_files import StripFile
from stylekernel_hf.large.strip_writing import encode_raw
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import save_picture, tiny_model

Image.init()
SUFFIXES = {image_format: suffix for suffix, image_format in Image.registered_extensions().items()}
WRITTEN = [
    image_format
    for image_format in sorted(SUFFIXES.keys() & Image.SAVE.keys())
    if image_format not in {"ICNS", "ICO", "PCX"}
]
UNBOUNDED = ["BMP", "DDS", "DIB", "IM", "JPEG2000", "PNG", "PPM", "QOI", "TIFF"]
STRIP_SUFFIXES = [".jpg", ".png", ".tif", ".webp"]


def holds(image_format: str, size: tuple[int, int]) -> bool:
    """Say whether Pillow writes a picture of this size, and reads what it wrote."""
    stream = io.BytesIO()
    try:
        Image.new("RGB", size, "teal").save(stream, image_format)
        if image_format != "PDF":  # Which is only written.
            with Image.open(stream) as image:
                image.load()
                return image.size == size
    except Exception:
        return False
    return True


def turned(side: int) -> list[tuple[int, int]]:
    return [(side, 1), (1, side)]


@pytest.mark.parametrize("image_format", MAX_SIDES)
def test_limits_are_those_of_the_encoders(image_format: str) -> None:
    longest = MAX_SIDES[image_format]
    path = Path(f"out{SUFFIXES[image_format]}")
    for size in turned(longest):
        assert holds(image_format, size)
        check_image_size(path, size, name="image")
    for size in turned(longest + 1):
        assert not holds(image_format, size)
        with pytest.raises(
            ValueError, match=f"image must be at most {longest} px .* {image_format} "
        ):
            check_image_size(path, size, name="image")


@pytest.mark.parametrize("image_format", UNBOUNDED)
def test_other_formats_hold_what_is_longer(image_format: str) -> None:
    for size in turned(150_001):
        assert holds(image_format, size)
        check_image_size(Path(f"out{SUFFIXES[image_format]}"), size, name="image")


@pytest.mark.parametrize("image_format", WRITTEN)
def test_formats_refused_are_those_that_hold_no_colours(image_format: str) -> None:
    picture = Image.effect_mandelbrot((5, 3), (-2, -2, 2, 2), 50).convert("RGB")
    path = Path(f"out{SUFFIXES[image_format]}")
    try:
        picture.save(io.BytesIO(), image_format)
    except (OSError, ValueError):
        with pytest.raises(ValueError, match="path must end in the suffix of an image format"):
            format_to_write(path, name="path")
    else:
        assert format_to_write(path, name="path") == image_format


@pytest.mark.parametrize(
    "name", ["x.pcx", "x.ico", "x.icns", "x.xbm", "x.h5", "x.psd", "x", ".png"]
)
def test_what_is_written_otherwise_or_not_at_all_is_refused_before_encoding(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=r"path must end in the suffix .*\.png.*, got"):
        save_image(Image.new("RGB", (5, 3)), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".webp", ".jpg", ".jpeg", ".gif", ".tga", ".avif"])
def test_too_large_image_names_the_limit_and_keeps_the_old_file(
    tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("old")
    image_format = format_to_write(output, name="path")
    longest = MAX_SIDES[image_format]
    with pytest.raises(
        ValueError, match=f"^image must be at most {longest} px .* for {image_format}"
    ):
        save_image(Image.new("RGB", (longest + 1, 2)), output)
    assert output.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", STRIP_SUFFIXES)
def test_limits_hold_in_strips_too(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("pyvips", reason="needs libvips")
    longest = MAX_SIDES.get(format_to_write(Path(f"x{suffix}"), name="path"), 99_999)
    for size in turned(longest):
        Image.new("RGB", size, "red").save(tmp_path / "in.png")
        content = StripFile(tmp_path / "in.png", name="content")
        encode_raw(io.BytesIO(bytes(3 * longest)), content, tmp_path / f"out{suffix}")
        with Image.open(tmp_path / f"out{suffix}") as image:
            assert image.size == size
            assert np.asarray(image.convert("RGB")).max() <= 2


@pytest.mark.parametrize(("suffix", "side"), [(".webp", 16_384), (".jpg", 65_501)])
def test_nothing_is_stylized_for_a_format_that_cannot_hold_it(
    tmp_path: Path, suffix: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyvips", reason="needs libvips")
    Image.new("RGB", (side, 16), "red").save(tmp_path / "wide.png")
    style: Any = save_picture(tmp_path / "style.png", seed=2)
    pipe = StyleKernelPipeline(tiny_model())
    monkeypatch.setattr(pipe, "encode_style", lambda *_, **__: pytest.fail("work was begun"))
    with pytest.raises(ValueError, match=f"content must be at most {side - 1} px .* {side}x16 px"):
        stylize_file(pipe, tmp_path / "wide.png", style, tmp_path / f"out{suffix}")


def test_formats_with_alpha_keep_it() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    for image_format in formats.ALPHA_FORMATS:
        stream = io.BytesIO()
        image.save(stream, image_format)
        with Image.open(stream) as read:
            assert read.convert("RGBA").getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("save", ["memory", "strips"])
@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("x" * 252 + ".png", ValueError, "must have names of at most 255 bytes, got 256"),
        ("none/x.png", FileNotFoundError, "no such folder"),
        ("folder.png", IsADirectoryError, "must be a file, but .*folder.png' is a folder"),
        ("pipe.png", ValueError, "is a device or a pipe"),
        ("file/x.png", OSError, "file"),
    ],
)
def test_path_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path,
    save: str,
    name: str,
    error: type[Exception],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe.png")
    photo = save_picture(tmp_path / "photo.png")
    before = sorted(tmp_path.rglob("*"))
    pipe = StyleKernelPipeline(tiny_model())
    monkeypatch.setattr(pipe, "encode_style", lambda *_, **__: pytest.fail("work was begun"))
    with pytest.raises(error, match=message):
        if save == "memory":
            save_image(Image.new("RGB", (9, 9)), tmp_path / name)
        else:
            pytest.importorskip("pyvips", reason="needs libvips")
            stylize_file(pipe, photo, photo, tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before
