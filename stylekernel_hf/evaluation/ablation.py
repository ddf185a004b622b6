"""The paper's ablations: networks that lack one part each, trained alike and scored alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from stylekernel_hf.evaluation.evaluation_result import Evaluation, write_json
from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.hub.configs import MAX_RESULT_BYTES, read_json_object
from stylekernel_hf.metrics.tables import metrics_table
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.pretrained.presets import preset_config
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.streams import dataset_name
from stylekernel_hf.training.trainer import Trainer
from stylekernel_hf.training.training_data import load_training_data

PLAN_NAME = "plan.json"
EVALUATION_NAME = "evaluation.json"
TABLE_NAME = "table.md"
# Settings that make no difference to what comes out.
_HOW = {
    "output",
    "save_every",
    "sheet_every",
    "log_every",
    "loader_workers",
    "cache_gigabytes",
}


def variants_of(preset: str) -> dict[str, dict[str, Any]]:
    """Return what each variant changes in the preset's config, by the variant's name.

    ValueError for an unknown preset.
    """
    config = preset_config(preset)
    sizes = [size for size in (1, 3, 5) if size != config.kernel_size]
    levels = len(config.dynamic_convolutions)
    return {
        "full": {},
        # One token is the mean of the style, and there is nothing left to gate.
        "without SAE": {"max_style_tokens": 1, "gating": False},
        "without CGM": {"gating": False},
        "without dynamic kernels": {"dynamic_convolutions": [0] * levels},
        "without shuffle": {"channel_shuffle": False},
        **{f"kernel size {size}": {"kernel_size": size} for size in sizes},
    }


@dataclass(frozen=True)
class Ablation:
    """Variants of a preset, each trained from scratch with the same settings, pairs and seed.

    The folder `settings.output` gets a run for each, in a folder of the variant's name, and the
    table of those that are scored, at `score_size` px a side. ValueError for
    `contents` or `styles` that are data sets.
    """

    preset: str
    settings: TrainingSettings
    score_size: int

    def __post_init__(self) -> None:
        for name in ("contents", "styles"):
            for folder in getattr(self.settings, name):
                if dataset_name(folder) is not None:
                    raise ValueError(f"{name} must be folders for an ablation, got '{folder}'")

    def folder(self, variant: str) -> Path:
        """Return the folder of a variant's run, whose weights are in "model"."""
        return self.settings.output / variant.replace(" ", "_").lower()

    def check_output(self) -> None:
        """Note in the output folder what is compared there; ValueError if that is something else.

        Runs with other settings or pictures beside these would make the table meaningless.
        """
        path = self.settings.output / PLAN_NAME
        plan = self._plan()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, (json.dumps(plan, indent=2) + "\n").encode())
            return
        came = read_json_object(path, "output")
        for name, wanted in plan.items():
            if came.get(name) != wanted:
                raise ValueError(
                    f"output: '{path.parent}' holds an ablation with {name} {came.get(name)}, not "
                    f"{wanted}: take another folder, or the same settings"
                )

    def held_out(self) -> tuple[list[Path], list[Path]]:
        """Return the photos and paintings that no variant is trained on."""
        data = load_training_data(self.settings)
        return cast(list[Path], list(data.held_contents)), cast(list[Path], list(data.held_styles))

    def train(self, variant: str, on_step: Callable[[int, dict[str, float]], None]) -> None:
        """Train a variant, from its last checkpoint on if there is one."""
        torch.manual_seed(self.settings.seed)
        config = replace(preset_config(self.preset), **variants_of(self.preset)[variant])
        settings = replace(self.settings, output=self.folder(variant))
        Trainer(StyleKernelModel(config).train(), settings).run(on_step)

    def is_scored(self, variant: str) -> bool:
        """Say whether nothing is left to do for a variant."""
        return (self.folder(variant) / EVALUATION_NAME).exists()

    def record(self, variant: str, evaluation: Evaluation) -> None:
        """Keep the metrics of a trained variant."""
        write_json([evaluation], self.folder(variant) / EVALUATION_NAME)

    def write_table(self) -> str:
        """Write what is scored so far as a Markdown table and as JSON; returns the table."""
        found = {
            variant: read_json_object(
                self.folder(variant) / EVALUATION_NAME, "output", most_bytes=MAX_RESULT_BYTES
            )
            for variant in variants_of(self.preset)
            if self.is_scored(variant)
        }
        rows = {variant: each["mean"] for variant, each in found.items()}
        first = next(iter(found.values()))
        for name in ("content_unchanged", "style_pasted"):
            rows[name.replace("_", " ")] = first[name]
        title = f"mean of {first['pair_count']} pairs at {first['size']} px"
        table = metrics_table(rows, title=title) + "\n"
        results = {
            "plan": self._plan(),
            "variants": {
                variant: {"config": variants_of(self.preset)[variant], **each}
                for variant, each in found.items()
            },
        }
        atomic_write(self.settings.output / TABLE_NAME, table.encode())
        text = json.dumps(results, indent=2) + "\n"
        atomic_write(self.settings.output / TABLE_NAME.replace(".md", ".json"), text.encode())
        return table

    def _plan(self) -> dict[str, str]:
        told = {name: value for name, value in vars(self.settings).items() if name not in _HOW}
        told |= {"preset": self.preset, "score_size": self.score_size}
        told |= {name: [str(path) for path in told[name]] for name in ("contents", "styles")}
        return {name: str(value) for name, value in told.items()}


def check_variants(preset: str, variants: list[str]) -> list[str]:
    """Return the variants, or all there are for none; ValueError for an unknown one."""
    known = variants_of(preset)
    for variant in variants:
        if variant not in known:
            raise ValueError(f"variant must be one of {', '.join(known)}, got {variant!r}")
    return variants or list(known)
