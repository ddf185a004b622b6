"""No path of the server is sent out, and its public name is as good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client, handle_file

from demo.public_names import Names
from tests.demo.pictures import difference
from tests.demo.test_public_server import file_data, stylize_raw
from tests.demo.visitor import LOCAL
from tests.tiny import save_picture

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folders(uploads: Path) -> list[str]:
    return [str(uploads), str(ROOT), str(Path(gr.__file__).parent)]


def none_in(text: str, folders: list[str]) -> str:
    for folder in folders:
        assert folder not in text, text[max(0, text.index(folder) - 80) :][:300]
    return text


@pytest.mark.parametrize(
    "path",
    [
        "",
        "?deep_link=x",
        "config",
        "config?page=",
        "gradio_api/info",
        "gradio_api/info?all_endpoints=true",
        "gradio_api/openapi.json",
        "openapi.json",
        "gradio_api/mcp/schema",
        "gradio_api/file=nothing.png",
        "gradio_api/file=../nothing.png",
        "static/nothing.png",
        "gradio_api/queue/status",
    ],
)
def test_pages_name_no_folders(url: str, folders: list[str], path: str) -> None:
    none_in(httpx.get(f"{url}{path}", **LOCAL).text, folders)


def test_uploads_and_results_are_named_without_folders(
    url: str, folders: list[str], uploads: Path, tmp_path: Path
) -> None:
    photo = save_picture(tmp_path / "my photo ä.png", (64, 48))
    with photo.open("rb") as file:
        answer = httpx.post(f"{url}gradio_api/upload", files={"files": (photo.name, file)}, **LOCAL)
    (name,) = json.loads(none_in(answer.text, folders))
    assert name.startswith("/uploads/") and name.endswith("/my photo ä.png")
    stream = none_in(stylize_raw(url, file_data(name)), folders)
    assert "event: complete" in stream
    pair = json.loads(stream.rpartition("data: ")[2])[0]
    for each in pair:
        by_url = httpx.get(each["url"], **LOCAL)
        by_path = httpx.get(f"{url}gradio_api/file={each['path']}", **LOCAL)
        assert by_url.content == by_path.content == real(each["path"], uploads).read_bytes()


def real(name: str, uploads: Path) -> Path:
    return uploads / name.removeprefix("/uploads/")


@pytest.mark.parametrize(
    "path",
    [
        "nothing.png",
        "/uploads/nothing.png",
        "/uploads/../../etc/passwd",
        "/examples/../catalog.py",
        "/examples/photos/nothing.jpg",
        "/etc/passwd",
        "a\0b",
        "/uploads",
    ],
)
def test_errors_name_no_folders(url: str, folders: list[str], path: str) -> None:
    stream = none_in(stylize_raw(url, file_data(path)), folders)
    assert "event: error" in stream
    none_in(httpx.get(f"{url}gradio_api/file={path}".replace("\0", "%00"), **LOCAL).text, folders)


def test_examples_are_named_without_folders_and_can_be_painted(
    url: str, folders: list[str]
) -> None:
    config = json.loads(none_in(httpx.get(f"{url}config", **LOCAL).text, folders))
    values = [each["props"].get("value") for each in config["components"]]
    photo = next(each for each in values if isinstance(each, dict) and "path" in each)
    assert photo["path"] == "/examples/photos/coffee.jpg"
    assert (
        httpx.get(photo["url"], **LOCAL).content == (ROOT / "demo" / photo["path"][1:]).read_bytes()
    )
    assert "event: complete" in stylize_raw(url, photo)


def test_no_file_of_the_page_is_a_default_for_programs(
    url: str, app: gr.Blocks, tmp_path: Path
) -> None:
    """Gradio's client would send the file of that path, from its own machine."""
    info = httpx.get(f"{url}gradio_api/info", **LOCAL).json()["named_endpoints"]
    defaults = [each["parameter_default"] for end in info.values() for each in end["parameters"]]
    assert "path" not in json.dumps(defaults) and "Swirling oil" in json.dumps(defaults)
    client = Client(url, verbose=False, download_files=str(tmp_path / "got"))
    photo = save_picture(tmp_path / "photo.png", (64, 48))
    result = client.predict(photo=handle_file(photo), strength=0.0, api_name="/full_size")
    assert difference(result, photo) == 0
    client.close()


@pytest.mark.parametrize("folder", ["/srv/app's & co/ünï up", "/srv/up", '/srv/"up"', "/srv/<up>"])
def test_names_stand_for_folders_of_any_spelling(folder: str) -> None:
    names = Names({"/uploads": folder, "/examples": "/srv"})
    value: Any = {"path": f"{folder}/a b.png", "text": f"no {folder}2"}
    value |= {"all": folder, "b": "/srv/c"}
    shown = {"path": "/uploads/a b.png", "text": f"no /examples{folder[4:]}2"}
    shown |= {"all": "/uploads", "b": "/examples/c"}
    for ascii_alone in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_alone).encode()
        assert json.loads(names.hide(text)) == shown
    back = json.loads(names.reveal_json(json.dumps({"a": [{"path": "/uploads/ä.png"}]}).encode()))
    assert back == {"a": [{"path": f"{folder}/ä.png"}]}
    assert names.reveal("/uploads/x") == f"{folder}/x" and names.reveal("/upload/x") == "/upload/x"
    address = names.reveal_address("/gradio_api/file=/uploads/x")
    assert address == f"/gradio_api/file={folder}/x"
    assert names.hide(f"file={gr_quote(folder)}/x".encode()) == b"file=/uploads/x"


def gr_quote(path: str) -> str:
    from gradio_client.utils import encode_file_path

    return encode_file_path(path)


def test_names_come_back_with_escaped_slashes_and_spaces() -> None:
    names = Names({"/uploads": "/srv/up"})
    assert names.reveal_json(rb'{"path" : "\/uploads\/x"}') == rb'{"path" : "/srv/up\/x"}'
    for text in (b'{"paths": "/uploads/x"}', b'{"path": "/uploads2/x"}', b'{"a": "/uploads/x"}'):
        assert names.reveal_json(text) == text
