"""Images written in every format, whole or not at all."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylekernel_hf.images.loading import load_image
from stylekernel_hf.images.writing import save_image
from tests.images.image_files import noise, pixels

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".tif", ".tiff", ".bmp", ".ppm"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str):
    stored = noise(9, 5)
    save_image(Image.fromarray(stored), tmp_path / f"x{suffix}")
    with Image.open(tmp_path / f"x{suffix}") as written:
        assert np.array_equal(pixels(written), stored)
    assert np.array_equal(pixels(load_image(tmp_path / f"x{suffix}")), stored)


@pytest.mark.parametrize(
    ("suffix", "image_format"), [(".jpg", "JPEG"), (".jpeg", "JPEG"), (".webp", "WEBP")]
)
def test_suffix_chooses_the_format_and_quality_its_size(
    tmp_path: Path, suffix: str, image_format: str
):
    picture = Image.fromarray(noise(64, 64))
    save_image(picture, str(tmp_path / f"good{suffix}"))
    save_image(picture, str(tmp_path / f"poor{suffix}"), quality=20)
    with Image.open(tmp_path / f"good{suffix}") as written:
        assert (written.format, written.size) == (image_format, (64, 64))
    sizes = [(tmp_path / f"{name}{suffix}").stat().st_size for name in ("good", "poor")]
    assert sizes[0] > 1.5 * sizes[1]


def test_png_of_a_painting_is_as_small_as_pillows_own(tmp_path: Path):
    painting = Image.open(EXAMPLES / "gallery.jpg").convert("RGB").crop((0, 0, 400, 300))
    save_image(painting, tmp_path / "actual.png")
    painting.save(tmp_path / "expected.png")
    actual, expected = (
        (tmp_path / f"{name}.png").stat().st_size for name in ("actual", "expected")
    )
    assert actual < 1.1 * expected


def test_jpeg_keeps_the_full_colour_resolution(tmp_path: Path):
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    save_image(Image.fromarray(stripes), tmp_path / "x.jpg")
    assert np.abs(pixels(load_image(tmp_path / "x.jpg")) - stripes).max() < 40


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_srgb_profile_is_embedded_without_todays_date(tmp_path: Path, suffix: str):
    save_image(Image.new("RGB", (4, 4)), tmp_path / f"x{suffix}")
    with Image.open(tmp_path / f"x{suffix}") as written:
        data = written.info["icc_profile"]
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data)).profile
    assert "sRGB" in profile.profile_description
    assert struct.unpack(">6H", data[24:36]) == (2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tga"])
def test_alpha_is_kept_where_the_format_has_it(tmp_path: Path, suffix: str):
    stored = noise(4, 4, 4)
    save_image(Image.fromarray(stored), tmp_path / f"x{suffix}")
    assert np.array_equal(pixels(load_image(tmp_path / f"x{suffix}")), stored)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".ppm"])
def test_alpha_is_laid_over_white_elsewhere(tmp_path: Path, suffix: str):
    save_image(Image.new("RGBA", (16, 16), (200, 100, 0, 51)), tmp_path / f"x{suffix}")
    expected = [0.2 * value + 0.8 * 255 for value in (200, 100, 0)]
    image = load_image(tmp_path / f"x{suffix}")
    assert image.getpixel((8, 8)) == pytest.approx(expected, abs=2)


def test_other_modes_are_saved_as_rgb(tmp_path: Path):
    save_image(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as written:
        assert (written.mode, written.getpixel((0, 0))) == ("RGB", (255, 0, 0))


@pytest.mark.parametrize("filename", ["x.foo", "x", "x.ico", "x.psd", ".png"])
def test_suffix_that_cannot_be_written_is_a_value_error(tmp_path: Path, filename: str):
    with pytest.raises(ValueError, match=r"^path must end in the suffix .*\.png.* got"):
        save_image(Image.new("RGB", (2, 2)), tmp_path / filename)
    assert list(tmp_path.iterdir()) == []


def test_missing_parent_folder_is_not_created(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="^path: no such folder: .*missing"):
        save_image(Image.new("RGB", (2, 2)), tmp_path / "missing" / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_folder_is_not_replaced_by_an_image(tmp_path: Path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(IsADirectoryError, match="^path must be a file"):
        save_image(Image.new("RGB", (2, 2)), tmp_path / "x.png")


def test_existing_file_is_replaced_only_if_allowed(tmp_path: Path):
    path = tmp_path / "x.png"
    save_image(Image.new("RGB", (2, 2), "red"), path)
    with pytest.raises(FileExistsError, match="^path: .*exists already"):
        save_image(Image.new("RGB", (2, 2), "blue"), path, overwrite=False)
    assert load_image(path).getpixel((0, 0)) == (255, 0, 0)
    save_image(Image.new("RGB", (2, 2), "blue"), path)
    assert load_image(path).getpixel((0, 0)) == (0, 0, 255)
    save_image(Image.new("RGB", (2, 2)), tmp_path / "y.png", overwrite=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.png", "y.png"]


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_out_of_range_is_a_value_error(tmp_path: Path, quality: int):
    with pytest.raises(ValueError, match=f"^quality must be from 1 to 100, got {quality}"):
        save_image(Image.new("RGB", (2, 2)), tmp_path / "x.jpg", quality=quality)


def test_saving_another_type_is_a_type_error(tmp_path: Path):
    with pytest.raises(TypeError, match="^image must be a PIL image, got ndarray"):
        save_image(noise(2, 2), tmp_path / "x.png")  # type: ignore[arg-type]


@pytest.mark.parametrize("failing", ["encoding", "writing", "renaming"])
def test_failed_save_leaves_the_old_file_and_no_other(tmp_path: Path, failing: str, monkeypatch):
    path = tmp_path / "x.jpg"
    path.write_bytes(b"the old file")
    picture = Image.new("RGB", (2, 2))
    if failing == "encoding":
        picture = Image.new("RGB", (70000, 1))  # JPEG ends at 65500.
        expected = pytest.raises(ValueError, match="^image must be .* JPEG .* got 70000x1 px")
    elif failing == "writing":

        def write_half(self: Path, data: bytes) -> int:
            with open(self, "wb") as stream:
                stream.write(data[: len(data) // 2])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", write_half)
        expected = pytest.raises(OSError, match="No space left")
    else:

        def refuse(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", refuse)
        expected = pytest.raises(KeyboardInterrupt)

    with expected:
        save_image(picture, path)

    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["x.jpg"]
    assert path.read_bytes() == b"the old file"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_saved_file_has_the_usual_permissions(tmp_path: Path):
    (tmp_path / "usual").touch()
    save_image(Image.new("RGB", (2, 2)), tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_mode == (tmp_path / "usual").stat().st_mode
