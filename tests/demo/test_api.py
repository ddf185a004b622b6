"""Every action by `gradio_client`, as a program would call it."""

from __future__ import annotations

import importlib.util
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.catalog import painting_path, photo_path
from demo.settings import read_settings
from tests.demo.conftest import tiny_pipeline
from tests.demo.pictures import difference, layer, opened
from tests.tiny import save_picture

ENDPOINTS = {"/stylize", "/full_size", "/stylize_folder", "/explain", "/example"}
if importlib.util.find_spec("av") is not None:
    ENDPOINTS |= {"/stylize_video"}


@pytest.fixture(scope="module")
def client(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("got")))
    yield client
    client.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "photo.png", (96, 64))


def test_every_action_is_an_endpoint_and_nothing_else_is(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == ENDPOINTS
    names = [each["parameter_name"] for each in named["/full_size"]["parameters"]]
    assert names[:2] == ["photo", "paintings"] and "strength" in names


def test_stylize_gives_the_pair(client: Client, photo: Path) -> None:
    before, after = client.predict(
        photo=handle_file(photo), paintings=["Mosaic"], api_name="/stylize"
    )
    expected = tiny_pipeline()(photo, painting_path("Mosaic")).images[0]
    assert difference(before, photo) < 3 and difference(after, expected) < 3


def test_full_size_takes_every_option(client: Client, photo: Path, tmp_path: Path) -> None:
    own = save_picture(tmp_path / "own.png", (200, 160), seed=5)
    drawn = layer(tmp_path / "layer.png", (48, 32), (0, 0, 48, 32))
    fade = tmp_path / "map.png"
    Image.linear_gradient("L").save(fade)
    file = client.predict(
        photo=handle_file(photo),
        paintings=["Cubist"],
        own_paintings={"first": handle_file(own)},
        weight_1=0.25,
        weight_2=0.75,
        strength=0.6,
        color="luminance",
        stroke_scale=2,
        region="painted",
        canvas={"layer": handle_file(drawn)},
        strength_map=handle_file(fade),
        api_name="/full_size",
    )
    expected = tiny_pipeline()(
        photo,
        [painting_path("Cubist"), own],
        style_weights=[0.25, 0.75],
        strength=Image.linear_gradient("L").point(lambda value: round(value * 0.6)),
        color="luminance",
        stroke_scale=2,
    ).images[0]
    result = opened(file)
    assert difference(result, expected) < 0.1
    assert read_settings(result).paintings == ("Cubist", "own.png")


def test_painting_under_another_name_is_refused(client: Client, photo: Path) -> None:
    with pytest.raises(AppError, match="sent as first, second, third, fourth; got “mine”"):
        client.predict(
            photo=handle_file(photo),
            own_paintings={"mine": handle_file(photo)},
            api_name="/full_size",
        )


def test_folder_comes_back_as_a_zip(client: Client, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("dear diary")
    archive, report = client.predict(
        photos=[handle_file(photo), handle_file(tmp_path / "notes.jpg")],
        paintings=["Mosaic", "Cubist"],
        weight_2=0.25,
        api_name="/stylize_folder",
    )
    with zipfile.ZipFile(archive) as folder:
        assert folder.namelist() == ["photo.png"]
        with folder.open("photo.png") as file:
            assert read_settings(opened(file)).style_weights == (1, 0.25)
    assert report.startswith("**1 of 2 photos painted.**")


def test_explain_gives_pictures_and_words(client: Client, photo: Path) -> None:
    attention, gate, kernels, words = client.predict(
        photo=handle_file(photo), paintings=["Mosaic"], across=0.5, down=0.5, api_name="/explain"
    )
    own = tiny_pipeline().explain(photo, painting_path("Mosaic"), point=(48, 32))
    assert difference(attention, own.attention_image()) < 0.1
    assert difference(gate, own.gate_image()) < 0.1
    assert difference(kernels, own.kernels_image()) < 0.1
    assert words.startswith("The point at (48, 32) looked mostly at the **")


def test_examples_are_given_as_files(client: Client) -> None:
    photo, painting = client.predict("Cat", "Mosaic", api_name="/example")
    assert difference(photo, photo_path("Cat")) == 0
    assert difference(painting, painting_path("Mosaic")) == 0


def test_snippet_of_the_documentation_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[2] / "docs" / "pages" / "demo.md"
    text = page.read_text(encoding="utf-8")
    block = text[text.index("    from gradio_client import") :].split("\n\nPictures are")[0]
    assert "http://127.0.0.1:7860/" in block
    monkeypatch.chdir(tmp_path)
    save_picture(tmp_path / "photo.jpg", (96, 64))
    save_picture(tmp_path / "painting.jpg", (80, 80))
    names: dict[str, str] = {}
    exec(textwrap.dedent(block).replace("http://127.0.0.1:7860/", url), names)
    assert read_settings(opened(names["png"])).paintings == ("Mosaic", "painting.jpg")
