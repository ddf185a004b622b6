"""How fast the network is trained here, and how much of that time is lost to loading pictures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer


@dataclass(frozen=True)
class TrainingSpeed:
    """Pairs of crops a second in training, and the share of the time spent waiting for them."""

    device: str
    precision: str
    compiled: bool
    size: int
    batch_size: int
    steps: int
    images_per_second: float
    loading_share: float


def measure_training(
    build: Callable[[], StyleKernelModel],
    settings: TrainingSettings,
    modes: Sequence[bool],
) -> list[TrainingSpeed]:
    """Train for `settings.steps` steps in each mode, after as many that do not count.

    `modes` says of each run whether the network is compiled; a mode that does not work here is
    left out, with a warning. `settings.output` is not written to: the runs are thrown away. Errors
    are those of the pictures and the settings.
    """
    found: list[TrainingSpeed] = []
    for compiled in sorted(modes):
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
                compile=compiled,
            )
            trainer = Trainer(build().train(), run)
            if trainer.compiled != compiled:
                continue
            trainer.run()
            found.append(_read(trainer, run, compiled))
    return found


def write_training_json(
    speeds: Sequence[TrainingSpeed], machine: dict[str, Any], path: Path
) -> None:
    """Write the speeds and the machine that they hold for; the file appears whole or not at all."""
    figures = {"machine": machine, "training": [asdict(speed) for speed in speeds]}
    atomic_write(path, (json.dumps(figures, indent=1) + "\n").encode())


def _read(trainer: Trainer, settings: TrainingSettings, compiled: bool) -> TrainingSpeed:
    # What starts or compiles is in the first line of the log, and what is saved at the end in none.
    line = (settings.output / "log.jsonl").read_text(encoding="utf-8").splitlines()[1]
    logged = json.loads(line)
    return TrainingSpeed(
        device=trainer.accelerator.device.type,
        precision=settings.mixed_precision,
        compiled=compiled,
        size=settings.size,
        batch_size=settings.batch_size,
        steps=settings.log_every,
        images_per_second=logged["images_per_second"],
        loading_share=logged["loading_share"],
    )
