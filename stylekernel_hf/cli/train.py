"""`stylekernel train`: a checkpoint from two folders of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    missing_package,
    starting_model,
    training_progress,
)


def train(
    content: Annotated[list[Path], typer.Option("--content", help="Folder of photos; repeatable.")],
    style: Styles,
    output: Output,
    perceptual: Perceptual = None,
    preset: Preset = "small",
    init: Init = None,
    encoder_init: Annotated[
        bool,
        typer.Option(
            "--encoder-init",
            help="Start the encoders as the perceptual network, which must be VGG-19; for base.",
        ),
    ] = False,
    steps: Steps = 20_000,
    batch_size: Annotated[int, typer.Option(help="Pairs per step, over all processes.")] = 4,
    size: Annotated[int, typer.Option(help="Side of content crops in px, a multiple of 16.")] = 256,
    style_size: Annotated[
        int, typer.Option(help="Side of style crops in px, a multiple of 16.")
    ] = 224,
    min_zoom: Annotated[
        float, typer.Option(help="Short side of pictures before cropping, over the crop's: least.")
    ] = 1.0,
    max_zoom: Annotated[float, typer.Option(help="The same for small pictures: most.")] = 1.5,
    distinct_crops: Annotated[
        int,
        typer.Option(
            help="Crops of each kind, whose perceptual features are kept in memory (1.3 MB a crop "
            "of 256 px) and paired anew at every step; 0 draws new crops all the time."
        ),
    ] = 0,
    color_augmentation: Annotated[
        float, typer.Option(help="Share of style crops that get a new palette.")
    ] = 0.4,
    learning_rate: LearningRate = 1e-3,
    warmup_steps: Annotated[int, typer.Option(help="Steps of linear warm-up.")] = 200,
    ema_decay: Annotated[float, typer.Option(help="Decay of the weights' average.")] = 0.999,
    content_weight: Annotated[float, typer.Option(help="Weight of the content term.")] = 1.0,
    style_weight: Annotated[float, typer.Option(help="Weight of the style term.")] = 20.0,
    color_weight: Annotated[float, typer.Option(help="Weight of the palette term.")] = 2.0,
    identity_weight: Annotated[float, typer.Option(help="Weight of the identity term.")] = 4.0,
    identity_every: Annotated[
        int, typer.Option(help="Steps between identity terms; 0 for none.")
    ] = 4,
    mixed_precision: MixedPrecision = "bf16",
    seed: Seed = 0,
    save_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 500,
    sheet_every: Annotated[int, typer.Option(help="Steps between sample sheets.")] = 500,
    log_every: Annotated[int, typer.Option(help="Steps between lines of log.jsonl.")] = 20,
    loader_workers: Annotated[int, typer.Option(help="Processes that load pictures.")] = 1,
    cache_gigabytes: Annotated[
        float, typer.Option(help="Memory for decoded pictures, per loading process.")
    ] = 4.0,
) -> None:
    """Train a network, or go on with the run in --output from its newest checkpoint.

    The run's folder gets model/ (averaged weights, for --model of the other commands), log.jsonl,
    sheets/ (samples of held-out pairs) and checkpoints/.
    """
    try:
        from stylekernel_hf.training.trainer import Trainer
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    from stylekernel_hf.training.losses import LossWeights
    from stylekernel_hf.training.settings import TrainingSettings

    settings = TrainingSettings(
        contents=tuple(content),
        styles=tuple(style),
        output=output,
        perceptual=perceptual,
        encoder_init=encoder_init,
        steps=steps,
        batch_size=batch_size,
        size=size,
        style_size=style_size,
        min_zoom=min_zoom,
        max_zoom=max_zoom,
        distinct_crops=distinct_crops,
        color_augmentation=color_augmentation,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        ema_decay=ema_decay,
        identity_every=identity_every,
        weights=LossWeights(
            content=content_weight,
            style=style_weight,
            color=color_weight,
            identity=identity_weight,
        ),
        mixed_precision=mixed_precision,
        seed=seed,
        save_every=save_every,
        sheet_every=sheet_every,
        log_every=log_every,
        loader_workers=loader_workers,
        cache_gigabytes=cache_gigabytes,
    )
    trainer = Trainer(starting_model(init, preset, seed), settings)
    with training_progress() as progress:
        bar = progress.add_task("training", total=steps, terms="")

        def show(step: int, terms: dict[str, float]) -> None:
            shown = ("content", "style", "color", "identity")
            text = "  ".join(f"{name} {terms[name]:.3f}" for name in shown if name in terms)
            progress.update(bar, completed=step, terms=text)

        trainer.run(show)
    typer.echo(f"wrote {output / 'model'}")
