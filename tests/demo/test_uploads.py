"""Which files a visitor may name, in any input of any endpoint."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.catalog import EXAMPLES, photo_path
from demo.limits import Limits
from demo.messages import VisitorError
from demo.uploads import check_input, read_file
from tests.demo.pictures import opened
from tests.tiny import save_picture

MARK = {"_type": "gradio.FileData"}
EVENTS = {"index": [3, 4], "value": None}


@pytest.fixture
def upload(uploads: Path, tmp_path: Path) -> Path:
    folder = uploads / "an upload"
    folder.mkdir(exist_ok=True)
    return save_picture(folder / f"{tmp_path.name}.png")


@pytest.fixture
def address() -> Iterator[tuple[str, list[str]]]:
    """An address, with the list of what was asked there."""
    asked: list[str] = []

    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/picture.png", asked
        server.shutdown()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    """One client for hundreds of requests: each new one reads all certificates."""
    with httpx.Client(base_url=url, verify=False) as client:
        yield client


def ask(client: httpx.Client, function: dict[str, Any], data: list[Any]) -> dict[str, Any]:
    """Call any function of the page, private ones too; return the last message."""
    session = "a-session"
    body = {
        "data": data,
        "fn_index": function["id"],
        "session_hash": session,
        "trigger_id": function["targets"][0][0] if function["targets"] else None,
        "event_data": EVENTS,
    }
    answer = client.post("gradio_api/queue/join", json=body)
    assert answer.status_code == 200, answer.text
    with client.stream("GET", f"gradio_api/queue/data?session_hash={session}") as stream:
        for line in stream.iter_lines():
            message = json.loads(line[5:]) if line.startswith("data:") else {"msg": ""}
            if message["msg"] == "process_completed":
                return message
    raise AssertionError("no answer")


def functions(client: httpx.Client) -> list[dict[str, Any]]:
    """List all functions that take anything from a visitor."""
    listed = client.get("config").json()["dependencies"]
    return [function for function in listed if function["inputs"] and function["backend_fn"]]


def in_every_input(client: httpx.Client, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Send the value to every input of every function in turn; give the place and the answer."""
    for function in functions(client):
        for index in range(len(function["inputs"])):
            data: list[Any] = [None] * len(function["inputs"])
            data[index] = value
            yield f"{function['id']} {function['api_name']} {index}", ask(client, function, data)


@pytest.mark.parametrize("form", ["bare", "marked"])
def test_file_of_the_server_is_taken_by_no_input(
    client: httpx.Client, tmp_path: Path, form: str
) -> None:
    private = save_picture(tmp_path / "holiday.png")
    value = {"path": str(private), **({"meta": MARK} if form == "marked" else {})}
    places = 0
    for place, answer in in_every_input(client, value):
        assert not answer["success"], place
        assert answer["output"]["error"].startswith("“holiday.png” is not here"), place
        assert str(tmp_path) not in json.dumps(answer), place
        places += 1
    assert places > 60


@pytest.mark.parametrize("form", ["bare", "marked"])
def test_address_is_fetched_for_no_input(
    client: httpx.Client, address: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    # Loopback stands for the Internet here.
    public = "gradio.processing_utils.PUBLIC_HOSTNAME_WHITELIST"
    monkeypatch.setattr(public, ["127.0.0.1"])
    where, asked = address
    value = {"path": where, "url": where, **({"meta": MARK} if form == "marked" else {})}
    for place, answer in in_every_input(client, value):
        assert "not fetched from addresses" in answer["output"]["error"], place
    assert asked == []


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda file: [file],
        lambda file: [{"image": file, "caption": None}],
        lambda file: {"first": file},
        lambda file: {"layer": file},
        lambda file: {"background": None, "composite": None, "layers": [file]},
        lambda file: {"background": file, "composite": None, "layers": []},
        lambda file: {"value": {"video": file}},
    ],
)
def test_file_is_found_in_whatever_holds_it(tmp_path: Path, wrapped: Any) -> None:
    private = save_picture(tmp_path / "holiday.png")
    with pytest.raises(VisitorError, match=r"“holiday\.png” is not here"):
        check_input([1, wrapped({"path": str(private)})], Limits())


