"""The benchmark with a tiny network: what it counts, what it fits, what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from stylekernel_hf.benchmark import machine, runner
from stylekernel_hf.benchmark.machine import MachineLimits, measure_limits, products
from stylekernel_hf.benchmark.operations import Demand, count_demand
from stylekernel_hf.benchmark.plot import draw_plot
from stylekernel_hf.benchmark.result import Benchmark, Measurement, growth_exponent
from stylekernel_hf.benchmark.runner import run_benchmark
from stylekernel_hf.benchmark.timing import Cost, measure_cost
from stylekernel_hf.benchmark.work import Plan
from tests.tiny import tiny_model

CPU = torch.device("cpu")
PLAN = Plan(sizes=(64, 128), tile_size=64, whole_up_to=64, repeats=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "model"
    tiny_model().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def result(checkpoint: Path) -> Benchmark:
    patch = pytest.MonkeyPatch()
    patch.setattr(runner, "measure_cold_start", lambda repeats: {"import torch": 1.0})
    seen: list[Measurement] = []
    benchmark = run_benchmark(
        PLAN,
        model=checkpoint,
        devices=["cpu"],
        dtypes=["float32"],
        modes=[False],
        limit_side=64,
        on_measurement=seen.append,
    )
    patch.undo()
    assert seen == benchmark.measurements
    return benchmark


def test_all_work_is_measured_at_every_size(result: Benchmark) -> None:
    assert [(each.work, each.size) for each in result.measurements] == [
        ("style", 512),
        ("network", 64),
        ("file to file", 64),
        ("network, 64 px tiles", 128),
        ("file to file", 128),
        ("network beside a busy process", 128),
    ]
    assert len(result.measurements) == PLAN.steps("cpu")
    for each in result.measurements:
        assert each.seconds > 0
        assert (each.demand is not None) == (each.work in ("style", "network"))


def test_figures_follow_from_one_another() -> None:
    limits = MachineLimits(operations_per_second=1e9, bytes_per_second=1e8)
    demand = Demand(operations=10**8, traffic=10**7)
    each = Measurement("network", 1000, "cpu", "float32", False, 0.5, None, demand, limits)
    assert (each.images_per_second, each.megapixels_per_second) == (2, 2)
    assert each.share_of_arithmetic == pytest.approx(0.2)
    assert each.share_of_bandwidth == pytest.approx(0.2)


def test_exponent_is_the_power_that_made_the_times() -> None:
    pixels = [100.0, 400.0, 1000.0]
    assert growth_exponent(pixels, [3 * p**1.25 for p in pixels]) == pytest.approx(1.25)


def test_operations_and_bytes_are_counted() -> None:
    left, right = torch.ones(4, 5), torch.ones(5, 6)
    demand = count_demand(lambda: (left @ right).t().relu())
    assert demand.operations == 2 * 4 * 5 * 6
    # The product reads both and writes 4x6; relu reads and writes that; a view moves nothing.
    assert demand.traffic == 4 * (4 * 5 + 5 * 6 + 3 * 4 * 6)


@pytest.mark.parametrize("side", [64, 96])
def test_products_take_the_operations_that_they_claim(side: int) -> None:
    result = list(products(CPU, torch.float32, side))
    assert [product.operations for product in result] == [
        count_demand(product.run).operations for product in result
    ]
    largest = max(product.operations for product in result)
    assert sum(product.operations > 0.7 * largest for product in result) == 3


def test_limit_is_the_fastest_run_of_the_fastest_product(monkeypatch: pytest.MonkeyPatch) -> None:
    # Four products and the copy; the third product is the fastest, in its fastest run.
    fastest = iter([4.0, 1.0, 0.5, 2.0, 0.25])
    cost = lambda *_, **__: Cost(100.0, next(fastest), None)  # noqa: E731
    monkeypatch.setattr(machine, "measure_cost", cost)
    limits = measure_limits(CPU, torch.float32, side=64, repeats=3)
    third = list(products(CPU, torch.float32, 64))[2]
    assert limits.operations_per_second == third.operations / 0.5
    assert limits.bytes_per_second == 2 * 4 * 16 * 64**2 / 0.25


def test_median_and_fastest_of_the_runs_after_the_first_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, seconds = [0.0], iter([9.0, 3.0, 1.0, 2.0])
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def work() -> None:
        now[0] += next(seconds)

    cost = measure_cost(work, CPU, repeats=3)
    assert (cost.seconds, cost.fastest) == (2.0, 1.0)


def test_peak_memory_is_what_the_work_holds() -> None:
    cost = measure_cost(lambda: torch.ones(16 * 2**20), CPU, repeats=1)
    if cost.peak_bytes is None:
        pytest.skip("this system does not tell peak memory")
    assert 60 * 2**20 < cost.peak_bytes < 96 * 2**20


def test_json_holds_every_figure(result: Benchmark, tmp_path: Path) -> None:
    result.write_json(tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures["measurements"]) == len(result.measurements)
    network = figures["measurements"][1]
    assert network["demand"]["operations"] > 0 and network["images_per_second"] > 0
    assert figures["machine"]["torch"] == torch.__version__
    assert figures["cold_start_seconds"] == {"import torch": 1.0}
    powers = figures["time_grows_with_pixels_to_the_power_of"]
    assert list(powers) == ["file to file, cpu float32"]


def test_plot_is_drawn_of_series_and_refused_without(result: Benchmark, tmp_path: Path) -> None:
    draw_plot(result, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        assert len(picture.convert("RGB").getcolors(maxcolors=2**20) or []) > 10
    single = Benchmark({}, {}, result.measurements[:2])
    with pytest.raises(ValueError, match="plot needs at least two sizes"):
        draw_plot(single, tmp_path / "none.png")


def test_cuda_graphs_are_left_out_on_a_cpu(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "measure_cold_start", lambda repeats: {})
    benchmark = run_benchmark(
        Plan((64,), 64, 0, 1),
        model=checkpoint,
        devices=["cpu"],
        dtypes=["bfloat16"],
        modes=[True],
        limit_side=64,
        on_measurement=lambda _: None,
    )
    assert benchmark.measurements == []


@pytest.mark.parametrize(
    ("plan", "dtype", "message"),
    [
        (PLAN, "float8", "dtype must be one of float32, bfloat16, float16, got 'float8'"),
        (Plan((64, 100), 64, 64, 1), "float32", r"multiples of 8 px of at least 64, got \[100\]"),
        (Plan((), 64, 64, 1), "float32", "sizes must be .*, got none"),
        (Plan((64,), 64, 64, 0), "float32", "repeats must be at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_named(checkpoint: Path, plan: Plan, dtype: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run_benchmark(
            plan,
            model=checkpoint,
            devices=["cpu"],
            dtypes=[dtype],
            modes=[False],
            limit_side=64,
            on_measurement=lambda _: None,
        )
