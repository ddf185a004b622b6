"""Sharded weights, and repositories that are damaged, of others, or up to no good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline
from stylekernel_hf.repository.sources import HubAccess, open_source
from tests.hub_server import HubServer
from tests.tiny import tiny_model

INDEX = "diffusion_pytorch_model.safetensors.index.json"


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    tiny_model().save_pretrained(tmp_path / "sharded", max_shard_size="10KB")
    return tmp_path / "sharded"


def edit_index(folder: Path, change: Any) -> None:
    index = json.loads((folder / INDEX).read_text())
    change(index["weight_map"])
    (folder / INDEX).write_text(json.dumps(index))


@pytest.mark.parametrize(
    "name", ["../outside.safetensors", "/etc/x.safetensors", "a/b.safetensors", "x.bin", 7]
)
def test_index_cannot_lead_out_of_the_folder(sharded: Path, name: object) -> None:
    save_file({}, sharded.parent / "outside.safetensors")
    edit_index(sharded, lambda weights: weights.update({"decoder.to_rgb.bias": name}))
    with pytest.raises(ValueError, match=r"must name safetensors files beside it, got .* for dec"):
        StyleKernelModel.from_pretrained(sharded)


def test_missing_shard_is_named(sharded: Path) -> None:
    shard = min(sharded.glob("*-of-*.safetensors"))
    shard.unlink()
    with pytest.raises(FileNotFoundError, match=rf"no {shard.name} in .*, which .* names"):
        StyleKernelModel.from_pretrained(sharded)


def test_tensor_that_the_index_forgot_is_named(sharded: Path) -> None:
    edit_index(sharded, lambda weights: weights.pop("decoder.to_rgb.bias"))
    with pytest.raises(ValueError, match=r"not hold what its index says: decoder\.to_rgb\.bias"):
        StyleKernelModel.from_pretrained(sharded)


def test_tensor_in_no_shard_is_named(sharded: Path) -> None:
    name = json.loads((sharded / INDEX).read_text())["weight_map"]["decoder.to_rgb.bias"]
    weights = load_file(sharded / name)
    del weights["decoder.to_rgb.bias"]
    save_file(weights, sharded / name)
    edit_index(sharded, lambda weights: weights.pop("decoder.to_rgb.bias"))
    with pytest.raises(ValueError, match=r"shards of .* lacks decoder\.to_rgb\.bias"):
        StyleKernelModel.from_pretrained(sharded)


@pytest.mark.parametrize("text", ["[]", "{}", '{"weight_map": []}', "{"])
def test_damaged_index_is_refused(sharded: Path, text: str) -> None:
    (sharded / INDEX).write_text(text)
    with pytest.raises(ValueError, match="index"):
        StyleKernelModel.from_pretrained(sharded)


def test_repository_of_another_pipeline_is_refused(hub: HubServer) -> None:
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DModel"]}
    hub.add("painter/other", {"model_index.json": json.dumps(index).encode()})
    with pytest.raises(ValueError, match="'painter/other' is a StableDiffusionPipeline"):
        StyleKernelPipeline.from_pretrained("painter/other")


def test_repository_without_a_config_is_refused(hub: HubServer) -> None:
    hub.add("painter/empty", {"README.md": b""})
    with pytest.raises(FileNotFoundError, match=r"no config\.json in 'painter/empty'"):
        StyleKernelPipeline.from_pretrained("painter/empty")


def test_pickle_on_the_hub_is_never_downloaded(hub: HubServer, tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "flat")
    config = (tmp_path / "flat" / "config.json").read_bytes()
    hub.add("painter/pickled", {"config.json": config, "diffusion_pytorch_model.bin": b"explosive"})
    with pytest.raises(FileNotFoundError, match=r"model\.bin may run code and is not opened"):
        StyleKernelModel.from_pretrained("painter/pickled")
    assert hub.requests("GET", r"\.bin|/cdn/") == 0


def test_module_that_the_model_index_names_is_not_run(tmp_path: Path) -> None:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "saved")
    for name in ("pipeline.py", "model/modeling_stylekernel.py"):
        (tmp_path / "saved" / name).write_text("raise SystemExit('remote code was run')")
    StyleKernelPipeline.from_pretrained(tmp_path / "saved")


@pytest.mark.parametrize("name", ["nowhere", "a/b/c", "../up", Path("owner/name"), ""])
def test_what_is_neither_folder_nor_hub_id_is_refused(
    name: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "":
        with pytest.raises(FileNotFoundError, match=r"no config\.json"):
            StyleKernelModel.from_pretrained(name)
        return
    with pytest.raises(FileNotFoundError, match="model: no such folder: .*'owner/name'"):
        open_source(name, HubAccess())
