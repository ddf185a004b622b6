"""`stylekernel ablate`: what each part of the network contributes, on a small budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stylekernel_hf.cli.output_files import check_run_folder
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.cli.training_options import (
    BatchSize,
    Contents,
    ContentWeight,
    LearningRate,
    LoaderWorkers,
    MixedPrecision,
    Output,
    Perceptual,
    SaveEvery,
    Seed,
    Steps,
    Styles,
    StyleWeight,
    training_progress,
)
from stylekernel_hf.errors.messages import extra_required

if TYPE_CHECKING:
    from stylekernel_hf.evaluation.ablation import Ablation
    from stylekernel_hf.evaluation.evaluation_result import Evaluation


def ablate(
    content: Contents,
    style: Styles,
    output: Output,
    perceptual: Perceptual = None,
    preset: Annotated[
        str, typer.Option(help="Network whose parts are left out: small or base.")
    ] = "small",
    variant: Annotated[
        list[str] | None,
        typer.Option(help="Train only this variant, such as 'without CGM'; repeatable."),
    ] = None,
    steps: Steps = 800,
    batch_size: BatchSize = 4,
    size: Annotated[int, typer.Option(help="Side of all crops in px, a multiple of 16.")] = 144,
    score_size: Annotated[
        int, typer.Option(help="Side in px at which held-out pairs are scored.")
    ] = 256,
    learning_rate: LearningRate = 1e-3,
    content_weight: ContentWeight = 1.0,
    style_weight: StyleWeight = 20.0,
    mixed_precision: MixedPrecision = "auto",
    seed: Seed = 0,
    save_every: SaveEvery = 200,
    loader_workers: LoaderWorkers = 1,
) -> None:
    """Train the network and variants that lack one part each, and score all in one table.

    All start from scratch with the same seed, pairs and settings, and are scored on pictures that
    none of them was trained on. OUTPUT gets table.md, table.json and a run for each variant, whose
    weights `evaluate` can score on other pairs. After an interruption, the same command resumes.
    """
    with extra_required("train", "training"):
        from stylekernel_hf.evaluation.ablation import Ablation, check_variants
        from stylekernel_hf.training.losses import LossWeights
        from stylekernel_hf.training.schedule import short_run
        from stylekernel_hf.training.settings import TrainingSettings
        from stylekernel_hf.training.sole_training import sole_training
    from stylekernel_hf.evaluation.squares import check_size

    variants = check_variants(preset, variant or [])
    check_size(score_size)
    settings = TrainingSettings(
        contents=tuple(content),
        styles=tuple(style),
        output=output,
        perceptual=perceptual,
        steps=steps,
        batch_size=batch_size,
        size=size,
        style_size=size,
        learning_rate=learning_rate,
        **short_run(steps),
        weights=LossWeights(content=content_weight, style=style_weight),
        mixed_precision=mixed_precision,
        seed=seed,
        save_every=save_every,
        sheet_every=steps,
        loader_workers=loader_workers,
    )
    ablation = Ablation(preset, settings, score_size)
    check_run_folder(output)
    output.mkdir(parents=True, exist_ok=True)
    with sole_training(output), report_when_stopped(lambda: _kept(ablation, variants)):
        ablation.check_output()
        typer.echo(_train_and_score(ablation, variants).rstrip())


def _train_and_score(ablation: Ablation, variants: list[str]) -> str:
    table = ""
    for name in variants:
        if not ablation.is_scored(name):
            _train(ablation, name)
            ablation.record(name, _score(ablation, name))
        table = ablation.write_table()
    return table


def _kept(ablation: Ablation, variants: list[str]) -> str:
    scored = sum(map(ablation.is_scored, variants))
    return f"{scored} of {len(variants)} variants are scored; the same command goes on"


def _train(ablation: Ablation, variant: str) -> None:
    with training_progress() as progress:
        bar = progress.add_task(variant, total=ablation.settings.steps, terms="")
        ablation.train(variant, lambda step, _: progress.update(bar, completed=step))


def _score(ablation: Ablation, variant: str) -> Evaluation:
    from stylekernel_hf.cli.candidates import load_candidates
    from stylekernel_hf.evaluation.evaluation import evaluate
    from stylekernel_hf.metrics.perceptual import load_perceptual_network

    contents, styles = ablation.held_out()
    model = str(ablation.folder(variant) / "model")
    candidates, device = load_candidates([model], [1.0], None)
    network = load_perceptual_network(ablation.settings.perceptual).to(device)
    (result,) = evaluate(candidates, contents, styles, network=network, size=ablation.score_size)
    return result
