"""`stylekernel hub`: the repositories that the project publishes, built, checked and pushed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stylekernel_hf.cli.stop_signals import report_when_stopped
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

    SOURCE may hold weights in model/ (by default the embedded weights are taken) and the files that
    the model card is made of: details.json (license, license_name, license_link, base_model,
    datasets, tags, samples, peers, code_url, demo_url), LICENSE.md, training_data.md,
    training_history.md, limits.md, evaluation.json from `stylekernel evaluate --json` with a note
    in evaluation.md, benchmark.json from `stylekernel benchmark --json`, images/ with pictures to
    show, and README.md with text of one's own. OUTPUT may be SOURCE, which then is the repository
    as well. From hub_card/space, the folder of the demo's Space is built; from hub_card/web, that
    of the page that runs in the browser alone, which any static host serves. That takes the npm
    package onnxruntime-web from node_modules, or else from npm.
    """
    from stylekernel_hf.cli.hub_space import build_space, sdk_of

    check_output_folder(output, name="output")
    sdk = sdk_of(source)
    if sdk is not None:
        if model is not None:
            raise typer.BadParameter("--model: a Space holds the embedded weights")
        if sdk == "static":
            from stylekernel_hf.cli.hub_web import build_web

            files = build_web(source, output)
        else:
            files = build_space(source, output)
        typer.echo(f"built {output}: {files} files")
        return
    from stylekernel_hf.cli.hub_source import checkpoint_of, read_details, stage_card
    from stylekernel_hf.pretrained.check import check_repository
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint

    details = read_details(source)
    network = load_checkpoint(model or checkpoint_of(source))
    with report_when_stopped(lambda: f"'{output}' is not finished, build it again"):
        stage_card(source, output)
        network.half().save_repository(output, max_shard_size=max_shard_size, card=details)
        files = check_repository(output, network)
    typer.echo(f"built {output}: {len(files)} files, which load bit-equal")


@app.command()
def card(source: Source) -> None:
    """Write the model card of a repository anew, and leave its weights as they are.

    SOURCE is a repository that `stylekernel hub build SOURCE --output SOURCE` built.
    """
    from stylekernel_hf.cli.hub_source import checkpoint_of, read_details
    from stylekernel_hf.pretrained.check import check_repository
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint

    details = read_details(source)
    network = load_checkpoint(checkpoint_of(source)).half()
    network.save_card(source, card=details)
    typer.echo(f"wrote the card of {source}: {len(check_repository(source, network))} files")


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
    from stylekernel_hf.cli.hub_space import sdk_of

    if sdk_of(source) is not None:
        raise typer.BadParameter(
            f"'{source}' is a Space: build it, then `hf upload {repo_id} FOLDER --repo-type space`"
        )
    from stylekernel_hf.cli.hub_source import checkpoint_of, read_details
    from stylekernel_hf.pretrained.checkpoint import load_checkpoint

    details = read_details(source)
    network = load_checkpoint(model or checkpoint_of(source)).half()
    with report_when_stopped(push_unfinished(repo_id)):
        url = network.push_to_hub(
            repo_id, private=private or None, max_shard_size=max_shard_size, card=details
        )
    typer.echo(f"pushed {url}")
