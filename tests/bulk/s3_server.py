"""A server that speaks S3 on this machine, for one file of tests."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pyarrow.fs
import pytest
from moto.server import ThreadedMotoServer

from tests.bulk.object_store import ObjectStore

KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3Server(ObjectStore):
    """The store, and where its server listens."""

    def __init__(self, host: str, port: int) -> None:
        self.url = f"http://{host}:{port}"
        self.query = f"endpoint_override={host}:{port}&scheme=http"
        files = pyarrow.fs.S3FileSystem(
            access_key="key",
            secret_key="secret",
            region="us-east-1",
            endpoint_override=f"{host}:{port}",
            scheme="http",
            allow_bucket_creation=True,
        )
        super().__init__(files, f"s3://{{}}?{self.query}")

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
        s3.make_buckets()
        yield s3
    server.stop()
