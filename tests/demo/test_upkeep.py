"""What a server leaves when it ends, whichever way, and finds when it starts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.demo.visitor import PATIENCE, until
from tests.forks import Forked
from tests.tiny import save_picture

MODULES = "matplotlib.pyplot, demo.interface, tests.demo.conftest"
SERVER = """
import socket

from demo.interface import build_demo, launch_options
from demo.limits import Limits
from demo.studio import Studio
from tests.demo.conftest import tiny_pipeline

studio = Studio(Limits(keep_seconds=600), tiny_pipeline())
page = build_demo(studio)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
print(port, flush=True)
page.launch(quiet=True, server_port=port, **launch_options(studio))
"""


class Server:
    """A process of its own that serves the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = {"GRADIO_TEMP_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}
        self.process = Forked(SERVER, cwd=folder.parent, env=settings, modules=MODULES)
        port = int(self.process.stdout.readline())
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=False, timeout=60)
        assert until(self._answers, 240)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.process.errors()
        try:
            return self.http.get("/config").status_code == 200
        except httpx.TransportError:
            return False

    def upload(self, data: bytes) -> Path:
        """Upload a file; return it on the disk."""
        answer = self.http.post("/gradio_api/upload", files={"files": ("a.jpg", data)})
        return self.folder / answer.json()[0].removeprefix("/uploads/")

    def end(self, number: int) -> int:
        """End it by a signal; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    """Servers to end at last."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        with server.process:
            server.http.close()


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ended_server_leaves_nothing_of_its_own(
    servers: list[Server], tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "up"
    others = folder / ("0" * 64) / "theirs.jpg"
    others.parent.mkdir(parents=True)
    others.write_bytes(b"new, and of another server")
    server = Server(folder)
    servers.append(server)
    upload = server.upload(b"mine")
    assert upload.read_bytes() == b"mine"
    code = server.end(number)
    assert files(folder) == {others}
    assert not upload.parent.exists()
    assert code == -number or (code, number) == (0, signal.SIGINT)


def test_servers_that_share_a_folder_end_without_harm_to_each_other(
    servers: list[Server], tmp_path: Path
) -> None:
    folder = tmp_path / "up"
    servers.append(Server(folder))
    servers.append(Server(folder))
    page = files(folder)
    uploads = [server.upload(b"the same") for server in servers]
    assert uploads[0] != uploads[1]
    servers[0].end(signal.SIGTERM)
    assert not uploads[0].exists() and uploads[1].exists()
    shown = servers[1].http.get("/config").json()["components"]
    paths = [Path(each["image"]["path"]) for each in gallery_of(shown)]
    assert all((folder / path.relative_to("/uploads")).is_file() for path in paths)
    assert len(page) == 2 * len(files(folder) - {uploads[1]})


def gallery_of(components: list[Any]) -> list[Any]:
    return next(c["props"]["value"] for c in components if c["props"].get("elem_id") == "gallery")


def test_next_server_deletes_what_a_killed_one_has_left(
    servers: list[Server], tmp_path: Path
) -> None:
    folder = tmp_path / "up"
    servers.append(Server(folder))
    old, new = servers[0].upload(b"old"), servers[0].upload(b"new")
    page = files(folder) - {old, new}
    assert servers[0].end(signal.SIGKILL) == -signal.SIGKILL
    assert {old, new, *page} == files(folder)
    for path in {old, *page}:
        os.utime(path, (time.time() - 601,) * 2)
    servers.append(Server(folder))
    left = files(folder)
    assert new in left and not left & {old, *page}
    servers[1].http.get("/config").raise_for_status()


DECODING = """
import os, sys, time
from demo.decoders import decoders
from demo.limits import Limits
data = open(sys.argv[1], "rb").read()
def load(): return decoders.load(data, "Photo", Limits(), lambda: None)
load()
{then}
"""


def decoding(then: str, tmp_path: Path) -> Forked:
    path = save_picture(tmp_path / "photo.png")
    return Forked(DECODING.format(then=then), path, modules=MODULES)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_decoders_end_with_the_server(tmp_path: Path, number: int) -> None:
    then = "print(decoders._idle[0]._process.pid, flush=True); time.sleep(600)"
    with decoding(then, tmp_path) as server:
        decoder = psutil.Process(int(server.stdout.readline()))
        server.send_signal(number)
        server.wait(PATIENCE)
        psutil.wait_procs([decoder], timeout=PATIENCE)
        assert not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_of_the_server_has_decoders_of_its_own(tmp_path: Path) -> None:
    then = """
if child := os.fork():
    load()
    print(os.waitpid(child, 0)[1], flush=True)
else:
    load()
    os._exit(0 if load().size == load().size else 1)
"""
    with decoding(then, tmp_path) as server:
        assert server.stdout.read().split() == ["0"], server.errors()
