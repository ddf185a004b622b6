"""Painting without a page: each control does what the pipeline's option does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageColor

from demo.catalog import painting_path
from demo.handlers import StylizeHandlers
from demo.messages import AbandonedError, VisitorError
from demo.region import BRUSHES, color_masks
from demo.settings import read_settings
from demo.studio import Studio
from demo.watched import is_wanted
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference, layer, opened, pixels
from tests.images.metadata_files import CAPTION, TAKEN, exif_block, save_jpeg
from tests.tiny import save_picture

MOSAIC, CUBIST = painting_path("Mosaic"), painting_path("Cubist")


@pytest.fixture
def photo(tmp_path: Path) -> str:
    return str(save_picture(tmp_path / "photo.png", (96, 64)))


@pytest.fixture
def handlers(studio: Studio) -> StylizeHandlers:
    return StylizeHandlers(studio)


def full_size(handlers: StylizeHandlers, photo: str, **options: Any) -> Image.Image:
    return opened(handlers.full_size(photo, **{"paintings": ["Mosaic"], **options}))


def expected(photo: str, style: Any = MOSAIC, **options: Any) -> Image.Image:
    return tiny_pipeline()(photo, style, **options).images[0]


@pytest.mark.parametrize(
    ("chosen", "options"),
    [
        ({}, {}),
        ({"strength": 0.4}, {"strength": 0.4}),
        ({"stroke_scale": 0.5}, {"stroke_scale": 0.5}),
        ({"color": "luminance"}, {"color": "luminance"}),
        ({"color": "statistics"}, {"color": "statistics"}),
        ({"color": "transfer"}, {"color": "transfer"}),
    ],
)
def test_controls_are_the_options_of_the_pipeline(
    handlers: StylizeHandlers, photo: str, chosen: dict[str, Any], options: dict[str, Any]
) -> None:
    result = full_size(handlers, photo, **chosen)
    assert difference(result, expected(photo, **options)) == 0
    if chosen:
        assert difference(result, full_size(handlers, photo)) > 0


def test_paintings_are_mixed_by_their_shares(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    own = save_picture(tmp_path / "own.png", (600, 520), seed=5)
    result = full_size(
        handlers,
        photo,
        paintings=["Mosaic", "Cubist"],
        own_paintings=[str(own)],
        weight_1=0.5,
        weight_2=0.0,
        weight_3=1.0,
    )
    mixed = expected(photo, [MOSAIC, CUBIST, own], style_weights=[0.5, 0.0, 1.0])
    assert difference(result, mixed) == 0
    assert difference(result, expected(photo)) > 0


def test_only_the_painted_region_is_stylized(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    canvas = {"layers": [str(layer(tmp_path / "layer.png", (96, 64), (0, 0, 48, 64)))]}
    whole, before = pixels(full_size(handlers, photo)), pixels(photo)
    inside = pixels(full_size(handlers, photo, region="painted", canvas=canvas))
    outside = pixels(full_size(handlers, photo, region="unpainted", canvas=canvas))
    # The network looks beyond the border of a region; here what is farther away is compared.
    left, right = np.s_[:, :32], np.s_[:, 64:]
    assert np.abs(whole - before).mean() > 10
    np.testing.assert_allclose(inside[right], before[right], atol=1)
    np.testing.assert_allclose(inside[left], whole[left], atol=1)
    np.testing.assert_allclose(outside[left], before[left], atol=1)
    np.testing.assert_allclose(outside[right], whole[right], atol=1)


def test_first_painting_goes_where_painted_and_the_other_elsewhere(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    canvas = {"layers": [str(layer(tmp_path / "layer.png", (96, 64), (0, 0, 48, 64)))]}
    both = {"paintings": ["Mosaic", "Cubist"], "canvas": canvas, "region": "split"}
    result = full_size(handlers, photo, strength=0.9, **both)
    mosaic, cubist = (pixels(expected(photo, style, strength=0.9)) for style in (MOSAIC, CUBIST))
    left, right = np.s_[:, :32], np.s_[:, 64:]
    np.testing.assert_allclose(pixels(result)[left], mosaic[left], atol=1)
    np.testing.assert_allclose(pixels(result)[right], cubist[right], atol=1)
    assert difference(expected(photo), expected(photo, CUBIST)) > 1


def test_each_painting_goes_where_its_colour_is_and_the_photo_stays_elsewhere(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    drawn = Image.new("RGBA", (96, 64))
    for color, box in zip(BRUSHES, ((0, 0, 32, 64), (64, 0, 96, 64)), strict=False):
        drawn.paste((*ImageColor.getrgb(color)[:3], 140), box)
    drawn.save(tmp_path / "layer.png")
    canvas = {"layers": [str(tmp_path / "layer.png")]}
    result = full_size(
        handlers, photo, paintings=["Mosaic", "Cubist"], canvas=canvas, region="each"
    )
    masks = color_masks([drawn], 2)
    assert difference(result, expected(photo, [MOSAIC, CUBIST], masks=masks)) == 0
    mosaic, cubist = (pixels(expected(photo, style)) for style in (MOSAIC, CUBIST))
    np.testing.assert_allclose(pixels(result)[:, :20], mosaic[:, :20], atol=2)
    np.testing.assert_allclose(pixels(result)[:, 76:], cubist[:, 76:], atol=2)
    np.testing.assert_allclose(pixels(result)[:, 44:52], pixels(photo)[:, 44:52], atol=2)


def test_map_of_strengths_is_that_of_the_pipeline(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    fade = Image.linear_gradient("L").rotate(90)
    fade.save(tmp_path / "map.png")
    chosen = {"strength_map": str(tmp_path / "map.png")}
    result = full_size(handlers, photo, **chosen)
    assert difference(result, expected(photo, strength=fade)) == 0
    assert difference(result, full_size(handlers, photo)) > 1
    assert read_settings(result).strength_map == "map.png"
    half = full_size(handlers, photo, strength=0.5, **chosen)
    assert difference(half, expected(photo, strength=fade.point(lambda v: round(v / 2)))) == 0


def test_map_counts_within_a_region_as_well(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    canvas = {"layers": [str(layer(tmp_path / "layer.png", (96, 64), (0, 0, 48, 64)))]}
    Image.new("L", (5, 5), 102).save(tmp_path / "map.png")
    chosen = {"canvas": canvas, "strength_map": str(tmp_path / "map.png")}
    weak = expected(photo, strength=0.4)
    for region, unpainted in (("painted", photo), ("split", expected(photo, CUBIST, strength=0.4))):
        both = ["Mosaic", "Cubist"] if region == "split" else ["Mosaic"]
        result = pixels(full_size(handlers, photo, paintings=both, region=region, **chosen))
        np.testing.assert_allclose(result[:, :32], pixels(weak)[:, :32], atol=1)
        np.testing.assert_allclose(result[:, 64:], pixels(unpainted)[:, 64:], atol=1)


def test_settings_in_the_png_make_the_same_picture(handlers: StylizeHandlers, photo: str) -> None:
    png = full_size(handlers, photo, strength=0.7, stroke_scale=0.5, color="luminance")
    settings = read_settings(png)
    assert (settings.width, settings.height) == png.size == (96, 64)
    again = expected(
        photo,
        [painting_path(title) for title in settings.paintings],
        style_weights=settings.style_weights,
        strength=settings.strength,
        color=settings.color,
        stroke_scale=settings.stroke_scale,
    )
    assert difference(png, again) == 0


def test_jpeg_holds_the_same_picture_and_settings(handlers: StylizeHandlers, photo: str) -> None:
    png = full_size(handlers, photo, strength=0.5)
    jpeg = full_size(handlers, photo, strength=0.5, image_format="jpeg")
    assert jpeg.format == "JPEG" and difference(jpeg, png) < 3
    assert read_settings(jpeg) == read_settings(png)


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_file_that_nobody_waits_for_is_not_written(
    handlers: StylizeHandlers, photo: str, uploads: Path, image_format: str
) -> None:
    labels: list[str] = []
    token = is_wanted.set(lambda: "Writing the file" not in labels)
    before = set(uploads.iterdir())
    try:
        with pytest.raises(AbandonedError):
            handlers.full_size(
                photo,
                paintings=["Mosaic"],
                image_format=image_format,
                progress=lambda _, label: labels.append(label),
            )
    finally:
        is_wanted.reset(token)
    assert set(uploads.iterdir()) == before


def test_transparent_photo_is_white_in_jpeg(handlers: StylizeHandlers, tmp_path: Path) -> None:
    clear = Image.new("RGBA", (64, 64), (200, 20, 20, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 32, 64))
    clear.save(tmp_path / "clear.png")
    jpeg = full_size(handlers, str(tmp_path / "clear.png"), image_format="jpeg")
    assert pixels(jpeg)[:, :24].min() > 245 > pixels(jpeg)[:, 40:].min()


def test_preview_is_bounded_and_the_pair_of_one_size(
    handlers: StylizeHandlers, tmp_path: Path
) -> None:
    photo = str(save_picture(tmp_path / "wide.png", (1200, 300)))
    before, after = handlers.stylize(photo, ["Mosaic"], resolution=512)
    assert opened(before).size == opened(after).size == (512, 128)
    assert difference(before, after) > 1
    assert full_size(handlers, photo).size == (1200, 300)


def test_page_keeps_what_was_painted_for_as_long_as_it_is_used(
    handlers: StylizeHandlers, photo: str, tmp_path: Path
) -> None:
    painted = layer(tmp_path / "layer.png", (48, 32), (4, 4, 20, 20))
    order: dict[str, Any] = {"paintings": ["Mosaic"], "canvas": {"layers": [painted.read_bytes()]}}
    pair, kept = handlers.stylize_on_page(photo, region="painted", **order)
    assert kept is not None and difference(opened(kept), opened(painted)) == 0
    assert opened(kept).getchannel("A").getbbox() == (4, 4, 20, 20)
    again, _ = handlers.stylize_on_page(
        photo, paintings=["Mosaic"], region="painted", canvas={"layers": [kept]}
    )
    assert difference(pair[1], again[1]) == 0
    assert handlers.stylize_on_page(photo, **order)[1] is None, "the whole photo is stylized"


def test_download_looks_like_the_preview(handlers: StylizeHandlers, tmp_path: Path) -> None:
    """Its strokes are as wide, whatever the sizes of the two."""
    photo = str(save_picture(tmp_path / "large.png", (1280, 960)))
    chosen = {"paintings": ["Pop dots"], "stroke_scale": 1.5}
    _, preview = handlers.stylize(photo, resolution=512, **chosen)
    download = full_size(handlers, photo, **chosen).resize((512, 384), Image.Resampling.BOX)
    small = opened(photo).resize((512, 384), Image.Resampling.LANCZOS)
    for other in (0.75, 1.5):
        unlike = tiny_pipeline()(small, painting_path("Pop dots"), stroke_scale=other).images[0]
        assert difference(preview, download) < 0.8 * difference(unlike, download)


def test_result_is_named_after_what_it_is_of(handlers: StylizeHandlers, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "My cat; rm -rf.png", (32, 32))
    path = Path(handlers.full_size(str(photo), ["Ink wash"]))
    assert path.name == "my-cat--rm--rf_ink-wash.png"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"paintings": []}, "Choose a painting"),
        ({"paintings": ["Mona Lisa"]}, "Paintings must be among Window"),
        ({"paintings": ["Mosaic"] * 5}, "at most 4 paintings; these are 5"),
        ({"strength": 1.5}, "Strength must be a number from 0 to 1; got 1.5"),
        ({"strength": None}, "Strength must be a number"),
        ({"stroke_scale": 5}, "Stroke width must be a number from 0.5 to 4; got 5"),
        ({"color": "sepia"}, "Colours must be one of style"),
        ({"image_format": "bmp"}, "File format must be one of jpeg, png"),
        ({"region": "somewhere"}, "Region must be one of everywhere"),
        ({"region": "painted"}, "Paint on the photo"),
        ({"region": "each"}, "Paint on the photo"),
        ({"region": "split"}, "Choose a second painting"),
        (
            {"paintings": ["Mosaic", "Cubist"], "weight_1": 0, "weight_2": 0},
            "at least one painting a weight above 0",
        ),
        ({"weight_1": float("nan")}, "Weights must be a number"),
        ({"region": "painted", "canvas": {"layers": ["x"] * 5}}, "at most 4 layers"),
        ({"model": "/etc"}, "Model must be"),
    ],
)
def test_wrong_choice_is_named(
    handlers: StylizeHandlers, photo: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(VisitorError, match=told):
        full_size(handlers, photo, **options)


def test_single_painting_is_used_whatever_share_a_mixture_left(
    handlers: StylizeHandlers, photo: str
) -> None:
    left = full_size(handlers, photo, weight_1=0)
    assert difference(left, full_size(handlers, photo)) == 0


def test_missing_photo_and_odd_resolution_are_named(handlers: StylizeHandlers, photo: str) -> None:
    with pytest.raises(VisitorError, match="Choose or drop a photo first"):
        handlers.full_size(None, ["Mosaic"])
    with pytest.raises(VisitorError, match="Resolution must be one of 512"):
        handlers.stylize(photo, ["Mosaic"], resolution=100_000)


def test_download_tells_of_the_photo_but_not_where_it_was_taken(
    handlers: StylizeHandlers, tmp_path: Path
) -> None:
    picture = Image.open(save_picture(tmp_path / "plain.png", (96, 64)))
    save_jpeg(picture, tmp_path / "photo.jpg", exif_block())
    path = Path(handlers.full_size(str(tmp_path / "photo.jpg"), ["Mosaic"]))
    with Image.open(path) as image:
        exif = image.getexif()
        assert image.size == (64, 96) and exif[ExifTags.Base.Orientation] == 1
        assert exif[ExifTags.Base.Model] == "EOS"
        taken = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal]
        assert taken == TAKEN[:-1].decode()
        assert CAPTION.encode() in image.info["xmp"]
        assert exif.get_ifd(ExifTags.IFD.GPSInfo) == {}
        assert read_settings(image).paintings == ("Mosaic",)
    found = [
        word for word in (b"Berlin", b"52,30N", b"13,24E", b"52.5") if word in path.read_bytes()
    ]
    assert found == []


def test_pictures_of_the_screen_tell_nothing_of_the_photo(
    handlers: StylizeHandlers, tmp_path: Path
) -> None:
    picture = Image.open(save_picture(tmp_path / "plain.png", (96, 64)))
    save_jpeg(picture, tmp_path / "photo.jpg", exif_block())
    for path in handlers.stylize(str(tmp_path / "photo.jpg"), ["Mosaic"]):
        assert b"EOS" not in Path(path).read_bytes()
