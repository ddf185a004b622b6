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
# Settings that do not influence the result.
_WITHOUT_EFFECT = {
    "output",
    "save_every",
    "sheet_every",
    "log_every",
    "loader_workers",
    "cache_gigabytes",
}


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
    """Variants of a preset, each trained from scratch with the same settings, pairs and seed.

    The folder `settings.output` gets one run for each variant, in a folder of its name, and a table
    of the scores at `score_size` px a side. Raises ValueError if `contents` or `styles` are data
    sets instead of folders.
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
        """Return the folder of a variant's run; its subfolder "model" holds the weights."""
        return self.settings.output / variant.replace(" ", "_").lower()

    def check_output(self) -> None:
        """Write the plan into the output folder; ValueError if the folder holds another plan.

        A table of runs with different settings or pictures would be meaningless.
        """
        path = self.settings.output / PLAN_NAME
        plan = self._plan()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, (json.dumps(plan, indent=2) + "\n").encode())
            return
        existing = read_json_object(path, "output")
        for name, value in plan.items():
            if existing.get(name) != value:
                raise ValueError(
                    f"output must be a new folder or one with {name} {value}, but '{path.parent}' "
                    f"holds an ablation with {name} {existing.get(name)}"
                )

    def held_out(self) -> tuple[list[Path], list[Path]]:
        """Return the photos and paintings that are kept out of the training."""
        data = load_training_data(self.settings)
        return cast(list[Path], list(data.held_contents)), cast(list[Path], list(data.held_styles))

    def train(self, variant: str, on_step: Callable[[int, dict[str, float]], None]) -> None:
        """Train a variant, from its last checkpoint if there is one."""
        torch.manual_seed(self.settings.seed)
        config = replace(preset_config(self.preset), **variants_of(self.preset)[variant])
        settings = replace(self.settings, output=self.folder(variant))
        Trainer(StyleKernelModel(config).train(), settings).run(on_step)

    def is_scored(self, variant: str) -> bool:
        """Return whether a variant is trained and scored."""
        return (self.folder(variant) / EVALUATION_NAME).exists()

    def record(self, variant: str, evaluation: Evaluation) -> None:
        """Save the metrics of a trained variant."""
        write_json([evaluation], self.folder(variant) / EVALUATION_NAME)

    def write_table(self) -> str:
        """Write the scores so far as a Markdown table and as JSON; return the table."""
        scored = {
            variant: read_json_object(
                self.folder(variant) / EVALUATION_NAME, "output", most_bytes=MAX_RESULT_BYTES
            )
            for variant in variants_of(self.preset)
            if self.is_scored(variant)
        }
        rows = {variant: each["mean"] for variant, each in scored.items()}
        first = next(iter(scored.values()))
        for name in ("content_unchanged", "style_pasted"):
            rows[name.replace("_", " ")] = first[name]
        title = f"mean of {first['pair_count']} pairs at {first['size']} px"
        table = metrics_table(rows, title=title) + "\n"
        results = {
            "plan": self._plan(),
            "variants": {
                variant: {"config": variants_of(self.preset)[variant], **each}
                for variant, each in scored.items()
            },
        }
        atomic_write(self.settings.output / TABLE_NAME, table.encode())
        text = json.dumps(results, indent=2) + "\n"
        atomic_write(self.settings.output / TABLE_NAME.replace(".md", ".json"), text.encode())
        return table

    def _plan(self) -> dict[str, str]:
        plan = {
            name: value
            for name, value in vars(self.settings).items()
            if name not in _WITHOUT_EFFECT
        }
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
