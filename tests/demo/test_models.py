"""Checkpoints by name, against the Hub of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.limits import Limits
from demo.messages import VisitorError
from demo.models import EMBEDDED, ModelShelf
from stylekernel_hf import StyleKernelPipeline
from tests.hub_server import HubServer
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
    "name", ["/etc", "..", "../..", "owner", "a/b/c", "https://x.y/z", "demo/tabs"]
)
def test_folders_and_addresses_are_no_models(shelf: ModelShelf, name: str) -> None:
    with pytest.raises(VisitorError, match="Model must be"):
        shelf.get(name)
