"""Checkpoint ids: who shares one, who gets a new one, and what older files do without."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from stylekernel_hf import StyleEmbedding, StyleKernelModel, StyleKernelPipeline
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.tiny import save_picture, tiny_model


def saved_id(folder: Path) -> str:
    return json.loads((folder / "config.json").read_text())["_checkpoint_id"]


def forget_id(folder: Path) -> None:
    """Make a checkpoint as it was saved before there were ids."""
    config = json.loads((folder / "config.json").read_text())
    del config["_checkpoint_id"]
    (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny_model().save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def step_of(optimizer: Callable[..., torch.optim.Optimizer]) -> Callable[[StyleKernelModel], None]:
    def step(model: StyleKernelModel) -> None:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer(model.parameters(), lr=0.01).step()

    return step


def fused_step(model: StyleKernelModel) -> None:
    model.train()
    step_of(lambda parameters, lr: torch.optim.AdamW(parameters, lr, fused=True))(model)
    model.eval()


CHANGES: dict[str, Callable[[StyleKernelModel], object]] = {
    "optimizer": step_of(torch.optim.AdamW),
    "plain loop": step_of(lambda parameters, lr: torch.optim.SGD(parameters, lr, foreach=False)),
    "fused optimizer": fused_step,
    "fused optimizer in training mode": lambda model: (fused_step(model), model.train()),
    "state dict": lambda model: model.load_state_dict(tiny_model(1).state_dict()),
    "assigned state dict": lambda model: model.load_state_dict(
        tiny_model(1).state_dict(), assign=True
    ),
}
COPIES: dict[str, Callable[[StyleKernelModel], StyleKernelModel]] = {
    "moved": lambda model: model.to("cpu", torch.bfloat16),
    "half": lambda model: model.half(),
    "other layout": lambda model: model.to(memory_format=torch.channels_last),
    "deep copy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "rounded deep copy": lambda model: copy.deepcopy(model.half()),
    "through training mode": lambda model: model.train().eval(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_get_a_new_id(folder: Path, tmp_path: Path, change: str) -> None:
    model = StyleKernelModel.from_pretrained(folder)
    before = model.checkpoint_id
    CHANGES[change](model)
    assert model.checkpoint_id != before
    model.save_pretrained(tmp_path / "tuned")
    assert saved_id(tmp_path / "tuned") == model.checkpoint_id
    assert StyleKernelModel.from_pretrained(tmp_path / "tuned").checkpoint_id != before


@pytest.mark.parametrize("name", COPIES)
def test_copies_of_a_checkpoint_keep_its_id(folder: Path, tmp_path: Path, name: str) -> None:
    model = StyleKernelModel.from_pretrained(folder)
    expected = model.checkpoint_id
    result = COPIES[name](model)
    assert result.checkpoint_id == expected == saved_id(folder)
    result.save_pretrained(tmp_path / "copy", variant="fp16", max_shard_size="10KB")
    assert saved_id(tmp_path / "copy") == expected


def test_copy_of_changed_weights_does_not_take_the_old_id(folder: Path) -> None:
    model = StyleKernelModel.from_pretrained(folder)
    before = model.checkpoint_id
    CHANGES["optimizer"](model)
    result = copy.deepcopy(model)
    assert result.checkpoint_id == model.checkpoint_id != before


def test_networks_of_other_weights_have_other_ids() -> None:
    assert tiny_model(0).checkpoint_id == tiny_model(0).checkpoint_id
    assert tiny_model(0).checkpoint_id != tiny_model(1).checkpoint_id


@pytest.mark.parametrize("shard_size", ["5GB", "10KB"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_older_checkpoint_has_the_id_of_its_stored_weights(
    tmp_path: Path, shard_size: str, dtype: torch.dtype
) -> None:
    model = tiny_model().half()
    model.save_pretrained(tmp_path, max_shard_size=shard_size)
    forget_id(tmp_path)
    loaded = StyleKernelModel.from_pretrained(tmp_path, dtype=dtype)
    assert loaded.checkpoint_id == model.checkpoint_id


@pytest.mark.parametrize("value", [7, "", "x" * 16, "0" * 17, ["0" * 16], {}])
def test_damaged_id_is_refused(folder: Path, value: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "_checkpoint_id": value}))
    with pytest.raises(ValueError, match=r"config\.json' is damaged: checkpoint id must be 16 hex"):
        StyleKernelModel.from_pretrained(folder)


def test_older_style_is_taken_by_its_widths_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipe = StyleKernelPipeline(tiny_model())
    picture, path = save_picture(tmp_path / "p.png"), tmp_path / "older.safetensors"
    pipe.encode_style(picture).save(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    older = {"name": "somewhere", "signature": [0.5] * 32, "dtype": "float32"}
    save_file(tensors, path, {**metadata, "checkpoint": json.dumps(older)})
    with caplog.at_level(logging.WARNING):
        loaded = StyleEmbedding.load(path)
    assert "older than checkpoint ids" in caplog.text and "somewhere" in caplog.text
    expected = pipe(picture, picture, output_type="pt").images[0]
    assert torch.equal(pipe(picture, loaded, output_type="pt").images[0], expected)
    with pytest.raises(ValueError, match="encoded by another checkpoint: its key"):
        StyleKernelPipeline(load_checkpoint(EMBEDDED_CHECKPOINT))(picture, loaded)


def test_embedded_checkpoint_has_the_id_of_its_weights(tmp_path: Path) -> None:
    model = load_checkpoint(EMBEDDED_CHECKPOINT)
    assert model.checkpoint_id == saved_id(EMBEDDED_CHECKPOINT)
    model.half().save_pretrained(tmp_path)
    forget_id(tmp_path)
    assert StyleKernelModel.from_pretrained(tmp_path).checkpoint_id == model.checkpoint_id
