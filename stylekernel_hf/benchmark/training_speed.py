"""Speed of training on this machine, and the share of time lost to loading pictures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer


@dataclass(frozen=True)
class TrainingSpeed:
    """Pairs of crops per second in training, and the share of time spent waiting for them."""

    device: str
    precision: str
    size: int
    batch_size: int
    steps: int
    images_per_second: float
    loading_share: float


def measure_training(
    build: Callable[[], StyleKernelModel], settings: TrainingSettings
) -> TrainingSpeed:
    """Train for `settings.steps` steps, after as many that do not count.

    `settings.output` is not written to: the run is thrown away. Errors are those of the pictures
    and the settings.
    """
    # One step more: accelerate loads a batch ahead, and at the last step has none to wait for.
    last = 2 * settings.steps + 1
    with tempfile.TemporaryDirectory() as folder:
        run = replace(
            settings,
            output=Path(folder),
            steps=last,
            log_every=settings.steps,
            save_every=last,
            sheet_every=last,
        )
        trainer = Trainer(build().train(), run)
        trainer.run()
        return _read(trainer, run)


def write_training_json(speed: TrainingSpeed, machine: dict[str, Any], path: Path) -> None:
    """Write the speed and the machine that it holds for; the file appears whole or not at all."""
    figures = {"machine": machine, "training": [asdict(speed)]}
    atomic_write(path, (json.dumps(figures, indent=1) + "\n").encode())


def _read(trainer: Trainer, settings: TrainingSettings) -> TrainingSpeed:
    # The first line of the log includes the start; saving at the end is in none.
    line = (settings.output / "log.jsonl").read_text(encoding="utf-8").splitlines()[1]
    logged = json.loads(line)
    return TrainingSpeed(
        device=trainer.accelerator.device.type,
        precision=settings.precision,
        size=settings.size,
        batch_size=settings.batch_size,
        steps=settings.log_every,
        images_per_second=logged["images_per_second"],
        loading_share=logged["loading_share"],
    )
