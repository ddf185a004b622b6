"""Damaged TIFF files never show memory that libtiff left unwritten."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf.images.loading import load_image
from stylekernel_hf.large.strip_files import StripFile
from tests.images.image_files import Data, tiff_bytes

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 333, 200


def page(compression: int, photometric: int, samples: int, **_: int) -> dict[int, object]:
    bits = 1 if photometric < 2 and compression in (2, 3, 4) else 8
    return {
        256: WIDTH,
        257: HEIGHT,
        258: (bits,) * samples if samples > 1 else bits,
        259: compression,
        262: photometric,
        277: samples,
    }


def strips(parts: list[bytes], rows: int) -> tuple[dict[int, object], bytes]:
    starts = np.cumsum([0, *map(len, parts[:-1])])
    tags: dict[int, object] = {
        273: tuple(Data(start) for start in starts),
        278: rows,
        279: tuple(map(len, parts)),
    }
    if len(parts) == 1:
        tags |= {273: Data(0), 279: len(parts[0])}
    return tags, b"".join(parts)


def tiles(parts: list[bytes], width: int, height: int) -> tuple[dict[int, object], bytes]:
    tags, data = strips(parts, 0)
    return {322: width, 323: height, 324: tags[273], 325: tags[279]}, data


def jpeg(width: int, height: int, mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (height, width, len(mode)), np.uint8)
    Image.fromarray(noise.squeeze()).save(buffer, "JPEG", subsampling=0)
    return buffer.getvalue()


def bilevel(height: int = HEIGHT) -> Image.Image:
    noise = np.random.default_rng(height).random((height, WIDTH)) > 0.6
    return Image.fromarray(noise).convert("1")


def group4(picture: Image.Image) -> bytes:
    """The fax data of a picture, with their end-of-block code."""
    buffer = io.BytesIO()
    picture.save(buffer, "TIFF", compression="group4", tiffinfo={278: picture.height})
    with Image.open(buffer) as file:
        (start,), (size,) = file.tag_v2[273], file.tag_v2[279]
    return buffer.getvalue()[start : start + size]


def reversed_bits(data: bytes) -> bytes:
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)


def jpeg_file(parts: list[bytes], rows: int, photometric: int = 1, samples: int = 1) -> bytes:
    tags, data = strips(parts, rows)
    return tiff_bytes([page(7, photometric, samples) | tags], data)


def fax_file(parts: list[bytes], rows: int, **more: int) -> bytes:
    tags, data = strips(parts, rows)
    extra = {int(tag.removeprefix("tag")): value for tag, value in more.items()}
    return tiff_bytes([page(4, 1, 1) | tags | extra], data)


def cut(data: bytes, share: float = 0.6) -> bytes:
    return data[: int(len(data) * share)]


END_OF_BLOCK = bytes.fromhex("001001")
TILED = tiles([jpeg(256, 256)] * 2, 256, 256)
DAMAGED = {
    "JPEG narrower than its strip": jpeg_file([jpeg(40, HEIGHT)], HEIGHT),
    "JPEG lower than its strip": jpeg_file([jpeg(WIDTH, 24)], HEIGHT),
    "second JPEG strip narrower": jpeg_file([jpeg(WIDTH, 100), jpeg(64, 100)], 100),
    "colour JPEG narrower": jpeg_file([jpeg(80, HEIGHT, "RGB")], HEIGHT, 2, 3),
    "JPEG tile narrower": tiff_bytes(
        [page(7, 1, 1) | tiles([jpeg(256, 256), jpeg(16, 256)], 256, 256)[0]],
        tiles([jpeg(256, 256), jpeg(16, 256)], 256, 256)[1],
    ),
    "JPEG strip without a frame": jpeg_file([b"\xff\xd8\xff\xd9"], HEIGHT),
    "fax strip cut": fax_file([cut(group4(bilevel()))], HEIGHT),
    "fax strip that ends early": fax_file([cut(group4(bilevel())) + END_OF_BLOCK], HEIGHT),
    "fax of fewer rows": fax_file([group4(bilevel(20))], HEIGHT),
    "second fax strip cut": fax_file([group4(bilevel(100)), cut(group4(bilevel(100)))], 100),
    "fax of bits reversed, cut": fax_file(
        [reversed_bits(cut(group4(bilevel())))], HEIGHT, tag266=2
    ),
    "offsets twice": fax_file([group4(bilevel())], HEIGHT).replace(
        b"\x15\x01\x04\0", b"\x11\x01\x04\0"
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("opened_by_caller", [False, True])
def test_parts_that_end_early_are_refused(kind: str, opened_by_caller: bool):
    source = Image.open(io.BytesIO(DAMAGED[kind])) if opened_by_caller else DAMAGED[kind]
    with pytest.raises(ValueError, match="^content must be an image file, but .* is .*damaged"):
        load_image(source, name="content")


@pytest.mark.parametrize("kind", DAMAGED)
def test_parts_that_end_early_are_not_stylized_in_strips(kind: str, tmp_path: Path):
    path = tmp_path / "damaged.tif"
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(ValueError, match=r"^content must be .*damaged\.tif' is .*damaged"):
        StripFile(path, name="content")


@pytest.mark.parametrize("rows", [HEIGHT, 64, 7])
@pytest.mark.parametrize("fill_order", [1, 2])
def test_whole_fax_files_are_read(rows: int, fill_order: int):
    picture = bilevel()
    boxes = [(0, top, WIDTH, min(top + rows, HEIGHT)) for top in range(0, HEIGHT, rows)]
    # Photometric 1: a black bit of the code is a black pixel only in the other one.
    parts = [group4(picture.crop(box)) for box in boxes]
    parts = [reversed_bits(part) for part in parts] if fill_order == 2 else parts
    loaded = load_image(fax_file(parts, rows, tag262=1, tag266=fill_order))
    stored = Image.open(io.BytesIO(fax_file(parts, rows, tag266=fill_order))).convert("RGB")
    assert loaded.tobytes() == stored.tobytes()
    assert len(set(loaded.convert("L").tobytes())) == 2


def test_whole_jpeg_strips_and_tiles_are_read():
    heights = [64, 64, 64, 8]
    striped = load_image(jpeg_file([jpeg(WIDTH, height) for height in heights], 64))
    expected = load_image(jpeg(WIDTH, 64))
    assert striped.crop((0, 64, WIDTH, 128)).tobytes() == expected.tobytes()
    tags, data = TILED
    tiled = load_image(tiff_bytes([page(7, 1, 1) | tags], data))
    expected = load_image(jpeg(256, 256)).crop((0, 0, WIDTH - 256, HEIGHT))
    assert tiled.crop((256, 0, WIDTH, HEIGHT)).tobytes() == expected.tobytes()


def test_tile_far_larger_than_the_picture_is_refused():
    tags, data = tiles([b"x"], 40960, 38400)
    with pytest.raises(ValueError, match="damaged: its tiles have 1572864000 pixels each"):
        load_image(tiff_bytes([page(8, 1, 1) | tags], data))


def of_every_compression() -> list[bytes]:
    """Whole files, in colour and grey, in one strip and in several."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    picture, files = Image.fromarray(noise), list[bytes]()

    def save(mode: str, compression: str, **options: Any) -> None:
        buffer = io.BytesIO()
        picture.convert(mode).save(buffer, "TIFF", compression=compression, **options)
        files.append(buffer.getvalue())

    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"):
        for mode in ("RGB", "L"):
            save(mode, compression)
            save(mode, compression, tiffinfo={278: 16})
    for compression in ("tiff_ccitt", "group3", "group4"):
        save("1", compression)
    return files


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's MALLOC_PERTURB_")
def test_damaged_files_of_every_compression_never_show_what_was_in_memory(tmp_path: Path):
    random, damaged = np.random.default_rng(1), list[bytes]()
    for file in (*DAMAGED.values(), *of_every_compression()):
        for _ in range(8):
            data = bytearray(file)
            data[random.integers(8, len(data))] = random.integers(256)
            damaged.append(bytes(data))
    # What reads them imports no torch.
    code = """
import hashlib, pickle, sys
from stylekernel_hf import load_image
with open(sys.argv[1], "rb") as file:
    damaged = pickle.load(file)
for data in damaged:
    try:
        print(hashlib.sha1(load_image(data).tobytes()).hexdigest())
    except ValueError:
        print("refused")
"""
    (tmp_path / "damaged").write_bytes(pickle.dumps(damaged))
    outputs: list[str] = []
    for fill in ("17", "238"):
        # glibc fills what it gives out with the complement of this byte.
        environment = {**os.environ, "MALLOC_PERTURB_": fill}
        run = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "damaged")],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr[-2000:]
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0].split()) == len(damaged)
    assert len(set(outputs[0].split())) > 20
