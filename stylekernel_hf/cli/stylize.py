"""`stylekernel stylize`: pictures from the shell."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from stylekernel_hf.cli.quick_imports import quick_imports
from stylekernel_hf.cli.stop_signals import told_when_stopped


class Precision(str, Enum):
    """What the network computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Color(str, Enum):
    """Whose colours the pictures get."""

    style = "style"
    luminance = "luminance"
    statistics = "statistics"
    transfer = "transfer"


def stylize(
    content: Annotated[str, typer.Argument(help="A photo, a folder of photos, or a quoted glob.")],
    style: Annotated[
        str,
        typer.Argument(
            help="A painting, a folder of paintings, or a quoted glob; or a .safetensors file of "
            "styles, all of which are taken."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The picture to write, or the folder for several pictures."
        ),
    ],
    more_contents: Annotated[
        list[str] | None, typer.Option("--content", "-c", help="Another content; repeatable.")
    ] = None,
    more_styles: Annotated[
        list[str] | None, typer.Option("--style", "-s", help="Another style; repeatable.")
    ] = None,
    strength: Annotated[
        float, typer.Option(help="From 0, the photo itself, to 1, the full style.")
    ] = 1.0,
    strength_map: Annotated[
        Path | None,
        typer.Option(help="An image instead of a number: the full style where it is white."),
    ] = None,
    style_weight: Annotated[
        list[float] | None,
        typer.Option(
            help="One for each style, in their order: all are mixed in these proportions, "
            "into one picture per content."
        ),
    ] = None,
    mask: Annotated[
        list[Path] | None,
        typer.Option(
            help="One image for each style, in their order: each goes where its mask is white, "
            "all into one picture per content."
        ),
    ] = None,
    color: Annotated[
        Color,
        typer.Option(
            help="Whose colours: the style's; the photo's, by luminance or by statistics; or "
            "transfer, the style's colours and nothing else of it."
        ),
    ] = Color.style,
    style_size: Annotated[
        int, typer.Option(help="Scale paintings to this short side in px first; 0 keeps theirs.")
    ] = 512,
    tile_size: Annotated[
        int | None,
        typer.Option(help="Paint larger photos in tiles of this side in px; else as memory asks."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A checkpoint folder or Hub id, instead of the embedded weights."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cuda, mps, cpu, ...; by default the best there is.")
    ] = None,
    dtype: Annotated[Precision, typer.Option(help="Precision.")] = Precision.float32,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Also draw all results on one picture, styles across, contents down."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave existing files and go on.")
    ] = False,
) -> None:
    """Repaint every CONTENT in every STYLE, or in all together with --style-weight or --mask.

    One result goes to the file named by --output; several go to the folder named by it, as
    CONTENT_STYLE.png. Photos of more than 50 megapixels are painted strip by strip where libvips is
    there (the extra "large"). Ends with code 1 and a list if some could not be made; the others
    are.
    """
    if overwrite and skip_existing:
        raise typer.BadParameter("--overwrite and --skip-existing exclude each other")
    if strength_map is not None and strength != 1:
        raise typer.BadParameter("--strength and --strength-map exclude each other")
    together = bool(style_weight or mask)
    if sheet is not None and together:
        raise typer.BadParameter("--sheet shows single styles: not with --style-weight or --mask")
    with quick_imports():
        import torch
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

        from stylekernel_hf.bulk import Outcome, find_images, plan_jobs, plan_mixtures, run_jobs
        from stylekernel_hf.call_checks import check_combination
        from stylekernel_hf.processors import share_processors
        from stylekernel_hf.style_sources import expand_styles
        from stylekernel_hf.tasks import pipeline

    contents = find_images([content, *(more_contents or [])], name="content")
    styles = expand_styles(find_images([style, *(more_styles or [])], name="style"))
    if together:
        check_combination(len(styles), len(contents), style_weight or None, mask or None)
    jobs = (plan_mixtures if together else plan_jobs)(contents, styles, output)
    share_processors()
    pipe = pipeline("style-kernel", model=model, device=device, dtype=getattr(torch, dtype.value))
    # Of several pictures the pictures are counted, of a single one that takes long its tiles.
    pipe.set_progress_bar_config(disable=len(jobs) > 1, leave=False, delay=2)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    done: list[Outcome] = []
    with (
        Progress(
            *columns, console=Console(stderr=True), disable=len(jobs) == 1, transient=True
        ) as progress,
        told_when_stopped(
            lambda: (
                f"{sum(each.status == 'written' for each in done)} of {len(jobs)} "
                f"pictures were written to {output}"
            )
        ),
    ):
        bar = progress.add_task("stylizing", total=len(jobs))

        def show(outcome: Outcome) -> None:
            done.append(outcome)
            progress.advance(bar)

        outcomes = run_jobs(
            pipe,
            jobs,
            strength=strength if strength_map is None else strength_map,
            style_weights=style_weight or None,
            masks=mask or None,
            color=color.value,
            style_size=style_size or None,
            tile_size=tile_size,
            existing="overwrite" if overwrite else "skip" if skip_existing else "refuse",
            on_outcome=show,
        )
    if sheet is not None:
        from stylekernel_hf.cli.sheet import draw_sheet

        draw_sheet(jobs, contents, styles, sheet)
        typer.echo(f"drew {sheet}")
    written = [outcome for outcome in outcomes if outcome.status == "written"]
    skipped = sum(outcome.status == "skipped" for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if len(written) == 1:
        typer.echo(f"wrote {written[0].job.output}")
    elif written:
        typer.echo(f"wrote {len(written)} pictures to {output}")
    if skipped:
        typer.echo(f"skipped {skipped} that existed")
    for outcome in failed:
        of_styles = " and ".join(map(str, outcome.job.styles))
        pair = f"{outcome.job.content} in the style of {of_styles}"
        typer.echo(f"stylekernel: failed: {pair}: {outcome.error}", err=True)
    if any("exists already" in outcome.error for outcome in failed):
        typer.echo("stylekernel: use --overwrite or --skip-existing for those that exist", err=True)
    if failed:
        raise typer.Exit(1)
