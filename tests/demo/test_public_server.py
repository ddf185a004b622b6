"""The manners of a server that strangers use."""

from __future__ import annotations

import errno
import http.server
import io
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import psutil
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.catalog import painting_path
from demo.interface import build_demo, launch_options
from demo.studio import Studio
from demo.upkeep import Page
from stylekernel_hf import pipeline
from tests.demo.conftest import LIMITS
from tests.demo.pictures import difference, huge_png, opened
from tests.demo.visitor import LOCAL, Visitor
from tests.tiny import save_picture

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("got")))
    yield client
    client.close()


def call(url: str, endpoint: str, data: list[Any]) -> str:
    """Call an endpoint as raw as can be; return the server's last word."""
    answer = httpx.post(f"{url}/gradio_api/call/{endpoint}", json={"data": data}, **LOCAL)
    if answer.status_code != 200:
        return answer.text
    event = answer.json()["event_id"]
    return httpx.get(f"{url}/gradio_api/call/{endpoint}/{event}", **LOCAL).text


def stylize_raw(url: str, photo: Any) -> str:
    rest = [["Mosaic"], None, 1, 1, 1, 1, 1, "style", 1, "everywhere", None, None, None, 512]
    return call(url.rstrip("/"), "stylize", [photo, *rest])


def file_data(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        str(ROOT / "app.py"),
        str(ROOT / "stylekernel_hf" / "weights" / "config.json"),
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
    ],
)
def test_files_of_the_server_cannot_be_read(url: str, path: str) -> None:
    for route in ("gradio_api/file=", "file=", "gradio_api/file/", "static/", "assets/"):
        answer = httpx.get(f"{url}{route}{path}", **LOCAL)
        assert answer.status_code in (403, 404) or "stylekernel" in answer.text[:3000], route
        assert "root:" not in answer.text and "encoder_channels" not in answer.text


@pytest.mark.parametrize("path", ["/etc/passwd", str(ROOT / "demo/examples/gallery.jpg")])
def test_files_of_the_server_cannot_be_used_as_uploads(url: str, path: str) -> None:
    answer = stylize_raw(url, file_data(path))
    assert "event: error" in answer and path not in answer


def test_files_of_another_visitor_cannot_be_guessed(url: str, uploads: Path) -> None:
    """Folders of results are random, those of uploads are sums of what is in them."""
    results = list(uploads.rglob("*swirling-oil*"))
    assert results
    assert all(len(file.parent.name) == 32 for file in results)
    assert httpx.get(f"{url}gradio_api/file={uploads}", **LOCAL).status_code in (403, 404)
    assert httpx.get(f"{url}gradio_api/file={results[0]}", **LOCAL).status_code == 200


def test_addresses_inside_are_not_fetched(url: str) -> None:
    asked: list[str] = []

    class Secret(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Secret) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        inside = f"http://127.0.0.1:{server.server_port}/secret.png"
        assert "event: error" in stylize_raw(url, file_data(inside))
        assert "event: error" in stylize_raw(url, {**file_data("x.png"), "url": inside})
        server.shutdown()
    assert asked == []


def test_too_large_an_upload_is_turned_away(url: str) -> None:
    data = b"\x89PNG" + bytes(LIMITS.upload_bytes)
    answer = httpx.post(f"{url}gradio_api/upload", files={"files": ("big.png", data)}, **LOCAL)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("notes.png", "Photo “notes.png” is not a picture that can be read"),
        ("bomb.png", "Photo “bomb.png” is too large: at most 6 megapixels"),
        ("cut.png", "Photo “cut.png” is damaged or cut off"),
    ],
)
def test_malformed_picture_gets_a_clear_message(
    client: Client, tmp_path: Path, name: str, told: str
) -> None:
    (tmp_path / "notes.png").write_text("dear diary")
    huge_png(tmp_path / "bomb.png")
    whole = save_picture(tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AppError, match=told):
        client.predict(handle_file(tmp_path / name), ["Mosaic"], api_name="/stylize")


def test_photo_of_many_pixels_is_scaled_down_with_a_note(app: gr.Blocks, tmp_path: Path) -> None:
    path = tmp_path / "wide.jpg"
    Image.radial_gradient("L").resize((2400, 1200)).convert("RGB").save(path)
    visitor = Visitor(app)
    visitor.join("full_size", visitor.upload(path))
    notes: list[str] = []
    for message in visitor.messages():
        if message["msg"] == "log":
            notes.append(message["log"])
        if message["msg"] == "process_completed":
            break
    (file,) = message["output"]["data"]
    assert opened(visitor.fetch(file)).size == (2000, 1000)
    assert notes == [
        "The photo has 3 megapixels (2400×1200 px), more than can be stylized here. The result has "
        "2000×1000 px."
    ]


