"""`stylekernel evaluate`: metrics of networks on pairs of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylekernel_hf.cli.output_files import Overwrite
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.errors.messages import extra_required

if TYPE_CHECKING:
    from stylekernel_hf.evaluation.evaluation_result import Evaluation
    from stylekernel_hf.metrics.pair_metrics import ContentMeasure
    from stylekernel_hf.metrics.perceptual import PerceptualNetwork


def evaluate(
    contents: Annotated[Path, typer.Argument(help="Folder of photos.")],
    styles: Annotated[Path, typer.Argument(help="Folder of paintings.")],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="A checkpoint folder or Hub id, the folder of an export, or 'embedded', which is "
            "the default; repeatable.",
        ),
    ] = None,
    results: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of pictures that another program made of the same photos and paintings, "
            "called CONTENT_STYLE or CONTENT_stylized_STYLE; repeatable."
        ),
    ] = None,
    perceptual: Annotated[
        Path | None,
        typer.Option(help="Safetensors file of VGG-19; by default torchvision's, downloaded once."),
    ] = None,
    every: Annotated[
        int, typer.Option(help="Score the pairs (i, j) with i + j divisible by this.")
    ] = 1,
    size: Annotated[
        int, typer.Option(help="Side in px to which pictures are cut and scaled.")
    ] = 512,
    strengths: Annotated[
        list[float] | None,
        typer.Option(
            "--strength", help="From 0, the photo, to 1, the full style (default); repeatable."
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="By default the best there is.")] = None,
    cfsd: Annotated[
        bool, typer.Option("--cfsd", help="Add the structural distance CFSD; slow at 512 px.")
    ] = False,
    lpips: Annotated[
        bool, typer.Option("--lpips", help="Add LPIPS; downloads AlexNet once.")
    ] = False,
    fid: Annotated[
        bool,
        typer.Option("--fid", help="Add FID, with --lpips ArtFID too; downloads Inception once."),
    ] = False,
    optimum: Annotated[
        int,
        typer.Option(
            min=0,
            help="Score also what so many steps of Adam on the pixels of each result reach, with "
            "the objective of the training; 100 take a minute or two a pair on a CPU.",
        ),
    ] = 0,
    per_pair: Annotated[
        bool, typer.Option("--per-pair", help="Print the metrics of every pair too.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all metrics to this JSON file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report with pictures to this HTML file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Plot content over style to this .png or .svg file.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="Draw a contact sheet to this file.")] = None,
    sheet_contents: Annotated[int, typer.Option(help="Rows of the contact sheet.")] = 6,
    sheet_styles: Annotated[
        int, typer.Option(help="Columns of the sheet of a single network.")
    ] = 6,
    overwrite: Overwrite = False,
) -> None:
    """Score how much content is kept and how much style is taken, on VGG-19's features.

    Lower content and style, and higher SSIM, are better. The last two rows are trivial baselines:
    the content itself, and the style itself as the result. With several --model and --strength,
    each model is scored at each strength. With --results and no --model, only these are scored.
    """
    with extra_required("train", "evaluating"):
        from stylekernel_hf.evaluation.evaluation import evaluate as run_evaluation
        from stylekernel_hf.evaluation.evaluation import select_pairs
    from stylekernel_hf.cli.candidates import EMBEDDED, load_candidates
    from stylekernel_hf.cli.evaluation_outputs import Outputs
    from stylekernel_hf.evaluation.optimum import with_optimum
    from stylekernel_hf.evaluation.stored_results import find_results
    from stylekernel_hf.images.folder import list_images
    from stylekernel_hf.metrics.frechet import load_inception
    from stylekernel_hf.metrics.perceptual import load_perceptual_network

    outputs = Outputs(json_file, html, plot, sheet, sheet_contents, sheet_styles, overwrite)
    content_paths = list_images(contents, name="contents")
    style_paths = list_images(styles, name="styles")
    pairs = select_pairs(len(content_paths), len(style_paths), every=every)
    named = [(content_paths[i], style_paths[j]) for i, j in pairs]
    stored = [find_results(folder, named) for folder in results or []]
    models, strengths = models or ([] if stored else [EMBEDDED]), strengths or [1.0]
    count = len(models) * len(strengths) * (2 if optimum else 1) + len(stored)
    others = [path for each in stored for path in each.paths.values()]
    others += [perceptual] if perceptual else []
    outputs.check(content_paths, style_paths, others, count=count)
    candidates, target = load_candidates(models, strengths, device)
    network = load_perceptual_network(perceptual).to(target)
    if optimum:
        candidates += [with_optimum(each, network, optimum) for each in candidates]
    with (
        step_progress() as progress,
        report_when_stopped(lambda: f"{done_of(progress)} results were scored, nothing is written"),
    ):
        bar = progress.add_task("scoring", total=None)
        evaluations = run_evaluation(
            [*candidates, *stored],
            content_paths,
            style_paths,
            network=network,
            measures=_measures(network, cfsd=cfsd, lpips=lpips),
            inception=load_inception().to(target) if fid else None,
            size=size,
            pairs=pairs,
            keep_images=outputs.need_images,
            on_result=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    typer.echo(_table(evaluations, per_pair))
    outputs.write(evaluations)


def _measures(network: PerceptualNetwork, *, cfsd: bool, lpips: bool) -> dict[str, ContentMeasure]:
    from stylekernel_hf.metrics.cfsd import ContentStructuralDistance
    from stylekernel_hf.metrics.lpips import PerceptualSimilarity

    measures: dict[str, ContentMeasure] = {}
    if cfsd:
        measures["cfsd"] = ContentStructuralDistance(network)
    if lpips:
        similarity = PerceptualSimilarity()
        similarity.network.to(next(network.parameters()).device)
        measures["lpips"] = similarity
    return measures


def _table(evaluations: list[Evaluation], per_pair: bool) -> str:
    from stylekernel_hf.evaluation.evaluation_result import names_of
    from stylekernel_hf.metrics.tables import metrics_table

    first, several = evaluations[0], len(evaluations) > 1
    mean = f"mean of {len(first.pairs)} pairs at {first.size} px"
    rows: dict[str, dict[str, float]] = {}
    for name, evaluation in zip(names_of(evaluations), evaluations, strict=True):
        for pair in evaluation.pairs if per_pair else ():
            label = f"{pair.content_name} in {pair.style_name}"
            rows[f"{name}: {label}" if several else label] = pair.metrics.to_json()
        rows[name if several else mean] = evaluation.mean.to_json()
    rows["content unchanged"] = first.content_unchanged.to_json()
    rows["style pasted"] = first.style_pasted.to_json()
    return metrics_table(rows, title=mean if several else "")
