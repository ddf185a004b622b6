"""The folder of the page that runs in the browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from PIL import Image

from demo.catalog import EXAMPLES, PAINTINGS, PHOTOS, painting_path, photo_path
from demo.tabs.stylize import FIRST_PAINTING, FIRST_PHOTO

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "hub_card" / "web"


def test_pictures_are_those_of_the_demo() -> None:
    listed = json.loads((ROOT / "demo" / "web" / "pictures.json").read_text(encoding="utf-8"))
    for kind, titles, words, path in (
        (
            "paintings",
            PAINTINGS,
            {title: words for title, (_, words) in PAINTINGS.items()},
            painting_path,
        ),
        ("photos", PHOTOS, {title: words for title, (_, words) in PHOTOS.items()}, photo_path),
    ):
        expected = [
            {
                "title": title,
                "words": words[title],
                "source": path(title).relative_to(EXAMPLES).as_posix(),
            }
            for title in titles
        ]
        assert listed[kind] == expected
    script = (ROOT / "demo" / "web" / "js" / "app.js").read_text(encoding="utf-8")
    assert f'FIRST_PHOTO = "{FIRST_PHOTO}", FIRST_PAINTING = "{FIRST_PAINTING}"' in script


def test_space_is_static_and_isolated(built: Path) -> None:
    card = metadata_load(built / "README.md")
    assert card["sdk"] == "static" and (built / card["app_file"]).is_file()
    assert len(card["short_description"]) <= 60
    assert card["custom_headers"]["cross-origin-embedder-policy"] == "require-corp"
    assert card["custom_headers"]["cross-origin-opener-policy"] == "same-origin"
    for name in ("LICENSE", "models/LICENSE.md", "pictures/SOURCES.md", "ort/README.md"):
        assert (built / name).stat().st_size > 0


def test_page_names_nothing_elsewhere_but_links(built: Path) -> None:
    page = (built / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'https?://[^"\s]+', page.replace("http://www.w3.org/2000/svg", "")) == [
        "https://arxiv.org/abs/2304.00414"
    ]
    for path in (*built.glob("js/*.js"), built / "style.css", built / "sw.js"):
        assert re.findall(r"https?://\w", path.read_text(encoding="utf-8")) == []


def test_service_worker_keeps_every_script(built: Path) -> None:
    worker = (built / "sw.js").read_text(encoding="utf-8")
    listed = re.search(r"const SCRIPTS = \[(.*?)\];", worker)
    assert listed is not None and "@VERSION@" not in worker
    expected = sorted(path.stem for path in built.glob("js/*.js"))
    assert re.findall(r'"(\w+)"', listed[1]) == expected


def test_strip_holds_a_tile_for_every_painting(built: Path) -> None:
    with Image.open(built / "pictures" / "strip.webp") as strip:
        assert strip.size == (128 * len(PAINTINGS), 128)
    for title in PAINTINGS:
        with Image.open(built / "pictures" / f"{painting_path(title).stem}.webp") as picture:
            assert min(picture.size) >= 300


def test_page_cannot_be_built_without_the_npm_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    from stylekernel_hf.cli.hub_web import build_web

    for name in ("demo/web", "demo/examples", "hub_card/web"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="needs the npm package onnxruntime-web"):
        build_web(tmp_path / "hub_card" / "web", tmp_path / "out")
    with pytest.raises(FileExistsError, match="output must be a new or empty folder"):
        build_web(SOURCE, tmp_path)
    with pytest.raises(FileNotFoundError, match="source: the page needs"):
        build_web(tmp_path / "a" / "b" / "c", tmp_path / "out")
