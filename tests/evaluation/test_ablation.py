"""The ablations as one command: what is trained, what is kept, what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stylekernel_hf.cli.ablate import ablate
from stylekernel_hf.evaluation.ablation import Ablation, variants_of
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import PRESETS, preset_config
from stylekernel_hf.training import attention_teaching
from stylekernel_hf.training.crops import CropPair
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.objective import Objective
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import TINY_CONFIG

NAMES = ["full", "without CGM"]


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "small", StyleKernelConfig(**TINY_CONFIG))


def run(
    settings: TrainingSettings, variants: list[str], seeds: Sequence[int] = (0,), **changes: Any
) -> None:
    options: dict[str, Any] = {
        "content": list(settings.contents),
        "style": list(settings.styles),
        "steps": 2,
        "batch_size": 1,
        "size": 32,
        "style_size": 48,
        "score_size": 64,
        "loader_workers": 0,
        "mixed_precision": "no",
    }
    ablate(
        output=settings.output,
        perceptual=settings.perceptual,
        variant=variants,
        seed=list(seeds),
        **options | changes,
    )


def table_of(settings: TrainingSettings) -> dict[str, Any]:
    return json.loads((settings.output / "table.json").read_text())


def weights_of(run: Path) -> dict[str, Tensor]:
    return load_checkpoint(run / "model").state_dict()


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


def test_every_variant_has_three_seeds_by_default(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[tuple[str, int]]] = []

    def noted(_: Ablation, runs: list[tuple[str, int]]) -> str:
        given.append(runs)
        return ""

    monkeypatch.setattr("stylekernel_hf.cli.ablate._train_and_score", noted)
    run(settings, NAMES, seeds=())
    assert given == [[(name, seed) for seed in (0, 1, 2) for name in NAMES]]


def test_variants_are_trained_and_scored_on_what_none_of_them_saw(
    settings: TrainingSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    run(settings, NAMES)
    table = (settings.output / "table.md").read_text()
    assert capsys.readouterr().out == table
    rows = [line.split("|")[1:-1] for line in table.splitlines()[:6]]
    assert [row[0].strip() for row in rows[2:]] == [*NAMES, "content unchanged", "style pasted"]
    columns = ["content", "style", "SSIM", "near", "pattern", "alignment", "sum", "seeds"]
    assert [cell.strip() for cell in rows[0]] == ["mean of 1 pairs at 64 px", *columns]
    assert "±" not in table
    result = table_of(settings)
    assert result["plan"]["steps"] == "2" and "seed" not in result["plan"]
    gated = load_checkpoint(settings.output / "full" / "seed_0" / "model")
    ungated = load_checkpoint(settings.output / "without_cgm" / "seed_0" / "model")
    assert gated.config.gating and not ungated.config.gating
    assert result["variants"]["without CGM"]["config"] == {"gating": False}
    held = [paths[0].name for paths in Ablation("small", settings, 64).held_out()]
    (pair,) = result["variants"]["full"]["seeds"]["0"]["pairs"]
    assert [pair["content_name"], pair["style_name"]] == held
    assert rows[2][2].strip() == f"{pair['style']:.4f}"
    expected = 1.5 * pair["content"] + 14 * pair["style"] + 5 * pair["near"] + 6 * pair["pattern"]
    assert rows[2][7].strip() == f"{expected:.4f}"
    assert result["content_unchanged"]["ssim"] == pytest.approx(1)


def test_seeds_and_variants_are_added_to_what_is_done(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, NAMES[:1])
    trained: list[tuple[str, int]] = []
    train = Ablation.train

    def counted(self: Ablation, variant: str, seed: int, on_step: Any) -> None:
        trained.append((variant, seed))
        train(self, variant, seed, on_step)

    monkeypatch.setattr(Ablation, "train", counted)
    config = settings.output / "full" / "seed_0" / "model" / "config.json"
    before = config.stat().st_mtime_ns
    run(settings, NAMES, seeds=(0, 10, 10))
    assert trained == [(NAMES[1], 0), (NAMES[0], 10), (NAMES[1], 10)]
    run(settings, NAMES[:1], seeds=(2,))
    assert trained[3:] == [(NAMES[0], 2)]
    assert config.stat().st_mtime_ns == before
    variants = table_of(settings)["variants"]
    assert {name: list(each["seeds"]) for name, each in variants.items()} == {
        "full": ["0", "2", "10"],
        "without CGM": ["0", "10"],
    }
    table = (settings.output / "table.md").read_text().splitlines()
    assert [line.split("|")[-2].strip() for line in table[2:6]] == ["3", "2", "-", "-"]
    for name, each in variants.items():
        files = sorted(settings.output.glob(f"{name.replace(' ', '_').lower()}/*/evaluation.json"))
        values = [json.loads(path.read_text())["mean"]["content"] for path in files]
        assert len(set(values)) == len(values)
        assert each["mean"]["content"] == pytest.approx(np.mean(values))
        assert each["spread"]["content"] == pytest.approx(np.std(values, ddof=1))
        cell = f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
        assert any(line.startswith(f"| {name} ") and cell in line for line in table)


def test_killed_ablation_goes_on_with_the_same_result(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_step, stopped = Trainer._train_step, list[Path]()

    def killed(self: Trainer, batches: Any) -> Any:
        if self.step == 1 and self.output.name == "seed_1" and not stopped:
            stopped.append(self.output)
            raise KeyboardInterrupt
        return train_step(self, batches)

    monkeypatch.setattr(Trainer, "_train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(settings, NAMES[:1], seeds=(0, 1), save_every=1)
    assert stopped == [settings.output / "full" / "seed_1"]
    assert list(table_of(settings)["variants"]["full"]["seeds"]) == ["0"]
    run(settings, NAMES[:1], seeds=(0, 1), save_every=1)
    assert list(table_of(settings)["variants"]["full"]["seeds"]) == ["0", "1"]
    run(replace(settings, output=tmp_path / "whole"), NAMES[:1], seeds=(1,))
    whole = weights_of(tmp_path / "whole" / "full" / "seed_1")
    resumed = weights_of(settings.output / "full" / "seed_1")
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_variants_of_one_seed_see_the_same_and_every_seed_differs(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Tensor]] = {}
    started: dict[str, Tensor] = {}
    terms = Objective.terms

    def noted(self: Objective, batch: CropPair, step: int, device: torch.device) -> Any:
        run = self.settings.output.relative_to(settings.output).as_posix()
        seen.setdefault(run, []).append(torch.cat([x.flatten() for x in batch[:2]]))
        started.setdefault(run, self.model.style_code.layers[0].weight.detach().clone())
        return terms(self, batch, step, device)

    monkeypatch.setattr(Objective, "terms", noted)
    run(settings, NAMES, seeds=(0, 1))
    full, lacking = ([f"{name}/seed_{seed}" for seed in (0, 1)] for name in ("full", "without_cgm"))
    assert sorted(seen) == sorted([*full, *lacking])
    for one, other in zip(full, lacking, strict=True):
        assert len(seen[one]) == 2
        assert all(map(torch.equal, seen[one], seen[other]))
    assert not any(map(torch.equal, seen[full[0]], seen[full[1]]))
    assert not torch.equal(started[full[0]], started[full[1]])
    runs = [
        each["seeds"][seed] for each in table_of(settings)["variants"].values() for seed in "01"
    ]
    names = [[(x["content_name"], x["style_name"]) for x in each["pairs"]] for each in runs]
    assert names == names[:1] * 4


def test_every_local_term_is_trained_with_in_crops_of_the_default_size(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_teaching, "PAIRS", 2)
    names = ["full", "without SAE", "without dynamic kernels"]
    options = {"steps": 1, "size": 144, "style_size": 160}
    options |= {"attention_weight": 0.1, "smoothness_weight": 1.0}
    options |= {"attention_steps": 1, "code_dropout": 0.9}
    run(settings, names, **options)
    full, single, scaled = (
        json.loads((settings.output / name / "seed_0" / "log.jsonl").read_text())
        for name in ("full", "without_sae", "without_dynamic_kernels")
    )
    local = {"coarse_style", "pattern", "near", "local", "smoothness"}
    assert all(line[name] > 0 for line in (full, single, scaled) for name in local)
    # There is one place to look at without SAE.
    assert full["attention"] > 0 and single["attention"] == 0 and scaled["attention"] > 0


def test_variants_are_all_trained_by_the_same_settings(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, TrainingSettings] = {}

    class Noting:
        def __init__(self, model: Any, settings: TrainingSettings) -> None:
            given[settings.output.parent.name] = settings

        def run(self, on_step: Any) -> None: ...

    monkeypatch.setattr("stylekernel_hf.evaluation.ablation.Trainer", Noting)
    asked = replace(
        settings, code_dropout=0.1, attention_steps=5, weights=LossWeights(attention=0.1, local=0.2)
    )
    ablation = Ablation("small", asked, 64)
    for variant in variants_of("small"):
        ablation.train(variant, 3, lambda *_: None)
    assert len(given) == len(variants_of("small"))
    for each in given.values():
        assert replace(each, output=asked.output, seed=asked.seed) == asked
        assert each.seed == 3


def test_every_place_gets_its_own_style_without_dynamic_kernels_too() -> None:
    """Their scale and shift are left, and read the alignment."""
    config = replace(preset_config("small"), **variants_of("small")["without dynamic kernels"])
    torch.manual_seed(0)
    model = StyleKernelModel(config)
    aligned = torch.randn(1, config.style_channels[2], 4, 4)
    kernels = model.kernel_generators[-1](aligned)
    assert kernels.taps.numel() == 0
    assert kernels.scale.std(dim=(2, 3)).min() > 0
    assert kernels.shift.std(dim=(2, 3)).min() > 0


def test_what_cannot_be_compared_is_refused(settings: TrainingSettings) -> None:
    run(settings, NAMES[:1])
    before = (settings.output / "table.json").read_bytes()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"steps": 3}, "output must be .* with steps 3, but .* holds an ablation with steps 2"),
        ({"score_size": 96}, "with score_size 96, but .* holds an ablation with score_size 64"),
        ({"near_weight": 4.0}, "with weights .*near=4.0.* but .* with weights .*near=5.0"),
        ({"style": [Path("hf:owner/name")]}, "styles must be folders for an ablation, got 'hf:"),
        ({"score_size": 65}, "size must be a multiple of 32 px"),
        ({"preset": "huge"}, "preset must be 'small' or 'base', got 'huge'"),
    ]
    for changes, message in cases:
        with pytest.raises(ValueError, match=message):
            run(settings, NAMES, **changes)
        assert (settings.output / "table.json").read_bytes() == before


def test_unknown_variant_is_refused_before_any_work(settings: TrainingSettings) -> None:
    with pytest.raises(ValueError, match="variant must be one of full, without SAE, .*'no CGM'"):
        run(settings, ["full", "no CGM"])
    assert not settings.output.exists()
