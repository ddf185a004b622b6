"""How the page and its files come to a browser."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.ahead import FIRST_KINDS, files_ahead, named_ahead, sheet_ahead
from demo.catalog import PAINTINGS, painting_path
from demo.delivery import Delivery, address_of_file, social_tags
from demo.interface import DESCRIPTION, TITLE
from demo.thumbnails import card, paintings_strip
from tests.demo.pictures import difference
from tests.demo.visitor import LOCAL

PAGE = f"""<!doctype html><html><head>
<meta name="viewport" content="width=device-width" />
<meta property="og:title" content="Gradio" />
<meta
    property="og:image"
    content=""
/>
<meta name="twitter:title" content="Gradio" />
<script>const kept = '<meta property="og:title" content="in a script" />';</script>
</head><body>{"<p>words</p>" * 500}</body></html>"""
ADDRESS = address_of_file("strip.webp", b"a picture")


async def page(_: object) -> Response:
    return HTMLResponse(PAGE)


async def stream(_: object) -> Response:
    async def messages() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number} {'x' * 2000}\n\n"

    return StreamingResponse(messages(), media_type="text/event-stream")


async def script(_: object) -> Response:
    return PlainTextResponse("let x = 1;")


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/", page),
        Route("/gradio_api/queue/data", stream),
        Route("/assets/index-1a2b.js", script),
        Route("/photo.jpg", script),
    ]
    tags = social_tags('A "title"', "Words.", "/pictures/card.jpg")
    files, light = {ADDRESS: b"a picture"}, {"/photo.jpg": b"as webp"}
    return TestClient(
        Starlette(
            routes=routes, middleware=[Middleware(Delivery, files=files, light=light, tags=tags)]
        )
    )


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, br", "br"), ("gzip", "gzip")])
def test_page_is_compressed_as_the_browser_wishes(
    client: TestClient, accepted: str, encoding: str
) -> None:
    answer = client.get("/", headers={"accept-encoding": accepted})
    assert answer.headers["content-encoding"] == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) < len(PAGE) / 5
    assert "<p>words</p>" * 500 in answer.text


def test_page_is_plain_for_others(client: TestClient) -> None:
    answer = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_tags_for_other_sites_take_the_place_of_gradios(client: TestClient) -> None:
    text = client.get("/").text
    head, scripts = text.split("<script>")
    assert head.count("og:title") == 1 and "Gradio" not in head and "og:image" not in head
    assert 'content="A &quot;title&quot;"' in head and 'name="viewport"' in head
    assert scripts == PAGE.split("<script>")[1]


def test_picture_for_other_sites_has_the_whole_address_of_a_space(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPACE_HOST", "owner-name.hf.space")
    tags = social_tags("A title", "Words.", "/pictures/card.jpg")
    assert '"og:image" content="https://owner-name.hf.space/pictures/card.jpg"' in tags


def test_stream_of_events_is_passed_on_as_it_comes(client: TestClient) -> None:
    with client.stream("GET", "/gradio_api/queue/data") as answer:
        assert "content-encoding" not in answer.headers
        assert [line[:7] for line in answer.iter_lines() if line] == [f"data: {n}" for n in "012"]


def test_files_are_kept_by_browsers_for_ever(client: TestClient) -> None:
    for address, content in ((ADDRESS, b"a picture"), ("/assets/index-1a2b.js", b"let x = 1;")):
        answer = client.get(address)
        assert answer.content == content and "immutable" in answer.headers["cache-control"]
    assert client.get(ADDRESS).headers["content-type"] == "image/webp"
    for missing in ("/assets/index-9.js", "/pictures/strip.webp"):
        answer = client.get(missing)
        assert answer.status_code == 404 and "cache-control" not in answer.headers


def test_photo_is_webp_for_whoever_reads_it(client: TestClient) -> None:
    for accepted, content in (("image/webp,*/*", b"as webp"), ("*/*", b"let x = 1;")):
        answer = client.get("/photo.jpg", headers={"accept": accepted})
        assert answer.content == content and answer.headers["vary"] == "Accept"
        assert "max-age=86400" in answer.headers["cache-control"]


def test_examples_are_kept_for_a_day_and_text_needs_no_font(url: str) -> None:
    photo = httpx.get(f"{url}gradio_api/file=/examples/photos/coffee.jpg", **LOCAL)
    assert photo.headers["cache-control"] == "public, max-age=86400"
    assert "@font-face" not in httpx.get(f"{url}theme.css", **LOCAL).text


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_first_files_come_as_the_browser_wishes(url: str, encoding: str) -> None:
    script = next(name for name in files_ahead(FIRST_KINDS) if name.startswith("HTML-"))
    folder = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    sheet, rules = sheet_ahead(FIRST_KINDS)
    for name, content in ((script, (folder / script).read_text("utf-8")), (sheet, rules)):
        answer = httpx.get(f"{url}assets/{name}", headers={"accept-encoding": encoding}, **LOCAL)
        assert answer.headers.get("content-encoding", "identity") == encoding
        assert answer.text == content and "immutable" in answer.headers["cache-control"]
        assert encoding == "identity" or int(answer.headers["content-length"]) < len(content) / 2


def test_other_gradio_keeps_its_own_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for thread in threading.enumerate():
        if thread.name == "first files":
            thread.join()  # It reads the files of pages that other tests asked for.
    monkeypatch.setattr("demo.ahead._FRONTEND", tmp_path)
    assert (
        files_ahead(("another",)) == ()
        and named_ahead(PAGE.encode(), ("another",)) == PAGE.encode()
    )


def test_address_of_a_file_changes_with_its_content() -> None:
    assert address_of_file("strip.webp", b"another picture") != ADDRESS


def test_strip_shows_the_paintings_in_their_order() -> None:
    for data in paintings_strip().values():
        strip = Image.open(io.BytesIO(data)).convert("RGB")
        assert strip.size == (128 * len(PAINTINGS), 128)
        for index, title in enumerate(PAINTINGS):
            part = strip.crop((128 * index, 0, 128 * index + 128, 128)).resize((16, 16))
            with Image.open(painting_path(title)) as painting:
                assert difference(part, painting.convert("RGB").resize((16, 16))) < 4, title


def test_page_of_the_demo_is_light(url: str) -> None:
    answer = httpx.get(url, headers={"accept-encoding": "br"}, **LOCAL)
    assert int(answer.headers["content-length"]) < 100_000
    head = answer.text.partition("<script")[0]
    assert f'"og:title" content="{TITLE}"' in head and DESCRIPTION in head
    for address, data in paintings_strip().items():
        assert f"url(.{address})" in answer.text
        assert httpx.get(f"{url.rstrip('/')}{address}", **LOCAL).content == data
    assert (
        httpx.get(f"{url.rstrip('/')}{card()[0]}", **LOCAL).headers["content-type"] == "image/jpeg"
    )
