"""Training of changes of low rank, and the small file that holds them."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from stylekernel_hf.hub.weights import WEIGHTS_NAME
from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from stylekernel_hf.training.low_rank import changes, train_changes_alone
from stylekernel_hf.training.merged_weights import merged
from stylekernel_hf.training.muon import is_matrix
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import tiny_model
from tests.training.runs import assert_same_run, train_whole_and_resumed


def test_changes_of_a_network_that_has_not_trained_change_nothing() -> None:
    before = tiny_model()
    network = copy.deepcopy(before)
    train_changes_alone(network, 2)
    picture = torch.rand(1, 3, 32, 48)
    actual = network(picture, network.encode_style(picture))
    assert torch.equal(actual, before(picture, before.encode_style(picture)))
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert trained and all(name.endswith((".left", ".right")) for name in trained)


def test_merged_network_is_the_changed_one() -> None:
    network = tiny_model()
    train_changes_alone(network, 2)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.requires_grad:
                weight.copy_(torch.randn_like(weight) / 10)
    plain = merged(network)
    before = dict(tiny_model().named_parameters())
    assert plain.state_dict().keys() == before.keys()
    found = changes(network)
    for name, weight in plain.named_parameters():
        change = weight - before[name]
        if is_matrix(weight):
            left, right = found[name]
            torch.testing.assert_close(change.flatten(1), left @ right)
            assert torch.linalg.matrix_rank(change.flatten(1).detach().double(), rtol=1e-5) <= 2
        else:
            assert torch.equal(weight, before[name])
    picture = torch.rand(1, 3, 32, 48)
    expected = network(picture, network.encode_style(picture))
    assert torch.equal(plain(picture, plain.encode_style(picture)), expected)
    assert not torch.equal(expected, tiny_model()(picture, tiny_model().encode_style(picture)))


def test_run_leaves_a_small_file_that_makes_the_model_of_its_checkpoint(
    settings: TrainingSettings,
) -> None:
    settings = replace(settings, rank=2)
    start = tiny_model()
    Trainer(copy.deepcopy(start), settings).run()
    adapter = settings.output / "adapter.safetensors"
    model = load_checkpoint(settings.output / "model")
    start.load_adapter(adapter)
    assert start.checkpoint_id == model.checkpoint_id
    moved = [
        name
        for name, weight in start.named_parameters()
        if not torch.equal(weight, dict(tiny_model().named_parameters())[name])
    ]
    assert len(moved) > 10
    for name, weight in start.named_parameters():
        torch.testing.assert_close(weight, model.state_dict()[name], rtol=0, atol=1e-4)
    weights = settings.output / "model" / WEIGHTS_NAME
    assert adapter.stat().st_size < weights.stat().st_size


def test_resumed_run_takes_the_trajectory_of_an_unbroken_one(settings: TrainingSettings) -> None:
    settings = replace(settings, rank=2)
    broken = train_whole_and_resumed(settings)
    assert_same_run(settings.output, broken)
    kept, remade = (load_file(run / "adapter.safetensors") for run in (settings.output, broken))
    assert kept and all(torch.equal(kept[name], remade[name]) for name in kept | remade)


def test_settings_that_do_not_go_together_are_refused(settings: TrainingSettings) -> None:
    with pytest.raises(ValueError, match="rank must be at least 0, got -1"):
        replace(settings, rank=-1)
    with pytest.raises(ValueError, match="rank trains changes of all layers"):
        replace(settings, rank=4, fixed=("style_encoder",))
