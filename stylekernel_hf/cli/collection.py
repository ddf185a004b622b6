"""`stylekernel bulk`: a whole collection of photos, on a cluster."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from stylekernel_hf.cli.quick_imports import quick_imports


class KeptColor(str, Enum):
    """The colours of the results that encoded styles can give."""

    style = "style"
    luminance = "luminance"
    statistics = "statistics"


def bulk(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder of photos, or an address such as s3://bucket/photos; with "
            "--image-column a Parquet file, or a folder of them."
        ),
    ],
    style: Annotated[
        list[str],
        typer.Option(
            "--style",
            "-s",
            help="A painting, a folder of paintings, a quoted glob, or a .safetensors file of "
            "encoded styles; repeatable.",
        ),
    ],
    target: Annotated[
        str, typer.Option("--output", "-o", help="A folder, or an address, for all that is made.")
    ],
    address: Annotated[
        str | None,
        typer.Option(help="A Ray cluster, such as auto; by default one starts on this machine."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that stylize; by default one for each processor."),
    ] = None,
    gpus_per_worker: Annotated[
        float, typer.Option(min=0, help="GPUs of each of these, such as 0.5.")
    ] = 0.0,
    seed: Annotated[
        int | None,
        typer.Option(help="Draw one painting for each photo, by this seed, instead of taking all."),
    ] = None,
    image_column: Annotated[
        str | None,
        typer.Option(help="The column of SOURCE's Parquet files that holds the photos."),
    ] = None,
    suffix: Annotated[str, typer.Option(help="The format of the results.")] = ".jpg",
    strength: Annotated[
        float, typer.Option(help="From 0, the photo itself, to 1, the full style.")
    ] = 1.0,
    color: Annotated[
        KeptColor, typer.Option(help="The painting's colours, or the photo's, kept in two ways.")
    ] = KeptColor.style,
    stroke_scale: Annotated[
        float, typer.Option(help="Width of strokes relative to the frame, 0.5 to 4.")
    ] = 1.0,
    style_size: Annotated[
        int, typer.Option(help="Short side in px to which paintings are scaled.")
    ] = 512,
    model: Annotated[
        str | None,
        typer.Option(help="A checkpoint folder or Hub id, instead of the embedded weights."),
    ] = None,
) -> None:
    """Stylize every photo of a folder and its subfolders, or of Parquet files, on a Ray cluster.

    Without --address, a cluster starts on this machine.

    TARGET gets the pictures, and a manifest in Parquet with a row for each: photo, painting,
    seconds and error. A damaged photo is a row with its error. After a crash the same command goes
    on with what is missing. Needs Ray (the extra "bulk").
    """
    with quick_imports():
        from stylekernel_hf.bulk.collection import CollectionOptions, stylize_collection
        from stylekernel_hf.bulk.places import shown_place
        from stylekernel_hf.pipelines.call_checks import check_strength, check_stroke_scale
        from stylekernel_hf.pipelines.tasks import pipeline

    controls = {
        "strength": check_strength(strength),
        "color": color.value,
        "stroke_scale": check_stroke_scale(stroke_scale),
    }
    pipe = pipeline("style-kernel", model=model, device=None if gpus_per_worker else "cpu")
    styles = _encode(pipe, style, style_size)
    options = CollectionOptions(
        model=model,
        suffix=suffix,
        seed=seed,
        image_column=image_column,
        workers=workers,
        gpus=gpus_per_worker,
        controls=controls,
    )
    done = stylize_collection(source, styles, target, options, address=address)
    rate = f" in {done.seconds:.1f} s, {done.new / done.seconds:.2f} a second" if done.new else ""
    made = f"{done.written} pictures and {done.failed} errors"
    print(f"{made} in {shown_place(target)}: {done.new} new{rate}")


def _encode(pipe: Any, given: list[str], style_size: int) -> dict[str, Any]:
    """Encode the paintings by names, which are parts of the results' names."""
    from stylekernel_hf.cli.jobs import find_images
    from stylekernel_hf.cli.style_sources import NamedStyle, expand_styles, short_name

    styles: dict[str, Any] = {}
    for source in expand_styles(find_images(given, name="style")):
        name = short_name(source)
        if name in styles:
            raise ValueError(f"style must be paintings of different names, got '{name}' twice")
        painting = source.load() if isinstance(source, NamedStyle) else source
        encoded = pipe.encode_style(painting, style_size=style_size)
        styles[name] = encoded.to("cpu", encoded.key.dtype)
    return styles
