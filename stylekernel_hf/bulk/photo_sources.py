"""Where the photos of a collection come from: image files, or a column of Parquet files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from itertools import accumulate
from pathlib import PurePosixPath
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from stylekernel_hf.bulk.places import FileSystem, open_folder, place_errors, shown_place
from stylekernel_hf.images.folder import image_suffixes


class PhotoSource(Protocol):
    """Photos that have names."""

    def names(self) -> list[str]:
        """Return the names of the photos; FileNotFoundError if there are none."""
        ...

    def read(self, name: str) -> bytes:
        """Return the bytes of a photo's file; OSError if they cannot be read."""
        ...


def open_source(place: str, image_column: str | None = None) -> PhotoSource:
    """Return the photos of a folder, or of this column of Parquet files.

    ValueError for an address that pyarrow does not know.
    """
    return PhotoFolder(place) if image_column is None else ParquetPhotos(place, image_column)


class PhotoFolder:
    """The images in a folder and its subfolders, named by their paths relative to it."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._filesystem, self._root = open_folder(place, name="source")

    def names(self) -> list[str]:
        """Return the paths in order; FileNotFoundError without a folder or an image in it."""
        with place_errors("source", self._place):
            photos = _files_with(self._filesystem, self._root, image_suffixes())
        if photos is None:
            raise FileNotFoundError(f"source: no such folder: '{shown_place(self._place)}'")
        if not photos:
            raise FileNotFoundError(f"source: no images in '{shown_place(self._place)}'")
        return photos

    def read(self, name: str) -> bytes:
        """Return the bytes of a file."""
        with self._filesystem.open_input_file(f"{self._root}/{name}") as file:
            return file.read()


class ParquetPhotos:
    """The images in a column of a Parquet file, or of those in a folder and its subfolders.

    The column holds the bytes of image files, or, as in data sets on the Hub, records with a field
    `bytes`. A photo's name is the file's path and the number of its row: `train.parquet/17`.
    """

    def __init__(self, place: str, column: str) -> None:
        self._place, self._column = place, column
        self._filesystem, self._root = open_folder(place, name="source")
        with place_errors("source", place):
            is_file = self._filesystem.get_file_info(self._root).is_file
        if is_file:
            path = PurePosixPath(self._root)
            self._root, self._files = str(path.parent), [path.name]
        else:
            self._files = None
        # Of the file that was read last: where its row groups start, and one of them.
        self._starts: tuple[str, list[int]] = ("", [])
        self._group: tuple[str, int] | None = None
        self._cells: Any = None

    def names(self) -> list[str]:
        """Return the names in order.

        FileNotFoundError without rows, ValueError if a file is no Parquet or has no such column of
        images.
        """
        shown = shown_place(self._place)
        with place_errors("source", self._place):
            files = self._files or _files_with(self._filesystem, self._root, {".parquet"})
            counts = [(file, self._count(file)) for file in files or []]
        if files is None:
            raise FileNotFoundError(f"source: no such file or folder: '{shown}'")
        photos = [f"{file}/{row}" for file, count in counts for row in range(count)]
        if not photos:
            raise FileNotFoundError(f"source: no rows of Parquet files in '{shown}'")
        return photos

    def read(self, name: str) -> bytes:
        """Return the bytes of a row's image. The row's group stays in memory for the next one."""
        file, _, row = name.rpartition("/")
        if self._starts[0] != file:
            self._starts = (file, self._row_group_starts(file))
        starts = self._starts[1]
        group = bisect_right(starts, int(row)) - 1
        if self._group != (file, group):
            with self._filesystem.open_input_file(f"{self._root}/{file}") as opened:
                table: Any = pq.ParquetFile(opened).read_row_group(group, columns=[self._column])
            self._group, self._cells = (file, group), table[self._column]
        cell = self._cells[int(row) - starts[group]].as_py()
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        if data is None:
            raise OSError(f"row {row} of '{file}' has no bytes in the column '{self._column}'")
        return data

    def _count(self, file: str) -> int:
        metadata = self._metadata(file)
        schema = metadata.schema.to_arrow_schema()
        if self._column not in schema.names:
            raise ValueError(
                f"image_column must be one of {', '.join(schema.names)}, the columns of '{file}', "
                f"got '{self._column}'"
            )
        kind = schema.field(self._column).type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            kind = kind.field("bytes").type
        if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            raise ValueError(
                f"image_column must hold bytes of image files, got {kind} in '{self._column}' of "
                f"'{file}'"
            )
        return metadata.num_rows

    def _row_group_starts(self, file: str) -> list[int]:
        metadata = self._metadata(file)
        counts = [metadata.row_group(each).num_rows for each in range(metadata.num_row_groups)]
        return [0, *accumulate(counts)]

    def _metadata(self, file: str) -> Any:
        with self._filesystem.open_input_file(f"{self._root}/{file}") as opened:
            try:
                return pq.ParquetFile(opened).metadata
            except pa.ArrowInvalid as error:
                raise ValueError(f"source: '{file}' is no Parquet file: {error}") from error


def _files_with(filesystem: FileSystem, root: str, suffixes: Collection[str]) -> list[str] | None:
    """Return the files of a folder in order, by their paths relative to it; None without it."""
    if filesystem.get_file_info(root).type != pyarrow.fs.FileType.Directory:
        return None
    files = filesystem.get_file_info(pyarrow.fs.FileSelector(root, recursive=True))
    return sorted(
        PurePosixPath(file.path).relative_to(PurePosixPath(root)).as_posix()
        for file in files
        if file.is_file and PurePosixPath(file.path).suffix.lower() in suffixes
    )
