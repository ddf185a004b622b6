"""Bounds on what a request carries, before Gradio looks at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from demo.gate import Gate
from demo.limits import Limits

LIMITS = Limits(folder_files=5, upload_bytes=3 * 2**20, video_bytes=3 * 2**20)
JSON_BYTES = 256 * 2**10 + 5 * 4096


class Echo:
    """An app that answers with the number of bytes that it got."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(size).encode()})


def send(
    path: str, body: bytes, *, chunked: bool = False, kind: str = "application/json"
) -> tuple[int, str, int]:
    """Post through the gate; return the status, the words, and how often the app was asked."""
    echo = Echo()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 2**16):
            yield body[start : start + 2**16]

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(Gate(echo, LIMITS))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            content = pieces() if chunked else body
            return await client.post(path, content=content, headers={"content-type": kind})

    answer = asyncio.run(post())
    words = answer.text if answer.status_code == 200 else answer.json()["detail"]
    return answer.status_code, words, echo.asked


def as_json(value: Any) -> bytes:
    return json.dumps({"data": value, "fn_index": 3, "session_hash": "abc"}).encode()


PHOTO = {
    "path": "/tmp/gradio/" + "0" * 64 + "/" + "long name, [with] {odd} signs " * 6 + ".jpg",
    "url": "https://demo/gradio_api/file=" + "%C3%A4" * 200,
    "orig_name": "ä" * 200,
    "size": 123456,
    "mime_type": "image/jpeg",
    "meta": {"_type": "gradio.FileData"},
}


@pytest.mark.parametrize("chunked", [False, True])
def test_as_many_photos_as_a_folder_may_have_get_through(chunked: bool) -> None:
    body = as_json([[PHOTO] * 5, ["Mosaic"], [], 1, 1, 1, 1])
    status, words, _ = send("/gradio_api/queue/join", body, chunked=chunked)
    assert (status, words) == (200, str(len(body)))


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    "path", ["queue/join", "queue/join/", "call/stylize", "api/x", "run/x", "cancel", "login"]
)
def test_body_of_more_bytes_is_not_handed_on(path: str, chunked: bool) -> None:
    body = as_json(["x" * JSON_BYTES])
    status, words, asked = send(f"/gradio_api/{path}", body, chunked=chunked)
    assert (status, asked) == (413, 0) and "at most 0.3 MB" in words


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/gradio_api/queue/join", "multipart/form-data; boundary=x"),
        ("/gradio_api/queue/join", "text/plain"),
        ("/gradio_api/upload", "application/json"),
        ("/gradio_api/component_server", "application/json"),
        ("/gradio_api/call/upload", "multipart/form-data; boundary=x"),
    ],
)
def test_what_a_body_calls_itself_buys_it_no_more_bytes(path: str, kind: str) -> None:
    assert send(path, b"x" * (JSON_BYTES + 1), kind=kind)[::2] == (413, 0)
    assert send(path, b"x" * (JSON_BYTES + 1), kind=kind, chunked=True)[::2] == (413, 0)


@pytest.mark.parametrize("value", [[1], [[]], ["", {}], {"a": 1}, {"": [""]}])
def test_many_small_values_are_not_handed_on(value: Any) -> None:
    status, words, asked = send("/gradio_api/queue/join", as_json([value] * 5000))
    assert (status, asked) == (413, 0) and "at most 1250 values" in words


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('["]]]",', "]")])
def test_deep_nesting_is_not_handed_on(opening: str, closing: str) -> None:
    def nested(levels: int) -> bytes:
        return (opening * levels + "1" + closing * levels).encode()

    assert send("/gradio_api/queue/join", nested(20))[0] == 200
    status, words, asked = send("/gradio_api/queue/join", nested(300))
    assert (status, asked) == (400, 0) and "at most 20 levels" in words


def test_brackets_in_a_name_are_no_levels() -> None:
    names = [{"orig_name": "[" * 40 + '\\"{{{'}]
    assert send("/gradio_api/queue/join", as_json(names))[0] == 200


def test_json_in_another_encoding_is_not_handed_on() -> None:
    body = as_json(["x"]).decode().encode("utf-16")
    assert send("/gradio_api/queue/join", body)[::2] == (400, 0)


def test_files_within_json_find_room_over_mcp_alone() -> None:
    body = as_json(["data:image/png;base64," + "A" * 4 * 2**20])
    assert send("/gradio_api/mcp/", body)[0] == 200
    assert send("/gradio_api/queue/join", body)[::2] == (413, 0)
    assert send("/gradio_api/mcp/", body + b" " * 2**20)[::2] == (413, 0)


def test_upload_may_be_as_large_as_all_files_of_a_folder() -> None:
    form = "multipart/form-data; boundary=x"
    assert send("/gradio_api/upload", bytes(15 * 2**20), kind=form)[0] == 200
    assert send("/gradio_api/upload", bytes(17 * 2**20), kind=form)[::2] == (413, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1/secret.png",
        "/gradio_api/file=https://example.com/large.png",
        "/gradio_api/file/http://example.com/large.png",
        "/gradio_api/file=http%3A%2F%2Fexample.com/large.png",
        "/gradio_api/proxy=https://example.hf.space/large.png",
        "/gradio_api/process_recording",
        "/gradio_api/deep_link",
        "/gradio_api/vibe-edit",
        "/gradio_api/dev/reload",
    ],
)
def test_routes_that_the_page_does_not_need_are_closed(path: str) -> None:
    assert send(path, b"")[::2] == (404, 0)


def test_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.gate._SECONDS", 0.2)
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def note(message: Any) -> None:
        statuses.append(message.get("status", 0))

    headers = [(b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "path": "/gradio_api/queue/join", "headers": headers}
    asyncio.run(asyncio.wait_for(Gate(Echo(), LIMITS)(scope, receive, note), 20))
    assert statuses[0] == 408


def test_large_bodies_of_all_visitors_share_one_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.gate._ROOM", 16 * 2**20)
    waiting = asyncio.Event()
    statuses: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await waiting.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gate = Gate(app, LIMITS)

    async def post(size: int, address: str = "10.0.0.1") -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b" " * size, "more_body": False}

        async def note(message: Any) -> None:
            if "status" in message:
                statuses.append(message["status"])

        headers = [(b"content-length", str(size).encode())]
        scope = {"type": "http", "path": "/gradio_api/mcp/", "headers": headers}
        scope["client"] = (address, 1234)
        await gate(scope, receive, note)

    async def visit() -> None:
        greedy = [asyncio.create_task(post(4 * 2**20)) for _ in range(3)]
        other = asyncio.create_task(post(4 * 2**20, "10.0.0.2"))
        await asyncio.sleep(0.1)
        # Half of the room is not for one address, and half of the rest for another one.
        assert statuses == [503] and greedy[2].done()
        await post(4 * 2**20, "10.0.0.2")
        assert statuses == [503, 503]
        waiting.set()
        await post(1000)
        await asyncio.gather(*greedy, other)
        await post(4 * 2**20)

    asyncio.run(visit())
    assert statuses == [503, 503, 200, 200, 200, 200, 200]
