"""The commands of `stylekernel`, by name."""

from __future__ import annotations

from typing import Annotated

import typer

from stylekernel_hf import __version__
from stylekernel_hf.cli.ablate import ablate
from stylekernel_hf.cli.benchmark import benchmark
from stylekernel_hf.cli.collection import bulk
from stylekernel_hf.cli.evaluate import evaluate
from stylekernel_hf.cli.evaluate_frames import evaluate_frames
from stylekernel_hf.cli.export import export
from stylekernel_hf.cli.finetune import finetune
from stylekernel_hf.cli.hub import app as hub_app
from stylekernel_hf.cli.pretrain import pretrain
from stylekernel_hf.cli.stylize import stylize
from stylekernel_hf.cli.train import train

app = typer.Typer(
    name="stylekernel",
    help="Stylize photos in the style of any painting.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(stylize)
app.command()(bulk)
app.command()(evaluate)
app.command()(evaluate_frames)
app.command()(benchmark)
app.command()(pretrain)
app.command()(train)
app.command()(finetune)
app.command()(ablate)
app.command()(export)
app.add_typer(hub_app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stylekernel {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Stylize photos in the style of any painting."""
