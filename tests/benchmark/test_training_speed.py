"""How fast training is, with a tiny network."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
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


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSettings:
    return replace(tiny_settings(tmp_path), steps=3)


def test_slow_pictures_are_told_as_time_lost_to_loading(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = CropPairs.__getitem__

    def slow(self: CropPairs, index: int) -> object:
        time.sleep(0.2)
        return read(self, index)

    monkeypatch.setattr(CropPairs, "__getitem__", slow)
    speed = measure_training(tiny_model, settings)
    # A step waits for two pairs.
    waited = speed.loading_share * 2 / speed.images_per_second
    assert waited > 0.4
    assert speed.loading_share < 1
    assert (speed.steps, speed.batch_size, speed.size) == (3, 2, 32)


def test_the_first_steps_do_not_count(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, ends = Trainer._train_step, list[float]()

    def timed(self: Trainer, batches: list[object]) -> object:
        time.sleep(1 if self.step == 0 else 0)
        terms = step(self, batches)  # type: ignore[arg-type]
        ends.append(time.perf_counter())
        return terms

    monkeypatch.setattr(Trainer, "_train_step", timed)
    speed = measure_training(tiny_model, settings)
    assert len(ends) == 7
    assert speed.images_per_second == pytest.approx(3 * 2 / (ends[5] - ends[2]), rel=0.3)


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
