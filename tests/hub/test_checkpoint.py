"""Strict loading of checkpoint folders."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from stylekernel_hf.pretrained.checkpoint import (
    CONFIG_NAME,
    EMBEDDED_CHECKPOINT,
    WEIGHTS_NAME,
    load_checkpoint,
)
from tests.tiny import tiny_model

Weights = dict[str, torch.Tensor]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_model().save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def edit_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / CONFIG_NAME).read_text())
    change(config)
    (folder / CONFIG_NAME).write_text(json.dumps(config))


def edit_weights(folder: Path, change: Callable[[Weights], object]) -> None:
    weights = load_file(folder / WEIGHTS_NAME)
    change(weights)
    save_file(weights, folder / WEIGHTS_NAME)


def test_saved_model_comes_back_bit_equal(folder: Path) -> None:
    original, loaded = tiny_model().state_dict(), load_checkpoint(folder).state_dict()
    assert original.keys() == loaded.keys()
    assert all(torch.equal(value, loaded[name]) for name, value in original.items())


def test_model_is_found_in_its_subfolder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    folder.rename(tmp_path / "repository" / "model")
    load_checkpoint(tmp_path / "repository")


def test_half_precision_weights_load_as_float32(folder: Path) -> None:
    edit_weights(folder, lambda w: w.update({name: value.half() for name, value in w.items()}))
    assert load_checkpoint(folder).dtype == torch.float32


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="model: no such folder: .*nowhere"):
        load_checkpoint(tmp_path / "nowhere")


def test_missing_config_is_named(folder: Path) -> None:
    (folder / CONFIG_NAME).unlink()
    with pytest.raises(FileNotFoundError, match=r"no config\.json"):
        load_checkpoint(folder)


def test_config_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / CONFIG_NAME).write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        load_checkpoint(folder)


def test_unknown_config_key_is_refused(folder: Path) -> None:
    edit_config(folder, lambda config: config.update(colour="red"))
    with pytest.raises(ValueError, match="unknown config keys .*: colour"):
        load_checkpoint(folder)


def test_missing_config_key_is_refused(folder: Path) -> None:
    edit_config(folder, lambda config: config.pop("kernel_size"))
    with pytest.raises(ValueError, match="missing config keys .*: kernel_size"):
        load_checkpoint(folder)


def test_config_of_another_model_is_refused(folder: Path) -> None:
    edit_config(folder, lambda config: config.update(_class_name="UNet2DModel"))
    with pytest.raises(ValueError, match="config of a UNet2DModel"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("encoder_channels", [4, 8]), ("kernel_groups", 3), ("kernel_size", "three")],
)
def test_config_that_fits_no_network_is_refused(folder: Path, key: str, value: object) -> None:
    edit_config(folder, lambda config: config.update({key: value}))
    with pytest.raises(ValueError, match="model"):
        load_checkpoint(folder)


def test_newer_format_is_refused(folder: Path) -> None:
    edit_config(folder, lambda config: config.update(_format_version=2))
    with pytest.raises(ValueError, match="format version 2, .* reads up to 1: pip install --up"):
        load_checkpoint(folder)


def test_config_without_a_format_version_is_of_the_first(folder: Path) -> None:
    edit_config(folder, lambda config: config.pop("_format_version"))
    load_checkpoint(folder)


def test_config_from_before_the_ablations_is_of_the_network_with_everything(folder: Path) -> None:
    def forget(config: dict[str, Any]) -> None:
        assert (config.pop("gating"), config.pop("channel_shuffle")) == (True, True)

    edit_config(folder, forget)
    model = load_checkpoint(folder)
    assert (model.config.gating, model.config.channel_shuffle) == (True, True)


def test_integer_tensor_is_refused(folder: Path) -> None:
    bias = torch.zeros(12, dtype=torch.int32)
    edit_weights(folder, lambda weights: weights.update({"decoder.to_rgb.bias": bias}))
    with pytest.raises(ValueError, match=r"decoder\.to_rgb\.bias .* floating point, got I32"):
        load_checkpoint(folder)


def test_lacking_tensor_is_named(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.pop("decoder.to_rgb.weight"))
    with pytest.raises(ValueError, match=r"lacks decoder\.to_rgb\.weight"):
        load_checkpoint(folder)


def test_surplus_tensor_is_named(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.update(extra=torch.zeros(1)))
    with pytest.raises(ValueError, match="has surplus extra"):
        load_checkpoint(folder)


def test_misshapen_tensor_is_named_with_both_shapes(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.update({"decoder.to_rgb.bias": torch.zeros(5)}))
    with pytest.raises(ValueError, match=r"decoder\.to_rgb\.bias .* shape \[12\], got \[5\]"):
        load_checkpoint(folder)


class Explosive:
    """Unpickling it would raise something that no test expects."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('a pickle was opened')",))


def test_pickle_is_never_opened(folder: Path) -> None:
    (folder / WEIGHTS_NAME).unlink()
    (folder / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps(Explosive()))
    with pytest.raises(FileNotFoundError, match=r"model\.bin may run code and is not opened"):
        load_checkpoint(folder)


def test_pickle_under_the_name_of_safetensors_is_refused(folder: Path) -> None:
    (folder / WEIGHTS_NAME).write_bytes(pickle.dumps(Explosive()))
    with pytest.raises(ValueError, match="must be safetensors"):
        load_checkpoint(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    data = (folder / WEIGHTS_NAME).read_bytes()
    (folder / WEIGHTS_NAME).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="must be safetensors"):
        load_checkpoint(folder)


def test_embedded_checkpoint_is_small_in_half_precision() -> None:
    weights = EMBEDDED_CHECKPOINT / WEIGHTS_NAME
    assert weights.stat().st_size <= 8 * 2**20
    assert {value.dtype for value in load_file(weights).values()} == {torch.float16}
    assert all(
        value.isfinite().all()
        for value in load_checkpoint(EMBEDDED_CHECKPOINT).state_dict().values()
    )
