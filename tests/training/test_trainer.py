"""The training loop, on tiny networks and pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from stylekernel_hf.hub import load_checkpoint
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import save_picture, save_tiny_vgg, tiny_model, vgg_shaped_model


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSettings:
    for kind in ("contents", "styles"):
        (tmp_path / kind).mkdir()
        for index in range(8):
            save_picture(tmp_path / kind / f"{index}.png", (56, 48), seed=index)
    return TrainingSettings(
        contents=(tmp_path / "contents",),
        styles=(tmp_path / "styles",),
        output=tmp_path / "run",
        perceptual=save_tiny_vgg(tmp_path / "vgg.safetensors"),
        steps=6,
        batch_size=2,
        size=32,
        style_size=32,
        warmup_steps=1,
        identity_every=2,
        save_every=3,
        sheet_every=6,
        log_every=1,
        loader_workers=0,
        mixed_precision="no",
    )


class KilledError(Exception):
    """Stands for whatever ends a process."""


def kill_after(step: int):
    def on_step(done: int, terms: dict[str, float]) -> None:
        if done == step:
            raise KilledError

    return on_step


def state_of(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "model").state_dict()


def test_resumed_run_takes_the_trajectory_of_an_unbroken_one(settings: TrainingSettings) -> None:
    Trainer(tiny_model(), settings).run()
    AcceleratorState._reset_state(reset_partial_state=True)

    broken = replace(settings, output=settings.output.with_name("broken"))
    with pytest.raises(KilledError):
        Trainer(tiny_model(), broken).run(kill_after(4))
    AcceleratorState._reset_state(reset_partial_state=True)
    # Other random weights: everything must come from the checkpoint of step 3.
    Trainer(tiny_model(seed=1), broken).run()

    whole, resumed = state_of(settings.output), state_of(broken.output)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    assert not torch.equal(
        whole["decoder.to_rgb.weight"], tiny_model().state_dict()["decoder.to_rgb.weight"]
    )


def test_run_logs_every_term_and_leaves_sheets_and_checkpoints(settings: TrainingSettings) -> None:
    Trainer(tiny_model(), settings).run()
    lines = [json.loads(line) for line in (settings.output / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {"content", "style", "color", "identity", "gradient_norm", "lr"} <= lines[0].keys()
    assert (settings.output / "sheets" / "step_0000006.jpg").exists()
    found = sorted(path.name for path in (settings.output / "checkpoints").iterdir())
    assert found == ["step_0000003", "step_0000006"]


def test_training_lowers_the_loss(settings: TrainingSettings) -> None:
    settings = replace(
        settings,
        steps=100,
        learning_rate=2e-3,
        save_every=100,
        sheet_every=100,
        identity_every=0,
        color_augmentation=0.0,
    )
    Trainer(tiny_model(), settings).run()
    lines = [json.loads(line) for line in (settings.output / "log.jsonl").read_text().splitlines()]

    def total(part: list[dict[str, float]]) -> float:
        return sum(line["content"] + 20 * line["style"] for line in part) / len(part)

    assert total(lines[-10:]) < 0.8 * total(lines[:10])


def test_nan_loss_stops_the_run_and_keeps_the_checkpoint(settings: TrainingSettings) -> None:
    trainer = Trainer(tiny_model(), settings)

    def poison(step: int, terms: dict[str, float]) -> None:
        if step == 4:
            with torch.no_grad():
                trainer.plain_model.decoder.to_rgb.weight.fill_(float("nan"))

    with pytest.raises(FloatingPointError, match="before step 5"):
        trainer.run(poison)
    assert all(value.isfinite().all() for value in state_of(settings.output).values())


def test_interrupted_save_leaves_the_last_checkpoint_whole(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(tiny_model(), settings)
    save_state = trainer.accelerator.save_state

    def full_disk(folder: str) -> str:
        save_state(folder)
        if folder.endswith("6"):
            raise OSError(28, "No space left on device")
        return folder

    monkeypatch.setattr(trainer.accelerator, "save_state", full_disk)
    with pytest.raises(OSError, match="No space left"):
        trainer.run()
    found = sorted(path.name for path in (settings.output / "checkpoints").glob("step_*"))
    assert found == ["step_0000003"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("batch_size", 0),
        ("size", 16),
        ("size", 100),
        ("max_zoom", 0.5),
        ("color_augmentation", 1.5),
        ("ema_decay", 1.0),
        ("learning_rate", 0.0),
        ("mixed_precision", "int8"),
    ],
)
def test_bad_setting_is_named(settings: TrainingSettings, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        replace(settings, **{name: value})


def test_encoder_init_starts_the_encoders_as_the_perceptual_network(
    settings: TrainingSettings,
) -> None:
    settings = replace(settings, encoder_init=True)
    model = vgg_shaped_model()
    trainer = Trainer(model, settings)
    vgg_weight = trainer.perceptual.blocks[1][1].weight  # type: ignore[index]
    assert torch.equal(model.content_encoder.stages[1][2].weight, vgg_weight)  # type: ignore[index]
    with pytest.raises(ValueError, match="encoder_init"):
        Trainer(tiny_model(), settings)
