"""Damaged files of every format give an image, or a ValueError that names the file."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from stylekernel_hf import load_image
from stylekernel_hf.images.tensors import to_rgb_tensor
from tests.images import image_files as files

ROOT = Path(__file__).parents[2]
FORMATS = {
    "AVIF": ["RGB", "RGBA"],
    "BLP": ["P"],
    "BMP": ["RGB", "L", "P", "1"],
    "DDS": ["RGB", "RGBA", "L"],
    "GIF": ["RGB", "P", "1"],
    "ICNS": ["RGBA"],
    "ICO": ["RGBA", "P"],
    "IM": ["RGB", "P", "CMYK", "YCbCr"],
    "JPEG": ["RGB", "L", "CMYK"],
    "JPEG2000": ["RGB", "RGBA", "L"],
    "MPO": ["RGB"],
    "MSP": ["1"],
    "PCX": ["RGB", "P", "1"],
    "PNG": ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"],
    "PPM": ["RGB", "L", "1"],
    "QOI": ["RGB", "RGBA"],
    "SGI": ["RGB", "L"],
    "SPIDER": ["F"],
    "TGA": ["RGB", "RGBA", "L", "P"],
    "TIFF": ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "F", "I;16", "LAB"],
    "WEBP": ["RGB", "RGBA"],
    "XBM": ["1"],
}
# No file of 3,000 took more than 140,000.
MOST_CALLS = 1_000_000
COMPRESSIONS = ["tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd"]


def pictures() -> dict[str, Image.Image]:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    rgba = Image.fromarray(coarse).resize((57, 41))
    rgb = rgba.convert("RGB")
    grey = np.asarray(rgb.convert("L"))
    palette = rgb.quantize(16)
    palette.info["transparency"] = 3
    return {
        **{mode: rgb.convert(mode) for mode in ("RGB", "L", "1", "CMYK", "YCbCr", "LAB")},
        "RGBA": rgba,
        "LA": rgba.convert("LA"),
        "P": palette,
        "F": Image.fromarray((grey / 255).astype(np.float32)),
        "I;16": Image.fromarray(grey.astype(np.uint16) * 257),
    }


def corpus() -> list[bytes]:
    """Sound files of every format that Pillow writes here, with metadata where it has them."""
    Image.init()
    profile = files.matrix_profile(files.P3_TO_XYZ, 1.8)
    exif = b"Exif\0\0" + files.orientation_exif(6)
    found: list[bytes] = []
    for image_format, modes in FORMATS.items():
        if image_format not in Image.SAVE or (
            image_format == "AVIF" and not features.check("avif")
        ):
            continue
        variants: list[dict[str, object]] = [{}]
        if image_format in {"JPEG", "PNG", "WEBP"}:
            variants += [{"icc_profile": profile, "exif": exif}]
        if image_format == "JPEG":
            variants += [{"progressive": True}]
        if image_format == "WEBP":
            variants += [{"lossless": True}]
        if image_format == "TIFF":
            variants += [{"compression": each} for each in COMPRESSIONS]
        known = pictures()
        for mode in modes:
            for options in variants:
                buffer = io.BytesIO()
                known[mode].save(buffer, image_format, **options)
                found.append(buffer.getvalue())
    for compression, mode in (("jpeg", "RGB"), ("group3", "1"), ("group4", "1")):
        buffer = io.BytesIO()
        known[mode].save(buffer, "TIFF", compression=compression)
        found.append(buffer.getvalue())
    return found


def damaged(data: bytes, chance: random.Random) -> bytes:
    changed, place = bytearray(data), chance.randrange(len(data))
    kind = chance.randrange(6)
    if kind == 0:
        return data[: place + 1]
    if kind == 1:
        for _ in range(chance.choice((1, 2, 8))):
            changed[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 2:
        for _ in range(chance.choice((1, 3))):
            where = chance.randrange(min(len(data), 200))
            changed[where] = chance.choice((0, 1, 127, 128, 255))
    elif kind == 3:
        del changed[place : place + chance.randrange(1, 64)]
    elif kind == 4:
        other = chance.randrange(len(data))
        changed[place:place] = data[other : other + chance.randrange(1, 64)]
    else:
        end = min(place + chance.randrange(1, 40), len(data))
        changed[place:end] = bytes([chance.choice((0, 255))]) * (end - place)
    return bytes(changed) or b"x"


def read(data: bytes, path: Path, number: int) -> str:
    """What becomes of a damaged file."""
    path.write_bytes(data)
    try:
        with counted_calls() as calls:
            picture = load_image(path, name="content")
        assert picture.mode in {"RGB", "RGBA"} and min(picture.size) > 0
        if number % 8 == 0:
            to_rgb_tensor(path, name="content")
        outcome = "a picture"
    except ValueError as error:
        assert str(error).startswith("content must "), (number, error)
        assert "\n" not in str(error), number
        assert repr(str(path)) in str(error) or " must be in " in str(error), (number, error)
        outcome = "refused"
    assert calls[0] < MOST_CALLS, number
    return outcome


@contextmanager
def counted_calls() -> Generator[list[int]]:
    """Count the calls of functions, Python's and C's: no damage makes reading go on and on."""
    calls = [0]

    def count(*_: object) -> None:
        calls[0] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def read_many(numbers: range, path: Path) -> list[str]:
    known = corpus()
    outcomes: list[str] = []
    for number in numbers:
        chance = random.Random(number)
        data = damaged(known[number % len(known)], chance)
        if chance.random() < 0.3:
            data = damaged(data, chance)
        outcomes.append(read(data, path, number))
    return outcomes


def test_intact_files_of_the_corpus_are_read():
    for data in corpus():
        assert load_image(data).size in {(57, 41), (41, 57), (48, 34), (32, 23), (1024, 1024)}


def test_damaged_files_give_a_picture_or_an_error_that_names_them(tmp_path: Path):
    outcomes = read_many(range(400), tmp_path / "photo.bin")
    assert outcomes.count("refused") > 100 and outcomes.count("a picture") > 50


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource")
def test_thousands_of_damaged_files_take_bounded_time_and_memory(tmp_path: Path):
    code = f"""
import resource
from pathlib import Path
from tests.images.test_read_fuzz import read_many
outcomes = read_many(range(1000, 3000), Path({str(tmp_path / "photo.bin")!r}))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(outcomes.count("refused"), outcomes.count("a picture"), peak // 1024)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=1200
    )
    assert run.returncode == 0, run.stderr[-2000:]
    refused, taken, peak = map(int, run.stdout.split())
    assert refused > 500 and taken > 250
    assert peak < 1536
