"""Photos and pictures on S3: a server on this machine that speaks it, through pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.forks import forked_command
from tests.tiny import save_picture

pytest.importorskip("pyarrow")
pytest.importorskip("moto", reason="the server speaks S3 by moto")


from stylekernel_hf.bulk.file_stages import ReadPhotos, WritePictures
from stylekernel_hf.bulk.photo_sources import open_source
from stylekernel_hf.bulk.places import shown_place
from stylekernel_hf.bulk.plan import keep_plan
from tests.bulk.s3_server import S3Server, s3_server
from tests.bulk.store_checks import (
    PLAN,
    plan_and_pictures_are_written,
    rows_of_parquet_are_photos,
)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


def test_photos_in_a_bucket_are_listed_and_read(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.jpg", "sub/a.PNG", "notes.txt"):
        s3.write(f"photos/listed/{name}", name.encode())
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    for place in ("s3://photos/listed", f"s3://key:secret@photos/listed/?{s3.query}"):
        photos = open_source(place)
        assert photos.names() == ["b.jpg", "sub/a.PNG"]
        assert photos.read("sub/a.PNG") == b"sub/a.PNG"
    rows = ReadPhotos("s3://photos/listed", None)({"photo": ["b.jpg", "gone.jpg"]})
    assert list(rows["bytes"]) == [b"b.jpg", b""]
    assert rows["error"][0] == "" and "gone.jpg" in rows["error"][1]


def test_rows_of_parquet_in_a_bucket_are_photos(s3: S3Server) -> None:
    rows_of_parquet_are_photos(s3)


def test_plan_and_pictures_are_written_into_a_bucket(s3: S3Server) -> None:
    names = plan_and_pictures_are_written(s3)
    # No folder is an object of its own.
    assert s3.names("results/new/run") == [*(f"pictures/{name}" for name in names), "plan.parquet"]


def test_picture_that_the_bucket_refuses_is_a_row_with_its_error(s3: S3Server) -> None:
    batch = {
        "name": np.array(["a.png"], object),
        "result": np.array([b"one"], object),
        "error": np.array([""], object),
    }
    rows = WritePictures(f"s3://missing/run?{s3.query}", {})(batch)
    assert "bucket does not exist" in rows["error"][0]


def error_of(step: Any) -> str:
    with pytest.raises((OSError, ValueError)) as caught:
        step()
    message = str(caught.value)
    assert "\n" not in message and "secret" not in message
    return message


def test_places_that_cannot_be_opened_are_named_without_their_keys(s3: S3Server) -> None:
    missing, right = (f"s3://key:secret@{name}/x?{s3.query}" for name in ("missing", "photos"))
    assert error_of(open_source(missing).names).startswith(
        "source: no such folder: 's3://missing/x?"
    )
    assert error_of(lambda: keep_plan(missing, PLAN, {})).startswith("target 's3://missing/x?")
    assert "Bucket 'missing' not found" in error_of(lambda: keep_plan(missing, PLAN, {}))
    with s3.locked():
        for name, step in {
            "source": open_source(right).names,
            "source of rows": lambda: open_source(right, "image"),
            "target": lambda: keep_plan(right, PLAN, {}),
        }.items():
            message = error_of(step)
            assert message.startswith(f"{name.split()[0]} 's3://photos/x?")
            assert "ACCESS_DENIED" in message
    unknown = error_of(lambda: keep_plan("s3://key:secret@photos?color=red", PLAN, {}))
    assert unknown.startswith("target must be a folder or an address") and "'color'" in unknown


def test_command_refuses_a_bucket_that_does_not_exist(s3: S3Server, tmp_path: Path) -> None:
    s3.write("photos/one/a.png", b"never read")
    places = (f"s3://key:secret@photos/one?{s3.query}", f"s3://key:secret@missing/out?{s3.query}")
    painting = save_picture(tmp_path / "wave.png")
    with forked_command("bulk", places[0], "-s", painting, "-o", places[1]) as process:
        assert process.wait(600) == 1
        (line,) = process.errors().splitlines()
    assert line.startswith(f"stylekernel: error: target 's3://missing/out?{s3.query}' cannot be")
    assert "Bucket 'missing' not found" in line


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("s3://key:se%2Fcret@bucket/a?region=x", "s3://bucket/a?region=x"),
        ("local/a@b", "local/a@b"),
        ("s3://key:secret@[bucket", "s3://"),
    ],
)
def test_address_is_shown_without_its_keys(place: str, shown: str) -> None:
    assert shown_place(place) == shown
