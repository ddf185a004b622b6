"""A server that speaks Google Cloud Storage on this machine, for one file of tests.

It has a process of its own: pyarrow holds Python's lock while it waits for an answer.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import HTTPServer

import pyarrow.fs
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage


class GcsServer:
    """What opens the server in addresses, and a file system that makes buckets."""

    def __init__(self, port: int) -> None:
        host = f"127.0.0.1:{port}"
        self.query = f"scheme=http&endpoint_override={host}&retry_limit_seconds=60"
        self.files: pyarrow.fs.FileSystem = pyarrow.fs.GcsFileSystem(
            anonymous=True,
            scheme="http",
            endpoint_override=host,
            project_id="tests",
            retry_time_limit=timedelta(seconds=60),
        )

    def address(self, path: str) -> str:
        """Return an address that opens a bucket's folder without keys."""
        return f"gs://anonymous@{path}?{self.query}"

    def write(self, path: str, data: bytes) -> None:
        with self.files.open_output_stream(path) as file:
            file.write(data)

    def read(self, path: str) -> bytes:
        with self.files.open_input_file(path) as file:
            return file.read()

    def names(self, folder: str) -> list[str]:
        """Return all files and markers of folders in a folder."""
        found = self.files.get_file_info(pyarrow.fs.FileSelector(folder, recursive=True))
        return sorted(each.path.removeprefix(f"{folder}/") for each in found)


@contextmanager
def gcs_server() -> Generator[GcsServer]:
    """Start a server with the buckets `photos` and `results`."""
    command = [sys.executable, __file__]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            gcs = GcsServer(int(process.stdout.readline()))
            for bucket in ("photos", "results"):
                gcs.files.create_dir(bucket)
            yield gcs
        finally:
            process.kill()


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), partial(RequestHandler, Storage(use_memory_fs=True)))
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
