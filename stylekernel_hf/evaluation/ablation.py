"""The paper's ablations: networks that lack one part each, trained alike and scored alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from stylekernel_hf.evaluation.ablation_table import (
    ablation_table,
    mean_of,
    scored_weights,
    spread_of,
    with_sum,
)
from stylekernel_hf.evaluation.evaluation_result import Evaluation, write_json
from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.hub.configs import MAX_RESULT_BYTES, read_json_object
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import preset_config
from stylekernel_hf.training.kept_settings import (
    check_same_settings,
    effective_settings,
    write_settings,
)
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.streams import dataset_name
from stylekernel_hf.training.trainer import Trainer
from stylekernel_hf.training.training_data import load_training_data

PLAN_NAME = "plan.json"
EVALUATION_NAME = "evaluation.json"
TABLE_NAME = "table.md"
_SEED_PREFIX = "seed_"
# Results that need no network, whose metrics every evaluation holds.
_BASELINES = ("content_unchanged", "style_pasted")


def variants_of(preset: str) -> dict[str, dict[str, Any]]:
    """Return the changes of each variant to the preset's config, by the variant's name.

    Raises ValueError for an unknown preset.
    """
    config = preset_config(preset)
    sizes = [size for size in (1, 3, 5) if size != config.kernel_size]
    levels = len(config.dynamic_convolutions)
    return {
        "full": {},
        # A single token is the mean of the style, which leaves nothing to gate.
        "without SAE": {"max_style_tokens": 1, "gating": False},
        "without CGM": {"gating": False},
        "without dynamic kernels": {"dynamic_convolutions": [0] * levels},
        "without shuffle": {"channel_shuffle": False},
        **{f"kernel size {size}": {"kernel_size": size} for size in sizes},
    }


@dataclass(frozen=True)
class Ablation:
    """Variants of a preset, each trained from scratch, once from every seed that is asked for.

    All variants see the same pairs from the same seed, and all runs hold out the same pictures. The
    seed of `settings` is not used. The folder `settings.output` gets one run for each variant and
    seed, and a table of the scores at `score_size` px a side. Raises ValueError if `contents` or
    `styles` are data sets instead of folders.
    """

    preset: str
    settings: TrainingSettings
    score_size: int

    def __post_init__(self) -> None:
        for name in ("contents", "styles"):
            for folder in getattr(self.settings, name):
                if dataset_name(folder) is not None:
                    raise ValueError(f"{name} must be folders for an ablation, got '{folder}'")

    def folder(self, variant: str, seed: int) -> Path:
        """Return the folder of a run; its subfolder "model" holds the weights."""
        return self._folder_of(variant) / f"{_SEED_PREFIX}{seed}"

    def check_output(self) -> None:
        """Write the plan into the output folder; ValueError if the folder holds another plan.

        A table of runs with different settings or pictures would be meaningless.
        """
        path = self.settings.output / PLAN_NAME
        plan = self._plan()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_settings(path, plan)
            return
        check_same_settings(plan, read_json_object(path, "output"), path.parent, "an ablation")

    def held_out(self) -> tuple[list[Path], list[Path]]:
        """Return the photos and paintings that are kept out of the training."""
        data = load_training_data(self.settings)
        return cast(list[Path], list(data.held_contents)), cast(list[Path], list(data.held_styles))

    def train(
        self, variant: str, seed: int, on_step: Callable[[int, dict[str, float]], None]
    ) -> None:
        """Train a variant from a seed, or from the last checkpoint of that run."""
        config = replace(preset_config(self.preset), **variants_of(self.preset)[variant])
        settings = replace(self.settings, output=self.folder(variant, seed), seed=seed)
        torch.manual_seed(seed)
        Trainer(StyleKernelModel(config).train(), settings).run(on_step)

    def is_scored(self, variant: str, seed: int) -> bool:
        """Return whether a variant is trained from a seed, and scored."""
        return (self.folder(variant, seed) / EVALUATION_NAME).exists()

    def record(self, variant: str, seed: int, evaluation: Evaluation) -> None:
        """Save the metrics of a trained network."""
        write_json([evaluation], self.folder(variant, seed) / EVALUATION_NAME)

    def write_table(self) -> str:
        """Write all scores in the folder as a Markdown table and as JSON; return the table.

        The table holds mean and spread over seeds, the JSON every pair of every seed too.
        """
        weights = scored_weights(self.settings.weights)
        read = {variant: self._scored(variant, weights) for variant in variants_of(self.preset)}
        scored = {variant: runs for variant, runs in read.items() if runs}
        means = {name: [run["mean"] for run in runs.values()] for name, runs in scored.items()}
        first = next(iter(next(iter(scored.values())).values()))
        baselines = {name: first[name] for name in _BASELINES}
        table = ablation_table(
            means,
            {name.replace("_", " "): metrics for name, metrics in baselines.items()},
            title=f"mean of {first['pair_count']} pairs at {first['size']} px",
            weights=weights,
        )
        results = {
            "plan": self._plan(),
            "sum_weights": weights,
            **baselines,
            "variants": {
                name: {
                    "config": variants_of(self.preset)[name],
                    "mean": mean_of(means[name]),
                    "spread": spread_of(means[name]),
                    "seeds": runs,
                }
                for name, runs in scored.items()
            },
        }
        atomic_write(self.settings.output / TABLE_NAME, table.encode())
        text = json.dumps(results, indent=2) + "\n"
        atomic_write(self.settings.output / TABLE_NAME.replace(".md", ".json"), text.encode())
        return table

    def _folder_of(self, variant: str) -> Path:
        return self.settings.output / variant.replace(" ", "_").lower()

    def _scored(self, variant: str, weights: Mapping[str, float]) -> dict[int, dict[str, Any]]:
        """Return the recorded metrics of a variant, with their sum, by the seed."""
        names = (path.name for path in self._folder_of(variant).glob(f"{_SEED_PREFIX}*"))
        numbers = (name.removeprefix(_SEED_PREFIX) for name in names)
        runs: dict[int, dict[str, Any]] = {}
        for seed in sorted(int(number) for number in numbers if number.isdecimal()):
            if self.is_scored(variant, seed):
                path = self.folder(variant, seed) / EVALUATION_NAME
                run = read_json_object(path, "output", most_bytes=MAX_RESULT_BYTES)
                sums = {row: with_sum(run[row], weights) for row in ("mean", *_BASELINES)}
                runs[seed] = run | sums
        return runs

    def _plan(self) -> dict[str, str]:
        plan = effective_settings(self.settings)
        # A folder holds runs from several.
        del plan["seed"]
        # Networks are compared that were trained in the same one.
        plan["mixed_precision"] = self.settings.precision
        plan |= {"preset": self.preset, "score_size": self.score_size}
        plan |= {name: [str(path) for path in plan[name]] for name in ("contents", "styles")}
        return {name: str(value) for name, value in plan.items()}


def check_variants(preset: str, variants: list[str]) -> list[str]:
    """Return the variants, or all variants for an empty list; ValueError for an unknown one."""
    known = variants_of(preset)
    for variant in variants:
        if variant not in known:
            raise ValueError(f"variant must be one of {', '.join(known)}, got {variant!r}")
    return variants or list(known)
