"""`stylekernel pretrain`: a style encoder that knows what sets paintings apart."""

from __future__ import annotations

from typing import Annotated

import typer

from stylekernel_hf.cli.output_files import check_run_folder
from stylekernel_hf.cli.progress import done_of
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.cli.training_options import (
    Init,
    LearningRate,
    MixedPrecision,
    Output,
    Perceptual,
    Preset,
    Seed,
    Steps,
    Styles,
    starting_model,
    training_progress,
)
from stylekernel_hf.errors.messages import extra_required


def pretrain(
    style: Styles,
    output: Output,
    perceptual: Perceptual = None,
    preset: Preset = None,
    init: Init = None,
    steps: Steps = 3000,
    batch_size: Annotated[int, typer.Option(help="Crops per step.")] = 16,
    size: Annotated[int, typer.Option(help="Side of crops in px, a multiple of 32.")] = 192,
    max_zoom: Annotated[
        float, typer.Option(help="How far small pictures are enlarged before cropping.")
    ] = 2.5,
    color_augmentation: Annotated[
        float, typer.Option(help="Share of crops that get a new palette.")
    ] = 0.4,
    distinct_crops: Annotated[
        int, typer.Option(help="Crops in all; their statistics are measured once and kept.")
    ] = 8000,
    learning_rate: LearningRate = 1e-3,
    mixed_precision: MixedPrecision = "auto",
    seed: Seed = 0,
    cache_gigabytes: Annotated[float, typer.Option(help="Memory for decoded pictures.")] = 4.0,
) -> None:
    """Teach a network to read styles, before `stylekernel train --init OUTPUT/model`.

    The style side learns to predict the statistics that styles are scored by, from paintings
    alone. A run takes minutes and starts anew when it was interrupted.
    """
    with extra_required("train", "training"):
        from stylekernel_hf.training.style_pretraining import (
            StylePretrainer,
            StylePretrainingSettings,
        )

    settings = StylePretrainingSettings(
        styles=tuple(style),
        output=output,
        perceptual=perceptual,
        steps=steps,
        batch_size=batch_size,
        size=size,
        max_zoom=max_zoom,
        color_augmentation=color_augmentation,
        distinct_crops=distinct_crops,
        learning_rate=learning_rate,
        mixed_precision=mixed_precision,
        seed=seed,
        cache_gigabytes=cache_gigabytes,
    )
    check_run_folder(output)
    pretrainer = StylePretrainer(starting_model(init, preset, seed), settings)
    with (
        training_progress() as progress,
        report_when_stopped(lambda: f"after step {done_of(progress)}, nothing is kept of them"),
    ):
        bar = progress.add_task("pretraining", total=steps, terms="")
        distance = pretrainer.run(
            lambda step, value: progress.update(bar, completed=step, terms=f"distance {value:.4f}")
        )
    typer.echo(f"distance {distance:.4f} over the last steps; wrote {output / 'model'}")
