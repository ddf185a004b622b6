"""Uploads while they come: shares, bounds of one form, and nothing left of what fails."""

from __future__ import annotations

import concurrent.futures
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio.routes
import httpx
import pytest

from demo.forms import BoundedProgress
from demo.interface import build_demo, launch_options
from demo.limits import Limits
from demo.studio import Studio
from demo.upkeep import Page
from tests.demo.conftest import tiny_pipeline
from tests.demo.visitor import PATIENCE, until

MB = 2**20
LIMITS = Limits(
    upload_bytes=MB,
    video_bytes=MB,
    folder_files=5,
    keep_seconds=600,
    visitor_bytes=8 * MB,
    stored_bytes=64 * MB,
    sessions=30,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("forms") / "up"
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Page]:
    with served() as page:
        yield page


@pytest.fixture
def server(running: Page) -> Page:
    """A server that remembers nobody who has been there."""
    running.leave(for_good=False)
    running.tidy()
    running.store._shares.clear()
    return running


@contextmanager
def served() -> Iterator[Page]:
    studio = Studio(LIMITS, tiny_pipeline())
    page = build_demo(studio)
    page.launch(prevent_thread_lock=True, quiet=True, **launch_options(studio))
    yield page
    page.close(verbose=False)


def visitor(number: int = 1) -> httpx.Client:
    """Return a visitor from an address of its own."""
    return httpx.Client(
        transport=httpx.HTTPTransport(local_address=f"127.0.0.{number}", verify=False),
        timeout=PATIENCE,
    )


def upload(page: Page, files: list[tuple[str, Any]], number: int = 1) -> httpx.Response:
    with visitor(number) as client:
        return client.post(f"{page.local_url}gradio_api/upload", files=files)


def photos(count: int, size: int = MB, seed: int = 0) -> list[tuple[str, Any]]:
    return [
        ("files", (f"{n}.jpg", bytes([seed, n]) + bytes(size - 2), "image/jpeg"))
        for n in range(count)
    ]


