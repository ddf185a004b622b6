"""Somebody who talks to the demo with a program instead of a browser."""

from __future__ import annotations

import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx

PATIENCE = 120
"""Seconds within which a busy machine does what one without work does at once."""
LOCAL: dict[str, Any] = {"timeout": PATIENCE, "verify": False}
"""Options of httpx for a server on this machine: to read all certificates takes a while."""


def until(done: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Wait until something is so; say whether it came to that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.02)
    return False


class Visitor:
    """Somebody with a program, who may come from any address of this machine's own network."""

    def __init__(self, app: gr.Blocks, address: str = "127.0.0.1") -> None:
        transport = httpx.HTTPTransport(local_address=address, verify=False)
        url = f"{app.local_url}gradio_api"
        self.http = httpx.Client(base_url=url, transport=transport, timeout=PATIENCE)
        self.functions = {fn.api_name: fn._id for fn in app.fns.values()}
        self.session = uuid.uuid4().hex

    def upload(self, picture: Path) -> dict[str, Any]:
        answer = self.http.post("/upload", files={"files": (picture.name, picture.read_bytes())})
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}

    def join(self, name: str, photo: Any, *, session: str | None = None, **values: Any) -> Any:
        body = {
            "data": inputs_of(name, photo, **values),
            "fn_index": self.functions[name],
            "session_hash": session or self.session,
        }
        return self.http.post("/queue/join", json=body)

    def messages(self, session: str | None = None) -> Iterator[dict[str, Any]]:
        """Listen, until the caller has heard enough."""
        query = {"session_hash": session or self.session}
        with self.http.stream("GET", "/queue/data", params=query) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    def answer(self, session: str | None = None) -> dict[str, Any]:
        return next(m for m in self.messages(session) if m["msg"] == "process_completed")

    def fetch(self, file: dict[str, Any]) -> io.BytesIO:
        """Fetch a file of an answer."""
        return io.BytesIO(self.http.get(f"/file={file['path']}").content)

    def cancel(self, name: str, event: str) -> None:
        body = {"session_hash": self.session, "fn_index": self.functions[name], "event_id": event}
        assert self.http.post("/cancel", json=body).status_code == 200


def inputs_of(name: str, photo: Any, **values: Any) -> list[Any]:
    strength, model = values.get("strength", 1), values.get("model")
    if name == "stylize_folder":
        return [[photo], ["Mosaic"], None, 1, 1, 1, 1, strength, "style", 1, model, 512]
    if name == "explain":
        return [photo, ["Mosaic"], None, 0.5, 0.5, model, 1]
    inputs = [photo, ["Mosaic"], None, 1, 1, 1, 1, strength, "style", 1]
    if name == "stylize_video":
        return [*inputs, model]
    inputs += ["everywhere", None, None, model]
    return [*inputs, 512 if name == "stylize" else values.get("image_format", "png")]