def test_ways_out_of_the_uploads_are_closed(uploads: Path, upload: Path, tmp_path: Path) -> None:
    private = save_picture(tmp_path / "holiday.png")
    (upload.parent / "link.png").symlink_to(private)
    (upload.parent / "folder").symlink_to(tmp_path)
    os.mkfifo(upload.parent / "pipe.png")
    paths = [
        str(upload.parent / "link.png"),
        str(upload.parent / "folder" / "holiday.png"),
        str(upload.parent / "pipe.png"),
        str(upload.parent),
        f"{uploads}/../{tmp_path.name}/holiday.png",
        f"{uploads}{os.sep}nothing.png",
        os.path.relpath(private),
        f"{uploads}-other/holiday.png",
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/environ",
        "/proc/self/fd/0",
        "",
        ".",
        "\0",
        f"{upload}\0.png",
        "x" * 4000,
        "~/.bashrc",
        str(EXAMPLES / "gallery.jpg"),
        str(EXAMPLES / "photos" / ".." / "gallery.jpg"),
    ]
    for path in paths:
        with pytest.raises(VisitorError, match=r"is not here"):
            check_input({"path": path}, Limits())
    for path in ("file:///etc/passwd", "ftp://x/y", "HTTP://x/y.png", "data:image/png;base64,AA"):
        with pytest.raises(VisitorError, match="not fetched from addresses"):
            check_input({"path": path}, Limits())
    for path in (1, ["a"], {"path": "b"}):
        with pytest.raises(VisitorError):
            check_input({"path": path}, Limits())


def test_uploads_and_examples_are_here(uploads: Path, upload: Path) -> None:
    check_input([{"path": str(upload)}, {"path": str(photo_path("Cat")), "meta": MARK}], Limits())


def test_uploads_are_here_in_a_folder_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "link"))
    save_picture(tmp_path / "real" / "photo.png")
    check_input({"path": str(tmp_path / "link" / "photo.png")}, Limits())


def test_lists_and_texts_are_bounded() -> None:
    check_input([["x"] * 64, "y" * 4096], Limits(folder_files=3))
    check_input([["x"] * 100], Limits(folder_files=100))
    for value in ([["x"] * 65], [{str(n): n for n in range(65)}]):
        with pytest.raises(
            VisitorError, match="At most 3 photos at once, or 64 of anything else; here are 65"
        ):
            check_input(value, Limits(folder_files=3))
    with pytest.raises(VisitorError, match="at most 4096 letters"):
        check_input([None, ["y" * 4097]], Limits())


def test_only_regular_files_are_read_and_no_more_of_them_than_allowed(tmp_path: Path) -> None:
    (tmp_path / "ten").write_bytes(b"0123456789")
    assert read_file(str(tmp_path / "ten"), "Photo", 10) == b"0123456789"
    with pytest.raises(VisitorError, match="Photo is too large"):
        read_file(str(tmp_path / "ten"), "Photo", 9)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "missing", Path("/dev/zero"), Path("\0")):
        with pytest.raises(VisitorError, match="Photo is not here"):
            read_file(str(path), "Photo", 10)


def test_point_of_a_photo_is_where_it_was_clicked(client: httpx.Client, upload: Path) -> None:
    parts = {part["id"]: part["props"] for part in client.get("config").json()["components"]}
    (place,) = (each for each in functions(client) if started_by(parts, each) == ["inside-photo"])
    answer = ask(client, place, [{"path": str(upload), "meta": MARK}])
    assert answer["success"], answer
    width, height = opened(upload).size
    assert answer["output"]["data"] == [round(3 / width, 3), round(4 / height, 3)]


def started_by(parts: dict[int, dict[str, Any]], function: dict[str, Any]) -> list[str | None]:
    """Return the names of the parts whose choice starts a function."""
    starts = [target for target, event in function["targets"] if event == "select"]
    return [parts[start].get("elem_id") for start in starts]
