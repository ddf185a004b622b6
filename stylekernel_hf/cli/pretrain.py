"""`stylekernel pretrain`: a style encoder that knows what sets paintings apart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pretrain(
    style: Annotated[list[Path], typer.Option("--style", help="Folder of paintings; repeatable.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run.")],
    perceptual: Annotated[
        Path | None,
        typer.Option(
            help="Safetensors file of VGG-19 or its 16x student; by default torchvision's VGG-19, "
            "downloaded once."
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="Network to start from scratch: small or base.")] = (
        "small"
    ),
    init: Annotated[
        Path | None, typer.Option(help="Checkpoint folder to start from, instead of a preset.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = 3000,
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
    learning_rate: Annotated[float, typer.Option(help="Peak of the cosine schedule.")] = 1e-3,
    mixed_precision: Annotated[str, typer.Option(help="no, bf16 or fp16.")] = "bf16",
    seed: Annotated[int, typer.Option(help="Seed of weights and crops.")] = 0,
    cache_gigabytes: Annotated[float, typer.Option(help="Memory for decoded pictures.")] = 4.0,
) -> None:
    """Teach a network to read styles, before `stylekernel train --init OUTPUT/model`.

    The style side learns to predict the statistics that styles are scored by, from paintings
    alone. A run takes minutes and starts anew when it was interrupted.
    """
    try:
        from stylekernel_hf.training.style_pretraining import (
            StylePretrainer,
            StylePretrainingSettings,
        )
    except ModuleNotFoundError as error:
        raise ImportError(
            f"training needs the package {error.name}: pip install 'stylekernel-hf[train]'"
        ) from error
    import torch
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from stylekernel_hf.hub import load_checkpoint
    from stylekernel_hf.model.presets import build_model

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
    torch.manual_seed(seed)
    model = load_checkpoint(init) if init else build_model(preset)
    pretrainer = StylePretrainer(model.train(), settings)
    columns = (
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[distance]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("pretraining", total=steps, distance="")
        distance = pretrainer.run(
            lambda step, value: progress.update(
                bar, completed=step, distance=f"distance {value:.4f}"
            )
        )
    typer.echo(f"distance {distance:.4f} over the last steps; wrote {output / 'model'}")
