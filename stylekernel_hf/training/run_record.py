"""The record of a run in its folder, which a command must match to go on with the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylekernel_hf.hub.configs import read_json_object
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT
from stylekernel_hf.training.checkpoints import latest_checkpoint, step_of
from stylekernel_hf.training.kept_settings import (
    check_same_settings,
    effective_settings,
    write_settings,
)
from stylekernel_hf.training.schedule import short_run
from stylekernel_hf.training.settings import TrainingSettings

RECORD_NAME = "settings.json"
_RATES = "learning_rates"


@dataclass(frozen=True)
class RunRecord:
    """The settings of a run by the names of the options, and each learning rate by its first step.

    A rate holds for the steps after the number that it is kept by; the first one's is 0.
    """

    settings: Mapping[str, str]
    learning_rates: Mapping[int, float]

    def write(self, output: Path) -> None:
        """Write the record into the folder of the run, which must be there."""
        write_settings(output / RECORD_NAME, {**self.settings, _RATES: self.learning_rates})


def record_of(
    settings: TrainingSettings, *, init: str | Path | None, preset: str | None
) -> RunRecord:
    """Return what to record of a run that begins, or goes on with that in `settings.output`.

    A run that goes on may get another number of steps, and another learning rate for those that are
    left. ValueError for other changes, and for fewer steps than are done. What is in the folder
    counts as soon as there is a checkpoint; a folder of an earlier version, without a record, is
    taken for a run of the same settings. Nothing is written.
    """
    asked = _by_option(settings, init, preset)
    rate = float(settings.learning_rate)
    checkpoint = latest_checkpoint(settings.output)
    if checkpoint is None:
        return RunRecord(asked, {0: rate})
    done = step_of(checkpoint)
    path = settings.output / RECORD_NAME
    held, rates = _read(path) if path.exists() else (asked, {0: rate})
    # A rate from the checkpoint on is that of a command which made no other checkpoint.
    rates = {step: value for step, value in rates.items() if step < done}
    last = rates[max(rates)]
    free = {"steps"}
    if _is_short_run(asked) and _is_short_run(held):
        free |= short_run(settings.steps).keys()
    fixed = {name: value for name, value in asked.items() if name not in free}
    if settings.steps == done:
        fixed["learning_rate"] = str(rate)
    # Settings that came with a later version had no other value before.
    known = {**asked, **held, "learning_rate": str(last)}
    check_same_settings(fixed, known, settings.output, "a run")
    if settings.steps < done:
        raise ValueError(
            f"steps must be at least {done}, the steps that the run in '{settings.output}' has "
            f"done, got {settings.steps}: name another output for a shorter run"
        )
    return RunRecord(asked, rates if rate == last else {**rates, done: rate})


def _by_option(
    settings: TrainingSettings, init: str | Path | None, preset: str | None
) -> dict[str, str]:
    told = effective_settings(settings)
    weights = told.pop("weights")
    del told["learning_rate"]
    named: dict[str, Any] = {
        "content": ", ".join(map(str, told.pop("contents"))),
        "style": ", ".join(map(str, told.pop("styles"))),
        "fixed": ", ".join(told.pop("fixed")),
        "init": _start(init),
        "preset": preset or ("small" if init is None else None),
        **told,
        **{f"{name}_weight": value for name, value in vars(weights).items()},
    }
    return {name: str(value) for name, value in named.items()}


def _start(init: str | Path | None) -> str | None:
    if init is None:
        return None
    # The package may lie elsewhere the next time.
    return "embedded" if Path(init) == EMBEDDED_CHECKPOINT else Path(init).as_posix()


def _is_short_run(settings: Mapping[str, str]) -> bool:
    """Whether settings are what `short_run` makes of the number of steps."""
    derived = short_run(int(settings["steps"]))
    return all(settings.get(name) == str(value) for name, value in derived.items())


def _read(path: Path) -> tuple[dict[str, Any], dict[int, float]]:
    held = read_json_object(path, "output")
    try:
        rates = {int(step): float(rate) for step, rate in held.pop(_RATES).items()}
        if 0 not in rates or int(held["steps"]) < 1:
            raise ValueError
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"output: '{path}' is damaged; if you remove it, the run goes on with any settings"
        ) from error
    return held, rates
