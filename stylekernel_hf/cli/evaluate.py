"""`stylekernel evaluate`: a checkpoint's figures on pairs of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stylekernel_hf.metrics.evaluation_result import Evaluation
    from stylekernel_hf.metrics.figures import Figures


def evaluate(
    contents: Annotated[Path, typer.Argument(help="Folder of photos.")],
    styles: Annotated[Path, typer.Argument(help="Folder of paintings.")],
    model: Annotated[
        str | None,
        typer.Option(help="A checkpoint folder or Hub id, instead of the embedded weights."),
    ] = None,
    perceptual: Annotated[
        Path | None,
        typer.Option(help="Safetensors file of VGG-19; by default torchvision's, downloaded once."),
    ] = None,
    every: Annotated[
        int, typer.Option(help="Score the pairs (i, j) with i + j divisible by this.")
    ] = 1,
    size: Annotated[int, typer.Option(help="Side in px to which pictures are cut.")] = 512,
    strength: Annotated[float, typer.Option(help="From 0, the photo, to 1, the full style.")] = 1.0,
    device: Annotated[str | None, typer.Option(help="By default the best there is.")] = None,
    per_pair: Annotated[
        bool, typer.Option("--per-pair", help="Print the figures of every pair too.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a contact sheet to this picture.")
    ] = None,
    sheet_contents: Annotated[int, typer.Option(help="Rows of the contact sheet.")] = 6,
    sheet_styles: Annotated[int, typer.Option(help="Columns of the contact sheet.")] = 6,
) -> None:
    """Score how much content is kept and how much style is taken, on VGG-19's features.

    Lower content and style, and higher SSIM, are better. Two trivial results give the scale: the
    content itself, and the style itself pasted.
    """
    try:
        from stylekernel_hf.metrics.evaluation import evaluate as run_evaluation
        from stylekernel_hf.metrics.evaluation import select_pairs
    except ModuleNotFoundError as error:
        raise ImportError(
            f"evaluating needs the package {error.name}: pip install 'stylekernel-hf[train]'"
        ) from error
    from rich.console import Console
    from rich.progress import Progress

    from stylekernel_hf.image_io import list_images, save_image
    from stylekernel_hf.metrics.perceptual import load_perceptual_network
    from stylekernel_hf.tasks import pipeline

    for path in (json_file, sheet):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"no such folder: '{path.parent}'")
    content_paths = list_images(contents, name="contents")
    style_paths = list_images(styles, name="styles")
    pipe = pipeline("style-kernel", model=model, device=device)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("scoring", total=None)
        evaluation = run_evaluation(
            lambda content, style: pipe(content, style, strength=strength, output_type="pt").images[
                0
            ][None],
            content_paths,
            style_paths,
            network=load_perceptual_network(perceptual).to(pipe.device),
            encode_style=pipe.encode_style,
            size=size,
            pairs=select_pairs(len(content_paths), len(style_paths), every=every),
            keep_images=sheet is not None,
            on_pair=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    if json_file is not None:
        evaluation.write_json(json_file)
    if sheet is not None:
        save_image(evaluation.contact_sheet(contents=sheet_contents, styles=sheet_styles), sheet)
    typer.echo(_table(evaluation, per_pair))


def _table(evaluation: Evaluation, per_pair: bool) -> str:
    from stylekernel_hf.metrics.figures import figures_table

    rows: dict[str, Figures] = {}
    if per_pair:
        rows |= {
            f"{pair.content_name} in {pair.style_name}": pair.figures for pair in evaluation.pairs
        }
    rows[f"mean of {len(evaluation.pairs)} pairs at {evaluation.size} px"] = evaluation.mean
    rows["content unchanged"] = evaluation.content_unchanged
    rows["style pasted"] = evaluation.style_pasted
    return figures_table(rows).rstrip()
