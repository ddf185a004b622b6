"""The plan of a collection: which photo becomes which picture, in which painting's style."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from stylekernel_hf.bulk.places import FileSystem, open_folder, place_errors, shown_place

# pyarrow has no types.
Table: TypeAlias = Any

PLAN_NAME = "plan.parquet"
_SETTINGS = b"stylekernel_hf"


def pair(
    photos: Sequence[str], paintings: Sequence[str], suffix: str, *, seed: int | None
) -> Table:
    """Pair every photo with every painting, or with a `seed` each with one that is drawn.

    A photo's painting depends on the seed and on its own path alone. The columns are `name`, the
    path of the result, `photo` and `painting`. Photos of a folder that differ in their suffix alone
    keep it in the name. ValueError if two pictures would have the same name.
    """
    stems = Counter(str(PurePosixPath(photo).with_suffix("")) for photo in photos)
    rows: list[dict[str, str]] = []
    for photo in photos:
        stem = str(PurePosixPath(photo).with_suffix(""))
        called = stem if stems[stem] == 1 else photo
        drawn = paintings
        if seed is not None:
            drawn = [random.Random(f"{seed} {photo}").choice(paintings)]
        rows += [
            {"name": f"{called}_{painting}{suffix}", "photo": photo, "painting": painting}
            for painting in drawn
        ]
    name, times = Counter(row["name"] for row in rows).most_common(1)[0]
    if times > 1:
        raise ValueError(
            f"source must give every picture a name of its own, got {times} of '{name}'"
        )
    schema = pa.schema([(name, pa.string()) for name in ("name", "photo", "painting")])
    return pa.Table.from_pylist(rows, schema)


def keep_plan(target: str, plan: Table, settings: Mapping[str, Any]) -> int:
    """Write the plan into the target, unless the same run has begun there; return its length.

    FileExistsError if a run with other settings or photos has begun there.
    """
    filesystem, root = open_folder(target, name="target")
    told = json.dumps(dict(settings), sort_keys=True)
    with place_errors("target", target):
        before = _read_plan(filesystem, f"{root}/{PLAN_NAME}")
        if before is None:
            _write_plan(filesystem, root, plan.replace_schema_metadata({_SETTINGS: told.encode()}))
            return plan.num_rows
    kept = (before.schema.metadata or {}).get(_SETTINGS, b"").decode()
    if kept != told or not before.equals(plan):
        raise FileExistsError(
            f"target '{shown_place(target)}' holds a run with other photos or settings: "
            "take another folder"
        )
    return before.num_rows


def _read_plan(filesystem: FileSystem, path: str) -> Table | None:
    if not filesystem.get_file_info(path).is_file:
        return None
    return pq.read_table(path, filesystem=filesystem)


def _write_plan(filesystem: FileSystem, root: str, plan: Table) -> None:
    filesystem.create_dir(root, recursive=True)
    part = f"{root}/{PLAN_NAME}.part"
    pq.write_table(plan, part, filesystem=filesystem)
    filesystem.move(part, f"{root}/{PLAN_NAME}")
