"""How the Hub of the tests speaks HTTP, and misbehaves on request."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Fault:
    """What the next `times` requests that fit get, by method and path (regular expressions).

    A status; or another `body` without the Hub's headers, as of a proxy; or half the body, then a
    line that is closed, or is reset with `reset`.
    """

    method: str
    path: str
    status: int | None = None
    times: int = 1
    body: bytes | None = None
    reset: bool = False

    @property
    def breaks_off(self) -> bool:
        return self.status is None and self.body is None


class Refusal(Exception):  # noqa: N818
    """An answer with a status other than 200, and the Hub's error code."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class FaultyServer(ThreadingHTTPServer):
    """Keeps a log of all requests, and the faults that are to come."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the game."""

    def requests(self, method: str, pattern: str) -> int:
        """Count the requests so far."""
        return sum(m == method and re.search(pattern, path) is not None for m, path in self.log)


class Transport(BaseHTTPRequestHandler):
    """Reads requests, finds their answers, and sends these whole or cut off."""

    protocol_version = "HTTP/1.1"
    # The body is written after the headers, and would wait 40 ms for their acknowledgement.
    disable_nagle_algorithm = True
    server: FaultyServer

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_request(self) -> None:
        path = unquote(urlsplit(self.path).path)
        fault = self.take_fault(path)
        self.fault = fault
        if fault and fault.breaks_off and self.command in ("PUT", "POST"):
            self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
            return self.hang_up()
        self.drop = fault is not None and fault.breaks_off
        body = self.read_body()
        if fault and fault.body is not None:
            return self.send(fault.body, headers={"Content-Type": "text/html"})
        try:
            if fault and fault.status:
                raise Refusal(fault.status, "out of order")
            answer = self.find_answer(path)
            with self.server.lock:
                answer(body)
        except Refusal as refusal:
            headers = {"X-Error-Message": str(refusal)}
            headers |= {"X-Error-Code": refusal.code} if refusal.code else {}
            self.answer({"error": str(refusal)}, refusal.status, headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_request  # noqa: N815

    def find_answer(self, path: str) -> Callable[[bytes], None]:
        """Return what answers a request's body; each server has its own."""
        raise NotImplementedError

    def take_fault(self, path: str) -> Fault | None:
        with self.server.lock:
            self.server.log.append((self.command, path))
            for fault in self.server.faults:
                fits = re.fullmatch(fault.method, self.command) and re.search(fault.path, path)
                if fault.times and fits:
                    fault.times -= 1
                    return fault
        return None

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks: list[bytes] = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def hang_up(self) -> None:
        self.close_connection = True
        if self.fault and self.fault.reset:
            at_once = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(json.dumps(value).encode(), status, headers)

    def send(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if self.drop else data)
            self.wfile.flush()
        if self.drop:
            self.hang_up()
