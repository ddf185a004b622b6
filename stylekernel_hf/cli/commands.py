"""The command line with all of its commands, or only with the one that is called."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from stylekernel_hf import __version__

# The commands in the order of the help, with their modules; each has a function of its name.
_MODULES = {
    "stylize": "stylize",
    "bulk": "collection",
    "evaluate": "evaluate",
    "evaluate-frames": "evaluate_frames",
    "benchmark": "benchmark",
    "pretrain": "pretrain",
    "train": "train",
    "finetune": "finetune",
    "ablate": "ablate",
    "export": "export",
}
_GROUPS = {"hub": "hub"}


def build_app(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line `stylekernel`.

    If the words of a call begin with the name of a command, it has only that one: the others would
    take longer to prepare than a small picture.
    """
    app = typer.Typer(
        name="stylekernel",
        help="Stylize photos in the style of any painting.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    known = {**_MODULES, **_GROUPS}
    called = [words[0]] if words and words[0] in known else [*known]
    for name in called:
        module = import_module(f"stylekernel_hf.cli.{known[name]}")
        if name in _GROUPS:
            app.add_typer(module.app)
        else:
            app.command()(getattr(module, name.replace("-", "_")))
    app.callback()(_options)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stylekernel {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Stylize photos in the style of any painting."""
