"""What the commands that train have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from stylekernel_hf.model.style_kernel import StyleKernelModel

Styles = Annotated[list[Path], typer.Option("--style", help="Folder of paintings; repeatable.")]
Output = Annotated[Path, typer.Option("--output", help="Folder of the run.")]
Perceptual = Annotated[
    Path | None,
    typer.Option(
        help="Safetensors file of VGG-19 or its 16x student; by default torchvision's VGG-19, "
        "downloaded once."
    ),
]
Preset = Annotated[str, typer.Option(help="Network to start from scratch: small or base.")]
Init = Annotated[
    str | None,
    typer.Option(help="Checkpoint folder or Hub id to start from, instead of a preset."),
]
Steps = Annotated[int, typer.Option(help="Optimizer steps.")]
LearningRate = Annotated[float, typer.Option(help="Peak of the cosine schedule.")]
MixedPrecision = Annotated[str, typer.Option(help="no, bf16 or fp16.")]
Seed = Annotated[int, typer.Option(help="Seed of weights and crops.")]


def missing_package(error: ModuleNotFoundError) -> ImportError:
    """Say how to get what training needs."""
    return ImportError(
        f"training needs the package {error.name}: pip install 'stylekernel-hf[train]'"
    )


def starting_model(init: str | None, preset: str, seed: int) -> StyleKernelModel:
    """Return the network to train: a checkpoint, or a preset with random weights."""
    import torch

    from stylekernel_hf.hub import load_checkpoint
    from stylekernel_hf.model.presets import build_model

    torch.manual_seed(seed)
    return (load_checkpoint(init) if init else build_model(preset)).train()


def training_progress() -> Progress:
    """Return a bar of steps, whose tasks show their field `terms` at the end."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[terms]}"),
    )
    return Progress(*columns, console=Console(stderr=True))
