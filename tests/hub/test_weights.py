"""Sharded weights, and repositories that are damaged, of others, or up to no good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from stylekernel_hf import (
    StyleKernelDiffusionModel,
    StyleKernelModel,
    StyleKernelPipeline,
    pipeline,
)
from stylekernel_hf.hub.sources import HubAccess, open_source
from stylekernel_hf.hub.weights import WEIGHTS_NAME
from tests.hub.hub_server import HubServer
from tests.loaders import weights_equal
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


@pytest.mark.parametrize("variant", [None, "fp16"])
@pytest.mark.parametrize("shard_size", ["5GB", "10KB"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_number_that_is_not_finite_is_named_by_its_tensor_and_file(
    tmp_path: Path, variant: str | None, shard_size: str, dtype: torch.dtype, number: float
) -> None:
    model = tiny_model().to(dtype)
    with torch.no_grad():
        model.decoder.to_rgb.bias[-1] = number
    model.save_pretrained(tmp_path, variant=variant, max_shard_size=shard_size)
    message = r"tensor decoder\.to_rgb\.bias in '.*\.safetensors' must hold finite numbers"
    for load in (StyleKernelModel.from_pretrained, StyleKernelDiffusionModel.from_pretrained):
        with pytest.raises(ValueError, match=message):
            load(tmp_path, variant=variant)


@pytest.mark.parametrize(
    ("stored", "number", "dtype"),
    [
        (torch.float64, 1e300, torch.float32),
        (torch.float32, 70_000, torch.float16),
        (torch.bfloat16, -1e6, torch.float16),
        (torch.float64, -1e39, torch.bfloat16),
    ],
)
def test_number_that_the_dtype_cannot_hold_is_refused(
    tmp_path: Path, stored: torch.dtype, number: float, dtype: torch.dtype
) -> None:
    model = tiny_model().to(stored)
    with torch.no_grad():
        model.style_code.layers[0].weight[0, 0] = number
    StyleKernelPipeline(model).save_pretrained(tmp_path)
    message = rf"tensor style_code\.layers\.0\.weight .* numbers that {dtype} can hold"
    with pytest.raises(ValueError, match=message):
        StyleKernelPipeline.from_pretrained(tmp_path, dtype=dtype)
    if dtype != torch.float32:
        with pytest.raises(ValueError, match=message):
            pipeline("style-kernel", model=tmp_path, device="cpu", dtype=dtype)
    StyleKernelPipeline.from_pretrained(tmp_path, dtype=stored)


@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64, torch.float8_e4m3fn])
def test_tensor_that_is_not_of_floating_point_is_refused(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    tiny_model().save_pretrained(tmp_path)
    weights = load_file(tmp_path / WEIGHTS_NAME)
    weights["decoder.to_rgb.bias"] = weights["decoder.to_rgb.bias"].to(dtype)
    save_file(weights, tmp_path / WEIGHTS_NAME)
    with pytest.raises(
        ValueError, match=r"decoder\.to_rgb\.bias .* must be of floating point, got"
    ):
        StyleKernelModel.from_pretrained(tmp_path)


def test_tensor_in_two_shards_is_refused(sharded: Path) -> None:
    places = json.loads((sharded / INDEX).read_text())["weight_map"]
    other = next(name for name in places.values() if name != places["decoder.to_rgb.bias"])
    save_file(
        {**load_file(sharded / other), "decoder.to_rgb.bias": torch.zeros(12)}, sharded / other
    )
    with pytest.raises(ValueError, match=rf"{other}' does not hold what .*: decoder\.to_rgb\.bias"):
        StyleKernelModel.from_pretrained(sharded)


def test_no_shard_is_asked_for_that_the_network_has_no_tensor_for(
    hub: HubServer, sharded: Path
) -> None:
    edit_index(
        sharded, lambda weights: weights.update({f"x{i}": f"{i}.safetensors" for i in range(999)})
    )
    hub.add("painter/many", {path.name: path.read_bytes() for path in sharded.iterdir()})
    with pytest.raises(ValueError, match=r"index\.json' has surplus x0, x1, x10 and 996 more"):
        StyleKernelModel.from_pretrained("painter/many")
    assert hub.requests("HEAD", r"\d\.safetensors") == 0


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}, "not fully covered"),
        ({"dtype": "F32", "shape": [2**63, 4], "data_offsets": [0, 0]}, "overflow"),
        ({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}, "expected usize"),
        ({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}, "has surplus a"),
    ],
)
def test_header_that_claims_what_the_file_does_not_hold_is_refused(
    tmp_path: Path, header: dict[str, Any], message: str
) -> None:
    tiny_model().save_pretrained(tmp_path)
    text = json.dumps({"a": header}).encode()
    (tmp_path / WEIGHTS_NAME).write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ValueError, match=message):
        StyleKernelModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("size", [2**23 + 1, 2**63 + 1])
def test_header_of_absurd_length_is_not_read(tmp_path: Path, size: int) -> None:
    tiny_model().save_pretrained(tmp_path)
    with (tmp_path / WEIGHTS_NAME).open("r+b") as file:
        file.write(size.to_bytes(8, "little"))
        file.truncate(10**11)
    with pytest.raises(ValueError, match=f"its header must have at most .* got {size}"):
        StyleKernelModel.from_pretrained(tmp_path)


def test_loaded_network_does_not_change_with_its_file(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path)
    loaded = StyleKernelModel.from_pretrained(tmp_path)
    size = (tmp_path / WEIGHTS_NAME).stat().st_size
    with (tmp_path / WEIGHTS_NAME).open("r+b") as file:
        file.write(b"\xff" * size)
    assert weights_equal(loaded, tiny_model())


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
    for name in ("pipeline.py", "handler.py", "model/modeling_stylekernel.py"):
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
