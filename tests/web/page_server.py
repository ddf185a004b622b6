"""A static host on this machine: serves a folder with the headers that its README.md asks for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from huggingface_hub import metadata_load


class PageServer(ThreadingHTTPServer):
    """Counts the bytes of every file that was sent; one that `is_cut` off hangs up."""

    daemon_threads = True

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        self.headers = dict(headers)
        self.sent: dict[str, int] = {}
        self.is_cut = False
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(SimpleHTTPRequestHandler):
    extensions_map: ClassVar[dict[str, str]] = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".onnx": "application/octet-stream",
        ".webp": "image/webp",
    }
    server: PageServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        if self.server.is_cut:
            self.close_connection = True
        else:
            super().do_GET()

    def end_headers(self) -> None:
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length":
            self.server.sent[self.path] = self.server.sent.get(self.path, 0) + int(value)
        super().send_header(keyword, value)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def serving(folder: Path, *, headers: Mapping[str, str] | None = None) -> Iterator[PageServer]:
    """Serve a folder; by default with the custom_headers of its README.md."""
    if headers is None:
        headers = metadata_load(folder / "README.md")["custom_headers"]
    server = PageServer(folder, headers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
