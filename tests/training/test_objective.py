"""What a run minimises: which terms there are, and that they reach the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stylekernel_hf.metrics.perceptual import load_perceptual_network
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.objective import Objective
from stylekernel_hf.training.settings import TrainingSettings
from tests.tiny import save_tiny_vgg, vivid_model

ALL = LossWeights(coarse_style=1.0, pattern=1.0, near=1.0, local=1.0, attention=1.0)
NONE = LossWeights(coarse_style=0.0, pattern=0.0, near=0.0, local=0.0, attention=0.0)
LOCAL_TERMS = {"coarse_style", "pattern", "near", "local", "attention"}
CPU = torch.device("cpu")


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSettings:
    return TrainingSettings(
        contents=(tmp_path,),
        styles=(tmp_path,),
        output=tmp_path,
        perceptual=save_tiny_vgg(tmp_path / "vgg.safetensors"),
        size=64,
        style_size=64,
        identity_every=0,
        weights=ALL,
    )


def objective_of(settings: TrainingSettings, model: StyleKernelModel) -> Objective:
    return Objective(model, model, load_perceptual_network(settings.perceptual), settings)


def pairs(count: int = 4, *, side: int = 64) -> CropPair:
    generator = torch.Generator().manual_seed(0)
    content, style = torch.randint(
        256, (2, count, 3, side, side), generator=generator, dtype=torch.uint8
    )
    numbers = torch.arange(count)
    return CropPair(content, style, numbers, numbers, numbers)  # type: ignore[arg-type]


def part_of(batch: CropPair, rows: slice) -> CropPair:
    return CropPair(*(part[rows] for part in batch))  # type: ignore[index]


def test_terms_without_weight_are_not_computed(settings: TrainingSettings) -> None:
    model = vivid_model()
    named = objective_of(settings, model).terms(pairs(), 0, CPU)
    assert set(named) == {"content", "style", "color"} | LOCAL_TERMS
    plain = objective_of(replace(settings, weights=NONE), model).terms(pairs(), 0, CPU)
    assert set(plain) == set(named) - LOCAL_TERMS
    for name, term in plain.items():
        torch.testing.assert_close(term, named[name])


def test_parts_of_a_batch_have_its_terms_as_their_mean(settings: TrainingSettings) -> None:
    objective = objective_of(replace(settings, code_dropout=0.5), vivid_model())
    whole = objective.terms(pairs(), 3, CPU)
    parts = [objective.terms(part_of(pairs(), rows), 3, CPU) for rows in (slice(2), slice(2, 4))]
    for name, term in whole.items():
        torch.testing.assert_close(
            term, torch.stack([part[name] for part in parts]).mean(), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", sorted(LOCAL_TERMS))
def test_every_term_reaches_what_the_alignment_looks_with(
    settings: TrainingSettings, name: str
) -> None:
    model = vivid_model()
    objective_of(settings, model).terms(pairs(), 0, CPU)[name].backward()
    for part in (model.style_alignment.query, model.style_alignment.key):
        assert part.weight.grad is not None
        assert part.weight.grad.abs().max() > 0


def test_crops_too_small_to_be_reduced_are_compared_in_their_own_size(
    settings: TrainingSettings,
) -> None:
    small = replace(settings, size=32, style_size=32)
    terms = objective_of(small, vivid_model()).terms(pairs(side=32), 0, CPU)
    assert "coarse_style" not in terms
    assert "pattern" in terms


def test_pairs_without_the_code_are_painted_by_the_alignment_alone(
    settings: TrainingSettings,
) -> None:
    model = vivid_model()
    codes: list[Tensor] = []

    def painter(content: Tensor, style: EncodedStyle) -> Tensor:
        codes.append(style.code)
        return model(content, style)

    perceptual = load_perceptual_network(settings.perceptual)
    dropping = replace(settings, code_dropout=0.25, weights=NONE)
    objective = Objective(model, painter, perceptual, dropping)
    count = 200
    batch = pairs(4)
    for first in range(0, count, 4):
        numbers = torch.arange(first, first + 4)
        objective.terms(batch._replace(pair_number=numbers), 0, CPU)  # type: ignore[arg-type]
    dropped = torch.cat(codes).abs().sum(dim=1) == 0
    assert 0.15 < dropped.float().mean() < 0.35
    # The pair decides, not the batch or the step.
    codes.clear()
    objective.terms(batch, 9, CPU)
    assert torch.equal(codes[0].abs().sum(dim=1) == 0, dropped[:4])


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_share_of_pairs_without_the_code_must_leave_some(
    settings: TrainingSettings, share: float
) -> None:
    with pytest.raises(ValueError, match="code_dropout"):
        replace(settings, code_dropout=share)


def test_weights_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="near_weight must be at least 0, got -1"):
        LossWeights(near=-1.0)
