"""`stylekernel benchmark --runtimes`: the runtimes compared."""

from __future__ import annotations

from pathlib import Path

import typer

from stylekernel_hf.cli.output_files import write_each
from stylekernel_hf.cli.stop_signals import report_when_stopped

_HEADINGS = ("runtime", "work", "condition", "side, px", "ms")


def measure_runtimes(size: int, repeats: int, json_file: Path | None) -> None:
    """Measure and print how fast the installed runtimes are here."""
    from stylekernel_hf.benchmark.runner import describe_machine
    from stylekernel_hf.benchmark.runtime_speed import compare_runtimes, write_runtimes_json
    from stylekernel_hf.metrics.tables import markdown_table

    with report_when_stopped(lambda: "nothing is written"):
        speeds = compare_runtimes(size=size, repeats=repeats, on_measurement=lambda _: None)
    rows = [
        [each.runtime, each.work, each.condition, str(each.size), f"{each.seconds * 1000:.0f}"]
        for each in speeds
    ]
    typer.echo(markdown_table(_HEADINGS, rows))
    write_each(
        {"json": json_file},
        {"json": lambda path: write_runtimes_json(speeds, describe_machine(), path)},
    )
