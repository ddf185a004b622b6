"""The ablations as one command: what is trained, what is kept, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stylekernel_hf.cli.ablate import ablate
from stylekernel_hf.evaluation.ablation import Ablation, variants_of
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from stylekernel_hf.pretrained.presets import PRESETS
from stylekernel_hf.training.settings import TrainingSettings
from tests.tiny import TINY_CONFIG

NAMES = ["full", "without CGM"]


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "small", StyleKernelConfig(**TINY_CONFIG))


def run(settings: TrainingSettings, variants: list[str], **changes: Any) -> None:
    options: dict[str, Any] = {
        "content": list(settings.contents),
        "style": list(settings.styles),
        "steps": 2,
        "batch_size": 1,
        "size": 32,
        "score_size": 64,
        "loader_workers": 0,
        "mixed_precision": "no",
    }
    ablate(
        output=settings.output,
        perceptual=settings.perceptual,
        variant=variants,
        **options | changes,
    )


def test_every_variant_changes_what_its_name_says() -> None:
    changed = {name: set(changes) for name, changes in variants_of("small").items()}
    assert changed == {
        "full": set(),
        "without SAE": {"max_style_tokens", "gating"},
        "without CGM": {"gating"},
        "without dynamic kernels": {"dynamic_convolutions"},
        "without shuffle": {"channel_shuffle"},
        "kernel size 1": {"kernel_size"},
        "kernel size 5": {"kernel_size"},
    }


def test_variants_are_trained_and_scored_on_what_none_of_them_saw(
    settings: TrainingSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    run(settings, NAMES)
    table = (settings.output / "table.md").read_text()
    assert capsys.readouterr().out == table
    labels = [line.split("|")[1].strip() for line in table.splitlines()]
    assert labels[2:] == [*NAMES, "content unchanged", "style pasted"]
    assert labels[0] == "mean of 1 pairs at 64 px"
    result = json.loads((settings.output / "table.json").read_text())
    assert result["plan"]["steps"] == "2"
    gated = load_checkpoint(settings.output / "full" / "model")
    ungated = load_checkpoint(settings.output / "without_cgm" / "model")
    assert gated.config.gating and not ungated.config.gating
    assert result["variants"]["without CGM"]["config"] == {"gating": False}
    held = [paths[0].name for paths in Ablation("small", settings, 64).held_out()]
    (pair,) = result["variants"]["full"]["pairs"]
    assert [pair["content_name"], pair["style_name"]] == held
    assert f"{pair['style']:.4f}" in table.splitlines()[2]


def test_command_goes_on_with_what_is_not_done(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, NAMES[:1])
    trained: list[str] = []
    train = Ablation.train

    def counted(self: Ablation, variant: str, on_step: Any) -> None:
        trained.append(variant)
        train(self, variant, on_step)

    monkeypatch.setattr(Ablation, "train", counted)
    before = (settings.output / "full" / "model" / "config.json").stat().st_mtime_ns
    run(settings, NAMES)
    assert trained == NAMES[1:]
    assert (settings.output / "full" / "model" / "config.json").stat().st_mtime_ns == before
    assert "without CGM" in (settings.output / "table.md").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 3}, "output must be .* with steps 3, but .* holds an ablation with steps 2"),
        ({"score_size": 96}, "with score_size 96, but .* holds an ablation with score_size 64"),
        ({"style": [Path("hf:owner/name")]}, "styles must be folders for an ablation, got 'hf:"),
        ({"score_size": 65}, "size must be a multiple of 32 px"),
        ({"preset": "huge"}, "preset must be 'small' or 'base', got 'huge'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    settings: TrainingSettings, changes: dict[str, Any], message: str
) -> None:
    run(settings, NAMES[:1])
    before = (settings.output / "table.json").read_bytes()
    with pytest.raises(ValueError, match=message):
        run(settings, NAMES, **changes)
    assert (settings.output / "table.json").read_bytes() == before


def test_unknown_variant_is_refused_before_any_work(settings: TrainingSettings) -> None:
    with pytest.raises(ValueError, match="variant must be one of full, without SAE, .*'no CGM'"):
        run(settings, ["full", "no CGM"])
    assert not settings.output.exists()
