"""Limits on uploads while they arrive: for each form, each visitor and the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import gradio.processing_utils
import gradio.route_utils
import gradio.routes
from gradio.route_utils import API_PREFIX, FileUploadProgress, GradioMultiPartParser
from gradio.utils import LRUCache, get_upload_folder
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.store import FULL, NO_ROOM, FullError, Store, Upload
from demo.visitors import address_of

logger = logging.getLogger(__name__)

_BLOBS = f"{API_PREFIX}/component_server"
_TO_DISK = (_BLOBS, f"{API_PREFIX}/upload", f"{API_PREFIX}/mcp")
_AT_ONCE = 2
"""Requests of one visitor that are read at the same time; the others wait unread."""
_PAUSE, _WHOLE = 60, 1800
"""Seconds within which a request must make progress, and must be complete."""
_FIELDS, _FIELD_BYTES = 16, 64 * 2**10
"""Number of a form's fields that are not files, and their total bytes, which are held in memory."""
_PROGRESSES = 1000
"""Uploads whose progress is reported."""

OWN = {"x-stylekernel-own": secrets.token_hex(16)}
"""The header of requests from the demo's own MCP client, whose visitors are already counted."""


@dataclass
class Form:
    """The limits of this request's form, and its files so far."""

    most_files: int
    spooled: list[Any] = field(default_factory=list)

    def delete(self) -> None:
        """Delete the files that Gradio has not moved to their places."""
        for file in self.spooled:
            file.close()
            with contextlib.suppress(OSError):
                Path(file.name).unlink()


_form: ContextVar[Form] = ContextVar("form")


class TooSlowError(Exception):
    """A request that does not arrive in time."""


class Uploads:
    """ASGI middleware that ends uploads that are too large, too slow or incomplete."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on; tell whoever sends more than there is room for."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope.get("method") != "POST" or not path.startswith(_TO_DISK):
            return await self._app(scope, receive, send)
        request = HTTPConnection(scope)
        is_own = all(request.headers.get(name) == value for name, value in OWN.items())
        visitor = None if is_own else address_of(request)
        turn = self._turns.setdefault(visitor or "", asyncio.Semaphore(_AT_ONCE))
        page = scope["app"].get_blocks()
        incoming = _Incoming(receive, send, page.store, page.store.begin(visitor), turn)
        refusal: JSONResponse | None = None
        _form.set(form := Form(page.limits.folder_files))
        try:
            incoming.announce(request.headers.get("content-length", ""))
            await self._app(scope, incoming.receive, incoming.send)
        except FullError as error:
            refusal = _refusal(413, str(error))
        except TooSlowError:
            refusal = _refusal(408, "The upload has stopped, or takes too long. Please try again.")
        except ClientDisconnect:
            pass
        except OSError as error:
            if error.errno not in FULL:
                raise
            logger.exception("an upload could not be stored")
            refusal = _refusal(413, NO_ROOM)
        finally:
            incoming.end(kept=0 < incoming.status < 400 and not path.startswith(_BLOBS))
            form.delete()
        if refusal is not None and not incoming.status:
            await refusal(scope, receive, send)


class _Incoming:
    """One request while it arrives."""

    def __init__(
        self, receive: Receive, send: Send, store: Store, upload: Upload, turn: asyncio.Semaphore
    ) -> None:
        self._receive, self._send = receive, send
        self._store, self._upload, self._turn = store, upload, turn
        self._is_reading = self._is_read = False
        self._deadline = 0.0
        self.status = 0
        """Of the answer; 0 before there is one."""

    def announce(self, length: str) -> None:
        """Check the length that the request declares; raise FullError if it is too large."""
        if length.isdecimal():
            self._upload.announce(int(length[:15]))

    async def receive(self) -> Message:
        """Return the next bytes; raise FullError for too many, TooSlowError if none arrive."""
        if self._is_read:
            return await self._receive()
        if not self._is_reading:
            await self._turn.acquire()
            self._is_reading = True
            self._deadline = time.monotonic() + _WHOLE
        try:
            pause = max(0, min(_PAUSE, self._deadline - time.monotonic()))
            message = await asyncio.wait_for(self._receive(), pause)
        except asyncio.TimeoutError:
            raise TooSlowError from None
        self._upload.add(len(message.get("body", b"")))
        if self._store.is_full():
            await asyncio.to_thread(self._store.make_room)
        if not message.get("more_body", False):
            self._release()
        return message

    async def send(self, message: Message) -> None:
        """Send the answer, and note its status."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    def end(self, *, kept: bool) -> None:
        """Close the account of the upload; its bytes are on the disk if it is `kept`."""
        self._release()
        self._upload.end(kept=kept)

    def _release(self) -> None:
        if self._is_reading and not self._is_read:
            self._turn.release()
        self._is_read = True


def bound_forms() -> None:
    """Have Gradio read forms within bounds, and keep nothing of those that fail.

    Its folders are named by sums of what is in them. They get a secret of this process, so that
    nobody can ask for them, and servers that share a folder have no files in common.
    """
    gradio.processing_utils.hash_seed = secrets.token_bytes(16)
    gradio.route_utils.GradioMultiPartParser = UploadForm
    gradio.routes.GradioMultiPartParser = UploadForm
    gradio.routes.file_upload_statuses = BoundedProgress()


class UploadForm(GradioMultiPartParser):
    """Gradio's parser, with bounds on the number of files and on what is held in memory."""

    def __init__(self, headers: Headers, stream: Any, **options: Any) -> None:
        form = _form.get()
        options["max_files"] = min(options["max_files"], form.most_files)
        options["max_fields"] = min(options["max_fields"], _FIELDS)
        # Whatever is not deleted for any reason will be, with the other files there.
        options["upload_dir"] = options.get("upload_dir") or get_upload_folder()
        super().__init__(headers, stream, **options)
        self._files_to_close_on_error = form.spooled
        self._field_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a file or of a field."""
        if self._current_part.file is not None:
            return super().on_part_data(data, start, end)
        self._field_bytes += end - start
        if self._field_bytes > _FIELD_BYTES:
            text = f"Fields exceeded maximum allowed size of {_FIELD_BYTES} bytes."
            raise MultiPartException(text)
        self._current_part.data += data[start:end]


class _Signals(LRUCache[str, asyncio.Event]):
    def __missing__(self, upload: str) -> asyncio.Event:
        self[upload] = event = asyncio.Event()
        return event


class BoundedProgress(FileUploadProgress):
    """Gradio's record of how far uploads have come, which forgets the oldest."""

    def __init__(self) -> None:
        super().__init__()
        self._statuses = LRUCache(_PROGRESSES)
        self._signals = _Signals(_PROGRESSES)


def _refusal(status: int, text: str) -> JSONResponse:
    # Gradio's page shows what is called "detail", its clients what is called "error".
    headers = {"connection": "close"}
    return JSONResponse({"detail": text, "error": text}, status, headers)
