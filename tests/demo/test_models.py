"""Checkpoints by name, against the Hub of the tests."""

from __future__ import annotations

import gc
import os
import tempfile
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demo.limits import Limits
from demo.messages import AbandonedError, VisitorError
from demo.models import EMBEDDED, ModelShelf
from demo.order import Order
from demo.studio import Studio
from demo.watched import is_wanted
from stylekernel_hf import StyleKernelPipeline
from tests.demo.slow_hub import answer_forever
from tests.hub.hub_server import HubServer
from tests.loaders import weights_equal
from tests.tiny import tiny_model


@pytest.fixture
def shelf() -> ModelShelf:
    return ModelShelf(Limits(), StyleKernelPipeline(tiny_model()))


def files_of(folder: Path) -> dict[str, bytes]:
    tiny_model(seed=1).save_repository(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_checkpoint_of_the_hub_is_loaded_once(
    hub: HubServer, shelf: ModelShelf, tmp_path: Path
) -> None:
    hub.add("painter/other", files_of(tmp_path))
    pipe = shelf.get(" painter/other ")
    assert weights_equal(pipe.model, tiny_model(seed=1))
    assert shelf.get("painter/other") is pipe
    assert shelf.get(EMBEDDED) is shelf.get(None) is not pipe


def test_private_checkpoints_are_out_of_reach(
    hub: HubServer, shelf: ModelShelf, tmp_path: Path
) -> None:
    """The server's own token, which the tests set, would open it."""
    hub.add("painter/secret", files_of(tmp_path), private=True)
    with pytest.raises(VisitorError, match="has no public model “painter/secret”"):
        shelf.get("painter/secret")


def test_large_checkpoint_is_refused_before_it_is_fetched(hub: HubServer, tmp_path: Path) -> None:
    hub.add("painter/large", files_of(tmp_path))
    shelf = ModelShelf(Limits(hub_bytes=1000), StyleKernelPipeline(tiny_model()))
    with pytest.raises(VisitorError, match="too large for this server"):
        shelf.get("painter/large")
    assert not any("/resolve/" in str(line) for line in hub.log)


def test_other_repository_is_refused(hub: HubServer, shelf: ModelShelf) -> None:
    hub.add("painter/essay", {"README.md": b"words"})
    with pytest.raises(VisitorError, match="not a checkpoint of this network"):
        shelf.get("painter/essay")


@pytest.mark.parametrize(
    "name",
    [
        "/etc",
        "..",
        "../..",
        "owner",
        "a/b/c",
        "https://x.y/z",
        "a/..",
        "a/" + "b" * 200,
        5,
        ["a/b"],
    ],
)
def test_folders_and_addresses_are_no_models(shelf: ModelShelf, name: Any) -> None:
    with pytest.raises(VisitorError, match="Model must be"):
        shelf.get(name)
    assert shelf.id_of(name) is None


def test_folders_of_the_server_are_not_looked_at(
    hub: HubServer, shelf: ModelShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even to say that they are there."""
    monkeypatch.chdir(tmp_path)
    tiny_model().save_repository(tmp_path / "painter" / "folder")
    with pytest.raises(VisitorError, match="has no public model “painter/folder”"):
        shelf.get("painter/folder")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are; there is nothing in it at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def cached() -> set[Path]:
    return set(Path(os.environ["HF_HUB_CACHE"]).rglob("*painter*"))


def test_nothing_of_a_checkpoint_stays_on_the_disk(
    hub: HubServer, shelf: ModelShelf, tmp_path: Path, temporary: Path
) -> None:
    before = cached()
    hub.add("painter/other", files_of(tmp_path / "whole"))
    hub.add("painter/broken", {**files_of(tmp_path / "broken"), "model/config.json": b"{"})
    shelf.get("painter/other")
    with pytest.raises(VisitorError, match="not a checkpoint of this network"):
        shelf.get("painter/broken")
    assert not list(temporary.iterdir()) and cached() == before


@pytest.mark.parametrize("slow", ["/cdn/", "config.json$", "/tree/", "/api/models/painter/other$"])
def test_slow_checkpoint_is_given_up(
    hub: HubServer, tmp_path: Path, temporary: Path, monkeypatch: Any, slow: str
) -> None:
    hub.add("painter/other", files_of(tmp_path / "whole"))
    asked = answer_forever(monkeypatch, slow, pause=0.2)
    # The time is up once the slow answer has begun, however late the fetching process starts.
    clock = SimpleNamespace(monotonic=lambda: 61 if asked else 0)
    monkeypatch.setattr("demo.hub_fetch.time", clock)
    shelf = ModelShelf(Limits(fetch_seconds=60), StyleKernelPipeline(tiny_model()))
    with pytest.raises(VisitorError, match="did not arrive within 60 seconds"):
        shelf.get("painter/other")
    assert not list(temporary.iterdir())
    # Nor is it tried again at once.
    count = len(hub.log)
    with pytest.raises(VisitorError, match="did not arrive within 60 seconds"):
        shelf.get("painter/other")
    assert len(hub.log) == count


@pytest.mark.parametrize("endless", ["/cdn/", "config.json$"])
def test_bytes_are_counted_whatever_the_hub_says(
    hub: HubServer, tmp_path: Path, temporary: Path, monkeypatch: Any, endless: str
) -> None:
    hub.add("painter/other", files_of(tmp_path / "whole"))
    answer_forever(monkeypatch, endless, pause=0.05, chunk=bytes(2**20))
    shelf = ModelShelf(Limits(hub_bytes=3 * 2**20), StyleKernelPipeline(tiny_model()))
    with pytest.raises(VisitorError, match="too large for this server: at most 3 MB"):
        shelf.get("painter/other")
    assert not list(temporary.iterdir())


def test_fetch_ends_when_nobody_waits_for_it(
    hub: HubServer, shelf: ModelShelf, tmp_path: Path, temporary: Path, monkeypatch: Any
) -> None:
    hub.add("painter/other", files_of(tmp_path / "whole"))
    asked = answer_forever(monkeypatch, "/cdn/", pause=0.1)
    token = is_wanted.set(lambda: not asked)
    with pytest.raises(AbandonedError):
        shelf.get("painter/other")
    is_wanted.reset(token)
    assert not list(temporary.iterdir())
    monkeypatch.undo()
    # That is nothing against the checkpoint.
    assert shelf.get("painter/other")


def test_only_the_latest_checkpoints_stay_in_memory(
    hub: HubServer, shelf: ModelShelf, tmp_path: Path
) -> None:
    """Unless they are at work."""
    for name in "abc":
        hub.add(f"painter/{name}", files_of(tmp_path / name))
    at_work = shelf.get("painter/a")
    forgotten = weakref.ref(shelf.get("painter/b"))
    shelf.get("painter/c")
    shelf.get("painter/a")
    gc.collect()
    assert shelf.ready("painter/a") is at_work
    assert forgotten() is None and shelf.ready("painter/b") is None


def test_encodings_keep_no_checkpoint_in_memory(hub: HubServer, tmp_path: Path) -> None:
    studio = Studio(Limits(), StyleKernelPipeline(tiny_model()))
    for name in "abc":
        hub.add(f"painter/{name}", files_of(tmp_path / name))
        studio.mix(Order(paintings=["Mosaic"], model=f"painter/{name}"))
    gc.collect()
    assert studio.models.ready("painter/a") is None and studio.models.ready("painter/c")


@pytest.mark.parametrize(
    ("variables", "served", "refused"),
    [
        ({}, ["a/b", "painter/other"], []),
        ({"SPACE_ID": "painter/space"}, ["painter/other"], ["a/b", "painters/other"]),
        ({"STYLEKERNEL_MODELS": "a/b, c/*"}, ["a/b", "c/d"], ["a/bc", "painter/other"]),
        ({"STYLEKERNEL_MODELS": "", "SPACE_ID": "painter/space"}, [], ["painter/other"]),
    ],
)
def test_server_offers_the_models_that_its_environment_names(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    served: list[str],
    refused: list[str],
) -> None:
    for name in ("SPACE_ID", "STYLEKERNEL_MODELS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shelf = ModelShelf(Limits(), StyleKernelPipeline(tiny_model()))
    assert [shelf.id_of(f" {name} ") for name in served] == served
    for name in refused:
        with pytest.raises(VisitorError, match=r"offers only the models “small \(built in\)”"):
            shelf.get(name)


def test_model_under_way_lies_where_old_files_are_deleted(
    shelf: ModelShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process may be killed before it can delete it itself."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "up"))
    seen: list[Path] = []

    def fail(name: str, folder: Path, limits: Limits) -> None:
        seen.append(folder)
        raise VisitorError("no")

    monkeypatch.setattr("demo.models.fetch", fail)
    with pytest.raises(VisitorError, match="no"):
        shelf.get("painter/model")
    assert seen[0].parent == tmp_path / "up" and not seen[0].exists()
