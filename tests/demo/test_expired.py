"""What a visitor is told of files that are not here any more."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import httpx
import pytest

from demo.catalog import painting_path
from tests.demo.visitor import LOCAL, Visitor
from tests.tiny import save_picture


@pytest.fixture
def visitor(app: gr.Blocks) -> Visitor:
    return Visitor(app)


def delete(folder: Path, name: str) -> None:
    """Delete all files of a name, and not what the page shows to everybody."""
    for path in folder.rglob(name):
        path.unlink()


@pytest.mark.parametrize("name", ["stylize", "full_size", "stylize_folder", "explain"])
def test_expired_photo_is_called_gone(
    visitor: Visitor, uploads: Path, tmp_path: Path, name: str
) -> None:
    photo = visitor.upload(save_picture(tmp_path / "holiday.png", (64, 48)))
    delete(uploads, "holiday.png")
    visitor.join(name, photo)
    answer = visitor.answer()
    assert not answer["success"]
    assert answer["output"]["error"] == (
        "“holiday.png” is not here, or not any more: files are deleted after a while, and when the "
        "server starts again. Please upload it; everything else is as it was."
    )


def test_link_to_an_expired_file_says_so(visitor: Visitor, uploads: Path, tmp_path: Path) -> None:
    photo = visitor.upload(save_picture(tmp_path / "holiday.png", (64, 48)))
    address = f"/file={photo['path']}"
    assert visitor.http.get(address).status_code == 200
    delete(uploads, "holiday.png")
    answer = visitor.http.get(address)
    assert answer.status_code == 410 and answer.headers["content-type"].startswith("text/plain")
    assert answer.text == (
        "This file is not here any more: files are deleted after a while. Please make it again."
    )


@pytest.mark.parametrize("address", ["/file=/etc/passwd", "/file=/examples/none.jpg", "/file=x"])
def test_other_file_is_refused_without_a_word_about_it(url: str, address: str) -> None:
    answer = httpx.get(f"{url}gradio_api{address}", **LOCAL)
    assert answer.status_code in (403, 404)
    assert "root:" not in answer.text


def test_example_is_still_here(url: str) -> None:
    path = painting_path("Mosaic")
    answer = httpx.get(f"{url}gradio_api/file=/examples/styles/{path.name}", **LOCAL)
    assert answer.content == path.read_bytes()
