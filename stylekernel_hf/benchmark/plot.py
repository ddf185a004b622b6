"""A plot of time over pixels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from stylekernel_hf.benchmark.result import Benchmark
from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.files.atomic_write import atomic_write


def draw_plot(benchmark: Benchmark, path: Path) -> None:
    """Draw every series of at least two sizes on logarithmic axes; needs matplotlib.

    Raises ImportError without it, and ValueError where there is nothing to draw.
    """
    with extra_required("plot", "drawing the plot", "matplotlib"):
        from matplotlib.figure import Figure
    series = {name: each for name, each in benchmark.series().items() if len(each) > 1}
    if not series:
        raise ValueError("plot needs at least two sizes")
    figure = Figure(figsize=(8, 5), layout="constrained")  # Without pyplot: no window, no state.
    axes: Any = figure.subplots()
    exponents = benchmark.exponents()
    for name, each in series.items():
        megapixels = [measurement.size**2 / 1e6 for measurement in each]
        seconds = [measurement.seconds for measurement in each]
        axes.loglog(megapixels, seconds, "o-", label=f"{name}: power {exponents[name]:.2f}")
    axes.set_xlabel("megapixels")
    axes.set_ylabel("seconds")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=120)
    atomic_write(path, drawn.getvalue())
