"""The same actions as tools over MCP."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from demo.catalog import painting_path, photo_path
from demo.upkeep import Page
from tests.demo.conftest import LIMITS, tiny_pipeline
from tests.demo.pictures import difference, layer, opened
from tests.tiny import save_picture

pytest.importorskip("mcp", reason="needs gradio[mcp]")

TOOLS = {"stylize", "full_size", "explain", "example"}


class Tools:
    """The tools of the demo, as an MCP client gets them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def listed(self) -> dict[str, Any]:
        """List the tools by name."""

        async def talk(session: Any) -> dict[str, Any]:
            return {tool.name: tool for tool in (await session.list_tools()).tools}

        return self._with_session(talk)

    def call(self, name: str, **arguments: Any) -> Any:
        """Call a tool; return its answer."""
        return self._with_session(lambda session: session.call_tool(name, arguments))

    def _with_session(self, talk: Any) -> Any:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        async def connect() -> Any:
            async with (
                streamable_http_client(f"{self.url}gradio_api/mcp/") as (read, write, _),
                ClientSession(read, write) as session,
            ):
                await session.initialize()
                return await talk(session)

        return asyncio.run(connect())


@pytest.fixture
def tools(url: str) -> Tools:
    return Tools(url)


def pictures(answer: Any) -> list[Image.Image]:
    """Return the pictures of an answer."""
    assert not answer.isError, answer.content
    data = [base64.b64decode(part.data) for part in answer.content if part.type == "image"]
    return [Image.open(io.BytesIO(each)) for each in data]


