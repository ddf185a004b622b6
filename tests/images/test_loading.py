"""Image files read as upright 8-bit sRGB pictures, and what is refused."""

import colorsys
import io
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylekernel_hf.images import loading
from stylekernel_hf.images.loading import load_image
from tests.images import image_files as files
from tests.images.image_files import encoded, noise, pixels

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"


# What is loaded


@pytest.mark.parametrize("form", ["str", "path", "bytes", "pil"])
def test_every_kind_of_source_gives_the_pixels_of_the_file(tmp_path: Path, form: str):
    stored = noise(5, 7)
    path = tmp_path / "photo.png"
    rows = [row.tobytes() for row in stored]
    path.write_bytes(files.png_bytes(7, 5, bits=8, color_type=2, rows=rows))
    source = {
        "str": str(path),
        "path": path,
        "bytes": path.read_bytes(),
        "pil": Image.fromarray(stored),
    }[form]

    image = load_image(source)

    assert image.mode == "RGB"
    assert np.array_equal(pixels(image), stored)


def test_one_pixel_image_is_loaded():
    image = load_image(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"))
    assert (image.size, image.getpixel((0, 0))) == ((1, 1), (1, 2, 3))


def test_files_are_closed_after_success_and_failure(tmp_path: Path, monkeypatch):
    opened = []

    def recording_open(*args, **kwargs):
        opened.append(real_open(*args, **kwargs))
        return opened[-1]

    good, bad = tmp_path / "good.gif", tmp_path / "bad.gif"
    frames = [Image.new("L", (4, 4), shade) for shade in (10, 200)]
    good.write_bytes(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    bad.write_bytes(good.read_bytes()[:30])
    real_open = open
    monkeypatch.setattr("builtins.open", recording_open)

    image = load_image(good)
    with pytest.raises(ValueError, match="Pillow can read"):
        load_image(bad)

    assert len(opened) == 2
    assert all(stream.closed for stream in opened)
    assert image.getpixel((0, 0)) == (10, 10, 10)


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_first_of_several_frames_is_loaded(image_format: str):
    frames = [Image.new("RGB", (4, 4), color) for color in ("#ff0000", "#0000ff")]
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    assert load_image(data).convert("RGB").getpixel((2, 2)) == (255, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_gone(orientation: int):
    stored = noise(2, 3)
    rows = [row.tobytes() for row in stored]
    exif = files.orientation_exif(orientation)
    data = files.png_bytes(3, 2, bits=8, color_type=2, rows=rows, chunks=((b"eXIf", exif),))

    image = load_image(data)

    upright = files.UPRIGHT_BY_ORIENTATION[orientation](stored)
    assert np.array_equal(pixels(image), upright)
    assert dict(image.getexif()) == {} and image.info == {}
    assert np.array_equal(pixels(load_image(image)), upright)


@pytest.mark.parametrize("image_format", ["JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("opened_by_caller", [False, True])
def test_orientation_of_other_formats_is_applied_once(image_format: str, opened_by_caller: bool):
    left_to_right = Image.new("RGB", (16, 8), "black")
    left_to_right.paste("white", (8, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(left_to_right, image_format, exif=exif)

    image = load_image(Image.open(io.BytesIO(data)) if opened_by_caller else data)

    assert image.size == (8, 16)
    assert image.getpixel((4, 2)) == pytest.approx((0, 0, 0), abs=8)
    assert image.getpixel((4, 13)) == pytest.approx((255, 255, 255), abs=8)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("exif", [b"II*\0\x08\0\0\0\x05\0\x12\x01", b"garbage", b"MM"])
def test_damaged_exif_data_neither_fail_nor_warn(image_format: str, exif: bytes):
    if image_format == "PNG":
        chunk = (b"eXIf", exif)
        data = files.png_bytes(3, 1, bits=8, color_type=0, rows=[bytes(3)], chunks=(chunk,))
    else:
        data = encoded(Image.new("RGB", (3, 1)), "JPEG", exif=b"Exif\0\0" + exif)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert load_image(data).size == (3, 1)
    assert caught == []


def test_image_given_is_not_modified():
    stored = Image.new("P", (2, 2), 1)
    stored.putpalette([0, 0, 0, 10, 20, 30])
    stored.info["transparency"] = bytes([255, 40])
    stored.info["icc_profile"] = files.matrix_profile(files.P3_TO_XYZ, 2.2)
    plain = Image.new("RGB", (2, 2), "red")

    def state() -> list[object]:
        palette = (stored.palette.tobytes(), stored.getpalette("RGBA"))
        return [stored.tobytes(), palette, dict(stored.info), stored.mode, plain.tobytes()]

    before = state()
    load_image(stored).putpixel((0, 0), (9, 9, 9, 9))
    load_image(plain).putpixel((0, 0), (9, 9, 9))
    assert state() == before


# Modes


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "mode I", "mode I;16B"])
def test_16_bit_grey_is_scaled_not_clipped(image_format: str):
    values = np.array([[0, 128, 129, 256, 257, 32767, 40000, 65278, 65407, 65535]], np.uint16)
    if image_format == "PNG":
        rows = [values.astype(">u2").tobytes()]
        source = files.png_bytes(10, 1, bits=16, color_type=0, rows=rows)
    elif image_format == "TIFF":
        source = encoded(Image.frombytes("I;16", (10, 1), values.astype("<u2").tobytes()), "TIFF")
    elif image_format == "mode I":
        source = Image.frombytes("I", (10, 1), values.astype(np.int32).tobytes())
    else:
        source = Image.frombytes("I;16B", (10, 1), values.astype(">u2").tobytes())

    expected = [round(int(value) / 257) for value in values[0]]
    assert pixels(load_image(source))[0, :, 0].tolist() == expected


def test_integer_pixels_beyond_16_bits_are_an_error():
    image = Image.frombytes("I", (2, 1), np.array([[-1, 70000]], np.int32).tobytes())
    with pytest.raises(ValueError, match=r"^style must be in 0 to 65535 .* got -1 to 70000"):
        load_image(image, name="style")


def test_float_pixels_are_scaled_by_255():
    values = np.array([[0, 0.25, 0.5, 1]], np.float32)
    data = encoded(Image.fromarray(values), "TIFF")
    assert pixels(load_image(data))[0, :, 1].tolist() == [0, 64, 128, 255]


@pytest.mark.parametrize("wrong", [1.5, -0.1, np.nan])
def test_float_pixels_outside_0_to_1_are_an_error(wrong: float):
    image = Image.fromarray(np.array([[0, wrong]], np.float32))
    with pytest.raises(ValueError, match=r"^content must be in \[0, 1\]"):
        load_image(image, name="content")


def test_bilevel_and_grey_images_become_rgb():
    bilevel = files.png_bytes(8, 1, bits=1, color_type=0, rows=[bytes([0b10110000])])
    grey = files.png_bytes(3, 1, bits=8, color_type=0, rows=[bytes([0, 77, 255])])
    assert pixels(load_image(bilevel))[0, :5].tolist() == [
        [value] * 3 for value in (255, 0, 255, 255, 0)
    ]
    assert pixels(load_image(grey))[0].tolist() == [[value] * 3 for value in (0, 77, 255)]


def test_palette_image_without_transparency_becomes_rgb():
    palette = (b"PLTE", bytes([1, 2, 3, 200, 100, 50]))
    data = files.png_bytes(2, 1, bits=8, color_type=3, rows=[b"\1\0"], chunks=(palette,))
    image = load_image(data)
    assert image.mode == "RGB"
    assert pixels(image)[0].tolist() == [[200, 100, 50], [1, 2, 3]]


TRANSPARENT_PNGS = {
    "palette": (
        {"bits": 8, "color_type": 3, "rows": [b"\1\0"]},
        [(b"PLTE", bytes([1, 2, 3, 200, 100, 50])), (b"tRNS", bytes([255, 40]))],
        [[200, 100, 50, 40], [1, 2, 3, 255]],
    ),
    "grey with tRNS": (
        {"bits": 8, "color_type": 0, "rows": [bytes([7, 9])]},
        [(b"tRNS", struct.pack(">H", 9))],
        [[7, 7, 7, 255], [9, 9, 9, 0]],
    ),
    "16-bit grey with tRNS": (
        {"bits": 16, "color_type": 0, "rows": [struct.pack(">HH", 514, 515)]},
        [(b"tRNS", struct.pack(">H", 515))],
        [[2, 2, 2, 255], [2, 2, 2, 0]],
    ),
    "bilevel with tRNS": (
        {"bits": 1, "color_type": 0, "rows": [bytes([0b10000000])]},
        [(b"tRNS", struct.pack(">H", 0))],
        [[255, 255, 255, 255], [0, 0, 0, 0]],
    ),
    "rgb with tRNS": (
        {"bits": 8, "color_type": 2, "rows": [bytes([1, 2, 3, 4, 5, 6])]},
        [(b"tRNS", struct.pack(">HHH", 4, 5, 6))],
        [[1, 2, 3, 255], [4, 5, 6, 0]],
    ),
    "grey and alpha": (
        {"bits": 8, "color_type": 4, "rows": [bytes([90, 10, 91, 255])]},
        [],
        [[90, 90, 90, 10], [91, 91, 91, 255]],
    ),
    "rgba": (
        {"bits": 8, "color_type": 6, "rows": [bytes([1, 2, 3, 0, 4, 5, 6, 7])]},
        [],
        [[1, 2, 3, 0], [4, 5, 6, 7]],
    ),
}


@pytest.mark.parametrize("kind", TRANSPARENT_PNGS)
def test_transparency_of_a_file_becomes_alpha(kind: str):
    options, chunks, expected = TRANSPARENT_PNGS[kind]
    image = load_image(files.png_bytes(2, 1, **options, chunks=tuple(chunks)))
    assert image.mode == "RGBA"
    assert pixels(image)[0].tolist() == expected


def test_transparency_of_pil_modes_becomes_alpha():
    palette = Image.new("PA", (1, 1))
    palette.putpalette([10, 20, 30])
    palette.putpixel((0, 0), (0, 128))
    premultiplied = Image.frombytes("RGBa", (1, 1), bytes([50, 25, 0, 128]))
    grey = Image.frombytes("La", (1, 1), bytes([64, 128]))
    assert load_image(palette).getpixel((0, 0)) == (10, 20, 30, 128)
    assert load_image(premultiplied).getpixel((0, 0)) == pytest.approx((100, 50, 0, 128), abs=1)
    assert load_image(grey).getpixel((0, 0)) == pytest.approx((128, 128, 128, 128), abs=1)


def test_cmyk_jpeg_without_profile_is_converted_plainly():
    inks = np.array([0, 255, 128, 51], np.uint8)
    data = encoded(Image.fromarray(np.tile(inks, (16, 16, 1)), "CMYK"), "JPEG", quality=100)
    image = load_image(data)
    expected = (255 - inks[:3].astype(float)) * (255 - 51) / 255
    assert image.mode == "RGB"
    assert image.getpixel((8, 8)) == pytest.approx(tuple(expected), abs=3)


def test_ycbcr_lab_and_hsv_are_converted():
    y, cb, cr = 120, 90, 180
    expected = [y + 1.402 * (cr - 128), 0, y + 1.772 * (cb - 128)]
    expected[1] = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    ycbcr = Image.new("YCbCr", (1, 1), (y, cb, cr))
    assert load_image(ycbcr).getpixel((0, 0)) == pytest.approx(expected, abs=1)

    hsv = Image.new("HSV", (1, 1), (40, 200, 150))
    expected = [255 * value for value in colorsys.hsv_to_rgb(40 / 255, 200 / 255, 150 / 255)]
    assert load_image(hsv).getpixel((0, 0)) == pytest.approx(expected, abs=2)

    color = np.array([180, 81, 172]) / 255
    lightness, a, b = files.srgb_to_lab(color)
    lab = Image.new("LAB", (1, 1), (round(lightness * 2.55), round(a + 128), round(b + 128)))
    assert load_image(lab).getpixel((0, 0)) == pytest.approx((180, 81, 172), abs=3)


# Colour profiles


@pytest.mark.parametrize("with_alpha", [False, True])
def test_rgb_profile_is_converted_to_srgb(with_alpha: bool):
    stored = noise(16, 16, 4 if with_alpha else 3)
    profile = files.matrix_profile(files.P3_TO_XYZ, 1.8)
    data = encoded(Image.fromarray(stored), "PNG", icc_profile=profile)

    loaded = pixels(load_image(data))

    linear = (stored[..., :3] / 255) ** (round(1.8 * 256) / 256)
    to_srgb = np.linalg.inv(files.SRGB_TO_XYZ) @ files.P3_TO_XYZ
    expected = 255 * files.srgb_encode(linear @ to_srgb.T)
    assert np.abs(loaded[..., :3] - expected).max() < 2
    assert np.abs(stored[..., :3] - expected).max() > 20
    assert np.array_equal(loaded[..., 3:], stored[..., 3:])


def test_grey_profile_is_converted_to_srgb():
    ramp = np.arange(256, dtype=np.uint8)[None]
    data = encoded(Image.fromarray(ramp), "PNG", icc_profile=files.grey_profile(1.0))
    expected = 255 * files.srgb_encode(ramp[0] / 255)
    assert np.abs(pixels(load_image(data))[0, :, 0] - expected).max() < 1.5


def test_cmyk_jpeg_is_converted_through_its_profile():
    # Inks that differ from the plain conversion: each lets some of its colour through. Black is
    # black, so that black point compensation has nothing to do.
    def printed(inks: tuple[int, ...]) -> npt.NDArray[np.float64]:
        *colors, black = inks
        return (1 - 0.6 * np.array(colors)) * (1 - black)

    profile = files.cmyk_profile(lambda inks: files.srgb_to_lab(printed(inks)))
    for inks in [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1)]:
        picture = Image.new("CMYK", (16, 16), tuple(255 * ink for ink in inks))
        data = encoded(picture, "JPEG", quality=100, icc_profile=profile)
        color = load_image(data).getpixel((8, 8))
        assert color == pytest.approx(tuple(255 * printed(inks)), abs=3), inks


def test_grey_image_with_an_rgb_profile_is_converted():
    profile = files.matrix_profile(files.SRGB_TO_XYZ, 1.0)
    data = encoded(Image.new("L", (1, 1), 100), "PNG", icc_profile=profile)
    expected = 255 * files.srgb_encode(np.array(100 / 255))
    assert load_image(data).getpixel((0, 0)) == pytest.approx([expected] * 3, abs=1)


@pytest.mark.parametrize(
    "profile",
    [b"no profile", files.matrix_profile(files.P3_TO_XYZ, 1.8)[:200], files.grey_profile(1.0)],
    ids=["garbage", "truncated", "of another colour space"],
)
def test_unusable_profile_is_left_out_with_a_log_record(profile: bytes, caplog):
    stored = noise(4, 4)
    image = load_image(encoded(Image.fromarray(stored), "PNG", icc_profile=profile), name="style")
    assert np.array_equal(pixels(image), stored)
    (record,) = caplog.records
    assert record.levelname == "WARNING" and record.name == "stylekernel_hf.images.normalization"
    assert record.getMessage().startswith("style: the ICC profile cannot be used")


# Errors


def test_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"^content: no such file: 'nowhere/x\.jpg'$"):
        load_image("nowhere/x.jpg", name="content")


def test_folder_is_no_image(tmp_path: Path):
    with pytest.raises(IsADirectoryError, match="^style must be an image file, but .* folder$"):
        load_image(tmp_path, name="style")


@pytest.mark.parametrize("wrong", [None, 3, io.BytesIO(b""), ["x.jpg"]])
def test_wrong_type_of_source_is_a_type_error(wrong: object):
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"^content must be a path, bytes .* got {kind}$"):
        load_image(wrong, name="content")  # type: ignore[arg-type]


def test_path_that_the_system_refuses_is_an_error_with_the_argument_name():
    with pytest.raises(OSError, match="^content: cannot open"):
        load_image("x" * 5000, name="content")
    with pytest.raises(ValueError, match="^content must be the path of a file"):
        load_image("x\0y", name="content")


@pytest.mark.parametrize("content", [b"", b"Just some text, long enough for a header."])
def test_file_that_is_no_image_is_a_value_error(tmp_path: Path, content: bytes):
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    reason = "not one that Pillow can read" if content else "empty"
    with pytest.raises(
        ValueError, match=rf"^style must be an image file, but '.*x\.jpg' .*{reason}"
    ):
        load_image(path, name="style")


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_truncated_file_is_a_value_error(tmp_path: Path, image_format: str):
    path = tmp_path / "x.jpg"
    data = encoded(Image.fromarray(noise(64, 64)), image_format)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"^content must be an image file, but '.*x\.jpg' is"):
        load_image(path, name="content")


def test_text_chunk_bomb_is_a_value_error():
    bomb = (b"zTXt", b"note\0\0" + zlib.compress(bytes(8_000_000)))
    data = files.png_bytes(1, 1, bits=8, color_type=0, rows=[b"\0"], chunks=(bomb,))
    with pytest.raises(ValueError, match="^content must be an image file.*too large"):
        load_image(data, name="content")


def test_postscript_is_refused():
    data = encoded(Image.new("RGB", (2, 2)), "EPS")
    with pytest.raises(ValueError, match="^content must be an image of pixels"):
        load_image(data, name="content")


def test_empty_image_is_a_value_error():
    with pytest.raises(ValueError, match="^content must not be empty, got 0x5 px$"):
        load_image(Image.new("RGB", (0, 5)), name="content")


def test_decompression_bomb_is_refused_from_its_header(tmp_path: Path):
    path = tmp_path / "bomb.png"
    path.write_bytes(files.png_bytes(60000, 60000, bits=8, color_type=2, rows=[]))
    with pytest.raises(ValueError, match="^style must have at most 200000000 pixels, got 60000x"):
        load_image(path, name="style")


def test_max_pixels_is_inclusive():
    image = Image.new("RGB", (4, 5))
    assert load_image(image, max_pixels=20).size == (4, 5)
    with pytest.raises(ValueError, match="at most 19 pixels, got 4x5"):
        load_image(image, max_pixels=19)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_pillows_size_warning_is_silenced(image_format: str, monkeypatch):
    data = encoded(Image.new("RGB", (4, 4)), image_format)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data))
    assert load_image(data).size == (4, 4)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_max_pixels_replaces_pillows_limit(monkeypatch):
    data = encoded(Image.new("RGB", (5, 5)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
    assert load_image(data).size == (5, 5)


def test_threads_leave_the_warning_filters_as_they_were(monkeypatch):
    data = encoded(Image.new("RGB", (4, 4)), "TIFF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    before = list(warnings.filters)
    failures: list[Exception] = []

    def load_many() -> None:
        try:
            for _ in range(50):
                load_image(data)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=load_many) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failures == []
    assert list(warnings.filters) == before


def test_import_loads_neither_torch_nor_numpy():
    code = "import sys, stylekernel_hf.images.loading; print({'torch', 'numpy'} & set(sys.modules))"
    root = Path(loading.__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (run.stdout.strip(), run.stderr) == ("set()", "")
