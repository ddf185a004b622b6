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
from pathlib import Path

import pyarrow.fs
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

from tests.bulk.object_store import ObjectStore

ROOT = Path(__file__).parents[2]


@contextmanager
def gcs_server() -> Generator[ObjectStore]:
    """Start a server with the buckets `photos` and `results`."""
    command = [sys.executable, "-m", "tests.bulk.gcs_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            gcs = _store(f"127.0.0.1:{int(process.stdout.readline())}")
            gcs.make_buckets()
            yield gcs
        finally:
            process.kill()


def _store(host: str) -> ObjectStore:
    query = f"scheme=http&endpoint_override={host}&retry_limit_seconds=60"
    files = pyarrow.fs.GcsFileSystem(
        anonymous=True,
        scheme="http",
        endpoint_override=host,
        project_id="tests",
        retry_time_limit=timedelta(seconds=60),
    )
    return ObjectStore(files, f"gs://anonymous@{{}}?{query}")


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), partial(RequestHandler, Storage(use_memory_fs=True)))
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
