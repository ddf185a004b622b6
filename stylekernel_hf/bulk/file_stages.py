"""The stages that read photos and write pictures, with any file system of pyarrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow.fs

from stylekernel_hf.bulk.photo_sources import open_source
from stylekernel_hf.bulk.places import open_folder
from stylekernel_hf.errors.messages import in_one_line

PICTURES = "pictures"


class ReadPhotos:
    """Adds `bytes` of the photos' files, and `error` for those that cannot be read."""

    def __init__(self, source: str, image_column: str | None) -> None:
        self._photos = open_source(source, image_column)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Read the photos of a batch."""
        count = len(batch["photo"])
        data, errors = np.full(count, b"", object), np.full(count, "", object)
        for index, photo in enumerate(batch["photo"]):
            try:
                data[index] = self._photos.read(str(photo))
            except (OSError, ValueError) as error:
                errors[index] = in_one_line(error)
        return {**batch, "bytes": data, "error": errors}


class WritePictures:
    """Writes the results into the target's folder of pictures, and drops their bytes.

    The rows get a column `settings`, in JSON.
    """

    def __init__(self, target: str, settings: Mapping[str, Any]) -> None:
        self._settings = json.dumps(dict(settings), sort_keys=True)
        self._filesystem, root = open_folder(target, name="target")
        self._root = f"{root}/{PICTURES}"
        self._is_local = isinstance(self._filesystem, pyarrow.fs.LocalFileSystem)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Write the pictures of a batch; one that cannot be written is a row with its error."""
        for index, (name, data) in enumerate(zip(batch["name"], batch["result"], strict=True)):
            if not data:
                continue
            try:
                self._write(f"{self._root}/{name}", data)
            except OSError as error:
                batch["error"][index] = in_one_line(error)
        columns = {name: column for name, column in batch.items() if name != "result"}
        columns["settings"] = np.full(len(batch["name"]), self._settings, object)
        return columns

    def _write(self, path: str, data: bytes) -> None:
        """Write a file that appears whole or not at all.

        Object stores see to that themselves, and have no folders to make.
        """
        if self._is_local:
            self._filesystem.create_dir(str(PurePosixPath(path).parent), recursive=True)
        written = f"{path}.part" if self._is_local else path
        with self._filesystem.open_output_stream(written) as file:
            file.write(data)
        if self._is_local:
            self._filesystem.move(written, path)