def test_errors_inside_are_not_shown(
    url: str, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("demo.handlers.own_size", fail)
    photo = save_picture(tmp_path / "photo.png")
    with pytest.raises(AppError, match="Something went wrong on the server") as caught:
        client.predict(handle_file(photo), ["Mosaic"], api_name="/stylize")
    assert "secret" not in str(caught.value)


def test_full_disk_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uploads: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(uploads / "x"))

    monkeypatch.setattr("demo.handlers.new_file", fail)
    photo = save_picture(tmp_path / "photo.png")
    with pytest.raises(AppError, match="no room for more files now") as caught:
        client.predict(handle_file(photo), ["Mosaic"], api_name="/full_size")
    assert str(uploads) not in str(caught.value)


def test_nothing_gets_past_the_queue(url: str) -> None:
    for route in ("api/stylize", "run/stylize", "run/predict"):
        answer = httpx.post(f"{url}gradio_api/{route}", json={"data": [], "fn_index": 0}, **LOCAL)
        assert answer.status_code >= 400, route


def test_region_blobs_are_bounded(app: gr.Blocks, url: str) -> None:
    canvas = next(b for b in app.blocks.values() if b.get_block_name() == "imageeditor")

    def send(owner: str, index: str = "0", size: int = 10) -> int:
        form = {
            "fn_name": "accept_blobs",
            "component_id": str(canvas._id),
            "session_hash": "x",
            "type": "layer",
            "index": index,
            "id": owner,
        }
        files = {"file": ("layer.png", bytes(size))}
        return httpx.post(
            f"{url}gradio_api/component_server", data=form, files=files, **LOCAL
        ).status_code

    assert send("first") == 200
    for number in range(40):
        send(f"visitor-{number}")
    assert len(canvas.blob_storage) == 32 and "first" not in canvas.blob_storage
    assert send("greedy", index="1000000") >= 400
    assert send("greedy", size=9 * 2**20) >= 400
    assert "greedy" not in canvas.blob_storage


def visit(app: gr.Blocks, photos: list[Path], strength: float) -> list[io.BytesIO]:
    """Ask for all of them at once, in full size, as a visitor of one's own."""
    visitor = Visitor(app)
    for photo in photos:
        answer = visitor.join("full_size", visitor.upload(photo), strength=strength)
        assert answer.status_code == 200, answer.text
    results: dict[str, io.BytesIO] = {}
    for message in visitor.messages():
        if message["msg"] == "process_completed":
            assert message["success"], message
            results[message["event_id"]] = visitor.fetch(message["output"]["data"][0])
            if len(results) == len(photos):
                break
    # Answers come in the order of the requests: of one session, and of one queue.
    return list(results.values())


def visit_all(app: gr.Blocks, photos: list[Path], strength: float = 0) -> list[io.BytesIO]:
    """Have so many visitors ask at once that each has two of the photos."""
    with ThreadPoolExecutor(len(photos)) as pool:
        visits = [
            pool.submit(visit, app, photos[start : start + 2], strength)
            for start in range(0, len(photos), 2)
        ]
        return [result for one in visits for result in one.result()]


def test_fifty_requests_at_once_all_get_their_own_answer(app: gr.Blocks, tmp_path: Path) -> None:
    photos = [save_picture(tmp_path / f"{n}.png", (64, 48), seed=n) for n in range(50)]
    process = psutil.Process()
    visit_all(app, photos[:10])
    before = process.memory_info().rss
    results = visit_all(app, photos)
    # At strength 0 the answer is the photo itself, so nobody else's.
    for photo, result in zip(photos, results, strict=True):
        assert difference(photo, opened(result)) == 0
    assert process.memory_info().rss - before < 40 * 2**20


@pytest.mark.slow
def test_fifty_visitors_with_a_hundred_photos_are_all_served(uploads: Path, tmp_path: Path) -> None:
    """By the network that comes with the package."""
    photos = [save_picture(tmp_path / f"{n}.png", (384, 288), seed=n) for n in range(100)]
    studio = Studio()
    demo = build_demo(studio)
    demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(studio))
    pipe = pipeline("style-kernel")
    mosaic = pipe.encode_style(painting_path("Mosaic"))
    try:
        for photo, result in zip(photos, visit_all(demo, photos, strength=1), strict=True):
            assert difference(pipe(photo, mosaic).images[0], opened(result)) == 0
    finally:
        demo.close()


def test_old_files_are_deleted_and_new_ones_kept(
    app: Page, client: Client, uploads: Path, tmp_path: Path
) -> None:
    photo = save_picture(tmp_path / "forget-me.png")
    client.predict(handle_file(photo), ["Mosaic"], api_name="/full_size")

    def left() -> list[Path]:
        return [path for path in uploads.rglob("*forget-me*") if path.is_file()]

    assert len(left()) == 2
    app.tidy()
    assert len(left()) == 2
    for path in uploads.rglob("*"):
        os.utime(path, (time.time() - LIMITS.keep_seconds - 1,) * 2)
    app.tidy()
    assert left() == []
    assert json.loads(httpx.get(f"{app.local_url}config", **LOCAL).text)["title"]
    assert any(uploads.rglob("*.jpg")), "what the page itself shows stays"
