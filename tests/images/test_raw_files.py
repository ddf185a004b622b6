"""Files that hold a larger image than the one that Pillow and libvips read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from PIL import Image

from stylekernel_hf import pipeline, stylize_file
from stylekernel_hf.images.loading import count_pixels, load_image
from stylekernel_hf.large.strip_files import StripFile
from tests.images.image_files import Data, tiff_bytes

RAW, LINEAR_RAW = 32803, 34892


def picture(width: int, height: int, shade: int = 0, **more: object) -> dict[int, object]:
    """An uncompressed grey page, of which every pixel is the byte of `shade` in the data."""
    extra = {int(tag.removeprefix("tag")): value for tag, value in more.items()}
    return {
        256: width,
        257: height,
        258: 8,
        259: 1,
        262: 1,
        273: Data(shade * 100_000),
        277: 1,
        278: height,
        279: width * height,
    } | extra


DATA = b"".join(bytes([shade]) * 100_000 for shade in (10, 20, 30))
PREVIEW = {"tag254": 1}
RAW_FILES = {
    "DNG": [
        picture(64, 42, **PREVIEW, tag50706=b"\1\4\0\0", tag330=[picture(300, 200, tag262=RAW)])
    ],
    "NEF": [
        picture(
            64, 42, **PREVIEW, tag330=[picture(160, 100, **PREVIEW), picture(300, 200, tag262=RAW)]
        )
    ],
    "ARW": [picture(64, 42, tag330=[picture(300, 200, tag262=RAW)])],
    "linear": [picture(64, 42, tag330=[picture(300, 200, tag262=LINEAR_RAW, tag277=3)])],
    "of the preview's size": [picture(64, 42, **PREVIEW, tag330=[picture(64, 42, tag262=RAW)])],
    "nested": [picture(64, 42, tag330=[picture(80, 50, tag330=[picture(300, 200, tag262=RAW)])])],
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", RAW_FILES)
def test_raw_files_are_refused_by_name(kind: str, order: str, tmp_path: Path):
    path = tmp_path / "photo.dng"
    path.write_bytes(tiff_bytes(RAW_FILES[kind], DATA, order=order))
    for read in (load_image, count_pixels, StripFile):
        with pytest.raises(ValueError, match=r"^content must be a finished .*photo\.dng' is a cam"):
            read(path, name="content")
    with Image.open(path) as opened, pytest.raises(ValueError, match="^content must be a finished"):
        load_image(opened, name="content")


def test_canon_raw_files_are_known_by_their_head():
    with pytest.raises(ValueError, match="is a camera's raw file, of which a preview at most"):
        load_image(tiff_bytes([picture(64, 42)], DATA, magic=b"CR\2\0\0\0\0\0"))


def test_larger_image_that_cannot_be_read_is_an_error_with_both_sizes():
    data = tiff_bytes([picture(64, 42, tag330=[picture(300, 200)])], DATA)
    with pytest.raises(ValueError, match="holds one of 300x200 px, .* a preview of 64x42 px"):
        load_image(data)


@pytest.mark.parametrize("mark", [{"tag254": 1}, {"tag255": 2}])
@pytest.mark.parametrize("order", ["<", ">"])
def test_page_behind_previews_is_read(tmp_path: Path, mark: dict[str, object], order: str):
    pages = [picture(30, 20, 0, **mark), picture(300, 200, 1), picture(60, 40, 2, **mark)]
    path = tmp_path / "pyramid.tif"
    path.write_bytes(tiff_bytes(pages, DATA, order=order))
    loaded = load_image(path)
    assert (loaded.size, loaded.getpixel((150, 100))) == ((300, 200), (20, 20, 20))
    assert count_pixels(path) == 300 * 200
    file = StripFile(path, name="content")
    assert (file.width, file.height) == (300, 200)
    assert (file.rows().read(200) == 20).all()


def test_smaller_pictures_beside_the_first_change_nothing(caplog: pytest.LogCaptureFixture):
    pages = [
        picture(300, 200, 1, tag330=[picture(150, 100, **PREVIEW)]),
        picture(30, 20, **PREVIEW),
    ]
    with caplog.at_level(logging.WARNING):
        loaded = load_image(tiff_bytes(pages, DATA))
    assert (loaded.size, loaded.getpixel((0, 0))) == ((300, 200), (20, 20, 20))
    assert caplog.records == []


def test_larger_page_that_is_not_read_is_logged(caplog: pytest.LogCaptureFixture):
    data = tiff_bytes([picture(30, 20, 1), picture(300, 200, 2)], DATA)
    with caplog.at_level(logging.WARNING):
        assert load_image(data, name="content").size == (30, 20)
    assert "content" in caplog.text and "30x20" in caplog.text and "300x200" in caplog.text


def test_directories_that_go_round_in_circles_end():
    data = bytearray(tiff_bytes([picture(30, 20)], DATA))
    end = 8 + 2 + 12 * 9
    data[end : end + 4] = (8).to_bytes(4, "little")
    assert load_image(bytes(data)).size == (30, 20)
    itself = tiff_bytes([picture(30, 20, tag330=8)], DATA)
    assert load_image(itself).size == (30, 20)


def test_raw_files_are_not_stylized_in_strips(tmp_path: Path):
    path = tmp_path / "photo.dng"
    path.write_bytes(tiff_bytes(RAW_FILES["DNG"], DATA))
    pipe = pipeline("style-kernel", device="cpu")
    style = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="^content must be a finished picture"):
        stylize_file(pipe, path, style, tmp_path / "out.png", style_size=64)
    assert [file.name for file in tmp_path.iterdir()] == ["photo.dng"]


def test_photo_cd_is_read_in_part_with_a_warning(caplog: pytest.LogCaptureFixture):
    data = bytearray(2048 * 1000)
    data[2048:2052] = b"PCD_"
    with caplog.at_level(logging.WARNING):
        assert load_image(bytes(data), name="content").size == (768, 512)
    assert "content" in caplog.text and "768x512" in caplog.text
