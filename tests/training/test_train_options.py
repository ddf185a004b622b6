"""The options of `stylekernel train` reach the settings of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stylekernel_hf.cli import train as train_module
from stylekernel_hf.cli.app import app
from stylekernel_hf.training.settings import TrainingSettings


def settings_told(monkeypatch: pytest.MonkeyPatch, *words: str) -> TrainingSettings:
    told: list[TrainingSettings] = []

    def run_training(settings: TrainingSettings, **_: Any) -> None:
        told.append(settings)

    monkeypatch.setattr(train_module, "run_training", run_training)
    given = ["train", "--content", "photos", "--style", "paintings", "--output", "run", *words]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    return told[0]


def test_options_of_the_terms_are_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("coarse_style", "pattern", "near", "local", "attention", "temporal")
    words = [
        word
        for number, name in enumerate(names, start=1)
        for word in (f"--{name.replace('_', '-')}-weight", f"{number}.5")
    ]
    settings = settings_told(monkeypatch, *words, "--code-dropout", "0.15", "--temporal-every", "3")
    assert [getattr(settings.weights, name) for name in names] == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    assert settings.code_dropout == 0.15
    assert settings.temporal_every == 3


def test_defaults_of_the_command_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = TrainingSettings((Path("photos"),), (Path("paintings"),), Path("run"))
    assert settings_told(monkeypatch) == expected
