"""Settings go into the PNG, and come out of it."""

from __future__ import annotations

import io

import pytest
from PIL import Image, PngImagePlugin

from demo.settings import CHUNK, Settings, jpeg_comment, png_chunks, read_settings

SETTINGS = Settings(
    paintings=("Mosaic", "große Welle.jpg"),
    style_weights=(0.25, 1.0),
    strength=0.8,
    color="luminance",
    stroke_scale=1.5,
    region="painted",
    width=20,
    height=30,
    model="small (built in)",
)


def test_settings_survive_the_png() -> None:
    data = io.BytesIO()
    Image.new("RGB", (20, 30)).save(data, "PNG", pnginfo=png_chunks(SETTINGS))
    png = Image.open(data)
    assert read_settings(png) == SETTINGS
    assert png.text["Software"].startswith("stylekernel_hf ")  # type: ignore[attr-defined]


def test_settings_survive_the_jpeg() -> None:
    data = io.BytesIO()
    Image.new("RGB", (20, 30)).save(data, "JPEG", comment=jpeg_comment(SETTINGS))
    assert read_settings(Image.open(data)) == SETTINGS


def test_picture_without_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="must hold settings named 'stylekernel'"):
        read_settings(Image.new("RGB", (20, 30)))


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "null", '{"paintings": 1}', '{"paintings": [], "style_weights": [], "a": 1}'],
)
def test_settings_of_another_kind_are_refused(text: str) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(CHUNK, text)
    data = io.BytesIO()
    Image.new("RGB", (20, 30)).save(data, "PNG", pnginfo=chunks)
    with pytest.raises(ValueError, match="must hold settings of this version"):
        read_settings(Image.open(data))
