"""Many photos, one zip."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from demo.catalog import painting_path
from demo.folder import FolderHandlers
from demo.messages import VisitorError
from demo.settings import read_settings
from demo.studio import Studio
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference
from tests.images.metadata_files import exif_block, save_jpeg
from tests.tiny import save_picture


@pytest.fixture
def handlers(studio: Studio) -> FolderHandlers:
    return FolderHandlers(studio)


def test_zip_holds_every_photo_painted(handlers: FolderHandlers, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    photos = [
        save_picture(tmp_path / "one.png", (48, 40), seed=1),
        save_picture(tmp_path / "two.jpg", (40, 48), seed=2),
        save_picture(tmp_path / "more" / "one.png", (48, 40), seed=3),
    ]
    told: list[float] = []
    archive, report = handlers.stylize_folder(
        [str(path) for path in photos],
        ["Mosaic"],
        strength=0.5,
        progress=lambda share, label: told.append(share),
    )
    assert report == "**3 of 3 photos painted.**"
    assert told == sorted(told) and told[-1] == pytest.approx(1)
    with zipfile.ZipFile(archive) as folder:
        assert folder.namelist() == ["one.png", "two.png", "one-2.png"]
        for photo, name in zip(photos, folder.namelist(), strict=True):
            result = Image.open(BytesIO(folder.read(name)))
            alone = tiny_pipeline()(photo, painting_path("Mosaic"), strength=0.5).images[0]
            assert difference(result, alone) == 0
            assert read_settings(result).strength == 0.5


def test_paintings_are_mixed_by_their_shares(handlers: FolderHandlers, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "photo.png")
    own = save_picture(tmp_path / "own.png", (200, 160), seed=5)
    styles = [painting_path("Mosaic"), painting_path("Cubist"), own]

    def painted(*shares: float) -> Image.Image:
        named = {f"weight_{number}": share for number, share in enumerate(shares, start=1)}
        archive, _ = handlers.stylize_folder(
            [str(photo)], ["Mosaic", "Cubist"], [str(own)], **named
        )
        with zipfile.ZipFile(archive) as folder:
            return Image.open(BytesIO(folder.read("photo.png")))

    result = painted(0.5, 0.0, 1.0)
    mixed = tiny_pipeline()(photo, styles, style_weights=[0.5, 0.0, 1.0]).images[0]
    assert difference(result, mixed) == 0
    assert read_settings(result).style_weights == (0.5, 0.0, 1.0)
    assert difference(result, painted()) > 0


def test_bad_file_is_reported_and_the_others_are_painted(
    handlers: FolderHandlers, tmp_path: Path
) -> None:
    (tmp_path / "[x](y).png").write_text("not a picture")
    good = save_picture(tmp_path / "good.png")
    archive, report = handlers.stylize_folder([str(tmp_path / "[x](y).png"), str(good)], ["Mosaic"])
    with zipfile.ZipFile(archive) as folder:
        assert folder.namelist() == ["good.png"]
    assert "**1 of 2 photos painted.**" in report
    assert r"\[x\]\(y\).png" in report and "not a picture" in report


def test_folder_of_bad_files_is_an_error(handlers: FolderHandlers, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("dear diary")
    with pytest.raises(VisitorError, match="None of the photos .* “notes.txt”"):
        handlers.stylize_folder([str(tmp_path / "notes.txt")], ["Mosaic"])


def test_too_many_photos_and_none_are_refused(handlers: FolderHandlers) -> None:
    with pytest.raises(VisitorError, match="At most 5 photos at once; these are 6"):
        handlers.stylize_folder(["x"] * 6, ["Mosaic"])
    with pytest.raises(VisitorError, match="Add some photos first"):
        handlers.stylize_folder(None, ["Mosaic"])


def test_pictures_tell_of_their_photos_but_not_where_they_were_taken(
    handlers: FolderHandlers, tmp_path: Path
) -> None:
    picture = Image.open(save_picture(tmp_path / "plain.png", (48, 40)))
    save_jpeg(picture, tmp_path / "photo.jpg", exif_block(orientation=1))
    archive, _ = handlers.stylize_folder([str(tmp_path / "photo.jpg")], ["Mosaic"])
    with zipfile.ZipFile(archive) as folder:
        data = folder.read("photo.png")
    exif = Image.open(BytesIO(data)).getexif()
    assert exif[ExifTags.Base.Model] == "EOS" and exif.get_ifd(ExifTags.IFD.GPSInfo) == {}
    assert b"Berlin" not in data and read_settings(Image.open(BytesIO(data))).width == 48
