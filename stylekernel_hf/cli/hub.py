"""`stylekernel hub`: the repositories that the project publishes, built, checked and pushed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stylekernel_hf.cli.stop_signals import told_when_stopped
from stylekernel_hf.cli.training_options import push_unfinished
from stylekernel_hf.files.output_paths import check_output_folder

app = typer.Typer(
    name="hub",
    help="Build, check and push a Hub repository.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Source = Annotated[
    Path, typer.Argument(help="Folder with what the card is made of, such as hub_card/NAME.")
]
Model = Annotated[
    str | None,
    typer.Option(
        help="A checkpoint folder or Hub id, instead of the source's or embedded weights."
    ),
]
MaxShardSize = Annotated[
    str, typer.Option(help="Weights beyond this are split into files of at most it, such as 15MB.")
]


@app.command()
def build(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the repository.")],
    model: Model = None,
    max_shard_size: MaxShardSize = "5GB",
) -> None:
    """Write the whole repository to a folder, and check that it loads as it will from the Hub.

    SOURCE may hold its weights in model/ (without it, the embedded ones are taken) and, for the
    card, details.json (license, base_model, datasets, tags, samples: pictures to show),
    training_data.md, evaluation.json from `stylekernel evaluate --json` and evaluation.md on how
    it was made, README.md with text of one's own, and images/ with more pictures to show.
    OUTPUT may be SOURCE, which then is the repository as well. hub_card/space gives the folder of
    the demo's Space instead.
    """
    from stylekernel_hf.cli.hub_space import build_space, is_space

    check_output_folder(output, name="output")
    if is_space(source):
        if model is not None:
            raise typer.BadParameter("--model: a Space holds the embedded weights")
        typer.echo(f"built {output}: {build_space(source, output)} files")
        return
    from stylekernel_hf.cli.hub_source import checkpoint_of, read_details, stage_card
    from stylekernel_hf.pretrained.check import check_repository
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint

    details = read_details(source)
    network = load_checkpoint(model or checkpoint_of(source))
    with told_when_stopped(lambda: f"'{output}' is not finished, build it again"):
        stage_card(source, output)
        network.half().save_repository(output, max_shard_size=max_shard_size, card=details)
        files = check_repository(output, network)
    typer.echo(f"built {output}: {len(files)} files, which load bit-equal")


@app.command()
def push(
    source: Source,
    repo_id: Annotated[str, typer.Argument(help="The repository on the Hub, owner/name.")],
    model: Model = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository private.")
    ] = False,
    max_shard_size: MaxShardSize = "5GB",
) -> None:
    """Build the repository and push it to the Hub; needs a token (`hf auth login`)."""
    from stylekernel_hf.cli.hub_space import is_space

    if is_space(source):
        raise typer.BadParameter(
            f"'{source}' is a Space: build it, then `hf upload {repo_id} FOLDER --repo-type space`"
        )
    from stylekernel_hf.cli.hub_source import checkpoint_of, read_details
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint

    details = read_details(source)
    network = load_checkpoint(model or checkpoint_of(source)).half()
    with told_when_stopped(push_unfinished(repo_id)):
        url = network.push_to_hub(
            repo_id, private=private or None, max_shard_size=max_shard_size, card=details
        )
    typer.echo(f"pushed {url}")
