"""Where the photos of a collection come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tiny import save_picture

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq

from stylekernel_hf.bulk.file_stages import ReadPhotos
from stylekernel_hf.bulk.photo_sources import open_source


def save_rows(path: Path, column: Any, *, rows_per_group: int = 2) -> Path:
    table = pa.table({"label": pa.array(range(len(column))), "image": column})
    pq.write_table(table, path, row_group_size=rows_per_group)
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[bytes]:
    (tmp_path / "made").mkdir()
    pictures = [save_picture(tmp_path / "made" / f"{seed}.png", seed=seed) for seed in range(5)]
    return [picture.read_bytes() for picture in pictures]


def test_photos_of_subfolders_are_listed_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.jpg", "sub/a.PNG", "a.webp"):
        (tmp_path / name).write_text(name)
    (tmp_path / "notes.txt").touch()
    for place in (str(tmp_path), tmp_path.as_uri()):
        photos = open_source(place)
        assert photos.names() == ["a.webp", "b.jpg", "sub/a.PNG"]
        assert photos.read("sub/a.PNG") == b"sub/a.PNG"


@pytest.mark.parametrize("kind", ["binary", "large_binary", "record"])
def test_rows_of_parquet_files_are_photos(tmp_path: Path, files: list[bytes], kind: str) -> None:
    (tmp_path / "rows" / "sub").mkdir(parents=True)
    if kind == "record":
        column: Any = pa.array([{"bytes": data, "path": "same.png"} for data in files])
    else:
        column = pa.array(files, pa.large_binary() if kind == "large_binary" else pa.binary())
    save_rows(tmp_path / "rows" / "train.parquet", column)
    save_rows(tmp_path / "rows" / "sub" / "more.parquet", column[3:])
    photos = open_source(str(tmp_path / "rows"), "image")
    train = [f"train.parquet/{row}" for row in range(5)]
    assert photos.names() == ["sub/more.parquet/0", "sub/more.parquet/1", *train]
    order = [4, 0, 3, 1, 2, 2]
    assert [photos.read(train[row]) for row in order] == [files[row] for row in order]
    assert photos.read("sub/more.parquet/1") == files[4]
    one = open_source((tmp_path / "rows" / "train.parquet").as_uri(), "image")
    assert one.names() == train and one.read(train[2]) == files[2]


def test_row_without_bytes_is_an_error_of_its_own(tmp_path: Path, files: list[bytes]) -> None:
    path = save_rows(tmp_path / "a.parquet", pa.array([files[0], None, files[1]]))
    rows = ReadPhotos(str(path), "image")({"photo": [f"a.parquet/{row}" for row in range(3)]})
    assert list(rows["bytes"]) == [files[0], b"", files[1]]
    assert list(rows["error"]) == [
        "",
        "row 1 of 'a.parquet' has no bytes in the column 'image'",
        "",
    ]


def test_places_without_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="source: no images in"):
        open_source(str(tmp_path)).names()
    with pytest.raises(FileNotFoundError, match="source: no such folder"):
        open_source(str(tmp_path / "nowhere")).names()
    with pytest.raises(FileNotFoundError, match="source: no such folder"):
        open_source(str(save_picture(tmp_path / "photo.png"))).names()
    with pytest.raises(ValueError, match="source must be a folder or an address that pyarrow know"):
        open_source("nothing://bucket/photos")


def test_parquet_without_photos_is_refused(tmp_path: Path, files: list[bytes]) -> None:
    def refuse(place: Path, column: str, error: type[Exception], message: str) -> None:
        with pytest.raises(error, match=message):
            open_source(str(place), column).names()

    rows = save_rows(tmp_path / "a.parquet", pa.array(files))
    refuse(tmp_path / "nowhere", "image", FileNotFoundError, "source: no such file or folder")
    refuse(tmp_path / "made", "image", FileNotFoundError, "source: no rows of Parquet files in")
    refuse(rows, "picture", ValueError, "image_column must be one of label, image, the columns of")
    refuse(rows, "label", ValueError, "image_column must hold bytes of image files, got int64")
    (tmp_path / "b.parquet").write_text("no Parquet at all")
    refuse(tmp_path / "b.parquet", "image", ValueError, "source: 'b.parquet' is no Parquet file")
