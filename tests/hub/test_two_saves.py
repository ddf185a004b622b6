"""Two saves of one folder: at once, one after another, or one that is killed on its way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline
from stylekernel_hf.model.config import StyleKernelConfig
from tests.forks import Forked
from tests.hub.hub_server import HubServer, files_of
from tests.loaders import weights_equal
from tests.tiny import TINY_CONFIG, tiny_model

WEIGHTS = "diffusion_pytorch_model.safetensors"
# A saver whose every renaming takes a while, or that kills itself after some of them.
SAVER = """
import os, signal, sys, time
from tests.tiny import tiny_model
seed, folder, size, pause, moves = sys.argv[1:]
model = tiny_model(seed=int(seed))
original, left = os.replace, iter(range(int(moves)))
def replace(source, target):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    original(source, target)
    print("moved", flush=True)
    time.sleep(float(pause))
os.replace = replace
model.save_repository(folder, max_shard_size=size)
"""


def saver(seed: int, folder: Path, size: str, *, pause: float = 0, moves: int = 99) -> Forked:
    return Forked(SAVER, seed, folder, size, pause, moves)


def is_one_of(folder: Path, *seeds: int, **options: Any) -> bool:
    loaded = StyleKernelModel.from_pretrained(folder, **options)
    return any(weights_equal(loaded, tiny_model(seed=seed)) for seed in seeds)


def test_second_saver_waits_for_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    tiny_model(seed=7).save_repository(folder, max_shard_size="10KB")
    with saver(0, folder, "10KB", pause=0.1) as first:
        assert first.stdout.readline() == "moved\n"
        tiny_model(seed=1).save_repository(folder, max_shard_size="10KB")
        assert first.wait(120) == 0
    assert is_one_of(folder, 1), "the one that came last"


@pytest.mark.parametrize("size", ["10KB", "5GB"])
def test_threads_that_save_at_once_leave_one_network(tmp_path: Path, size: str) -> None:
    for folder in (tmp_path / "new", tmp_path / "there"):
        if folder.name == "there":
            tiny_model(seed=7).save_repository(folder, max_shard_size="5GB")
        models = [tiny_model(seed=seed) for seed in range(4)]
        saves = [
            threading.Thread(target=model.save_repository, args=(folder,), kwargs={
                "max_shard_size": size if seed % 2 else "5GB"
            })
            for seed, model in enumerate(models)
        ]  # fmt: skip
        for save in saves:
            save.start()
        for save in saves:
            save.join(120)
        assert is_one_of(folder, 0, 1, 2, 3)
        assert not list(tmp_path.rglob(".partial*"))


def test_saver_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "saved"
    tiny_model(seed=7).save_repository(folder)
    before = files_of(folder)
    monkeypatch.setattr("stylekernel_hf.files.atomic_write._LONGEST_WAIT", 0.1)
    with saver(0, folder, "5GB", pause=600) as first:
        assert first.stdout.readline() == "moved\n"
        with pytest.raises(TimeoutError, match="saved' has been locked by another process"):
            tiny_model(seed=1).save_repository(folder)
        first.kill()
    tiny_model(seed=1).save_repository(folder)
    assert is_one_of(folder, 1) and files_of(folder).keys() == before.keys()


class PowerFailureError(BaseException):
    """Nothing catches it."""


def fail_after(monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    original, left = os.replace, iter(range(moves))

    def replace(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise PowerFailureError
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("moves", range(12))
@pytest.mark.parametrize(("before", "after"), [("5GB", "10KB"), ("10KB", "5GB"), ("10KB", "20KB")])
def test_saver_that_breaks_off_leaves_one_network_or_none_that_loads(
    tmp_path: Path, before: str, after: str, moves: int
) -> None:
    folder = tmp_path / "saved"
    tiny_model(seed=7).save_repository(folder, max_shard_size=before)
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(PowerFailureError):
        fail_after(patch, moves)
        tiny_model(seed=0).save_repository(folder, max_shard_size=after)
    try:
        assert is_one_of(folder, 0, 7)
    except FileNotFoundError:
        assert after != "5GB", "a single file is one or the other"
    tiny_model(seed=1).save_repository(folder, max_shard_size=before)
    assert is_one_of(folder, 1)
    tiny_model(seed=1).save_repository(tmp_path / "fresh", max_shard_size=before)
    assert files_of(folder).keys() == files_of(tmp_path / "fresh").keys()


def test_killed_saver_leaves_nothing_behind_for_good(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    tiny_model(seed=7).save_repository(folder)
    with saver(0, folder, "5GB", moves=1) as process:
        assert process.wait(120) == -signal.SIGKILL
    assert is_one_of(folder, 0)
    tiny_model(seed=1).save_repository(folder)
    assert is_one_of(folder, 1) and not list(folder.rglob(".partial*"))


@pytest.mark.parametrize("change", [{"max_style_tokens": 8}, {"channel_shuffle": False}])
def test_weights_beside_another_config_are_refused_even_if_their_shapes_fit(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    folder = tmp_path / "saved"
    tiny_model(seed=7).save_repository(folder)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(PowerFailureError):
        fail_after(patch, 1)
        StyleKernelModel(StyleKernelConfig(**{**TINY_CONFIG, **change})).save_repository(folder)
    (name,) = change
    with pytest.raises(ValueError, match=f"saved with another config .* {name}"):
        StyleKernelModel.from_pretrained(folder)


def replaced(folder: Path, other: Path, name: str) -> None:
    (other / name).replace(folder / name)


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_shards_of_two_saves_are_refused(
    tmp_path: Path, hub: HubServer, variant: str | None
) -> None:
    for seed in range(2):
        tiny_model(seed=seed).save_pretrained(
            tmp_path / str(seed), variant=variant, max_shard_size="10KB"
        )
    folder = tmp_path / "0"
    shard = sorted(path.name for path in folder.glob("*-of-*"))[1]
    replaced(folder, tmp_path / "1", shard)
    with pytest.raises(ValueError, match="were saved separately"):
        StyleKernelModel.from_pretrained(folder, variant=variant)
    hub.add("painter/waves", files_of(folder))
    with pytest.raises(ValueError, match="were saved separately"):
        StyleKernelModel.from_pretrained("painter/waves", variant=variant)


def test_weights_without_notes_load_as_they_did(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "one")
    tiny_model().save_pretrained(tmp_path / "some", max_shard_size="10KB")
    for folder in (tmp_path / "one", tmp_path / "some"):
        for path in folder.glob("*.safetensors"):
            save_file(load_file(path), path, metadata={"format": "pt"})
        assert weights_equal(StyleKernelModel.from_pretrained(folder), tiny_model())


@pytest.mark.parametrize("notes", ["{", "[]", "7", "[" * 100_000, '{"config": 7}'])
def test_damaged_notes_are_refused(tmp_path: Path, notes: str) -> None:
    tiny_model().save_pretrained(tmp_path)
    weights = load_file(tmp_path / WEIGHTS)
    save_file(weights, tmp_path / WEIGHTS, metadata={"stylekernel_hf": notes})
    with pytest.raises(ValueError, match=f"model: the metadata of .*{WEIGHTS}' are damaged"):
        StyleKernelModel.from_pretrained(tmp_path)


def test_config_of_an_earlier_version_goes_with_the_weights(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["gating"]
    (tmp_path / "config.json").write_text(json.dumps({**config, "_diffusers_version": "0.36"}))
    assert weights_equal(StyleKernelModel.from_pretrained(tmp_path), tiny_model())


def folder_in_the_way(folder: Path) -> None:
    (folder / "model" / "config.json").unlink()
    (folder / "model" / "config.json").mkdir()


def file_in_the_way(folder: Path) -> None:
    (folder / "model" / WEIGHTS).unlink()
    (folder / "model" / "config.json").unlink()
    (folder / "model" / "modeling_stylekernel.py").unlink()
    (folder / "model").rmdir()
    (folder / "model").write_text("mine")


@pytest.mark.parametrize("put", [folder_in_the_way, file_in_the_way])
def test_what_is_in_the_way_is_found_before_anything_is_replaced(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "saved")
    put(tmp_path / "saved")
    before = files_of(tmp_path / "saved")
    with pytest.raises(OSError, match="saved"):
        StyleKernelPipeline(tiny_model(seed=1)).save_pretrained(tmp_path / "saved")
    assert files_of(tmp_path / "saved") == before


def test_same_weights_give_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        torch.manual_seed(len(name))
        tiny_model(seed=3).save_repository(tmp_path / name, max_shard_size="10KB")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
