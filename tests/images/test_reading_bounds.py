"""Small files with large claims need little memory."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import pipeline
from stylekernel_hf.images.bounds import MAX_UNREDUCED_PIXELS, Bounds
from stylekernel_hf.images.loading import load_image, read_image
from stylekernel_hf.images.masks import read_mask
from stylekernel_hf.styles.style_input import read_style_picture
from tests.images.image_files import png_bytes, tiff_bytes

ROOT = Path(__file__).parents[2]


def saved(picture: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def empty_png(width: int, height: int) -> bytes:
    return png_bytes(width, height, bits=8, color_type=2, rows=[])


def empty_gif(width: int, height: int) -> bytes:
    size = struct.pack("<HH", width, height)
    return b"GIF87a" + size + b"\x80\0\0" + bytes(6) + b",\0\0\0\0" + size + b"\0\x02\x01\x05\0;"


def empty_webp(width: int, height: int) -> bytes:
    """The header of a lossless one, and 20 bytes of nothing."""
    data = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(20)
    chunk = b"VP8L" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def overlapping_tags(count: int, size: int) -> bytes:
    """EXIF data whose tags all have the same bytes, all of them: count x size in memory."""
    entries = b"".join(struct.pack("<HHLL", 1000 + tag, 7, size, 8) for tag in range(count))
    table = struct.pack("<H", count) + entries + bytes(4)
    return (b"II*\0" + struct.pack("<L", 8) + table).ljust(size + 8, b"\0")


def jpeg_with_exif(exif: bytes) -> bytes:
    plain = saved(Image.new("RGB", (64, 64)), "JPEG")
    parts = [b"Exif\0\0" + exif[at : at + 65000] for at in range(0, len(exif), 65000)]
    segments = [b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts]
    return plain[:2] + b"".join(segments) + plain[2:]


# From the header


@pytest.mark.parametrize("data", [empty_png(10337, 8192), empty_gif(10337, 8192)])
def test_paintings_and_masks_are_bounded_by_their_headers(data: bytes):
    with pytest.raises(ValueError, match="^style must have at most 67108864 pixels, got 10337x81"):
        read_style_picture(data, "style", "a test", style_size=512)
    with pytest.raises(ValueError, match=r"^masks\[0\] must have at most 67108864 pixels"):
        read_mask(data, (600, 800), name="masks[0]")


def test_painting_that_keeps_its_size_is_bounded_by_what_is_encoded():
    with pytest.raises(ValueError, match="^style must have at most 33554432 pixels, got 8000x6000"):
        read_style_picture(empty_png(8000, 6000), "style", "a test", style_size=None)


def test_formats_that_are_decoded_in_several_copies_have_bounds_of_their_own():
    with pytest.raises(ValueError, match="^content must have at most 67108864 pixels, got 16383x4"):
        load_image(empty_webp(16383, 4200), name="content")


def test_mask_may_be_as_large_as_its_photo():
    with pytest.raises(ValueError, match="^mask must be an image file, but .* truncated"):
        read_mask(empty_png(10000, 9000), (9000, 10000), name="mask")


@pytest.mark.parametrize("argument", ["content", "style"])
def test_smallest_side_is_checked_before_decoding(argument: str):
    pipe = pipeline("style-kernel", device="cpu")
    inputs = {"content": Image.new("RGB", (20, 20)), "style": Image.new("RGB", (64, 64))}
    inputs[argument] = empty_png(4_000_000, 15)  # type: ignore[assignment]
    with pytest.raises(ValueError, match=f"^{argument} must be at least 16 px a side, got 4000000"):
        pipe(**inputs)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_overlapping_tags_of_exif_data_are_not_read(image_format: str):
    exif = overlapping_tags(4000, 60000)
    plain = Image.new("RGB", (64, 64), "red")
    if image_format == "JPEG":
        data = jpeg_with_exif(exif)
    elif image_format == "AVIF":
        known = b"II*\0" + struct.pack("<LHL", 8, 0, 0)  # Without a tag.
        data = saved(plain, "AVIF", exif=known.ljust(len(exif), b"x"))
        place = data.index(known)
        data = data[:place] + exif + data[place + len(exif) :]
    else:
        data = saved(plain, image_format, exif=exif)
    tracemalloc.start()
    try:
        assert load_image(data).size == (64, 64)
    except ValueError as error:
        assert "overlap" in str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 30_000_000  # Of 240 million.


def test_overlapping_tags_of_a_tiff_file_are_refused():
    page: dict[int, object] = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 279: 64}
    data = bytearray(
        tiff_bytes([page | {60000 + tag: bytes(5) for tag in range(100)}], bytes(10**5))
    )
    for tag in range(100):  # Each of them gets all of the bytes.
        at = 10 + 12 * (len(page) + tag)
        data[at : at + 12] = struct.pack("<HHLL", 60000 + tag, 7, 100_000, 8)
    with pytest.raises(ValueError, match="is damaged: its tags overlap"):
        load_image(bytes(data))


def test_progressive_jpeg_of_very_many_scans_is_refused():
    data = saved(Image.radial_gradient("L"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ValueError, match="it has more than 200 scans"):
        load_image(data[:-2] + data[last:-2] * 300 + data[-2:])
    assert load_image(data).size == (256, 256)


# Reduced while it is read


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF", "JPEG2000"])
def test_large_painting_is_reduced_to_what_is_scaled(image_format: str):
    ramp = Image.linear_gradient("L").resize((6400, 6400), Image.Resampling.BILINEAR)
    options = {"quality": 95} if image_format == "JPEG" else {}
    data = saved(ramp, image_format, **options)
    loaded = read_image(data, "style", Bounds(2**26, 16, needed_side=512))
    assert 2 * 512 <= loaded.width <= 1600 and loaded.width == loaded.height
    expected = np.asarray(ramp.resize(loaded.size, Image.Resampling.BOX)).astype(int)
    assert np.abs(np.asarray(loaded)[..., 0] - expected).max() <= 2


def test_hidden_colours_do_not_come_out_when_a_picture_is_reduced():
    size = math.isqrt(MAX_UNREDUCED_PIXELS) + 200
    alpha = Image.new("L", (size, size), 0)
    alpha.paste(255, (0, 0, size // 3, size))
    picture = Image.new("RGB", (size, size), (255, 0, 0))
    picture.paste((10, 200, 30), (0, 0, size // 3, size))
    picture.putalpha(alpha)
    loaded = read_image(picture, "style", Bounds(2**26, 16, needed_side=512))
    pixels = np.asarray(loaded)
    assert loaded.width < 2000
    assert (pixels[pixels[..., 3] > 0][:, :3] == (10, 200, 30)).all()


def test_pictures_of_usual_size_are_read_as_they_are():
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    data = saved(Image.fromarray(noise), "PNG")
    rgb = read_style_picture(data, "style", "a test", style_size=64)
    assert torch.equal((rgb[0].permute(1, 2, 0) * 255).round().byte(), torch.from_numpy(noise))


def test_image_is_never_reduced_below_the_needed_side():
    for width, height in ((14000, 14000), (40000, 900), (9000, 6000), (5800, 5800)):
        for needed in (64, 512, 3000, 4096):
            factor = Bounds(needed_side=needed).factor((width, height))
            assert factor == 1 or min(width, height) // factor >= needed


def test_bands_of_a_large_picture_fit_together():
    y, x = np.mgrid[:2500, :2200]
    stored = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    assert np.array_equal(np.asarray(load_image(saved(Image.fromarray(stored), "TIFF"))), stored)
    grey = Image.fromarray((x * 20 % 65536).astype(np.uint16))
    expected = ((x * 20 % 65536) + 128) // 257
    assert np.array_equal(np.asarray(load_image(saved(grey, "PNG")))[..., 0], expected)
    colors = Image.fromarray(stored).convert("P")
    expected = np.asarray(colors.convert("RGB"))
    assert np.array_equal(np.asarray(load_image(saved(colors, "GIF"))), expected)


# In memory


def _peak_of(code: str) -> int:
    """The most memory in MiB that code takes beyond what the imports take."""
    program = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30,) * 2)
import torch
from PIL import Image
Image.init()
from stylekernel_hf import load_image
from stylekernel_hf.images.masks import read_mask
from stylekernel_hf.styles.style_input import read_style_picture, scale_style_picture
def peak():
    return next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM"))
before = peak()
try:
    {code}
except ValueError as error:
    print(error, file=sys.stderr)
print((peak() - before) // 1024)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-1000:]
    return int(run.stdout)


AREA = (8192, 8191)
BOMBS = {
    "GIF": lambda: saved(Image.new("P", AREA), "GIF"),
    "PNG": lambda: saved(Image.new("RGBA", AREA), "PNG", compress_level=1),
    "TIFF": lambda: saved(Image.new("RGB", AREA), "TIFF", compression="tiff_lzw"),
    "WebP": lambda: saved(Image.new("RGB", AREA), "WEBP", lossless=True, method=0),
    "EXIF of a JPEG": lambda: jpeg_with_exif(overlapping_tags(60_000, 900_000)),
    "EXIF of a PNG": lambda: saved(
        Image.new("L", (64, 64)), "PNG", exif=overlapping_tags(60_000, 900_000)
    ),
    "tile": lambda: tiff_bytes(
        [
            {
                256: 64,
                257: 64,
                258: 8,
                259: 8,
                262: 1,
                277: 1,
                322: 40960,
                323: 38400,
                324: 400,
                325: 10**6,
            }
        ],
        bytes(300) + zlib.compress(bytes(10**8)),
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.slow
@pytest.mark.parametrize("kind", BOMBS)
def test_small_file_needs_little_memory(kind: str, tmp_path: Path):
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[kind]())
    assert path.stat().st_size < 3_000_000
    style = f"scale_style_picture(read_style_picture({str(path)!r}, 's', 'x', style_size=512), 512)"
    assert _peak_of(style) < 1200
    assert _peak_of(f"read_mask({str(path)!r}, (600, 800), name='mask')") < 1200
    assert _peak_of(f"load_image({str(path)!r})") < 1500


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_large_gif_as_a_painting_takes_little(tmp_path: Path):
    path = tmp_path / "painting.gif"
    Image.new("P", (8000, 8000)).save(path)
    code = f"scale_style_picture(read_style_picture({str(path)!r}, 's', 'x', style_size=512), 512)"
    assert _peak_of(code) < 300
