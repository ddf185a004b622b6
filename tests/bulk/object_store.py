"""A store of objects that a test's server speaks, with the buckets `photos` and `results`."""

from __future__ import annotations

import pyarrow.fs


class ObjectStore:
    """A file system that makes buckets, and addresses that open them.

    `form` is the form of these addresses, with `{}` for the bucket and the path in it.
    """

    def __init__(self, files: pyarrow.fs.FileSystem, form: str) -> None:
        self.files = files
        self._form = form

    def address(self, path: str) -> str:
        return self._form.format(path)

    def make_buckets(self) -> None:
        for bucket in ("photos", "results"):
            self.files.create_dir(bucket)

    def write(self, path: str, data: bytes) -> None:
        with self.files.open_output_stream(path) as file:
            file.write(data)

    def read(self, path: str) -> bytes:
        with self.files.open_input_file(path) as file:
            return file.read()

    def names(self, folder: str) -> list[str]:
        """Return all files and markers of folders in a folder."""
        found = self.files.get_file_info(pyarrow.fs.FileSelector(folder, recursive=True))
        return sorted(each.path.removeprefix(f"{folder}/") for each in found if each.is_file)
