"""What the commands that train have in common."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylekernel_hf.cli.candidates import EMBEDDED
from stylekernel_hf.cli.output_files import check_run_folder
from stylekernel_hf.cli.progress import step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.errors.messages import extra_required

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.progress import Progress

    from stylekernel_hf.pretrained.model import StyleKernelModel
    from stylekernel_hf.training.settings import TrainingSettings

Contents = Annotated[
    list[Path],
    typer.Option("--content", help="Folder of photos, repeatable; or hf:NAME, a data set."),
]
Styles = Annotated[
    list[Path],
    typer.Option("--style", help="Folder of paintings, repeatable; or hf:NAME, a data set."),
]
Output = Annotated[Path, typer.Option("--output", help="Folder of the run.")]
Perceptual = Annotated[
    Path | None,
    typer.Option(
        help="Safetensors file of VGG-19 or its 16x student; by default torchvision's VGG-19, "
        "downloaded once."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Network to train, small or base; small, or that of --init, by default. With --init "
        "it starts out painting as that smaller network does."
    ),
]


def _find_embedded(init: str | None) -> str | None:
    from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT

    return str(EMBEDDED_CHECKPOINT) if init == EMBEDDED else init


Init = Annotated[
    str | None,
    typer.Option(
        callback=_find_embedded,
        help="Checkpoint folder or Hub id to start from, or embedded for the weights in the "
        "package, instead of random weights.",
    ),
]
Steps = Annotated[int, typer.Option(help="Optimizer steps.")]
LearningRate = Annotated[float, typer.Option(help="Peak of the cosine schedule.")]
MixedPrecision = Annotated[
    str,
    typer.Option(help="no, bf16, fp16, or auto: bf16 where the machine has it, or else no."),
]
BatchSize = Annotated[int, typer.Option(help="Pairs per batch, over all processes.")]
Accumulate = Annotated[
    int, typer.Option(help="Batches per step: their gradients are added up, to save memory.")
]
Size = Annotated[int, typer.Option(help="Side of content crops in px, a multiple of 16.")]
StyleSize = Annotated[int, typer.Option(help="Side of style crops in px, a multiple of 16.")]
DistinctCrops = Annotated[
    int,
    typer.Option(
        help="Crops of each kind, whose perceptual features are kept in memory (1.3 MB a crop "
        "of 256 px) and paired anew at every step; 0 draws new crops all the time."
    ),
]
Rank = Annotated[
    int,
    typer.Option(
        help="Rank of the changes that are trained, which then fit into a small file; 0 trains all "
        "weights."
    ),
]
ContentWeight = Annotated[float, typer.Option(help="Weight of the content term.")]
StyleWeight = Annotated[float, typer.Option(help="Weight of the style term.")]
MinZoom = Annotated[
    float, typer.Option(help="Short side of pictures before cropping, over the crop's: least.")
]
MaxZoom = Annotated[float, typer.Option(help="The same for small pictures: most.")]
CoarseStyleWeight = Annotated[
    float, typer.Option(help="Weight of the style term in half and a quarter of the size.")
]
PatternWeight = Annotated[
    float, typer.Option(help="Weight of the term that compares marks: 3x3 neighbourhoods.")
]
NearWeight = Annotated[
    float,
    typer.Option(help="Weight of the distance of every place from the nearest of the other."),
]
LocalWeight = Annotated[
    float, typer.Option(help="Weight of the distance from what attention finds in the style.")
]
AttentionWeight = Annotated[
    float, typer.Option(help="Weight of the term that teaches the alignment where to look.")
]
AttentionSteps = Annotated[
    int,
    typer.Option(
        help="Steps in which the alignment alone is taught where to look, before the others."
    ),
]
CodeDropout = Annotated[
    float,
    typer.Option(
        help="Share of pairs that are painted without the style code: the alignment must do."
    ),
]
SmoothnessWeight = Annotated[
    float, typer.Option(help="Weight of changes of tone where the photo is plain.")
]
IdentityEvery = Annotated[int, typer.Option(help="Steps between identity terms; 0 for none.")]
SaveEvery = Annotated[int, typer.Option(help="Steps between checkpoints.")]
LoaderWorkers = Annotated[int, typer.Option(help="Processes that load pictures.")]
LogWith = Annotated[
    str | None,
    typer.Option(help="tensorboard: loss curves and sample sheets, in OUTPUT/tensorboard."),
]
PushToHub = Annotated[
    str | None,
    typer.Option(help="Hub id, owner/name, to push the model and its card to at the end."),
]
Private = Annotated[bool, typer.Option("--private", help="Make a new Hub repository private.")]
Seed = Annotated[int, typer.Option(help="Seed of weights and crops.")]


def check_push_to_hub(repo_id: str | None) -> None:
    """Fail before a run rather than after it."""
    if repo_id is None:
        return
    from huggingface_hub import get_token

    from stylekernel_hf.hub.sources import is_hub_id

    if not is_hub_id(repo_id):
        raise ValueError(f"push_to_hub must be 'owner/name', got {repo_id!r}")
    if get_token() is None:
        raise ValueError("push_to_hub needs a token of the Hub: hf auth login")


def starting_model(
    init: str | Path | None, preset: str | None, seed: int, *, encoder_init: bool = False
) -> StyleKernelModel:
    """Return the network to train: a checkpoint, a preset with random weights, or both.

    A preset starts as the smaller network of a checkpoint. `encoder_init` gives a preset the max
    pooling of VGG-19.
    """
    import torch

    from stylekernel_hf.pretrained.checkpoint import load_checkpoint
    from stylekernel_hf.pretrained.presets import build_model

    torch.manual_seed(seed)
    if init is None:
        return build_model(preset or "small", max_pooling=encoder_init).train()
    checkpoint = load_checkpoint(init)
    if preset is None:
        return checkpoint.train()
    if encoder_init:
        raise ValueError(
            "encoder_init makes new encoders: it does not go with both init and preset"
        )
    from stylekernel_hf.training.widening import widen

    model = build_model(preset)
    widen(checkpoint, model, torch.Generator().manual_seed(seed))
    return model.train()


def training_progress() -> Progress:
    """Return a bar of steps, whose tasks show their field `terms` at the end."""
    from rich.progress import TextColumn, TimeRemainingColumn

    terms = TextColumn("{task.fields[terms]}")
    return step_progress(TimeRemainingColumn(), terms, transient=False)


def run_training(
    settings: TrainingSettings,
    *,
    init: str | Path | None,
    preset: str | None,
    push_to_hub: str | None,
    private: bool,
) -> None:
    """Train with a bar of steps, tell the speed, and push the model if asked to."""
    with extra_required("train", "training"):
        from stylekernel_hf.training.checkpoints import what_is_left
        from stylekernel_hf.training.run_card import run_card
        from stylekernel_hf.training.run_record import record_of
        from stylekernel_hf.training.trainer import Trainer
    check_run_folder(settings.output)
    check_push_to_hub(push_to_hub)
    record = record_of(settings, init=init, preset=preset)
    about = run_card(
        settings,
        init=init,
        preset=preset,
        command=_command(),
        learning_rates=record.learning_rates,
    )
    model = starting_model(init, preset, settings.seed, encoder_init=settings.encoder_init)
    trainer = Trainer(model, settings, card=about, record=record)
    is_main = trainer.accelerator.is_main_process
    with (
        training_progress() if is_main else nullcontext() as progress,
        report_when_stopped(
            lambda: (
                f"after step {trainer.step} of {settings.steps}, "
                f"{what_is_left(settings.output)}; the same command goes on"
            )
        ),
    ):
        bar = progress.add_task("training", total=settings.steps, terms="") if progress else None

        def show(step: int, terms: dict[str, float]) -> None:
            if progress is None or bar is None:
                return
            shown = ("content", "style", "color", "identity", "pattern", "near", "temporal")
            text = "  ".join(f"{name} {terms[name]:.3f}" for name in shown if name in terms)
            progress.update(bar, completed=step, terms=text)

        speed = trainer.run(show)
    if not is_main:
        return
    if speed.seconds:
        typer.echo(
            f"{speed.images_per_second:.2f} pairs a second, {speed.loading_share:.1%} of the time "
            "lost to loading"
        )
    typer.echo(f"wrote {settings.output / 'model'}")
    if push_to_hub is not None:
        model = trainer.averaged_network
        with report_when_stopped(push_unfinished(push_to_hub)):
            url = model.half().push_to_hub(push_to_hub, private=private or None, card=trainer.card)
        typer.echo(f"pushed {url}")


def push_unfinished(repo_id: str) -> Callable[[], str]:
    """Return what a push that was stopped has to say."""
    return lambda: f"the push to '{repo_id}' was not finished, push again"


def _command() -> Sequence[str]:
    return ["stylekernel", *sys.argv[1:]]
