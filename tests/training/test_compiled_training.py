"""Training with a compiled network: the same run, and one without where compiling fails."""

from __future__ import annotations

import functools
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from stylekernel_hf.training.settings import TrainingSettings
from tests.training.runs import assert_same_run, tiny_settings, train

COMPILED_PARTS = 4


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSettings:
    # No sheets: they are drawn as they were.
    return replace(tiny_settings(tmp_path), identity_every=0, sheet_every=100)


def test_steps_run_what_the_compiler_made_and_take_the_same_trajectory(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def compiler(function: Any, **_: Any) -> Any:
        @functools.wraps(function)
        def compiled(*args: Any) -> Any:
            if torch.is_grad_enabled():
                calls.append(function)
            return function(*args)

        return compiled

    train(settings)
    monkeypatch.setattr(torch, "compile", compiler)
    train(replace(settings, output=tmp_path / "compiled", compile=True))
    # Once to try it, then in every step.
    assert len(calls) == COMPILED_PARTS * (1 + settings.steps)
    assert_same_run(settings.output, tmp_path / "compiled")


def test_run_goes_on_without_where_compiling_fails(
    settings: TrainingSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def compiler(function: Any, **_: Any) -> Any:
        def compiled(*args: Any) -> Any:
            raise RuntimeError("no compiler found\nand a long story")

        return compiled

    train(settings)
    monkeypatch.setattr(torch, "compile", compiler)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        train(replace(settings, output=tmp_path / "compiled", compile=True))
    assert "torch.compile does not work here, going on without: no compiler found" in caplog.text
    assert_same_run(settings.output, tmp_path / "compiled")
