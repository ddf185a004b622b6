"""What a run tells: its speed, its curves, and the card of its model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT
from stylekernel_hf.training.run_card import run_card
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.throughput import ThroughputMeter
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import tiny_model
from tests.training.runs import log_of, train


def test_meter_tells_waiting_from_working(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]

    def slow_batches():
        for batch in range(4):
            now[0] += 0.05
            yield batch

    clock = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("stylekernel_hf.training.throughput.time", clock)
    meter = ThroughputMeter(images_per_batch=8)
    for _ in meter.watch(slow_batches()):
        now[0] += 0.15
    speed = meter.count()
    assert speed.images == 32
    # The first wait is the start's: three waits of 0.05 s beside four works of 0.15 s.
    assert speed.waited == pytest.approx(0.15)
    assert speed.seconds == pytest.approx(0.75)
    assert speed.loading_share == pytest.approx(0.2)
    assert speed.images_per_second == pytest.approx(32 / 0.75)


def interrupt_after_the_fifth_step(step: int, _: dict[str, float]) -> None:
    if step == 5:
        raise KeyboardInterrupt


def test_tensorboard_gets_curves_and_sheets_and_no_line_twice(settings: TrainingSettings) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = replace(settings, log_with="tensorboard")
    with pytest.raises(KeyboardInterrupt):
        Trainer(tiny_model(), settings).run(interrupt_after_the_fifth_step)
    train(settings)
    events = EventAccumulator(str(settings.output / "tensorboard"))
    events.Reload()
    lines = log_of(settings.output)
    for name in ("content", "style", "color", "gradient_norm", "lr"):
        curve = events.Scalars(name)
        assert [point.step for point in curve] == [1, 2, 3, 4, 5, 6]
        assert [point.value for point in curve] == pytest.approx(
            [line[name] for line in lines], rel=1e-4, abs=1e-6
        )
    (sheet,) = events.Images("samples")
    assert sheet.step == 6
    assert min(sheet.width, sheet.height) > 64


def test_card_tells_the_data_and_the_command_and_no_places(settings: TrainingSettings) -> None:
    settings = replace(settings, accumulate=2)
    command = ["stylekernel", "train", "--content", str(settings.contents[0])]
    command += [f"--output={settings.output}", "--steps", "6"]
    text = run_card(settings, init=None, preset="small", command=command).training_data
    assert text is not None
    assert "`contents` (8)" in text and "`styles` (8)" in text
    assert "6 steps of 4 pairs" in text and "seed 0" in text
    assert "random weights of the preset `small`" in text
    assert "stylekernel train --content contents --output=run --steps 6" in text
    assert str(settings.output.parent) not in text
    start = run_card(settings, init=EMBEDDED_CHECKPOINT, preset="small", command=command)
    assert "weights that come with stylekernel_hf" in (start.training_data or "")
    start = run_card(settings, init="owner/name", preset="small", command=command)
    assert "Started from `owner/name`" in (start.training_data or "")


def test_model_of_a_run_has_its_card(settings: TrainingSettings) -> None:
    train(settings)
    assert "Training data" in Path(settings.output / "model" / "README.md").read_text()
