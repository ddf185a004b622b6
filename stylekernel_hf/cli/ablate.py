"""`stylekernel ablate`: what each part of the network contributes, on a small budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stylekernel_hf.cli.output_files import check_run_folder
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.cli.training_options import (
    AttentionSteps,
    AttentionWeight,
    BatchSize,
    CoarseStyleWeight,
    CodeDropout,
    Contents,
    ContentWeight,
    LearningRate,
    LoaderWorkers,
    LocalWeight,
    MixedPrecision,
    NearWeight,
    Output,
    PatternWeight,
    Perceptual,
    SaveEvery,
    Size,
    SmoothnessWeight,
    Steps,
    Styles,
    StyleSize,
    StyleWeight,
    training_progress,
)
from stylekernel_hf.errors.messages import extra_required

if TYPE_CHECKING:
    from stylekernel_hf.evaluation.ablation import Ablation
    from stylekernel_hf.evaluation.evaluation_result import Evaluation


DEFAULT_SEEDS = (0, 1, 2)


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
    size: Size = 144,
    style_size: StyleSize = 160,
    score_size: Annotated[
        int, typer.Option(help="Side in px at which held-out pairs are scored.")
    ] = 256,
    learning_rate: LearningRate = 1e-3,
    content_weight: ContentWeight = 1.5,
    style_weight: StyleWeight = 14.0,
    coarse_style_weight: CoarseStyleWeight = 4.0,
    pattern_weight: PatternWeight = 6.0,
    near_weight: NearWeight = 5.0,
    local_weight: LocalWeight = 0.2,
    # Off: it keeps the attention flat.
    attention_weight: AttentionWeight = 0.0,
    smoothness_weight: SmoothnessWeight = 0.0,
    attention_steps: AttentionSteps = 0,
    # Off: at first it costs content and style.
    code_dropout: CodeDropout = 0.0,
    mixed_precision: MixedPrecision = "auto",
    seed: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            help="Seed of weights and crops, repeatable: every variant is trained once from each; "
            "by default from 0, 1 and 2.",
        ),
    ] = None,
    save_every: SaveEvery = 200,
    loader_workers: LoaderWorkers = 1,
) -> None:
    """Train the network and variants that lack one part each, and score all in one table.

    All start from scratch with the same settings, from the same seeds and with the same pairs for
    each, and are scored on pictures that none of them was trained on. OUTPUT gets table.md,
    table.json and a run for each variant and seed, whose weights `evaluate` can score on other
    pairs. After an interruption, the same command resumes; with more seeds or variants it adds
    them.
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
        style_size=style_size,
        code_dropout=code_dropout,
        learning_rate=learning_rate,
        attention_steps=attention_steps,
        **short_run(steps),
        weights=LossWeights(
            content=content_weight,
            style=style_weight,
            coarse_style=coarse_style_weight,
            pattern=pattern_weight,
            near=near_weight,
            local=local_weight,
            attention=attention_weight,
            smoothness=smoothness_weight,
        ),
        mixed_precision=mixed_precision,
        save_every=save_every,
        sheet_every=steps,
        loader_workers=loader_workers,
    )
    ablation = Ablation(preset, settings, score_size)
    # Seed by seed: what is done after an interruption can be compared.
    seeds = dict.fromkeys(seed or DEFAULT_SEEDS)
    runs = [(variant, seed) for seed in seeds for variant in variants]
    check_run_folder(output)
    output.mkdir(parents=True, exist_ok=True)
    with sole_training(output), report_when_stopped(lambda: _kept(ablation, runs)):
        ablation.check_output()
        typer.echo(_train_and_score(ablation, runs).rstrip())


def _train_and_score(ablation: Ablation, runs: list[tuple[str, int]]) -> str:
    table = ""
    for run in runs:
        if not ablation.is_scored(*run):
            _train(ablation, *run)
            ablation.record(*run, _score(ablation, *run))
        table = ablation.write_table()
    return table


def _kept(ablation: Ablation, runs: list[tuple[str, int]]) -> str:
    scored = sum(ablation.is_scored(*run) for run in runs)
    return f"{scored} of {len(runs)} runs are scored; the same command goes on"


def _train(ablation: Ablation, variant: str, seed: int) -> None:
    with training_progress() as progress:
        title = f"{variant}, seed {seed}"
        bar = progress.add_task(title, total=ablation.settings.steps, terms="")
        ablation.train(variant, seed, lambda step, _: progress.update(bar, completed=step))


def _score(ablation: Ablation, variant: str, seed: int) -> Evaluation:
    from stylekernel_hf.cli.candidates import load_candidates
    from stylekernel_hf.evaluation.evaluation import evaluate
    from stylekernel_hf.metrics.perceptual import load_perceptual_network

    contents, styles = ablation.held_out()
    model = str(ablation.folder(variant, seed) / "model")
    candidates, device = load_candidates([model], [1.0], None)
    network = load_perceptual_network(ablation.settings.perceptual).to(device)
    (result,) = evaluate(candidates, contents, styles, network=network, size=ablation.score_size)
    return result
