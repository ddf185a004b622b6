"""Photos and pictures on Google Cloud Storage: a server that speaks it, through pyarrow."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylekernel_hf import StyleKernelPipeline
from tests.tiny import save_picture, vivid_model

pytest.importorskip("pyarrow")
pytest.importorskip("gcp_storage_emulator", reason="the server is gcp-storage-emulator")

import pyarrow.parquet as pq

from stylekernel_hf.bulk.file_stages import ReadPhotos
from stylekernel_hf.bulk.photo_sources import open_source
from stylekernel_hf.bulk.plan import keep_plan
from tests.bulk.gcs_server import gcs_server
from tests.bulk.object_store import ObjectStore
from tests.bulk.store_checks import (
    PLAN,
    plan_and_pictures_are_written,
    rows_of_parquet_are_photos,
)


@pytest.fixture(scope="module")
def gcs() -> Iterator[ObjectStore]:
    with gcs_server() as server:
        yield server


def test_photos_in_a_bucket_are_listed_and_read(gcs: ObjectStore) -> None:
    for name in ("b.jpg", "sub/a.PNG", "notes.txt"):
        gcs.write(f"photos/listed/{name}", name.encode())
    photos = open_source(gcs.address("photos/listed"))
    assert photos.names() == ["b.jpg", "sub/a.PNG"]
    assert photos.read("sub/a.PNG") == b"sub/a.PNG"
    rows = ReadPhotos(gcs.address("photos/listed"), None)({"photo": ["b.jpg", "gone.jpg"]})
    assert list(rows["bytes"]) == [b"b.jpg", b""]
    assert rows["error"][0] == "" and "NOT_FOUND" in rows["error"][1]


def test_rows_of_parquet_in_a_bucket_are_photos(gcs: ObjectStore) -> None:
    rows_of_parquet_are_photos(gcs)


def test_plan_and_pictures_are_written_into_a_bucket(gcs: ObjectStore) -> None:
    names = plan_and_pictures_are_written(gcs)
    # No unfinished file stays.
    files = [name for name in gcs.names("results/new/run") if not name.endswith("/")]
    assert {*files} >= {*(f"pictures/{name}" for name in names), "plan.parquet"}
    assert not any(".part" in name for name in files)


def test_missing_bucket_is_named(gcs: ObjectStore) -> None:
    missing = gcs.address("missing/run")
    with pytest.raises(OSError, match="source: no such folder: 'gs://missing/run"):
        open_source(missing).names()
    with pytest.raises(OSError, match="target 'gs://missing/run.* missing project id"):
        keep_plan(missing, PLAN, {})


@pytest.mark.slow(reason="a cluster starts, and its processes import torch")
def test_command_stylizes_from_bucket_to_bucket(gcs: ObjectStore, tmp_path: Path) -> None:
    StyleKernelPipeline(vivid_model()).save_pretrained(tmp_path / "model")
    painting = save_picture(tmp_path / "wave.png", seed=9)
    for seed in range(3):
        photo = save_picture(tmp_path / f"{seed}.png", (40 + seed, 50), seed)
        gcs.write(f"photos/command/sub/{seed}.png", photo.read_bytes())
    words = ["bulk", gcs.address("photos/command"), "-s", str(painting)]
    words += ["-o", gcs.address("results/command"), "--suffix", ".png", "--workers", "1"]
    command = [sys.executable, "-m", "stylekernel_hf.cli", *words, "--model", "model"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for _ in range(2):  # The second run finds all pictures there.
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    pipe = StyleKernelPipeline.from_pretrained(tmp_path / "model", device_map="cpu")
    rows = pq.read_table("results/command/manifest", filesystem=gcs.files).to_pylist()
    assert [row["error"] for row in rows] == ["", "", ""]
    for row in rows:
        expected = pipe(tmp_path / Path(row["photo"]).name, painting).images[0]
        with Image.open(io.BytesIO(gcs.read(f"results/command/pictures/{row['name']}"))) as actual:
            assert np.array_equal(np.asarray(actual), np.asarray(expected))
