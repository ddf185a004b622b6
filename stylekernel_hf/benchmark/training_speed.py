"""How fast the network is trained here, and how much of that time is lost to loading pictures."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from stylekernel_hf.first_line import first_line
from stylekernel_hf.model.style_kernel import StyleKernelModel
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from stylekernel_hf.whole_file import write_whole

logger = logging.getLogger(__name__)


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
            )
            trainer = Trainer(build().train(), run)
            if compiled and not _compile(trainer):
                continue
            trainer.run()
            found.append(_read(trainer, run, compiled))
    return found


def write_training_json(
    speeds: Sequence[TrainingSpeed], machine: dict[str, Any], path: Path
) -> None:
    """Write the speeds and the machine that they hold for; the file appears whole or not at all."""
    figures = {"machine": machine, "training": [asdict(speed) for speed in speeds]}
    write_whole(path, (json.dumps(figures, indent=1) + "\n").encode())


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


def _compile(trainer: Trainer) -> bool:
    """Compile the parts that take the most time, and try them with gradients."""
    model = trainer.plain_model
    parts = (model.content_encoder, model.style_encoder, model.style_alignment, model.decoder)
    side = trainer.settings.size
    try:
        for part in parts:
            part.compile()
        picture = torch.zeros(1, 3, side, side, device=trainer.accelerator.device)
        picture = picture.contiguous(memory_format=torch.channels_last)
        with trainer.accelerator.autocast():
            model(picture, model.encode_style(picture)).sum().backward()
        model.zero_grad()
    except Exception as error:  # Compilers and their tools raise whatever comes.
        logger.warning("torch.compile does not work for training here: %s", first_line(error))
        return False
    return True
