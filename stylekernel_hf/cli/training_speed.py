"""`stylekernel benchmark --training`: the speed of training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stylekernel_hf.cli.output_files import write_each
from stylekernel_hf.errors.messages import extra_required

if TYPE_CHECKING:
    from stylekernel_hf.benchmark.training_speed import TrainingSpeed


def measure_training_speed(
    folders: tuple[Path, Path],
    perceptual: Path | None,
    steps: int,
    model: Path | None,
    json_file: Path | None,
) -> None:
    """Measure and print how fast the settings that `train` has by default are here."""
    with extra_required("train", "training"):
        from stylekernel_hf.benchmark.training_speed import measure_training, write_training_json
        from stylekernel_hf.training.settings import TrainingSettings
    from stylekernel_hf.benchmark.runner import describe_machine
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint
    from stylekernel_hf.pretrained.presets import build_model

    settings = TrainingSettings(
        contents=(folders[0],),
        styles=(folders[1],),
        output=Path(),
        perceptual=perceptual,
        steps=steps,
    )
    speed = measure_training(
        lambda: load_checkpoint(model) if model else build_model("small"), settings
    )
    typer.echo(_line(speed))
    write_each(
        {"json": json_file},
        {"json": lambda path: write_training_json(speed, describe_machine(), path)},
    )


def _line(speed: TrainingSpeed) -> str:
    return (
        f"training on {speed.device} ({speed.precision}), batches of {speed.batch_size} "
        f"at {speed.size} px: {speed.images_per_second:.2f} pairs a second, "
        f"{speed.loading_share:.1%} of the time lost to loading"
    )
