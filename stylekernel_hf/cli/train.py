"""`stylekernel train`: a checkpoint from two folders of pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from stylekernel_hf.cli.training_options import (
    Accumulate,
    AttentionSteps,
    AttentionWeight,
    BatchSize,
    CoarseStyleWeight,
    CodeDropout,
    Contents,
    ContentWeight,
    DistinctCrops,
    IdentityEvery,
    Init,
    LearningRate,
    LoaderWorkers,
    LocalWeight,
    LogWith,
    MaxZoom,
    MinZoom,
    MixedPrecision,
    NearWeight,
    Output,
    PatternWeight,
    Perceptual,
    Preset,
    Private,
    PushToHub,
    SaveEvery,
    Seed,
    Size,
    SmoothnessWeight,
    Steps,
    Styles,
    StyleSize,
    StyleWeight,
    run_training,
)


def train(
    content: Contents,
    style: Styles,
    output: Output,
    perceptual: Perceptual = None,
    preset: Preset = None,
    init: Init = None,
    encoder_init: Annotated[
        bool,
        typer.Option(
            "--encoder-init",
            help="Start the encoders as the perceptual network, which must be VGG-19; for base.",
        ),
    ] = False,
    fixed: Annotated[
        list[str] | None,
        typer.Option(
            help="A part of the network that stays as it is, such as style_encoder; for --init. "
            "May be given several times.",
            show_default=False,
        ),
    ] = None,
    scale_and_shift: Annotated[
        bool,
        typer.Option(
            "--scale-and-shift",
            help="Train a scale and a shift of each channel alone, at a rate of about 3e-3; for "
            "--init.",
        ),
    ] = False,
    steps: Steps = 20_000,
    batch_size: BatchSize = 4,
    accumulate: Accumulate = 1,
    size: Size = 256,
    style_size: StyleSize = 224,
    min_zoom: MinZoom = 1.0,
    max_zoom: MaxZoom = 1.5,
    distinct_crops: DistinctCrops = 0,
    color_augmentation: Annotated[
        float, typer.Option(help="Share of style crops that get a new palette.")
    ] = 0.4,
    code_dropout: CodeDropout = 0.0,
    learning_rate: LearningRate = 1e-3,
    warmup_steps: Annotated[int, typer.Option(help="Steps of linear warm-up.")] = 200,
    attention_steps: AttentionSteps = 0,
    ema_decay: Annotated[float, typer.Option(help="Decay of the weights' average.")] = 0.999,
    content_weight: ContentWeight = 1.0,
    style_weight: StyleWeight = 20.0,
    color_weight: Annotated[float, typer.Option(help="Weight of the palette term.")] = 2.0,
    identity_weight: Annotated[float, typer.Option(help="Weight of the identity term.")] = 4.0,
    coarse_style_weight: CoarseStyleWeight = 0.0,
    pattern_weight: PatternWeight = 0.0,
    near_weight: NearWeight = 0.0,
    local_weight: LocalWeight = 0.0,
    attention_weight: AttentionWeight = 0.0,
    smoothness_weight: SmoothnessWeight = 0.0,
    temporal_weight: Annotated[
        float,
        typer.Option(
            help="Weight of the difference between results of a photo and of it moved, for videos."
        ),
    ] = 0.0,
    identity_every: IdentityEvery = 4,
    temporal_every: Annotated[int, typer.Option(help="Steps between temporal terms.")] = 2,
    mixed_precision: MixedPrecision = "auto",
    seed: Seed = 0,
    save_every: SaveEvery = 500,
    sheet_every: Annotated[int, typer.Option(help="Steps between sample sheets.")] = 500,
    log_every: Annotated[int, typer.Option(help="Steps between lines of log.jsonl.")] = 20,
    loader_workers: LoaderWorkers = 1,
    cache_gigabytes: Annotated[
        float, typer.Option(help="Memory for decoded pictures, per loading process.")
    ] = 4.0,
    log_with: LogWith = None,
    push_to_hub: PushToHub = None,
    private: Private = False,
) -> None:
    """Train a network, or go on with the run in --output from its newest checkpoint.

    The run's folder gets model/ (averaged weights, for --model of the other commands), log.jsonl,
    sheets/ (samples of held-out pairs), checkpoints/ and settings.json. A run goes on with the same
    settings, or with other --steps and another --learning-rate; others that influence the weights
    are refused. `accelerate launch -m stylekernel_hf.cli train ...` trains on several devices.
    """
    from stylekernel_hf.training.losses import LossWeights
    from stylekernel_hf.training.settings import TrainingSettings

    settings = TrainingSettings(
        contents=tuple(content),
        styles=tuple(style),
        output=output,
        perceptual=perceptual,
        encoder_init=encoder_init,
        fixed=tuple(fixed or ()),
        scale_and_shift=scale_and_shift,
        steps=steps,
        batch_size=batch_size,
        accumulate=accumulate,
        size=size,
        style_size=style_size,
        min_zoom=min_zoom,
        max_zoom=max_zoom,
        distinct_crops=distinct_crops,
        color_augmentation=color_augmentation,
        code_dropout=code_dropout,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        attention_steps=attention_steps,
        ema_decay=ema_decay,
        identity_every=identity_every,
        temporal_every=temporal_every,
        weights=LossWeights(
            content=content_weight,
            style=style_weight,
            color=color_weight,
            identity=identity_weight,
            coarse_style=coarse_style_weight,
            pattern=pattern_weight,
            near=near_weight,
            local=local_weight,
            attention=attention_weight,
            smoothness=smoothness_weight,
            temporal=temporal_weight,
        ),
        mixed_precision=mixed_precision,
        seed=seed,
        save_every=save_every,
        sheet_every=sheet_every,
        log_every=log_every,
        loader_workers=loader_workers,
        cache_gigabytes=cache_gigabytes,
        log_with=log_with,
    )
    run_training(settings, init=init, preset=preset, push_to_hub=push_to_hub, private=private)
