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
from stylekernel_hf.training import objective as objective_module
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.objective import Objective, Painter
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.synthetic_motion import Motion
from tests.tiny import save_tiny_vgg, vivid_model

OPTIONAL_TERMS = {"coarse_style", "pattern", "near", "local", "attention", "temporal"}
ALL = LossWeights(**dict.fromkeys(OPTIONAL_TERMS, 1.0))
NONE = LossWeights(**dict.fromkeys(OPTIONAL_TERMS, 0.0))
TEMPORAL = replace(NONE, temporal=1.0)
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
        temporal_every=1,
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
    assert set(named) == {"content", "style", "color"} | OPTIONAL_TERMS
    plain = objective_of(replace(settings, weights=NONE), model).terms(pairs(), 0, CPU)
    assert set(plain) == set(named) - OPTIONAL_TERMS
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


@pytest.mark.parametrize("name", sorted(OPTIONAL_TERMS))
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
        return content

    perceptual = load_perceptual_network(settings.perceptual)
    dropping = replace(settings, code_dropout=0.25, weights=NONE, size=32, style_size=32)
    objective = Objective(model, painter, perceptual, dropping)
    count = 200
    batch = pairs(4, side=32)
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


def temporal_term(settings: TrainingSettings, painter: Painter) -> float:
    """Of a painter that looks at the photo alone."""
    perceptual = load_perceptual_network(settings.perceptual)
    told = replace(settings, weights=TEMPORAL)
    return (
        Objective(vivid_model(), painter, perceptual, told)
        .terms(pairs(), 0, CPU)["temporal"]
        .item()
    )


@pytest.fixture
def shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every photo moves by whole pixels, without noise."""

    def draw_motion(*_: object) -> Motion:
        return Motion(right=3, down=-2)

    monkeypatch.setattr(objective_module, "draw_motion", draw_motion)


@pytest.mark.usefixtures("shifted")
def test_painter_whose_result_moves_with_the_photo_is_steady(settings: TrainingSettings) -> None:
    assert temporal_term(settings, lambda content, _: 1 - content) == pytest.approx(0, abs=1e-8)


@pytest.mark.usefixtures("shifted")
@pytest.mark.parametrize("size", [0.05, 0.1])
@pytest.mark.parametrize("stays", [False, True])
def test_what_a_painter_changes_from_frame_to_frame_counts(
    settings: TrainingSettings, size: float, stays: bool
) -> None:
    generator = torch.Generator()

    def painter(content: Tensor, _: EncodedStyle) -> Tensor:
        # The same pattern in every frame does not move with the photo either.
        if stays:
            generator.manual_seed(0)
        return content + size * torch.randn(content.shape, generator=generator)

    # Two patterns differ by twice their variance; the styles' colours have a variance of 1 / 12.
    expected = 2 * size**2 / (2 / 12 + 0.01)
    assert temporal_term(settings, painter) == pytest.approx(expected, rel=0.05)


def test_next_frames_are_painted_alike_and_only_in_the_steps_where_they_are_due(
    settings: TrainingSettings,
) -> None:
    model = vivid_model()
    styles: list[EncodedStyle] = []

    def painter(content: Tensor, style: EncodedStyle) -> Tensor:
        styles.append(style)
        return model(content, style)

    told = replace(settings, weights=TEMPORAL, temporal_every=3, code_dropout=0.5)
    objective = Objective(model, painter, load_perceptual_network(settings.perceptual), told)
    due = ["temporal" in objective.terms(pairs(), step, CPU) for step in range(5)]
    assert due == [True, False, False, True, False]
    assert len(styles) == 5 + 2
    # The same codes are left out.
    assert styles[1] is styles[0]
    # The motion is the pair's, whatever the step.
    first, again = (objective.terms(pairs(), step, CPU)["temporal"] for step in (0, 3))
    assert torch.equal(first, again)
    later = pairs()._replace(pair_number=torch.arange(4, 8))  # type: ignore[arg-type]
    assert objective.terms(later, 0, CPU)["temporal"] != first


def test_temporal_term_can_be_lowered(settings: TrainingSettings) -> None:
    model = vivid_model().train()
    small = replace(settings, weights=TEMPORAL, size=32, style_size=32)
    objective = objective_of(small, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    values: list[float] = []
    for _ in range(8):
        term = objective.terms(pairs(side=32), 0, CPU)["temporal"]
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
        values.append(term.item())
    assert values[-1] < 0.7 * values[0]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_bad_weight_of_the_temporal_term_is_named(weight: float) -> None:
    with pytest.raises(ValueError, match="temporal_weight must"):
        LossWeights(temporal=weight)
