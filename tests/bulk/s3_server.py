"""A server that speaks S3 on this machine, for one file of tests."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pyarrow.fs
import pytest
from moto.server import ThreadedMotoServer

KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3Server:
    """Where the server listens, and a file system that makes buckets."""

    def __init__(self, host: str, port: int) -> None:
        self.url = f"http://{host}:{port}"
        self.query = f"endpoint_override={host}:{port}&scheme=http"
        self.files: pyarrow.fs.FileSystem = pyarrow.fs.S3FileSystem(
            access_key="key",
            secret_key="secret",
            region="us-east-1",
            endpoint_override=f"{host}:{port}",
            scheme="http",
            allow_bucket_creation=True,
        )

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

    @contextmanager
    def locked(self) -> Generator[None]:
        """Refuse the keys of everybody while the context lasts."""
        # The body is a number of requests that are answered before keys are checked.
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.url}/moto-api/reset-auth", content=b"inf").raise_for_status()


@contextmanager
def s3_server() -> Generator[S3Server]:
    """Start a server with the buckets `photos` and `results`; the environment holds the keys."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        s3 = S3Server(*server.get_host_and_port())
        for bucket in ("photos", "results"):
            s3.files.create_dir(bucket)
        yield s3
    server.stop()
