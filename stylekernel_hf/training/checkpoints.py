"""Checkpoints that a crash leaves either whole or absent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from safetensors import SafetensorError
from torch import nn

from stylekernel_hf.files.safetensors_file import as_finite
from stylekernel_hf.hub.configs import MAX_RESULT_BYTES, read_json_object

KEPT = 2
# What writing leaves behind when the process is killed.
LEFTOVERS = ("checkpoints/.*", ".partial*", "model/.partial*", "sheets/.*.tmp")
# Checkpoints of earlier versions have none.
STATE_NAME = "log_state.json"


def latest_checkpoint(output: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, or None when there is none."""
    found = sorted((output / "checkpoints").glob("step_*"))
    return found[-1] if found else None


def step_of(checkpoint: Path) -> int:
    """Return the number of steps that were done when a checkpoint was saved."""
    return int(checkpoint.name.removeprefix("step_"))


def what_is_left(output: Path) -> str:
    """Say in an error from where the run can go on."""
    checkpoint = latest_checkpoint(output)
    return f"'{checkpoint}' is intact" if checkpoint else "there is no checkpoint yet"


def remove_leftovers(output: Path) -> None:
    """Remove the unfinished files and folders of a run that was killed."""
    for path in [path for pattern in LEFTOVERS for path in output.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def save_checkpoint(
    accelerator: Accelerator, output: Path, step: int, log_state: dict[str, Any]
) -> None:
    """Save everything that resuming needs, then drop all but the newest checkpoints."""
    folder = output / "checkpoints"
    partial = folder / f".partial_{step:07d}"
    try:
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            (partial / STATE_NAME).write_text(json.dumps(log_state), encoding="utf-8")
            partial.replace(folder / f"step_{step:07d}")
    except BaseException:
        # A full disk has no room for what nobody can use.
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if accelerator.is_main_process:
        for old in sorted(folder.glob("step_*"))[:-KEPT]:
            # Renamed first: what is half removed must not look like a checkpoint.
            old.replace(folder / f".old_{old.name}")
            shutil.rmtree(folder / f".old_{old.name}")
    accelerator.wait_for_everyone()


def load_checkpoint_into(accelerator: Accelerator, checkpoint: Path) -> dict[str, Any]:
    """Load a checkpoint into what the accelerator holds; returns the state of the log."""
    accelerator.load_state(str(checkpoint))
    state = checkpoint / STATE_NAME
    if not state.exists():
        return {}
    return read_json_object(state, "output", most_bytes=MAX_RESULT_BYTES)


def check_weights(model: nn.Module, averaged: nn.Module, checkpoint: Path) -> None:
    """Raise ValueError for loaded weights, or averages of them, that are not finite."""
    for kind, network in (("weights", model), ("averaged weights", averaged)):
        for name, tensor in network.named_parameters():
            where = f"output: tensor {name} of the {kind} in '{checkpoint}'"
            as_finite(tensor.detach(), where, tensor.dtype)


@contextmanager
def told_where(output: Path) -> Generator[None]:
    """Turn whatever writers raise on a full or lost disk into an OSError that says what is left."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        raise OSError(
            f"output: cannot write to '{output}' ({_free(output)}): {error}; "
            f"{what_is_left(output)}. Make room, and the same command goes on from there"
        ) from error


def _free(folder: Path) -> str:
    # torch's own message of a full disk does not say that it is full.
    try:
        return f"{shutil.disk_usage(folder).free / 2**20:.1f} MiB free"
    except OSError:
        return "which is not there"
