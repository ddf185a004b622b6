"""How fast training is, with a tiny network."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from stylekernel_hf.benchmark.training_speed import measure_training
from stylekernel_hf.cli.benchmark import benchmark
from stylekernel_hf.training.crops import CropPairs
from stylekernel_hf.training.precision import resolve_precision
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import tiny_model
from tests.training.runs import tiny_settings


@pytest.fixture(autouse=True)
def fresh_accelerator():
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@dataclass
class Clock:
    """Time that passes where a test says so, and nowhere else."""

    seconds: float = 0.0

    def perf_counter(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("stylekernel_hf.training.throughput.time", clock)
    return clock


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSettings:
    return replace(tiny_settings(tmp_path), steps=3)


def test_wait_for_pictures_counts_as_loading(
    settings: TrainingSettings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, step = CropPairs.__getitem__, Trainer._train_step

    def slow_read(self: CropPairs, index: int) -> object:
        clock.seconds += 0.25
        return read(self, index)

    def slow_step(self: Trainer, batches: list[object]) -> object:
        clock.seconds += 1.5
        return step(self, batches)  # type: ignore[arg-type]

    monkeypatch.setattr(CropPairs, "__getitem__", slow_read)
    monkeypatch.setattr(Trainer, "_train_step", slow_step)
    speed = measure_training(tiny_model, settings)
    # A step takes two pairs, of half a second, and one and a half seconds more.
    assert speed.loading_share == pytest.approx(0.25)
    assert speed.images_per_second == pytest.approx(1)
    assert (speed.steps, speed.batch_size, speed.size) == (3, 2, 32)


def test_the_first_steps_do_not_count(
    settings: TrainingSettings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = Trainer._train_step, list[int]()

    def timed(self: Trainer, batches: list[object]) -> object:
        clock.seconds += 1000 if self.step < 3 else 0.5
        steps.append(self.step)
        return step(self, batches)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_train_step", timed)
    speed = measure_training(tiny_model, settings)
    assert steps == [*range(7)]
    assert speed.images_per_second == pytest.approx(2 / 0.5)


def test_command_prints_and_writes_the_speed_of_training(
    settings: TrainingSettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defaults = TrainingSettings

    def small(**given: object) -> TrainingSettings:
        assert given["steps"] == 2
        return defaults(**given, size=32, style_size=32, batch_size=2, loader_workers=0)  # type: ignore[arg-type]

    monkeypatch.setattr("stylekernel_hf.training.settings.TrainingSettings", small)
    tiny_model().save_pretrained(tmp_path / "model")
    benchmark(
        model=tmp_path / "model",
        json_file=tmp_path / "speed.json",
        training=(settings.contents[0], settings.styles[0]),
        training_steps=2,
        perceptual=settings.perceptual,
    )
    (speed,) = json.loads((tmp_path / "speed.json").read_text())["training"]
    printed = capsys.readouterr().out
    precision = resolve_precision("auto")
    assert re.search(rf"training on \w+ \({precision}\), batches of 2 at 32 px: ", printed)
    assert f"{speed['images_per_second']:.2f} pairs a second" in printed
