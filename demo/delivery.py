"""How the page and its files come to a visitor: compressed, kept by browsers, or gone in words."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Mapping
from html import escape

from gradio.brotli_middleware import BrotliResponder, Mode
from gradio.route_utils import API_PREFIX
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipResponder
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.ahead import encoded, is_ahead, named_ahead, prepare

_PAGES = ("", "/", "/config", f"{API_PREFIX}/info")
"""What Gradio sends as it is: its own compression goes by the ending of a name."""
_LEAST = 1000
"""Bytes below which compressing is not worth while."""
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_DAY = "public, max-age=86400"
_KEPT = {
    "/assets/": _FOR_EVER,
    "/static/": _FOR_A_DAY,
    f"{API_PREFIX}/file=/examples/": _FOR_A_DAY,
}
"""How long browsers keep what lies there; names in the first folder change with the content."""
_KINDS = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
_VISITORS_FILE = re.compile(rf"(?:{API_PREFIX})?/file[=/]/uploads/.")
_GONE = "This file is not here any more: files are deleted after a while. Please make it again."
_SOCIAL = re.compile(rb'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


def address_of_file(name: str, data: bytes) -> str:
    """Return the address of a file that `Delivery` serves; another content has another one."""
    stem, _, ending = name.rpartition(".")
    return f"/pictures/{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{ending}"


def social_tags(title: str, description: str, picture: str) -> str:
    """Return the meta tags from which other sites make a preview of a link to the page.

    They need a picture's whole address, which only a Space knows of itself.
    """
    tags = {"og:type": "website", "og:title": title, "og:description": description}
    if host := os.environ.get("SPACE_HOST"):
        tags |= {"og:url": f"https://{host}/", "og:image": f"https://{host}{picture}"}
    card = "summary_large_image" if "og:image" in tags else "summary"
    lines = [f'<meta property="{name}" content="{escape(text)}" />' for name, text in tags.items()]
    return "\n".join([f'<meta name="twitter:card" content="{card}" />', *lines])


class Delivery:
    """ASGI middleware that compresses the page, and lets browsers keep what does not change.

    A link to a visitor's file that was deleted is answered by 410 and a sentence.
    `files` are served by their addresses, and `light` ones in the place of others to whoever reads
    WebP; `tags` take the place of Gradio's own for other sites.
    What components of the `kinds` on the first screen need is asked for at once.
    """

    def __init__(
        self,
        app: ASGIApp,
        files: Mapping[str, bytes],
        light: Mapping[str, bytes],
        tags: str = "",
        kinds: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._files = dict(files)
        self._light = dict(light)
        self._tags = tags.encode()
        self._kinds = kinds
        self._is_asked_for = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or answer one for a file."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self._app(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if (data := self._files.get(path)) is not None:
            kind = _KINDS[path.rpartition(".")[2]]
            answer = Response(data, media_type=kind, headers={"cache-control": _FOR_EVER})
            return await answer(scope, receive, send)
        wanted = Headers(scope=scope)
        if path in self._light:
            if "image/webp" not in wanted.get("accept", ""):
                return await self._app(scope, receive, _kept(send, _FOR_A_DAY, vary="Accept"))
            headers = {"cache-control": _FOR_A_DAY, "vary": "Accept"}
            answer = Response(self._light[path], media_type="image/webp", headers=headers)
            return await answer(scope, receive, send)
        accepted = wanted.get("accept-encoding", "")
        name = path.removeprefix("/assets/")
        if is_ahead(name, self._kinds):
            answer = await run_in_threadpool(_asset, name, self._kinds, accepted)
            return await answer(scope, receive, send)
        for folder, term in _KEPT.items():
            if path.startswith(folder):
                return await self._app(scope, receive, _kept(send, term))
        if _VISITORS_FILE.match(path):
            return await self._app(scope, receive, _worded(scope, receive, send))
        if path not in _PAGES or scope["method"] == "HEAD":
            return await self._app(scope, receive, send)
        app = self._tagged if path in ("", "/") and self._tags else self._app
        if "br" in accepted:
            responder = BrotliResponder(app, 5, Mode.text, 22, 0, _LEAST)
            return await responder(scope, receive, send)
        if "gzip" in accepted:
            return await GZipResponder(app, _LEAST)(scope, receive, send)
        await app(scope, receive, send)

    async def _tagged(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page, with the tags for other sites in its head."""
        if not self._is_asked_for:
            # Now, while the browser reads the page; a server that only programs ask needs them not.
            self._is_asked_for = True
            threading.Thread(
                target=prepare, args=(self._kinds,), name="first files", daemon=True
            ).start()
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            page = bytes(body)
            if Headers(raw=start["headers"]).get("content-type", "").startswith("text/html"):
                head, ending, rest = page.partition(b"<script")
                head = _SOCIAL.sub(b"", head)
                page = head + self._tags + b"\n" + ending + rest if ending else page
                page = named_ahead(page, self._kinds)
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page, "more_body": False})

        await self._app(scope, receive, collect)


def _asset(name: str, kinds: tuple[str, ...], accepted: str) -> Response:
    """Answer with a script or style sheet of Gradio's, which is smaller than Gradio sends it."""
    encoding = next((each for each in ("br", "gzip") if each in accepted), "identity")
    headers = {"cache-control": _FOR_EVER, "vary": "Accept-Encoding"}
    if encoding != "identity":
        headers["content-encoding"] = encoding
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    return Response(encoded(name, kinds, encoding), media_type=kind, headers=headers)


def _worded(scope: Scope, receive: Receive, send: Send) -> Send:
    """Return a `send` that says in words that a visitor's file was deleted.

    Gradio answers "File not allowed", since it forgets such a file.
    """
    is_gone = False

    async def send_words(message: Message) -> None:
        nonlocal is_gone
        if message["type"] == "http.response.start" and message["status"] in (403, 404):
            is_gone = True
            return await PlainTextResponse(_GONE, 410)(scope, receive, send)
        if not is_gone:
            await send(message)

    return send_words


def _kept(send: Send, term: str, vary: str | None = None) -> Send:
    """Return a `send` that tells browsers how long to keep a file, and what it depends on."""

    async def send_kept(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            headers = MutableHeaders(raw=message["headers"])
            headers.setdefault("cache-control", term)
            if vary:
                headers.add_vary_header(vary)
        await send(message)

    return send_kept
