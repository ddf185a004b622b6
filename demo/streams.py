"""Cameras that run: of each, the newest picture, and whoever waits for its answer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.messages import VisitorError

_PLACE = "/camera/"
_BYTES = 256 * 2**10
"""Of one picture of a camera."""
_ARRIVES, _ANSWERED = 15, 30
"""Seconds within which a picture must have arrived, and is answered."""


@dataclass
class Shot:
    """A picture of a camera, and its stylized picture once there is one; None if it is dropped."""

    data: bytes
    answer: Future[bytes | None] = field(default_factory=Future)

    def end(self, result: bytes | None) -> None:
        """Answer, unless that has been done."""
        with contextlib.suppress(Exception):
            self.answer.set_result(result)


class Stream:
    """One camera. A picture that nobody has begun to work on is dropped when a newer one comes."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(16)
        self._newest: Shot | None = None
        self._is_over = False
        self._changed = threading.Condition()

    def offer(self, data: bytes) -> Future[bytes | None]:
        """Take a picture; its answer comes later, or None."""
        shot = Shot(data)
        with self._changed:
            dropped, self._newest = (shot if self._is_over else self._newest), shot
            self._changed.notify_all()
        if dropped is not None:
            dropped.end(None)
        return shot.answer

    def take(self, seconds: float) -> Shot | None:
        """Return the newest picture, once; None if none comes within so many seconds."""
        with self._changed:
            if self._newest is None:
                self._changed.wait(seconds)
            shot, self._newest = self._newest, None
            return shot

    def close(self) -> None:
        """Answer no more."""
        with self._changed:
            self._is_over = True
            shot, self._newest = self._newest, None
        if shot is not None:
            shot.end(None)


class Streams:
    """The cameras that run, `most` of them at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._streams: dict[str, Stream] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._streams)

    def find(self, name: str) -> Stream | None:
        """Return the camera of this name, if it runs."""
        return self._streams.get(name)

    @contextlib.contextmanager
    def open(self) -> Iterator[Stream]:
        """Within it, a camera runs; VisitorError if too many do already."""
        stream = Stream()
        with self._lock:
            if len(self._streams) >= self._most:
                raise VisitorError(
                    f"As many cameras as can be served run here now ({self._most}). Please try "
                    "again in a minute."
                )
            self._streams[stream.name] = stream
        try:
            yield stream
        finally:
            with self._lock:
                del self._streams[stream.name]
            stream.close()


class CameraPictures:
    """ASGI middleware that takes pictures of running cameras and answers with stylized ones."""

    def __init__(self, app: ASGIApp, streams: Streams) -> None:
        self._app, self._streams = app, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or answer one with a picture."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope.get("method") != "POST" or not path.startswith(_PLACE):
            return await self._app(scope, receive, send)
        answer = await self._answer(Request(scope, receive), path.removeprefix(_PLACE))
        await answer(scope, receive, send)

    async def _answer(self, request: Request, name: str) -> Response:
        stream = self._streams.find(name)
        if stream is None:
            return PlainTextResponse("This camera does not run any more.", 410)
        try:
            data = await asyncio.wait_for(_body(request), _ARRIVES)
            if len(data) > _BYTES:
                return PlainTextResponse("The picture is too large.", 413)
            result = await asyncio.wait_for(asyncio.wrap_future(stream.offer(data)), _ANSWERED)
        except asyncio.TimeoutError:
            return PlainTextResponse("This took too long.", 408)
        if result is None:
            return Response(status_code=204)
        return Response(result, media_type="image/jpeg", headers={"cache-control": "no-store"})


async def _body(request: Request) -> bytes:
    """Return the body, or as much of it as shows that it is too large."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > _BYTES:
            break
    return bytes(data)
