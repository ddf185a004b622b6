"""Training of a scale and a shift of each channel."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.merged_weights import merged
from stylekernel_hf.training.scale_and_shift import train_scales_and_shifts_alone
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import tiny_model
from tests.training.runs import assert_same_run, state_of, train_whole_and_resumed

PICTURE = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))


def pairs(count: int = 3) -> list[CropPair]:
    generator = torch.Generator().manual_seed(2)
    crops = torch.randint(256, (count, 2, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return [CropPair(content, style, i, i, i) for i, (content, style) in enumerate(crops)]


def painted(network: StyleKernelModel) -> torch.Tensor:
    return network(PICTURE, network.encode_style(PICTURE))


def test_every_layer_gets_one_and_nothing_is_changed_at_first() -> None:
    before = tiny_model()
    network = copy.deepcopy(before)
    train_scales_and_shifts_alone(network, pairs())
    torch.testing.assert_close(painted(network), painted(before))
    layers = [
        name for name, part in before.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)
    ]
    trained = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert trained == {
        f"{layer}.parametrizations.{each}"
        for layer in layers
        for each in ("weight.0.log_scale", "bias.0.shift")
    }


@pytest.mark.parametrize(
    "name", ["kernel_generators.1.head", "decoder.stages.0.0.convolution", "style_alignment.key"]
)
def test_outputs_are_scaled_about_their_mean_and_shifted_by_their_deviation(name: str) -> None:
    """Also of layers whose weights other modules read, and of one after an upsampling."""
    network = tiny_model()
    layer = network.get_submodule(name)
    given: list[torch.Tensor] = []
    layer.register_forward_hook(lambda _, inputs, __: given.append(inputs[0]))
    train_scales_and_shifts_alone(network, pairs())
    before = [merged(network).get_submodule(name)(each) for each in given]
    chain = layer.parametrizations
    with torch.no_grad():
        chain.weight[0].log_scale.fill_(torch.tensor(1.5).log())  # type: ignore[index, operator]
        chain.bias[0].shift.fill_(0.25)  # type: ignore[index, operator]
    after = [merged(network).get_submodule(name)(each) for each in given]
    # Parts of unequal size count alike, as pairs do.
    mean = torch.stack([each.mean(dim=(0, 2, 3)) for each in before]).mean(dim=0)
    square = torch.stack([each.square().mean(dim=(0, 2, 3)) for each in before]).mean(dim=0)
    deviation = (square - mean.square()).clamp_min(0).sqrt()
    for one, other in zip(before, after, strict=True):
        middle = mean[:, None, None]
        expected = middle + 1.5 * (one - middle) + 0.25 * deviation[:, None, None]
        torch.testing.assert_close(other, expected, atol=2e-4, rtol=1e-4)


def test_merged_network_is_the_changed_one() -> None:
    network = tiny_model()
    train_scales_and_shifts_alone(network, pairs())
    with torch.no_grad():
        for weight in network.parameters():
            if weight.requires_grad:
                weight.copy_(torch.randn_like(weight) / 10)
    plain = merged(network)
    assert plain.state_dict().keys() == tiny_model().state_dict().keys()
    assert torch.equal(painted(plain), painted(network))
    assert not torch.equal(painted(plain), painted(tiny_model()))


def test_copy_has_scales_of_its_own() -> None:
    """The averaged weights are a copy: its weights and biases must share the copy's scales."""
    network = tiny_model()
    train_scales_and_shifts_alone(network, pairs())
    before = painted(network)
    twin = copy.deepcopy(network)
    for each in (twin, network):
        with torch.no_grad():
            for name, weight in each.named_parameters():
                if name.endswith("log_scale"):
                    weight.fill_(0.1)
        if each is twin:
            assert torch.equal(painted(network), before)
    assert torch.equal(painted(twin), painted(network))
    assert not torch.equal(painted(twin), before)


def test_frozen_layers_stay_while_the_rest_is_trained(settings: TrainingSettings) -> None:
    before = tiny_model().state_dict()
    settings = replace(settings, scale_and_shift=True, fixed=("style_encoder", "style_code"))
    Trainer(tiny_model(), settings).run()
    after = state_of(settings.output)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert len(moved) > 20
    assert not [name for name in moved if name.startswith(("style_encoder.", "style_code."))]


def test_rows_of_weights_keep_their_direction(settings: TrainingSettings) -> None:
    before = tiny_model().state_dict()
    Trainer(tiny_model(), replace(settings, scale_and_shift=True)).run()
    moved = 0
    for name, value in state_of(settings.output).items():
        if name.endswith(".weight") and value.ndim > 1:
            cosine = torch.cosine_similarity(value.flatten(1), before[name].flatten(1))
            zero = before[name].flatten(1).norm(dim=1) == 0
            torch.testing.assert_close(cosine[~zero], torch.ones_like(cosine[~zero]))
            moved += not torch.equal(value, before[name])
    assert moved > 10


def test_resumed_run_takes_the_trajectory_of_an_unbroken_one(settings: TrainingSettings) -> None:
    settings = replace(settings, scale_and_shift=True)
    assert_same_run(settings.output, train_whole_and_resumed(settings))


def test_does_not_go_with_changes_of_low_rank(settings: TrainingSettings) -> None:
    with pytest.raises(ValueError, match="rank and scale_and_shift"):
        replace(settings, rank=2, scale_and_shift=True)
