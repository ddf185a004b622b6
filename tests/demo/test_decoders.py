"""Decoding in processes that can be ended."""

from __future__ import annotations

import io
import json
import struct
import sys
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from PIL import Image, ImageCms

from demo.decoder import FORMATS, SCANS, count_scans
from demo.decoders import Decoders, _Decoder
from demo.limits import Limits
from demo.messages import VisitorError
from demo.pictures import read_picture
from stylekernel_hf import load_image
from tests.demo.pictures import difference
from tests.demo.visitor import PATIENCE


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    decoders = Decoders()
    yield decoders
    decoders.close()


def children() -> set[psutil.Process]:
    """Return the decoders of this process."""
    processes = psutil.Process().children()
    return {each for each in processes if "demo.decoder" in each.cmdline()}


def load(decoders: Decoders, data: bytes, **limits: Any) -> Image.Image:
    return decoders.load(data, "Photo", Limits(**limits), lambda: None)


def encoded(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, image_format, **options)
    return data.getvalue()


def photo(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    picture = Image.radial_gradient("L").resize(size)
    return Image.merge("RGB", (picture, picture.rotate(180), picture.rotate(90))).convert(mode)


def segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def with_scans(count: int, side: int = 64) -> bytes:
    """Return a grey progressive JPEG of so many scans, all of them empty but the first."""
    blocks = (side // 8) ** 2
    one = bytes([1] + [0] * 15)
    data = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64)
    data += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    data += segment(0xC4, b"\0" + one + b"\0") + segment(0xC4, b"\x10" + one + b"\xe0")
    data += segment(0xDA, b"\1\1\0\0\0\0") + b"\0" * (blocks // 8)
    # End-of-band run of all blocks: symbol 0xE0 is one bit, and fourteen bits more follow.
    bits = "0" + format(blocks, "014b") if blocks >= 16384 else ""
    empty = segment(0xDA, b"\1\1\0\1\1\0") + int(bits + "1" * 1 or "1", 2).to_bytes(2, "big")
    return data + empty * (count - 1) + b"\xff\xd9"


def of_many_chunks(count: int) -> bytes:
    """Return a PNG that begins with so many empty chunks, which Pillow walks through in Python."""
    data = encoded(photo(), "PNG")
    empty = b"\0\0\0\0quIt" + struct.pack(">I", zlib.crc32(b"quIt"))
    return data[:33] + empty * count + data[33:]


@pytest.mark.parametrize("image_format", sorted(FORMATS))
def test_listed_format_is_decoded_as_the_package_does(
    decoders: Decoders, image_format: str
) -> None:
    data = encoded(photo(), image_format)
    result = load(decoders, data)
    assert result.mode == "RGB" and difference(result, load_image(data)) == 0


def test_transparency_turn_and_profile_are_kept(decoders: Decoders) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    data = encoded(photo("RGBA"), "PNG", exif=exif, icc_profile=profile)
    result = load(decoders, data)
    assert result.mode == "RGBA" and result.size == (40, 60)
    assert result.tobytes() == load_image(data).tobytes()


@pytest.mark.parametrize(
    "image_format",
    ["DDS", "TGA", "PPM", "PCX", "ICO", "ICNS", "SGI", "JPEG2000", "EPS", "QOI", "IM", "BLP"],
)
def test_other_format_is_no_picture(decoders: Decoders, image_format: str) -> None:
    data = encoded(photo("P" if image_format == "BLP" else "RGB"), image_format)
    with pytest.raises(VisitorError, match="is not a picture that can be read"):
        read_picture(data, "Photo", Limits())


def test_scans_of_a_jpeg_are_counted() -> None:
    """Libjpeg's own progressive pictures have ten scans in colour and six in grey."""
    assert count_scans(encoded(photo(), "JPEG")) == 1
    assert count_scans(encoded(photo(), "JPEG", progressive=True)) == 10
    assert count_scans(encoded(photo("L"), "JPEG", progressive=True)) == 6
    assert count_scans(encoded(photo(), "JPEG", restart_marker_blocks=1)) == 1
    assert count_scans(with_scans(50)) == 50


def test_scans_of_a_thumbnail_do_not_count() -> None:
    thumbnail = encoded(photo(), "JPEG", progressive=True)
    whole = encoded(photo(), "JPEG", progressive=True)
    with_thumbnail = whole[:2] + segment(0xE1, b"Exif\0\0" + thumbnail) + whole[2:]
    assert count_scans(with_thumbnail + thumbnail) == 10


@pytest.mark.parametrize("end", [1, 2, 3, 5, 30, 300])
def test_scans_of_what_is_no_jpeg_are_counted_too(end: int) -> None:
    assert count_scans(with_scans(9)[:end]) <= 9


def test_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(decoders: Decoders) -> None:
    with pytest.raises(VisitorError, match="Photo takes too long to read"):
        load(decoders, with_scans(SCANS + 1))
    # Millions of them are not even counted.
    with pytest.raises(VisitorError, match="Photo takes too long to read"):
        load(decoders, with_scans(1_000_000))


def test_slow_picture_is_given_up_and_the_next_one_is_read(decoders: Decoders) -> None:
    slow = of_many_chunks(1_000_000)
    for _ in range(3):
        with pytest.raises(VisitorError, match="Photo takes too long to read"):
            load(decoders, slow, decode_seconds=0.2)
    assert load(decoders, encoded(photo(), "PNG")).size == (60, 40)


def test_time_of_one_picture_does_not_count_for_the_next(decoders: Decoders) -> None:
    data = of_many_chunks(2000)
    for _ in range(60):
        load(decoders, data, decode_seconds=0.5)


def test_picture_that_needs_more_memory_is_refused(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(Image.new("RGB", (5000, 5000)), "PNG")
    monkeypatch.setattr("demo.decoders._MEMORY", 100 * 2**20)
    monkeypatch.setattr("demo.decoders._MEMORY_PER_PIXEL", 0)
    monkeypatch.setattr("demo.decoders._MEMORY_PER_PIXEL_SCALED", 0)
    with pytest.raises(VisitorError, match="Photo takes too much memory to read"):
        load(decoders, data)
    monkeypatch.undo()
    assert load(decoders, data).size == (5000, 5000)


def test_work_that_nobody_waits_for_is_ended() -> None:
    class GoneError(Exception): ...

    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise GoneError

    decoders, before = Decoders(), children()
    with pytest.raises(GoneError):
        decoders.load(of_many_chunks(1_500_000), "Photo", Limits(decode_seconds=60), check)
    assert children() <= before


def test_at_most_so_many_pictures_are_decoded_at_once() -> None:
    class GoneError(Exception): ...

    decoders, before = Decoders(count=1), children()

    def meanwhile() -> None:
        asked: list[int] = []

        def check() -> None:
            asked.append(1)
            if len(asked) == 3:
                raise GoneError

        with pytest.raises(GoneError):
            decoders.load(encoded(photo(), "PNG"), "Photo", Limits(), check)
        assert len(children() - before) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decoders.load(of_many_chunks(1_000_000), "Photo", Limits(decode_seconds=60), meanwhile)


def test_decoder_is_used_again_and_replaced_when_it_died() -> None:
    decoders, before = Decoders(), children()
    data = encoded(photo(), "PNG")
    load(decoders, data)
    (first,) = children() - before
    load(decoders, data)
    assert children() - before == {first}
    first.kill()
    first.wait(PATIENCE)
    assert load(decoders, data).size == (60, 40)
    (second,) = children() - before
    assert second != first
    decoders.close()
    assert children() <= before


@pytest.mark.parametrize(
    "answer",
    [
        {"mode": "RGB", "size": [100_000, 100_000], "of": [100_000, 100_000]},
        {"mode": "RGB", "size": [10, 10], "of": "x"},
        {"mode": "RGB", "size": [-1, -1], "of": [-1, -1]},
        {"mode": "F", "size": [10, 10], "of": [10, 10]},
        {"mode": "RGB", "size": "x"},
        {"mode": "RGB", "size": [10, 10], "of": [10, 10]},
        {"wrong": "x" * 100_000},
        {"wrong": 5},
        5,
    ],
)
def test_answer_of_a_decoder_is_not_believed(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    code = f"print({json.dumps(json.dumps(answer))}, flush=True)"
    monkeypatch.setattr("demo.decoders._COMMAND", [sys.executable, "-c", code])
    with pytest.raises(VisitorError, match="Photo takes too long"):
        Decoders().load(encoded(photo(), "PNG"), "Photo", Limits(), lambda: None)


def test_decoder_is_small_and_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "a secret")
    decoders, before = Decoders(), children()
    load(decoders, encoded(photo(), "PNG"))
    (decoder,) = children() - before
    assert "HF_TOKEN" not in decoder.environ()
    assert not [each.path for each in decoder.memory_maps() if "torch" in each.path]
    assert decoder.memory_info().rss < 150 * 2**20
    decoders.close()


def test_answer_that_comes_during_a_long_check_is_taken(
    decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large work pauses in its checks while small ones are done."""
    go_on, real = threading.Event(), _Decoder._talk

    def talk(decoder: _Decoder, *arguments: Any) -> Any:
        go_on.wait(PATIENCE)
        return real(decoder, *arguments)

    def check() -> None:
        go_on.set()
        for thread in threading.enumerate():
            if thread.name == "decoder":
                thread.join(PATIENCE)

    monkeypatch.setattr(_Decoder, "_talk", talk)
    monkeypatch.setattr("demo.decoders._PATIENCE", 0)
    data = encoded(photo(), "PNG")
    assert decoders.load(data, "Photo", Limits(), check).size == (60, 40)
