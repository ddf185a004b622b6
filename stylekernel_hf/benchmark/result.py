"""The measurements of a benchmark, and the file that holds them."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylekernel_hf.benchmark.machine import MachineLimits
from stylekernel_hf.benchmark.operations import Demand
from stylekernel_hf.files.atomic_write import atomic_write


@dataclass(frozen=True)
class Measurement:
    """One kind of work on square pictures of one size."""

    work: str
    size: int
    device: str
    dtype: str
    compiled: bool
    seconds: float
    peak_bytes: int | None
    demand: Demand | None
    limits: MachineLimits

    @property
    def images_per_second(self) -> float:
        """Pictures per second, one after the other."""
        return 1 / self.seconds

    @property
    def megapixels_per_second(self) -> float:
        """Millions of the picture's own pixels per second."""
        return self.size**2 / 1e6 / self.seconds

    @property
    def share_of_arithmetic(self) -> float | None:
        """Share of the rate of the fastest large product."""
        if self.demand is None:
            return None
        return self.demand.operations / self.seconds / self.limits.operations_per_second

    @property
    def share_of_bandwidth(self) -> float | None:
        """Share of the rate of a large copy; above 1 if caches hold what operators exchange."""
        if self.demand is None:
            return None
        return self.demand.traffic / self.seconds / self.limits.bytes_per_second

    @property
    def series(self) -> str:
        """Name of the same work at all sizes."""
        return f"{self.work}, {self.device} {self.dtype}" + (", compiled" if self.compiled else "")

    def as_json(self) -> dict[str, Any]:
        """Return all figures, derived ones included."""
        derived = (
            "images_per_second",
            "megapixels_per_second",
            "share_of_arithmetic",
            "share_of_bandwidth",
        )
        figures = asdict(self)
        figures["demand"] = self.demand and self.demand._asdict()
        figures["limits"] = self.limits._asdict()
        return figures | {name: getattr(self, name) for name in derived}


@dataclass(frozen=True)
class Benchmark:
    """All measurements of a run, and the machine."""

    machine: dict[str, Any]
    cold_start: dict[str, float]
    measurements: list[Measurement]

    def exponents(self) -> dict[str, float]:
        """Return, for every series of at least two sizes, p of time ~ pixels^p."""
        return {
            name: growth_exponent([x.size**2 for x in series], [x.seconds for x in series])
            for name, series in self.series().items()
            if len(series) > 1
        }

    def series(self) -> dict[str, list[Measurement]]:
        """Return the measurements by series, in the order of measuring."""
        series: defaultdict[str, list[Measurement]] = defaultdict(list)
        for measurement in self.measurements:
            series[measurement.series].append(measurement)
        return dict(series)

    def write_json(self, path: Path) -> None:
        """Write everything to a file, which appears whole or not at all."""
        figures = {
            "machine": self.machine,
            "cold_start_seconds": self.cold_start,
            "measurements": [measurement.as_json() for measurement in self.measurements],
            "time_grows_with_pixels_to_the_power_of": self.exponents(),
        }
        atomic_write(path, (json.dumps(figures, indent=1) + "\n").encode())


def growth_exponent(pixels: Sequence[float], seconds: Sequence[float]) -> float:
    """Fit the slope of log(seconds) over log(pixels) by least squares."""
    x, y = ([math.log(value) for value in values] for values in (pixels, seconds))
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    products = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return products / sum((a - middle_x) ** 2 for a in x)