def as_data(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def test_actions_on_one_photo_are_described_tools(tools: Tools) -> None:
    listed = tools.listed()
    assert set(listed) == TOOLS
    assert all(tool.description for tool in listed.values())
    properties = listed["stylize"].inputSchema["properties"]
    assert "photo" in properties and "the full style" in str(properties["strength"])


def test_photo_is_stylized_over_mcp(tools: Tools, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "photo.png", (96, 64))
    answer = tools.call("full_size", photo=as_data(photo), paintings=["Mosaic"], strength=0.8)
    expected = tiny_pipeline()(photo, painting_path("Mosaic"), strength=0.8).images[0]
    (result,) = pictures(answer)
    assert difference(result, expected) == 0


def test_own_paintings_and_a_region_are_taken_over_mcp(tools: Tools, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "photo.png", (96, 64))
    own = [save_picture(tmp_path / f"{seed}.png", (80, 80), seed) for seed in (5, 6)]
    drawn = layer(tmp_path / "layer.png", (96, 64), (0, 0, 48, 64))
    answer = tools.call(
        "full_size",
        photo=as_data(photo),
        paintings=[],
        own_paintings={"second": as_data(own[1]), "first": as_data(own[0])},
        weight_2=0.25,
        region="unpainted",
        canvas={"layer": as_data(drawn)},
    )
    (result,) = pictures(answer)
    whole = tiny_pipeline()(photo, own, style_weights=[1, 0.25]).images[0]
    left, right = (0, 0, 32, 64), (64, 0, 96, 64)
    assert difference(result.crop(left), opened(photo).crop(left)) < 1
    assert difference(result.crop(right), whole.crop(right)) < 1
    assert difference(whole.crop(right), opened(photo).crop(right)) > 1


def test_answers_of_several_pictures_come_as_pictures(tools: Tools, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "photo.png", (96, 64))
    before, after = pictures(tools.call("stylize", photo=as_data(photo), paintings=["Mosaic"]))
    painted = tiny_pipeline()(photo, painting_path("Mosaic")).images[0]
    assert difference(before, opened(photo)) < 6 and difference(after, painted) < 6
    answer = tools.call("explain", photo=as_data(photo), paintings=["Mosaic"])
    assert len(pictures(answer)) == 3
    assert answer.content[-1].text.startswith("The point at (48, 32) looked mostly at the **")


def test_what_was_unpacked_for_mcp_is_deleted_like_uploads(
    app: Page, tools: Tools, uploads: Path, tmp_path: Path
) -> None:
    photo = save_picture(tmp_path / "photo.png", (96, 64), seed=9)
    tools.call("full_size", photo=as_data(photo), paintings=["Mosaic"])

    def left() -> list[Path]:
        files = [path for path in uploads.rglob("*") if path.is_file()]
        return [path for path in files if path.read_bytes() == photo.read_bytes()]

    assert left()
    app.tidy()
    assert left()
    for path in left():
        os.utime(path, (time.time() - LIMITS.keep_seconds - 1,) * 2)
    app.tidy()
    assert left() == []


def test_examples_are_pictures_over_mcp(tools: Tools) -> None:
    photo, painting = pictures(tools.call("example", photo="Cat", painting="Mosaic"))
    assert photo.size == opened(photo_path("Cat")).size
    # Gradio packs them as JPEG once more.
    assert difference(painting, painting_path("Mosaic")) < 12


def test_files_of_the_server_are_no_photos_over_mcp(tools: Tools) -> None:
    answer = tools.call("stylize", photo=str(photo_path("Cat")), paintings=["Mosaic"])
    assert answer.isError and "provide a url" in str(answer.content)


@pytest.mark.parametrize("name", ["full_size", "stylize_folder", "explain"])
def test_tools_upload_no_file_of_the_server(
    tools: Tools, uploads: Path, tmp_path: Path, name: str
) -> None:
    private = save_picture(tmp_path / "holiday.png", (96, 64), seed=77)
    file = {"path": str(private), "meta": {"_type": "gradio.FileData"}}
    photo = as_data(save_picture(tmp_path / "photo.png", (96, 64)))
    for arguments in (
        {"photo": file},
        {"photos": [file]},
        {"photo": photo, "own_paintings": {"first": file}},
        {"photo": photo, "own_paintings": [{"image": file}]},
        {"photo": photo, "strength_map": file},
        {"photo": photo, "canvas": {"layers": [file], "layer": file}},
        {"photo": photo, "paintings": [file]},
        {"photo": photo, "strength": file},
    ):
        assert tools.call(name, **arguments).isError, arguments
    copies = [path for path in uploads.rglob("*") if path.is_file()]
    assert not [path for path in copies if path.read_bytes() == private.read_bytes()]


def test_addresses_are_fetched_by_no_tool(tools: Tools, tmp_path: Path) -> None:
    photo = as_data(save_picture(tmp_path / "photo.png", (96, 64)))
    address = "https://example.com/painting.png"
    for arguments in (
        {"photo": address},
        {"photo": photo, "own_paintings": {"first": address}},
        {"photo": photo, "strength_map": address},
        {"photo": photo, "canvas": {"layer": address}},
    ):
        answer = tools.call("full_size", **arguments)
        assert answer.isError and "not fetched from elsewhere" in str(answer.content)


def test_picture_of_an_answer_can_be_sent_again(tools: Tools, url: str, tmp_path: Path) -> None:
    photo = save_picture(tmp_path / "photo.png", (96, 64))
    answer = tools.call("full_size", photo=as_data(photo), paintings=["Mosaic"])
    (address,) = (part.text for part in answer.content if part.type == "text")
    again = tools.call(
        "full_size",
        photo=address.removeprefix("Image URL: "),
        paintings=["Mosaic"],
        strength=0,
    )
    assert difference(pictures(again)[0], pictures(answer)[0]) == 0
    outside = f"{url}gradio_api/file={photo}"
    answer = tools.call("full_size", photo=outside, paintings=["Mosaic"], strength=0)
    assert answer.isError and "“photo.png” is not here" in str(answer.content)


def test_pictures_in_an_address_are_bounded_like_uploads(tools: Tools, uploads: Path) -> None:
    def stored() -> set[Path]:
        return {path for path in uploads.rglob("*") if path.is_file()}

    before = stored()
    data = "data:image/png;base64," + "A" * (LIMITS.upload_bytes * 4 // 3 + 200)
    answer = tools.call("full_size", photo=data, paintings=["Mosaic"])
    assert answer.isError and "at most 2 MB" in str(answer.content)
    answer = tools.call("full_size", photo="data:image/png;base64,A", paintings=["Mosaic"])
    assert answer.isError and "must be in base64" in str(answer.content)
    assert stored() == before


def test_tools_say_which_files_they_take(tools: Tools) -> None:
    schema = tools.listed()["full_size"].inputSchema["properties"]
    places = [
        schema["photo"],
        schema["own_paintings"]["properties"]["first"],
        schema["canvas"]["properties"]["layer"],
        schema["strength_map"],
    ]
    assert all("data:image/" in place["format"] for place in places)
