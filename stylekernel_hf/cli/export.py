"""`stylekernel export`: a network as ONNX files, for other runtimes than PyTorch."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from stylekernel_hf.cli.quick_imports import quick_imports
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.files.output_paths import check_output_folder


class ExportPrecision(str, Enum):
    """The precision of the features in the exported files."""

    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the files.")],
    model: Annotated[
        str | None,
        typer.Argument(
            help="A checkpoint folder, a Hub id or the file of an adapter, instead of the embedded "
            "weights."
        ),
    ] = None,
    precision: Annotated[
        ExportPrecision,
        typer.Option(
            help="fp32; fp16 for files of half the size; int8 for less time on processors."
        ),
    ] = ExportPrecision.fp32,
) -> None:
    """Write a network as style.onnx and transform.onnx, with a README and the licence.

    The README says what goes in and out. Needs the package onnx (the extra "onnx").
    """
    check_output_folder(output, name="output")
    with quick_imports():
        from stylekernel_hf.export.folder import check_replaceable, export_onnx
        from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint

    check_replaceable(output, name="output")
    network = load_checkpoint(model or EMBEDDED_CHECKPOINT)
    with report_when_stopped(lambda: f"'{output}' is not written"):
        export_onnx(network, output, precision=precision.value)
    files = sorted(output.glob("*.onnx"))
    sizes = ", ".join(f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)" for path in files)
    typer.echo(f"wrote {output}: {sizes}")
