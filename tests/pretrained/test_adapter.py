"""Files of changes: what they make of a checkpoint, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylekernel_hf import pipeline
from stylekernel_hf.pretrained.adapter import write_adapter
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.adapters import DAMAGES, ID, WEIGHT, adapter_of, altered
from tests.tiny import save_picture, tiny_model


def test_changes_are_added_to_the_weights(tmp_path: Path) -> None:
    network = tiny_model()
    adapter = adapter_of(network)
    write_adapter(tmp_path / "a.safetensors", adapter)
    network.load_adapter(tmp_path / "a.safetensors")
    assert network.checkpoint_id == ID and network.origin == str(tmp_path / "a.safetensors")
    for name, before in tiny_model().state_dict().items():
        expected = before
        if name == WEIGHT:
            left, right = (matrix.half().float() for matrix in adapter.changes[name])
            expected = before + (left @ right).view_as(before)
        assert torch.equal(network.state_dict()[name], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_adapter_of_the_embedded_weights_is_a_checkpoint(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    network = load_checkpoint(EMBEDDED_CHECKPOINT)
    path = tmp_path / "mine.safetensors"
    weight = next(name for name, x in network.named_parameters() if x.ndim == 4 and len(x) > 16)
    write_adapter(path, adapter_of(network, weight))
    network.load_adapter(path)
    pipe = pipeline("style-kernel", model=path, device="cpu", dtype=dtype)
    assert pipe.model.dtype == dtype and pipe.model.checkpoint_id == ID
    for name, expected in network.to(dtype).state_dict().items():
        assert torch.equal(pipe.model.state_dict()[name], expected)
    photo = save_picture(tmp_path / "photo.png")
    style = pipe.encode_style(save_picture(tmp_path / "painting.png", seed=1))
    assert pipe(photo, style).images[0].size == (48, 40)


@pytest.mark.parametrize(
    ("metadata", "tensors", "message"),
    DAMAGES,
)
def test_file_that_does_not_fit_changes_nothing(
    tmp_path: Path, metadata: dict[str, str], tensors: dict[str, Tensor | None], message: str
) -> None:
    network = tiny_model()
    before = network.checkpoint_id
    write_adapter(tmp_path / "a.safetensors", adapter_of(network))
    with pytest.raises(ValueError, match=message):
        network.load_adapter(altered(tmp_path / "a.safetensors", metadata, tensors))
    assert network.checkpoint_id == before
    for name, expected in tiny_model().state_dict().items():
        assert torch.equal(network.state_dict()[name], expected)


def test_what_is_no_file_of_changes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="adapter: no such file"):
        tiny_model().load_adapter(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors at all, but some text")
    with pytest.raises(ValueError, match="adapter must be a safetensors file"):
        tiny_model().load_adapter(tmp_path / "text.safetensors")
    other = tiny_model(seed=1)
    write_adapter(tmp_path / "a.safetensors", adapter_of(tiny_model()))
    with pytest.raises(ValueError, match="changes the checkpoint 'tiny'"):
        other.load_adapter(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="lacks tensors or has surplus ones|must be matrices"):
        load_checkpoint(tmp_path / "a.safetensors")