def stored(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def loose(folder: Path) -> list[Path]:
    """Return the files of forms that have not been moved to their places."""
    return [path for path in folder.iterdir() if path.is_file()]


def raw(page: Page, head: str, *pieces: bytes) -> socket.socket:
    """Begin a request by hand."""
    connection = socket.create_connection(("127.0.0.1", page.server_port), timeout=PATIENCE)
    connection.sendall(f"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
    for piece in pieces:
        connection.sendall(piece)
    return connection


PART = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
FORM = "Content-Type: multipart/form-data; boundary=x"


def test_one_visitor_leaves_its_share_and_others_find_room(server: Page, folder: Path) -> None:
    before = sum(stored(folder).values())
    answers = [upload(server, photos(2, seed=n)) for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [413] * 3
    assert "One visitor may send 8 MB within 10 minutes" in answers[-1].json()["detail"]
    assert sum(stored(folder).values()) - before == 6 * MB
    assert upload(server, photos(4, seed=9), number=2).status_code == 200
    assert loose(folder) == []


def test_forms_at_once_share(server: Page, folder: Path) -> None:
    before = sum(stored(folder).values())
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: upload(server, photos(3, seed=n)), range(12)))
    assert {answer.status_code for answer in answers} == {200, 413}
    assert sum(stored(folder).values()) - before <= 8 * MB
    assert loose(folder) == []


def test_length_that_is_not_told_is_counted_as_it_comes(server: Page, folder: Path) -> None:
    before = sum(stored(folder).values())

    def send(seed: int) -> int:
        piece = bytes([seed]) + bytes(MB // 2)
        body = [PART, piece, b"\r\n--x--\r\n"]
        with visitor() as client:
            url = f"{server.local_url}gradio_api/upload"
            kind = {"content-type": "multipart/form-data; boundary=x"}
            return client.post(url, content=iter(body), headers=kind).status_code

    statuses = [send(seed) for seed in range(20)]
    assert statuses[0] == 200 and statuses[-1] == 413
    assert sum(stored(folder).values()) - before <= 8 * MB
    assert loose(folder) == []


@pytest.mark.parametrize("announced", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_upload_that_breaks_off_leaves_nothing(server: Page, folder: Path, announced: str) -> None:
    for _ in range(10):
        body = PART + bytes(900_000)
        piece = body if "Length" in announced else b"%x\r\n" % len(body) + body + b"\r\n"
        connection = raw(server, f"{FORM}\r\n{announced}", piece)
        assert until(lambda: loose(folder))
        connection.close()
        assert until(lambda: not loose(folder))
    # It has not used up the share, either.
    assert upload(server, photos(5)).status_code == 200


def test_upload_that_stops_is_given_up(
    server: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.forms._PAUSE", 0.1)
    with raw(server, f"{FORM}\r\nContent-Length: 900000", PART + bytes(100)) as connection:
        answer = b"".join(iter(lambda: connection.recv(9999), b"")).decode()
    assert answer.startswith("HTTP/1.1 408") and "Please try again" in answer
    assert until(lambda: not loose(folder))


def test_full_disk_is_told_and_nothing_is_left(
    server: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("gradio.route_utils.GradioUploadFile.write", fail)
        answer = upload(server, photos(2))
    assert answer.status_code == 413 and "no room for more files" in answer.json()["detail"]
    assert loose(folder) == []
    assert upload(server, photos(5)).status_code == 200


def test_uploads_that_wait_keep_others_from_nothing(server: Page) -> None:
    connections = [raw(server, f"{FORM}\r\nContent-Length: 900000", PART) for _ in range(20)]
    assert upload(server, photos(1), number=2).status_code == 200
    for connection in connections:
        connection.close()
    assert upload(server, photos(1)).status_code == 200


TEXT = b'x\r\n--x\r\nContent-Disposition: form-data; name="files"\r\n\r\n'
BODIES = {
    "no end": PART + bytes(1000),
    "other field": PART.replace(b'"files"', b'"other"') + b"x\r\n--x--\r\n",
    "text beside": PART + TEXT + b"y\r\n--x--\r\n",
    "bad name": PART + b"x\r\n" + PART.replace(b"a.jpg", b"..") + b"x\r\n--x--\r\n",
    "bad header": PART + b"x\r\n--x\r\n: x\r\n\r\n",
    "long header": PART + b"x\r\n--x\r\nA: " + bytes(9000) + b"\r\n\r\n",
    "no name": PART + TEXT.replace(b'; name="files"', b"") + b"y\r\n--x--\r\n",
    "large field": PART + TEXT + bytes(MB) + b"\r\n--x--\r\n",
    "many files": (PART + b"x\r\n") * 6 + b"--x--\r\n",
    "large file": PART + bytes(MB + 1) + b"\r\n--x--\r\n",
}


@pytest.mark.parametrize("progress", ["", "?upload_id=abc"])
def test_nothing_is_left_of_odd_forms(server: Page, folder: Path, progress: str) -> None:
    url = f"{server.local_url}gradio_api/upload{progress}"
    kind = {"content-type": "multipart/form-data; boundary=x"}
    for name, body in BODIES.items():
        with visitor() as client:
            answer = client.post(url, content=body, headers=kind)
        assert until(lambda: not loose(folder)), name
        assert str(folder) not in answer.text, name
        if name in ("large field", "many files", "large file"):
            assert answer.status_code in (400, 413), name
        given = answer.json() if answer.status_code == 200 else []
        assert all((folder / path.removeprefix("/uploads/")).is_file() for path in given), name


def test_layers_of_the_page_are_left_nowhere(server: Page, folder: Path) -> None:
    canvas = next(b for b in server.blocks.values() if b.get_block_name() == "imageeditor")
    before = stored(folder)
    url = f"{server.local_url}gradio_api/component_server"

    def send(kind: str, owner: str, number: int = 1, index: str = "0", size: int = 10) -> int:
        form = {"fn_name": "accept_blobs", "component_id": str(canvas._id), "session_hash": "x"}
        form |= {"type": kind, "index": index, "id": owner}
        with visitor(number) as client:
            answer = client.post(url, data=form, files={"file": ("x.png", bytes(size))})
        return answer.status_code

    assert send("layer", "mine", 2) == 200
    for kind in ("background", "composite", "anything"):
        assert send(kind, "whole") == 200
    assert "whole" not in canvas.blob_storage and "mine" in canvas.blob_storage
    for number in range(40):
        assert send("layer", f"greedy-{number}", size=MB // 2) == 200
    assert len(canvas.blob_storage) == 32 and "mine" in canvas.blob_storage
    for index in ("4", "-1", "null", "", "1e9", "٣"):
        assert send("layer", "odd", index=index) >= 400
    assert send("layer", "x" * 65) >= 400 and send("layer", "") >= 400
    assert stored(folder) == before


def test_progress_of_uploads_is_forgotten(server: Page) -> None:
    progress = gradio.routes.file_upload_statuses
    assert isinstance(progress, BoundedProgress)
    for number in range(3000):
        progress.append(f"{number}", "x.jpg", b"12")
        progress._signals[f"other-{number}"].is_set()
    assert len(progress._statuses) == len(progress._signals) == 1000
    assert progress.pop("2999").chunk_size == 2


def test_progress_of_an_upload_is_told(server: Page) -> None:
    url = f"{server.local_url}gradio_api"
    with visitor() as client:
        client.post(f"{url}/upload?upload_id=mine", files=photos(1))
        told = client.get(f"{url}/upload_progress?upload_id=mine").text
    assert '"orig_name": "0.jpg"' in told or '"msg": "done"' in told


def test_states_of_pages_are_forgotten(server: Page) -> None:
    """Whoever makes up sessions fills no memory: each takes some 170 KB."""
    canvas = next(b for b in server.blocks.values() if b.get_block_name() == "imageeditor")
    url = f"{server.local_url}gradio_api/component_server"
    with visitor() as client:
        for number in range(LIMITS.sessions + 20):
            form = {"fn_name": "none", "component_id": canvas._id, "data": 0}
            client.post(url, json={**form, "session_hash": f"{number}"})
    assert len(server.app.state_holder.session_data) == LIMITS.sessions


def test_names_of_deleted_files_are_forgotten(server: Page, folder: Path) -> None:
    upload(server, photos(3))
    assert len(server.upload_file_set) == 3
    for path in server.upload_file_set:
        os.utime(path, (0, 0))
    server.tidy()
    assert server.upload_file_set == set()


def test_fork_of_the_server_deletes_nothing(server: Page, folder: Path) -> None:
    upload(server, photos(1))
    before = stored(folder)
    if (child := os.fork()) == 0:
        server.leave(for_good=True)
        os._exit(0)
    os.waitpid(child, 0)
    assert stored(folder) == before


def test_page_of_another_start_still_has_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing deletes what visitors left, and not what the page shows when it is launched anew."""
    folder = tmp_path / "up"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    with served() as server:
        shown = stored(folder)
        upload(server, photos(2))
        assert len(stored(folder)) == len(shown) + 2
    assert until(lambda: stored(folder) == shown)
    server.leave(for_good=True)
    assert stored(folder) == {}
