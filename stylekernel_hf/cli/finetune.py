"""`stylekernel finetune`: a checkpoint that knows a few paintings of one's own better."""

from __future__ import annotations

from stylekernel_hf.cli.training_options import (
    Accumulate,
    BatchSize,
    CoarseStyleWeight,
    Contents,
    ContentWeight,
    DistinctCrops,
    IdentityEvery,
    Init,
    LearningRate,
    LoaderWorkers,
    LogWith,
    MaxZoom,
    MinZoom,
    MixedPrecision,
    NearWeight,
    Output,
    PatternWeight,
    Perceptual,
    Private,
    PushToHub,
    Rank,
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


def finetune(
    content: Contents,
    style: Styles,
    output: Output,
    init: Init = None,
    perceptual: Perceptual = None,
    steps: Steps = 300,
    batch_size: BatchSize = 4,
    accumulate: Accumulate = 1,
    size: Size = 256,
    style_size: StyleSize = 224,
    min_zoom: MinZoom = 1.0,
    max_zoom: MaxZoom = 1.5,
    distinct_crops: DistinctCrops = 300,
    learning_rate: LearningRate = 3e-4,
    rank: Rank = 0,
    content_weight: ContentWeight = 1.5,
    style_weight: StyleWeight = 20.0,
    coarse_style_weight: CoarseStyleWeight = 0.0,
    pattern_weight: PatternWeight = 0.0,
    near_weight: NearWeight = 0.0,
    smoothness_weight: SmoothnessWeight = 2.0,
    identity_every: IdentityEvery = 4,
    mixed_precision: MixedPrecision = "auto",
    seed: Seed = 0,
    save_every: SaveEvery = 100,
    loader_workers: LoaderWorkers = 1,
    log_with: LogWith = None,
    push_to_hub: PushToHub = None,
    private: Private = False,
) -> None:
    """Teach the embedded weights, or those of --init, a few paintings of your own.

    Some dozen photos of the kind that you want to repaint and some ten paintings are enough. One
    painting in five is held out for the sample sheets. OUTPUT/before_after.jpg, which the card
    shows, has two rows for each held-out photo: before and after. The run's folder and going on
    after an interruption are those of `stylekernel train`.

    With --rank 16, OUTPUT/adapter.safetensors holds all that was learnt, in about 1 MB; --model of
    the other commands takes it.
    """
    from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT
    from stylekernel_hf.training.losses import LossWeights
    from stylekernel_hf.training.schedule import short_run
    from stylekernel_hf.training.settings import TrainingSettings

    settings = TrainingSettings(
        contents=tuple(content),
        styles=tuple(style),
        output=output,
        perceptual=perceptual,
        steps=steps,
        batch_size=batch_size,
        accumulate=accumulate,
        size=size,
        style_size=style_size,
        min_zoom=min_zoom,
        max_zoom=max_zoom,
        distinct_crops=distinct_crops,
        # The painter's palette is part of what is to be learnt.
        color_augmentation=0.0,
        learning_rate=learning_rate,
        rank=rank,
        before_after=True,
        **short_run(steps),
        identity_every=identity_every,
        weights=LossWeights(
            content=content_weight,
            style=style_weight,
            coarse_style=coarse_style_weight,
            pattern=pattern_weight,
            near=near_weight,
            smoothness=smoothness_weight,
        ),
        mixed_precision=mixed_precision,
        seed=seed,
        save_every=save_every,
        sheet_every=save_every,
        loader_workers=loader_workers,
        log_with=log_with,
    )
    run_training(
        settings,
        init=init or EMBEDDED_CHECKPOINT,
        preset=None,
        push_to_hub=push_to_hub,
        private=private,
    )
