"""Public names of files, which do not reveal the server's folders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from gradio_client.utils import encode_file_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WITH_NAMES = ("application/json", "text/event-stream", "text/html", "text/plain")


class Names:
    """Folders of the server by the names that visitors know: {"/uploads": "/var/tmp/gradio"}.

    The page sends the path of a file back that Gradio has told it: there is a way back as well.
    """

    def __init__(self, folders: Mapping[str, str | Path]) -> None:
        self._folders = {name: os.path.abspath(folder) for name, folder in folders.items()}
        shown: dict[bytes, bytes] = {}
        for name, folder in self._folders.items():
            for path in (folder, os.path.realpath(folder)):
                shown |= dict.fromkeys(_spellings(path), name.encode())
        self._shown = shown
        longest_first = sorted(shown, key=len, reverse=True)
        self._in_text = re.compile(b"(%s)(?![\\w.-])" % b"|".join(map(re.escape, longest_first)))
        either = "|".join(map(re.escape, folders))
        self._in_json = re.compile(
            rf'("path"\s*:\s*")({either})(?=/)'.replace("/", r"\\?/").encode()
        )
        self._in_address = re.compile(rf"(?<=/file[=/])({either})(?=/)")

    def hide(self, text: bytes) -> bytes:
        """Put the names for the folders in a text for visitors."""
        return self._in_text.sub(lambda match: self._shown[match[1]], text)

    def reveal_json(self, text: bytes) -> bytes:
        """Put the folders for the names in the paths of a visitor's JSON."""

        def folder(match: re.Match[bytes]) -> bytes:
            name = match[2].replace(b"\\", b"").decode()
            return match[1] + json.dumps(self._folders[name])[1:-1].encode()

        return self._in_json.sub(folder, text)

    def reveal_address(self, address: str) -> str:
        """Put the folder for the name in the address of a file."""
        return self._in_address.sub(lambda match: self._folders[match[1]], address)

    def reveal(self, path: str) -> str:
        """Return the path of a file that a visitor names so."""
        return self.reveal_address(f"/file={path}").removeprefix("/file=")


class PublicNames:
    """ASGI middleware that puts public names for paths into answers, and paths into requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request with paths, and its answer with names."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        names: Names = scope["app"].get_blocks().names
        scope["path"] = names.reveal_address(scope["path"])
        if "json" in Headers(scope=scope).get("content-type", ""):
            receive = _revealed(receive, names)
        if scope["method"] != "HEAD":
            send = _hidden(send, names)
        await self._app(scope, receive, send)


def _revealed(receive: Receive, names: Names) -> Receive:
    """Return a `receive` that gives the body, which Gradio holds whole too, with paths."""
    is_read = False

    async def next_message() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
            more = message.get("more_body", False)
        is_read = True
        return {"type": "http.request", "body": names.reveal_json(bytes(body)), "more_body": False}

    return next_message


def _hidden(send: Send, names: Names) -> Send:
    """Return a `send` that puts names into texts, and into each message of a stream."""
    start: Message | None = None
    is_text = False

    async def send_named(message: Message) -> None:
        nonlocal start, is_text
        if message["type"] == "http.response.start":
            is_text = (
                Headers(raw=message["headers"]).get("content-type", "").startswith(_WITH_NAMES)
            )
            if is_text:
                start = message
                return
        elif is_text and message["type"] == "http.response.body":
            body = names.hide(message.get("body", b""))
            message = {**message, "body": body}
            if start is not None:
                headers = MutableHeaders(raw=start["headers"])
                del headers["content-length"]
                if not message.get("more_body", False):
                    headers["content-length"] = str(len(body))
                await send(start)
                start = None
        await send(message)

    return send_named


def _spellings(path: str) -> set[bytes]:
    """Return how a path may stand in JSON, in JSON within a page, and in an address."""
    in_json = [json.dumps(path, ensure_ascii=ascii_alone)[1:-1] for ascii_alone in (True, False)]
    in_page = [text.replace("&", "\\u0026").replace("'", "\\u0027") for text in in_json]
    return {text.encode() for text in (path, encode_file_path(path), *in_json, *in_page)}
