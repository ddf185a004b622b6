"""Teaching the alignment where to look, before a run."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import Tensor

from stylekernel_hf.metrics.perceptual import PerceptualNetwork, load_perceptual_network
from stylekernel_hf.training.attention_teaching import PLACES, teach_attention
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.local_losses import SHARPNESS
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import save_tiny_vgg, tiny_model, vivid_model
from tests.training.runs import tiny_settings


@pytest.fixture
def perceptual(tmp_path: Path) -> PerceptualNetwork:
    return load_perceptual_network(save_tiny_vgg(tmp_path / "vgg.safetensors"))


def pairs(count: int, side: int = 64) -> list[CropPair]:
    generator = torch.Generator().manual_seed(0)
    crops = torch.randint(256, (count, 2, 3, side, side), generator=generator, dtype=torch.uint8)
    return [CropPair(*pair, 0, 0, number) for number, pair in enumerate(crops)]


def normalised_rows(layer: Tensor) -> Tensor:
    """One row for every place, of channels that are normalised over the picture."""
    rows = layer.double().flatten(2)[0]
    deviation = (rows.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
    return ((rows - rows.mean(dim=1, keepdim=True)) / deviation).T


def test_first_divergence_is_that_of_the_network_from_relu4_1(
    perceptual: PerceptualNetwork,
) -> None:
    model = vivid_model()
    (pair,) = pairs(1)
    with torch.no_grad():
        content, style = (crop[None].float() / 255 for crop in (pair.content, pair.style))
        features = normalised_rows(model.encode_content(content)[-1])
        weight, bias = (x.double() for x in model.style_alignment.query.parameters())
        query = features @ weight.flatten(1).T + bias
        key = model.encode_style(style).key[0].double()
        # 8 x 8 places of the content, and 4 x 4 means of the style's 8 x 8.
        seen, seen_style = (normalised_rows(perceptual(x)[3]) for x in (content, style))
        tokens = seen_style.T.reshape(-1, 4, 2, 4, 2).mean(dim=(2, 4)).flatten(1).T
    generator = torch.Generator().manual_seed(5)
    divergences: list[float] = []
    for place in torch.randint(64, (PLACES,), generator=generator).tolist():
        alike = [float(torch.cosine_similarity(seen[place], token, dim=0)) for token in tokens]
        wanted = torch.tensor([SHARPNESS * each for each in alike]).softmax(dim=0)
        scores = [float(query[place] @ each) / math.sqrt(key.shape[1]) for each in key]
        actual = torch.tensor(scores).softmax(dim=0)
        divergences.append(float((wanted * (wanted / actual).log()).sum()))
    expected = sum(divergences) / PLACES

    result = teach_attention(model, perceptual, [pair], steps=1, seed=5)
    assert result[0] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("autocast", [False, True])
def test_teaching_brings_the_attention_closer_and_changes_nothing_else(
    perceptual: PerceptualNetwork, autocast: bool
) -> None:
    model = vivid_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        divergences = teach_attention(model, perceptual, pairs(1), steps=100, seed=0)
    assert len(divergences) == 100
    assert sum(divergences[-10:]) < 0.96 * sum(divergences[:10])
    after = model.state_dict()
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    taught = ("style_alignment.query", "style_alignment.key")
    assert {f"{layer}.weight" for layer in taught} <= changed
    assert all(name.startswith(taught) for name in changed)
    assert all(part.grad is None for part in model.parameters())


def test_run_teaches_the_attention_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = replace(tiny_settings(tmp_path), attention_steps=2, steps=3)
    lessons: list[int] = []
    with caplog.at_level(logging.INFO, "stylekernel_hf.training.trainer"):
        for _ in range(2):
            AcceleratorState._reset_state(reset_partial_state=True)
            model = tiny_model()
            before = model.style_alignment.query.weight.clone()
            trainer = Trainer(model, settings)
            taught = not torch.equal(model.style_alignment.query.weight, before)
            lessons.append(sum("nats" in each.message for each in caplog.records))
            assert taught == (len(lessons) == 1)
            trainer.run()
    assert lessons == [1, 1]
