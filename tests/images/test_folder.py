"""Image files of a folder are listed, and others named in a warning."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PIL import Image

from stylekernel_hf.cli.jobs import find_images
from stylekernel_hf.images.folder import image_suffixes, list_images
from stylekernel_hf.images.loading import load_image

SUFFIXES = [
    *(".jpg", ".JPEG", ".jfif", ".jpe", ".jp2", ".j2k", ".tga", ".ppm", ".qoi", ".apng", ".bmp"),
    *(".mpo", ".dib", ".pcx", ".sgi", ".webp", ".tiff", ".gif", ".ico"),
]


def test_every_kind_of_picture_is_taken_and_can_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    kinds = {".jpg": "JPEG", ".jfif": "JPEG", ".jpe": "JPEG", ".jpeg": "JPEG"}
    for number, suffix in enumerate(SUFFIXES):
        path = tmp_path / f"{number:02}{suffix}"
        Image.new("RGB", (32, 32), "red").save(path, kinds.get(suffix.lower()))
    taken = list_images(tmp_path)
    assert [path.suffix for path in taken] == SUFFIXES
    assert all(load_image(path).size == (32, 32) for path in taken)
    assert caplog.records == []


def test_left_out_files_are_named_with_the_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    for name in ("b.heic", "c.NEF", "d.svg", "e.txt", ".hidden.heic"):
        (tmp_path / name).touch()
    (tmp_path / "f.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with caplog.at_level(logging.WARNING):
        assert find_images([tmp_path], name="content") == [tmp_path / "a.png"]
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(f"content: 5 of 6 files in '{tmp_path}' are left out: ")
    for words in (
        "b.heic (needs",
        "c.NEF (a camera's raw",
        "d.svg (no pixels)",
        "e.txt",
        "f.jpg (",
    ):
        assert words in said
    assert "hidden" not in said and "folder.jpg" not in said and "\n" not in said


def test_many_files_left_out_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    for number in range(40):
        (tmp_path / f"{number}.xmp").touch()
    list_images(tmp_path)
    assert "40 of 41 files" in caplog.text and "and 35 more" in caplog.text
    assert len(caplog.text) < 500


def test_folder_of_pictures_that_cannot_be_taken_says_why(tmp_path: Path):
    (tmp_path / "a.heic").touch()
    with pytest.raises(ValueError, match=r"^styles must hold images .*a\.heic \(needs a Pillow pl"):
        list_images(tmp_path, name="styles")


def test_formats_of_registered_plugins_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.init()
    monkeypatch.setitem(Image.EXTENSION, ".heic", "HEIF")
    monkeypatch.setitem(Image.OPEN, "HEIF", Image.OPEN["PNG"])
    (tmp_path / "a.HEIC").touch()
    assert list_images(tmp_path) == [tmp_path / "a.HEIC"]


def test_images_of_a_folder_are_listed_by_name(tmp_path: Path):
    for filename in ("b.JPG", "a.png", "c.webp", ".hidden.png", "notes.txt", "d"):
        (tmp_path / filename).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "inner.png").touch()
    assert list_images(str(tmp_path)) == [tmp_path / name for name in ("a.png", "b.JPG", "c.webp")]


def test_image_suffixes_are_those_of_pictures_that_pillow_opens():
    known = Image.registered_extensions()
    suffixes = image_suffixes()
    assert {".jpg", ".jpeg", ".jfif", ".jpe", ".mpo", ".png", ".webp", ".tif"} <= suffixes
    assert {".jp2", ".tga", ".bmp", ".gif", ".ppm", ".qoi"} <= suffixes
    assert not suffixes & {".eps", ".pdf", ".svg", ".txt", ".h5", ".mpg", ".dng"}
    assert all(known[suffix] in {*Image.OPEN, "MPO"} for suffix in suffixes)


def test_folder_without_images_is_an_error(tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(
        ValueError, match=r"^contents must hold images \(.*\.png.*among its 1 files"
    ):
        list_images(tmp_path, name="contents")
    with pytest.raises(NotADirectoryError, match="^folder must be a folder, but .* is a file"):
        list_images(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match="^folder: no such folder"):
        list_images(tmp_path / "missing")
