"""Limits on requests before they reach Gradio: the size of bodies, and the routes that are open.

Gradio reads bodies of its JSON routes whole, of any size, and inspects every entry on the event
loop that serves all visitors.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gradio.route_utils import API_PREFIX
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from demo.components import BLOB_BYTES
from demo.limits import Limits
from demo.visitors import address_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_UPLOAD, _BLOBS, _TOOLS = (f"{API_PREFIX}/{name}" for name in ("upload", "component_server", "mcp"))
# Routes that fetch addresses, or write or run what the page never asks for.
_CLOSED = tuple(
    f"{API_PREFIX}/{name}" for name in ("proxy=", "process_recording", "deep_link", "vibe-", "dev/")
)
_DEPTH = 20
"""Maximum depth of nested lists and objects; the page sends at most eight levels."""
_SMALL = 64 * 2**10
"""Bytes up to which a body is always accepted."""
_ROOM = 256 * 2**20
"""Bytes of larger bodies that are held in memory at once, for all visitors together."""
_SECONDS = 60
"""Seconds within which a body that is read whole must arrive."""
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)


class RefusalError(Exception):
    """A refused request, with the status and the sentence of its answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Gate:
    """ASGI middleware that limits what a request may carry."""

    def __init__(self, app: App, limits: Limits) -> None:
        self._app = app
        # A photo of a folder is sent as some 1,300 bytes, with twenty commas and brackets.
        self._json_bytes = 256 * 2**10 + 4096 * limits.folder_files
        self._values = 1000 + 50 * limits.folder_files
        # Over MCP, files are text within the JSON: four letters for three bytes.
        self._tool_bytes = self._json_bytes + limits.upload_bytes * 3 // 2
        photos = limits.upload_bytes * limits.folder_files
        self._upload_bytes = 2**20 + max(photos, limits.video_bytes)
        self._held: Counter[str] = Counter()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse a request that exceeds a limit; pass on every other one."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body, sender = bytearray(), address_of(HTTPConnection(scope))
        try:
            receive = await self._judged(scope, receive, body, sender)
        except RefusalError as refusal:
            # Gradio's page shows what is called "detail", its clients what is called "error".
            content = {"detail": refusal.text, "error": refusal.text}
            await JSONResponse(content, refusal.status)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
        finally:
            self._release(body, sender)

    def _release(self, body: bytearray, sender: str) -> None:
        self._held[sender] -= _counting(body)
        if not self._held[sender]:
            del self._held[sender]
        body.clear()

    async def _judged(
        self, scope: Message, receive: Receive, body: bytearray, sender: str
    ) -> Receive:
        """Return a `receive` that keeps to the bounds; RefusalError for a request that does not.

        What is read whole is added to `body`.
        """
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(_CLOSED) or (path.startswith(f"{API_PREFIX}/file") and "://" in path):
            raise RefusalError(404, "There is nothing here.")
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").startswith("multipart/form-data")
        form = path.rstrip("/") if is_form else ""
        most = self._most(path, form)
        announced = headers.get("content-length", "0")
        if not re.fullmatch("[0-9]{1,15}", announced) or int(announced) > most:
            raise RefusalError(413, _too_large(most))
        if announced == "0" and "transfer-encoding" not in headers:
            return receive
        if form == _UPLOAD:
            return _counted(receive, most)
        try:
            await asyncio.wait_for(self._read(receive, body, most, sender), _SECONDS)
        except asyncio.TimeoutError:
            raise RefusalError(408, f"The request must arrive within {_SECONDS} seconds.") from None
        if form != _BLOBS:
            self._check_json(body)
        return _replayed(body, receive)

    def _most(self, path: str, form: str) -> int:
        if form in (_UPLOAD, _BLOBS):
            return self._upload_bytes if form == _UPLOAD else BLOB_BYTES + 2**16
        return self._tool_bytes if path.startswith(_TOOLS) else self._json_bytes

    async def _read(self, receive: Receive, body: bytearray, most: int, sender: str) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusalError(400, "The request broke off.")
            before = _counting(body)
            body += message.get("body", b"")
            self._held[sender] += _counting(body) - before
            more = message.get("more_body", False)
            if len(body) > most:
                raise RefusalError(413, _too_large(most))
            # Each visitor may take half of the free room, so that some is left for the next.
            if _counting(body) and 2 * self._held[sender] > _ROOM - self._held_by_others(sender):
                self._release(body, sender)
                raise RefusalError(503, "The server is busy. Please try again in a minute.")

    def _held_by_others(self, sender: str) -> int:
        return self._held.total() - self._held[sender]

    def _check_json(self, body: bytearray) -> None:
        """Refuse JSON with too many values or levels, counting only commas and brackets."""
        if json.detect_encoding(body) not in ("utf-8", "utf-8-sig"):
            raise RefusalError(400, "The request must be JSON in UTF-8.")
        openings = body.count(b"[") + body.count(b"{")
        values = openings + body.count(b",")
        if values > self._values:
            text = f"The request may have at most {self._values} values; these are {values}."
            raise RefusalError(413, text)
        if openings > _DEPTH and _depth(body) > _DEPTH:
            text = f"The request may have at most {_DEPTH} levels of lists and objects."
            raise RefusalError(400, text)


def _counting(body: bytearray) -> int:
    """Return how many bytes of memory a body reserves."""
    return len(body) if len(body) > _SMALL else 0


def _depth(body: bytearray) -> int:
    depth = deepest = 0
    for match in _STRUCTURE.finditer(body):
        mark = match.group()
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark in (b"]", b"}"):
            depth -= 1
    return deepest


def _too_large(most: int) -> str:
    return f"The request is too large: at most {most / 2**20:.1f} MB are taken."


def _replayed(body: bytearray, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, and then what `receive` gives."""
    messages = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


def _counted(receive: Receive, most: int) -> Receive:
    """Return a `receive` that ends a form of more than `most` bytes as Gradio ends large files."""
    total = 0

    async def next_message() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > most:
            raise MultiPartException(f"Form exceeded maximum allowed size of {most} bytes.")
        return message

    return next_message
