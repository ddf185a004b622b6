"""`stylekernel benchmark`: speed and memory on this machine, compared with its limits."""

from __future__ import annotations

from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylekernel_hf.cli.output_files import Overwrite, check_outputs, check_plot, write_each
from stylekernel_hf.cli.progress import done_of, step_progress
from stylekernel_hf.cli.runtime_speed import measure_runtimes
from stylekernel_hf.cli.stop_signals import report_when_stopped
from stylekernel_hf.cli.training_options import Perceptual
from stylekernel_hf.cli.training_speed import measure_training_speed
from stylekernel_hf.cli.video_speed import measure_video_speed

if TYPE_CHECKING:
    from stylekernel_hf.benchmark.result import Benchmark, Measurement


_HEADINGS = (
    "work",
    "side, px",
    "ms",
    "images/s",
    "Mpx/s",
    "peak, MiB",
    "GFLOP",
    "arithmetic",
    "bandwidth",
)


class Mode(str, Enum):
    """How the network runs."""

    eager = "eager"
    compiled = "compiled"
    both = "both"


def benchmark(
    sizes: Annotated[
        list[int] | None,
        typer.Option("--size", help="Side of square pictures in px; repeatable. 256 to 2048."),
    ] = None,
    tile_size: Annotated[int, typer.Option(help="Side of tiles in px.")] = 512,
    whole_up_to: Annotated[
        int, typer.Option(help="Largest side in px that is stylized in one piece.")
    ] = 2048,
    dtypes: Annotated[
        list[str] | None,
        typer.Option(
            "--dtype",
            help="float32, bfloat16 or float16; repeatable. By default float32, and bfloat16 if "
            "the devices compute in it.",
        ),
    ] = None,
    devices: Annotated[
        list[str] | None,
        typer.Option("--device", help="Repeatable; by default cpu, and cuda where there is one."),
    ] = None,
    mode: Annotated[Mode, typer.Option(help="Without CUDA graphs, with them, or both.")] = (
        Mode.eager
    ),
    repeats: Annotated[
        int, typer.Option(help="Runs after the warm-up; the median is reported.")
    ] = 5,
    limit_side: Annotated[
        int, typer.Option(help="Side of the matrices with which the machine's limits are measured.")
    ] = 2048,
    model: Annotated[
        Path | None, typer.Option(help="A checkpoint folder, instead of the embedded weights.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all results to this JSON file.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw time over pixels to this file; needs matplotlib.")
    ] = None,
    runtimes: Annotated[
        bool,
        typer.Option(
            "--runtimes", help="Compare torch with the other runtimes that are installed instead."
        ),
    ] = False,
    training: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Measure training instead: a folder of photos and one of paintings."),
    ] = None,
    training_steps: Annotated[
        int, typer.Option(help="Measured steps of training, after as many warm-up steps.")
    ] = 12,
    perceptual: Perceptual = None,
    video: Annotated[
        bool, typer.Option("--video", help="Measure videos instead: frames a second.")
    ] = False,
    video_frames: Annotated[int, typer.Option(help="Frames of each video.")] = 100,
    overwrite: Overwrite = False,
) -> None:
    """Measure speed and memory here: style encoding, the network alone, and file to file.

    With --training, measure how many pairs a second `train` takes in with its default settings,
    and what share of the time is lost to loading; of the other options --model and --json count.

    With --runtimes, measure one picture, of 512 px or the first --size, and the whole command in
    torch, ONNX Runtime and OpenVINO, idle, beside a busy process and with AVX2 alone, each in
    processes of its own; --repeats and --json count too.

    With --video, measure how many frames a second `stylize` makes of a video, beside the network
    alone, at 512 and 720 px or each --size; --model, --device, --dtype and --json count.

    The row "beside a busy process" is the network while another process keeps one processor busy,
    with threads as `stylekernel stylize` chooses them then.

    Shares are of this machine's own limits: the fastest of several large matrix products and
    convolutions of the same dtype, and a large copy. Close other programs first.
    """
    import torch

    from stylekernel_hf.benchmark.plot import draw_plot
    from stylekernel_hf.benchmark.runner import default_dtypes, run_benchmark
    from stylekernel_hf.benchmark.work import Plan

    files = {"json": json_file, "plot": plot}
    check_outputs(files, overwrite=overwrite)
    check_plot(plot, (".pdf", ".png", ".svg"))
    if runtimes:
        measure_runtimes((sizes or [512])[0], repeats, json_file)
        return
    modes = [mode == Mode.compiled] if mode != Mode.both else [False, True]
    if training is not None:
        measure_training_speed(training, perceptual, training_steps, model, json_file)
        return
    devices = devices or ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    dtypes = dtypes or default_dtypes(devices)
    if video:
        measure_video_speed(sizes, video_frames, model, devices, dtypes, json_file)
        return
    sizes = sizes or [256, 512, 1024, 2048]
    if plot is not None and len(set(sizes)) < 2:
        raise ValueError(f"plot needs at least two sizes, got {sizes[0]}")
    plan = Plan(sizes, tile_size, whole_up_to, repeats)
    with (
        step_progress() as progress,
        report_when_stopped(lambda: f"{done_of(progress)} measurements done, nothing is written"),
    ):
        total = sum(plan.steps(device) for device in devices) * len(dtypes) * len(modes)
        bar = progress.add_task("measuring", total=total)
        result = run_benchmark(
            plan,
            model=model,
            devices=devices,
            dtypes=dtypes,
            modes=modes,
            limit_side=limit_side,
            on_measurement=lambda _: progress.advance(bar),
        )
    _print(result)
    write_each(files, {"json": result.write_json, "plot": partial(draw_plot, result)})


def _print(result: Benchmark) -> None:
    from stylekernel_hf.metrics.tables import markdown_table

    for name, value in result.machine.items():
        typer.echo(f"{name}: {value}")
    typer.echo(markdown_table(_HEADINGS, [_row(each) for each in result.measurements]))
    for name, exponent in result.exponents().items():
        typer.echo(f"{name}: time grows with pixels^{exponent:.2f}")
    total = sum(result.cold_start.values())
    typer.echo(f"cold start: {total:.2f} s, of which")
    for name, seconds in result.cold_start.items():
        typer.echo(f"  {name}: {seconds:.2f} s")


def _row(each: Measurement) -> list[str]:
    return [
        each.series,
        str(each.size),
        f"{each.seconds * 1000:.1f}",
        f"{each.images_per_second:.2f}",
        f"{each.megapixels_per_second:.2f}",
        "-" if each.peak_bytes is None else f"{each.peak_bytes / 2**20:.0f}",
        "-" if each.demand is None else f"{each.demand.operations / 1e9:.2f}",
        _percent(each.share_of_arithmetic),
        _percent(each.share_of_bandwidth),
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
