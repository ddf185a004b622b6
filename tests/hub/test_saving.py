"""What a crash leaves of a save."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from stylekernel_hf import StyleKernelModel, StyleKernelPipeline
from tests.tiny import tiny_model


class PowerFailureError(BaseException):
    """Nothing catches it."""


def bias(folder: Path) -> torch.Tensor:
    return StyleKernelModel.from_pretrained(folder).state_dict()["decoder.to_rgb.bias"]


def marked(value: float) -> StyleKernelModel:
    model = tiny_model()
    torch.nn.init.constant_(model.get_parameter("decoder.to_rgb.bias"), value)
    return model


@pytest.mark.parametrize("moment", range(9))
def test_crash_leaves_the_old_checkpoint_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    folder = tmp_path / "saved"
    StyleKernelPipeline(marked(1)).save_pretrained(folder)
    original, moves = os.replace, iter(range(100))

    def replace(source: Path, target: Path) -> None:
        if next(moves) == moment:
            raise PowerFailureError
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    try:
        StyleKernelPipeline(marked(2)).save_pretrained(folder)
        crashed = False
    except PowerFailureError:
        crashed = True
    assert crashed == (moment < 8) and bias(folder)[0] == (1 if moment == 0 else 2)


def test_crash_of_a_first_save_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise PowerFailureError

    monkeypatch.setattr("stylekernel_hf.hub.weights_writing.save_file", write_half)
    with pytest.raises(PowerFailureError):
        tiny_model().save_pretrained(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_shards_of_two_saves_are_never_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked(1).save_pretrained(tmp_path / "saved", max_shard_size="10KB")
    original, moves = os.replace, iter(range(100))

    def replace(source: Path, target: Path) -> None:
        if next(moves) == 1:
            raise PowerFailureError
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(PowerFailureError):
        marked(2).save_pretrained(tmp_path / "saved", max_shard_size="10KB")
    with pytest.raises(FileNotFoundError, match="no diffusion_pytorch_model"):
        StyleKernelModel.from_pretrained(tmp_path / "saved")


@pytest.mark.parametrize("first", ["10KB", "5GB"])
def test_weights_of_an_earlier_save_are_removed(tmp_path: Path, first: str) -> None:
    folder, second = tmp_path / "saved", "5GB" if first == "10KB" else "10KB"
    marked(1).save_pretrained(folder, max_shard_size=first)
    marked(3).half().save_pretrained(folder, variant="fp16")
    (folder / "notes.txt").write_text("mine")
    marked(2).save_pretrained(folder, max_shard_size=second)
    marked(2).save_pretrained(tmp_path / "fresh", max_shard_size=second)
    fresh = {path.name for path in (tmp_path / "fresh").iterdir()}
    kept = {"notes.txt", "diffusion_pytorch_model.fp16.safetensors"}
    assert {path.name for path in folder.iterdir()} == fresh | kept
    assert bias(folder)[0] == 2


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="save_directory must be a folder"):
        tiny_model().save_pretrained(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
def test_weights_may_be_read_by_all_who_may_read_the_rest(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        tiny_model().save_repository(tmp_path / "saved", max_shard_size="10KB")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "saved").rglob("*") if path.is_file()]
    assert len(files) > 5
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o640"}
