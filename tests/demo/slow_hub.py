"""Answers of the Hub of the tests that never come to an end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.hub.hub_server import HubHandler


def answer_forever(
    patch: pytest.MonkeyPatch, pattern: str, *, pause: float, chunk: bytes = b" "
) -> list[str]:
    """Answer what matches with chunks and pauses, without end; return the paths that were asked."""
    asked: list[str] = []
    usual = HubHandler.do_GET

    def do_get(handler: HubHandler) -> None:
        if not re.search(pattern, handler.path):
            return usual(handler)
        asked.append(handler.path)
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("ETag", '"0"')
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            for each in _chunks(chunk, pause):
                handler.wfile.write(each)
        except OSError:
            asked.append("hung up")

    patch.setattr(HubHandler, "do_GET", do_get)
    return asked


def _chunks(chunk: bytes, pause: float) -> Iterator[bytes]:
    end = time.monotonic() + 600
    while time.monotonic() < end:
        yield chunk
        time.sleep(pause)
