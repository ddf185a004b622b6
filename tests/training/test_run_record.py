"""What the folder of a run records, and with which settings the run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from stylekernel_hf.cli import training_options
from stylekernel_hf.evaluation.ablation import PLAN_NAME, Ablation
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT
from stylekernel_hf.training.losses import LossWeights
from stylekernel_hf.training.run_record import RECORD_NAME, RunRecord, record_of
from stylekernel_hf.training.schedule import short_run
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.trainer import Trainer
from tests.cli.shell import Ended, Shell
from tests.tiny import tiny_model
from tests.training.runs import command_of

Command = Callable[..., Ended]


@pytest.fixture
def command(settings: TrainingSettings, shell: Shell) -> Command:
    """Run `stylekernel train` with the settings, and with other options."""
    start = settings.output.with_name("start")
    tiny_model().save_pretrained(start)

    def run(**options: object) -> Ended:
        AcceleratorState._reset_state(reset_partial_state=True)
        words: list[object] = [*command_of(settings, init=start)]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", value]
        return shell("train", *words)

    return run


def refuse_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("something is loaded")

    monkeypatch.setattr(training_options, "starting_model", fail)
    monkeypatch.setattr("stylekernel_hf.training.run_card.scan_folder", fail)


def asked(settings: TrainingSettings, **start: Any) -> RunRecord:
    return record_of(settings, **{"init": None, "preset": None} | start)


def leave(settings: TrainingSettings, done: int, **start: Any) -> None:
    """Leave what a run of the settings has in its folder after some steps."""
    record = asked(settings, **start)
    (settings.output / "checkpoints" / f"step_{done:07d}").mkdir(parents=True)
    record.write(settings.output)


def recorded(output: Path) -> dict[str, Any]:
    return json.loads((output / RECORD_NAME).read_text())


def card_of(settings: TrainingSettings) -> str:
    return " ".join((settings.output / "model" / "README.md").read_text().split())


def files_of(folder: Path) -> dict[Path, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_other_settings_are_refused_before_anything_is_loaded_or_written(
    command: Command, settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(steps=3).status == 0
    before = files_of(settings.output)
    refuse_to_load(monkeypatch)
    styles, others = settings.styles[0], settings.contents[0]
    start = settings.output.with_name("start")
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"batch_size": 4}, "batch_size 4", "batch_size 2"),
        ({"style": others}, f"style {styles}, {others}", f"style {styles}"),
        ({"init": "embedded"}, "init embedded", f"init {start}"),
        ({"preset": "base", "seed": 1}, "preset base, seed 1", "preset None, seed 0"),
        ({"near_weight": 3}, "near_weight 3.0", "near_weight 0.0"),
    ]
    for options, new, old in cases:
        ended = command(**{"steps": 3} | options)
        assert ended.status == 1 and len(ended.err.strip().splitlines()) == 1
        expected = (
            f"output must be a new folder or one with {new}, but '{settings.output}' holds a run "
            f"with {old}: name another output, or give the old values"
        )
        assert expected in ended.err
        assert files_of(settings.output) == before
    with pytest.raises(AssertionError, match="something is loaded"):
        command(steps=3)


def test_finished_run_is_not_turned_into_one_of_another_recipe(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--content", tmp_path, "--style", tmp_path, "--output", tmp_path / "tuned"]
    with monkeypatch.context() as patched:
        patched.setattr(
            "stylekernel_hf.cli.finetune.run_training",
            lambda settings, **_: leave(settings, 300, init=EMBEDDED_CHECKPOINT),
        )
        assert shell("finetune", *words).status == 0
    refuse_to_load(monkeypatch)
    before = files_of(tmp_path)
    ended = shell("finetune", *words, "--recipe", "strong")
    assert ended.status == 1 and len(ended.err.strip().splitlines()) == 1
    for value in ("batch_size 3", "size 320", "style_weight 30.0", "pattern_weight 12.0"):
        assert value in ended.err.partition(" but ")[0]
    for value in ("batch_size 4", "size 256", "style_weight 20.0", "pattern_weight 0.0"):
        assert value in ended.err.partition(" but ")[2]
    ended = shell("finetune", *words, "--steps", 120)
    assert "steps must be at least 300, the steps that the run in " in ended.err
    assert ended.err.strip().endswith("has done, got 120: name another output for a shorter run")
    assert files_of(tmp_path) == before


def test_run_goes_on_to_more_steps_with_another_learning_rate(
    command: Command, settings: TrainingSettings
) -> None:
    assert command(learning_rate=1e-3).status == 0
    ended = command(steps=9, learning_rate=2e-4)
    assert ended.status == 0, ended.err
    assert recorded(settings.output)["steps"] == "9"
    assert recorded(settings.output)["learning_rates"] == {"0": 1e-3, "6": 2e-4}
    card = card_of(settings)
    assert "9 steps of 2 pairs" in card
    assert "a learning rate of 0.001 (0.0002 after step 6) at its peak" in card
    assert command(steps=9, learning_rate=2e-4).status == 0
    assert card_of(settings) == card
    # No step is left that would have it.
    ended = command(steps=9, learning_rate=1e-4)
    assert "with learning_rate 0.0001, but" in ended.err
    assert "holds a run with learning_rate 0.0002: " in ended.err


def test_rate_that_made_no_checkpoint_is_forgotten(settings: TrainingSettings) -> None:
    leave(settings, 3)
    for rate in (5e-4, 1e-4):
        record = asked(replace(settings, learning_rate=rate))
        record.write(settings.output)
        assert record.learning_rates == {0: 1e-3, 3: rate}
    assert asked(settings).learning_rates == {0: 1e-3}


def test_steps_may_be_fewer_than_planned_but_not_than_done(settings: TrainingSettings) -> None:
    leave(settings, 4)
    assert asked(replace(settings, steps=4)).settings["steps"] == "4"
    message = f"steps must be at least 4, the steps that the run in '{settings.output}' has done"
    with pytest.raises(ValueError, match=f"^{message}, got 3: "):
        asked(replace(settings, steps=3))


def test_what_follows_the_steps_of_a_short_run_may_change_with_them(
    settings: TrainingSettings,
) -> None:
    leave(replace(settings, steps=300, **short_run(300)), 300)
    assert asked(replace(settings, steps=600, **short_run(600))).settings["warmup_steps"] == "40"
    with pytest.raises(ValueError, match=r"with warmup_steps 21, .* with warmup_steps 20, "):
        asked(replace(settings, steps=600, **short_run(600) | {"warmup_steps": 21}))


def test_long_run_keeps_what_happens_to_be_that_of_a_short_one(settings: TrainingSettings) -> None:
    run = replace(settings, steps=10_000, ema_decay=0.999)
    assert run.ema_decay == short_run(run.steps)["ema_decay"]
    leave(run, 500)
    assert asked(replace(run, steps=20_000)).settings["ema_decay"] == "0.999"
    with pytest.raises(
        ValueError, match=r"with warmup_steps 40, ema_decay .* with warmup_steps 1,"
    ):
        asked(replace(run, steps=600, **short_run(600)))


def test_settings_without_effect_are_not_compared(settings: TrainingSettings) -> None:
    leave(settings, 3, init="start/")
    changed = replace(
        settings,
        save_every=1,
        sheet_every=1,
        log_every=3,
        loader_workers=2,
        cache_gigabytes=1.0,
        log_with="tensorboard",
        before_after=True,
    )
    assert asked(changed, init="start") == asked(settings, init="start/")


def test_automatic_precision_counts_as_given(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, mixed_precision="auto")
    ablation = Ablation("small", replace(settings, output=settings.output.with_name("a")), 64)
    for native, precision in ((False, "no"), (True, "bf16")):
        monkeypatch.setattr("stylekernel_hf.training.precision.is_native", lambda *_, n=native: n)
        assert settings.precision == precision
        record = asked(settings)
        assert record.settings["mixed_precision"] == "auto"
        if not native:
            leave(settings, 3)
            ablation.check_output()
            plan = json.loads((ablation.settings.output / PLAN_NAME).read_text())
            assert plan["mixed_precision"] == "no"
    # Networks that are compared must have had the same one.
    with pytest.raises(ValueError, match="with mixed_precision bf16, but .* mixed_precision no"):
        ablation.check_output()


def test_folder_of_an_earlier_version_is_gone_on_with(
    command: Command, settings: TrainingSettings
) -> None:
    assert command(steps=3).status == 0
    (settings.output / RECORD_NAME).unlink()
    ended = command(steps=4, style_weight=3)
    assert ended.status == 0, ended.err
    assert recorded(settings.output)["style_weight"] == "3.0"
    assert "with style_weight 20.0, but" in command(steps=5).err


def test_record_may_lack_what_a_later_version_added(settings: TrainingSettings) -> None:
    leave(settings, 3)
    held = recorded(settings.output)
    del held["near_weight"]
    (settings.output / RECORD_NAME).write_text(json.dumps(held))
    assert asked(settings).settings["near_weight"] == "0.0"
    with pytest.raises(ValueError, match="with style_weight 3.0, but .* with style_weight 20.0"):
        asked(replace(settings, weights=LossWeights(style=3.0)))


def test_run_without_a_checkpoint_begins_anew(settings: TrainingSettings) -> None:
    settings.output.mkdir()
    asked(settings).write(settings.output)
    other = asked(replace(settings, batch_size=4, learning_rate=5e-4))
    assert (other.settings["batch_size"], other.learning_rates) == ("4", {0: 5e-4})


@pytest.mark.parametrize("main", [True, False])
def test_main_process_writes_the_record_before_the_first_step(
    settings: TrainingSettings, monkeypatch: pytest.MonkeyPatch, main: bool
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Accelerator, "is_main_process", main)
    monkeypatch.setattr(Trainer, "_train_step", stop)
    trainer = Trainer(tiny_model(), settings, record=asked(settings))
    assert not settings.output.exists()
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert (settings.output / RECORD_NAME).exists() == main


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"steps": "6", "learning_rates": {"3": 1}}'])
def test_damaged_record_is_named(settings: TrainingSettings, text: str) -> None:
    leave(settings, 3)
    path = settings.output / RECORD_NAME
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"^output: '{path}' (is|must)"):
        asked(settings)
