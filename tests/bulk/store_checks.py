"""What holds for every store of objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stylekernel_hf.bulk.file_stages import WritePictures
from stylekernel_hf.bulk.photo_sources import open_source
from stylekernel_hf.bulk.plan import keep_plan, pair
from tests.bulk.object_store import ObjectStore

PLAN = pair(["a.jpg", "sub/b.jpg"], ["wave"], ".png", seed=None)


def rows_of_parquet_are_photos(store: ObjectStore) -> None:
    table = pa.table({"image": [{"bytes": b"%d" % row, "path": None} for row in range(5)]})
    pq.write_table(table, "photos/rows/train.parquet", row_group_size=2, filesystem=store.files)
    for place in ("photos/rows", "photos/rows/train.parquet"):
        photos = open_source(store.address(place), "image")
        assert photos.names() == [f"train.parquet/{row}" for row in range(5)]
        assert [photos.read(f"train.parquet/{row}") for row in (4, 0, 3)] == [b"4", b"0", b"3"]


def plan_and_pictures_are_written(store: ObjectStore) -> list[str]:
    """Write both to `results/new/run`, and return the names of the pictures."""
    target = store.address("results/new/run")
    assert keep_plan(target, PLAN, {"strength": 1.0}) == 2
    assert keep_plan(target, PLAN, {"strength": 1.0}) == 2
    with pytest.raises(FileExistsError, match="holds a run with other photos or settings"):
        keep_plan(target, PLAN, {"strength": 0.5})
    names = PLAN["name"].to_pylist()
    batch: dict[str, Any] = {
        "name": np.array(names, object),
        "result": np.array([b"one", b"two"], object),
        "error": np.array(["", ""], object),
    }
    rows = WritePictures(target, {"strength": 0.5})(batch)
    assert list(rows["error"]) == ["", ""] and "result" not in rows
    assert list(rows["settings"]) == ['{"strength": 0.5}'] * 2
    assert [store.read(f"results/new/run/pictures/{name}") for name in names] == [b"one", b"two"]
    return names
