"""`stylekernel finetune`: a checkpoint that knows a few paintings of one's own better."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.models import OptionInfo

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
from stylekernel_hf.errors.messages import extra_required

if TYPE_CHECKING:
    import torch


def _default_told(option: Any, *, default: str = "that of the recipe") -> OptionInfo:
    """Return an option of training whose default is found later; the help tells it like this."""
    info = copy(option.__metadata__[0])
    info.show_default = default
    return info


def finetune(
    content: Contents,
    style: Styles,
    output: Output,
    init: Init = None,
    perceptual: Perceptual = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="gentle keeps the content and changes the look little, strong takes more of the "
            "style. Both have larger batches and fewer steps for a GPU (CUDA)."
        ),
    ] = "gentle",
    steps: Annotated[int | None, _default_told(Steps)] = None,
    batch_size: Annotated[int | None, _default_told(BatchSize)] = None,
    accumulate: Accumulate = 1,
    size: Annotated[int | None, _default_told(Size)] = None,
    style_size: Annotated[int | None, _default_told(StyleSize)] = None,
    min_zoom: MinZoom = 1.0,
    max_zoom: Annotated[float | None, _default_told(MaxZoom)] = None,
    distinct_crops: Annotated[
        int | None, _default_told(DistinctCrops, default="300, or 0 with a data set")
    ] = None,
    learning_rate: LearningRate = 3e-4,
    rank: Rank = 0,
    content_weight: Annotated[float | None, _default_told(ContentWeight)] = None,
    style_weight: Annotated[float | None, _default_told(StyleWeight)] = None,
    coarse_style_weight: Annotated[float | None, _default_told(CoarseStyleWeight)] = None,
    pattern_weight: Annotated[float | None, _default_told(PatternWeight)] = None,
    near_weight: Annotated[float | None, _default_told(NearWeight)] = None,
    smoothness_weight: Annotated[float | None, _default_told(SmoothnessWeight)] = None,
    identity_every: Annotated[int | None, _default_told(IdentityEvery)] = None,
    mixed_precision: MixedPrecision = "auto",
    seed: Seed = 0,
    save_every: SaveEvery = 100,
    loader_workers: Annotated[int | None, _default_told(LoaderWorkers)] = None,
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
    from stylekernel_hf.training.finetune_recipes import finetune_recipe
    from stylekernel_hf.training.schedule import short_run
    from stylekernel_hf.training.settings import TrainingSettings
    from stylekernel_hf.training.streams import dataset_name

    if distinct_crops is None:
        distinct_crops = 0 if any(map(dataset_name, (*content, *style))) else 300
    chosen = replace(
        finetune_recipe(recipe, _device_type()),
        **_given(
            steps=steps,
            batch_size=batch_size,
            size=size,
            style_size=style_size,
            max_zoom=max_zoom,
            identity_every=identity_every,
            loader_workers=loader_workers,
        ),
    )
    weights = replace(
        chosen.weights,
        **_given(
            content=content_weight,
            style=style_weight,
            coarse_style=coarse_style_weight,
            pattern=pattern_weight,
            near=near_weight,
            smoothness=smoothness_weight,
        ),
    )
    settings = TrainingSettings(
        contents=tuple(content),
        styles=tuple(style),
        output=output,
        perceptual=perceptual,
        steps=chosen.steps,
        batch_size=chosen.batch_size,
        accumulate=accumulate,
        size=chosen.size,
        style_size=chosen.style_size,
        min_zoom=min_zoom,
        max_zoom=chosen.max_zoom,
        distinct_crops=distinct_crops,
        # The painter's palette is part of what is to be learnt.
        color_augmentation=0.0,
        learning_rate=learning_rate,
        rank=rank,
        before_after=True,
        **short_run(chosen.steps),
        identity_every=chosen.identity_every,
        weights=weights,
        mixed_precision=mixed_precision,
        seed=seed,
        save_every=save_every,
        sheet_every=save_every,
        loader_workers=chosen.loader_workers,
        log_with=log_with,
    )
    run_training(
        settings,
        init=init or EMBEDDED_CHECKPOINT,
        preset=None,
        push_to_hub=push_to_hub,
        private=private,
    )


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _device_type() -> str:
    """Return the type of the device that accelerate trains on."""
    with extra_required("train", "training"):
        from accelerate import PartialState
        from accelerate.utils import parse_flag_from_env
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))
    return cast("torch.device", state.device).type
