"""The plan of a collection: which photo becomes which picture, in which painting's style."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from stylekernel_hf.images.folder import image_suffixes

# pyarrow has no types.
FileSystem: TypeAlias = Any
Table: TypeAlias = Any

PLAN_NAME = "plan.parquet"
_SETTINGS = b"stylekernel_hf"


def open_folder(place: str) -> tuple[FileSystem, str]:
    """Return the file system of a local folder or an address such as s3://bucket/folder.

    Its path there comes second. ValueError for an address that pyarrow does not know.
    """
    if "://" not in place:
        return pyarrow.fs.LocalFileSystem(), str(Path(place).absolute())
    try:
        return pyarrow.fs.FileSystem.from_uri(place)
    except (pa.ArrowInvalid, ValueError) as error:
        raise ValueError(f"'{place}' must be a folder or an address that pyarrow knows") from error


def list_photos(source: str) -> list[str]:
    """Return the paths of the images in a folder and its subfolders, relative to it, in order.

    FileNotFoundError if there is no such folder or no image in it.
    """
    filesystem, root = open_folder(source)
    if filesystem.get_file_info(root).type != pyarrow.fs.FileType.Directory:
        raise FileNotFoundError(f"source: no such folder: '{source}'")
    suffixes = image_suffixes()
    files = filesystem.get_file_info(pyarrow.fs.FileSelector(root, recursive=True))
    photos = [
        PurePosixPath(file.path).relative_to(PurePosixPath(root)).as_posix()
        for file in files
        if file.is_file and PurePosixPath(file.path).suffix.lower() in suffixes
    ]
    if not photos:
        raise FileNotFoundError(f"source: no images in '{source}'")
    return sorted(photos)


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
    filesystem, root = open_folder(target)
    path = f"{root}/{PLAN_NAME}"
    told = json.dumps(dict(settings), sort_keys=True)
    if filesystem.get_file_info(path).is_file:
        before = pq.read_table(path, filesystem=filesystem)
        kept = (before.schema.metadata or {}).get(_SETTINGS, b"").decode()
        if kept != told or not before.equals(plan):
            raise FileExistsError(
                f"target '{target}' holds a run with other photos or settings: take another folder"
            )
        return before.num_rows
    filesystem.create_dir(root, recursive=True)
    written = plan.replace_schema_metadata({_SETTINGS: told.encode()})
    pq.write_table(written, f"{path}.part", filesystem=filesystem)
    filesystem.move(f"{path}.part", path)
    return plan.num_rows
