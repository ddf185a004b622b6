"""No room for what is written: a bound on the size of files stands for a full disk."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import (
    CardDetails,
    StyleKernelModel,
    StyleKernelPipeline,
    StyleLibrary,
)
from stylekernel_hf.cli import main
from stylekernel_hf.images.writing import save_image
from tests.hub.hub_server import HubServer, files_of
from tests.tiny import tiny_model

resource = pytest.importorskip("resource", reason="Windows bounds no files")
LONG = CardDetails(training_data="A postcard.\n" * 10_000)


@contextmanager
def room_for(size: int) -> Generator[None]:
    """Bound the files that are written; Python then gets an error instead of a signal."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def save_style(path: Path) -> None:
    with torch.no_grad():
        style = tiny_model().encode_style(torch.rand(1, 3, 256, 256))
    StyleLibrary({"one": style}).save(path)


def save_noise(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)
    save_image(Image.fromarray(pixels), path)


# What each writes, with what a bound leaves room for: of a network also the config, or the weights.
WRITERS: dict[str, tuple[str, int, Callable[[Path], Any]]] = {
    "model": ("saved", 2_000, tiny_model().save_pretrained),
    "config": ("saved", 100, tiny_model().save_pretrained),
    "shards": ("saved", 8_000, lambda x: tiny_model().save_pretrained(x, max_shard_size="10KB")),
    "repository": ("saved", 2_000, StyleKernelPipeline(tiny_model()).save_pretrained),
    "variant": ("saved", 2_000, lambda x: tiny_model().save_pretrained(x, variant="fp16")),
    "card": ("saved", 60_000, lambda x: tiny_model().save_pretrained(x, card=LONG)),
    "styles": ("styles.safetensors", 900, save_style),
    "picture": ("picture.png", 2_000, save_noise),
}


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("name", WRITERS)
def test_full_disk_is_an_error_that_names_the_target_and_changes_nothing(
    tmp_path: Path, name: str, exists: bool
) -> None:
    target, size, write = WRITERS[name]
    if exists:
        write(tmp_path / target)
    before = files_of(tmp_path)
    with room_for(size), pytest.raises(OSError, match=f"too large: '.*/{target}'$") as caught:
        write(tmp_path / target)
    assert caught.value.errno == errno.EFBIG
    assert files_of(tmp_path) == before
    write(tmp_path / target)
    assert files_of(tmp_path).keys() >= before.keys()


def test_push_without_room_says_where(hub: HubServer) -> None:
    with room_for(2_000), pytest.raises(OSError, match="too large: '/.*'") as caught:
        tiny_model().push_to_hub("painter/waves")
    assert caught.value.errno == errno.EFBIG
    assert set(hub.files("painter/waves")) == {".gitattributes"}


def test_download_without_room_names_the_repository(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().push_to_hub("painter/waves")
    with (
        room_for(2_000),
        pytest.raises(OSError, match="'painter/waves' cannot be stored") as caught,
    ):
        StyleKernelModel.from_pretrained("painter/waves", cache_dir=tmp_path)
    assert caught.value.errno == errno.EFBIG


def test_command_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_model().save_pretrained(tmp_path / "source" / "model")
    words = ["hub", "build", str(tmp_path / "source"), "--output", str(tmp_path / "built")]
    monkeypatch.setattr(sys, "argv", ["stylekernel", *words])
    with room_for(2_000), pytest.raises(SystemExit, match="^stylekernel: error: .*built'"):
        main()
    assert not (tmp_path / "built").exists()
