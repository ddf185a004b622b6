"""What the pull request for the Hub's list of libraries says of this package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stylekernel_hf import StyleKernelPipeline, load_image
from tests.hub.hub_server import HubServer
from tests.loaders import LOADERS
from tests.tiny import save_picture, tiny_model

LISTING = Path(__file__).parents[2] / "hub_card" / "library_listing.md"
TEXT = LISTING.read_text(encoding="utf-8")


@pytest.mark.parametrize("loader", LOADERS)
def test_every_way_to_load_is_counted_once(hub: HubServer, loader: str) -> None:
    rule = re.search(r'countDownloads: `path:"(.+)"`', TEXT)
    assert rule is not None
    # A repository of its own, which is not in the cache.
    repo_id = f"painter/{loader.replace(' ', '-')}"
    StyleKernelPipeline(tiny_model()).push_to_hub(repo_id)
    hub.log.clear()
    LOADERS[loader](repo_id)
    assert hub.requests("GET", rf"/resolve/[^/]+/{re.escape(rule[1])}$") == 1


def test_snippet_stylizes(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippet = re.search(r"string\[\] => \[\n\t`(.*?)`,\n\];", TEXT, re.DOTALL)
    assert snippet is not None
    StyleKernelPipeline(tiny_model()).push_to_hub("painter/listed")
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("photo.jpg", "painting.jpg")):
        save_picture(tmp_path / name, seed=seed)
    code = snippet[1].replace("${model.id}", "painter/listed")
    exec(compile(code, LISTING.name, "exec"), {})
    assert load_image("stylized.png").size == load_image("photo.jpg").size
