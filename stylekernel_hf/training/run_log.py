"""The log of a run: one line of JSON for every few steps, and trackers such as TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.images.loading import load_image

LOG_NAME = "log.jsonl"
TRACKER_NAME = "tensorboard"


class RunLog:
    """Gathers the terms of steps and writes their means.

    What is gathered is part of a checkpoint, so that a resumed run logs the same lines.
    """

    def __init__(self, accelerator: Accelerator, output: Path) -> None:
        self.accelerator = accelerator
        self.path = output / LOG_NAME
        self.gathered: dict[str, list[Tensor]] = {}

    def begin(self, step: int) -> None:
        """Go on after `step`: what was logged beyond it, by a run that was killed, is dropped."""
        if self.accelerator.is_main_process and self.path.exists():
            kept = [line for line in self.path.read_bytes().splitlines() if _step(line) <= step]
            atomic_write(self.path, b"".join(line + b"\n" for line in kept))
        if self.accelerator.log_with:
            # TensorBoard then hides what was logged beyond the step.
            options = {TRACKER_NAME: {"purge_step": step + 1}}
            self.accelerator.init_trackers(TRACKER_NAME, init_kwargs=options)

    def gather(self, terms: dict[str, Tensor]) -> None:
        """Remember the terms of a step, of this process's share of the batch."""
        for name, value in terms.items():
            self.gathered.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        """Return the means of what was gathered, over all processes, and forget it."""
        gathered, self.gathered = self.gathered, {}
        means = {name: torch.stack(values).mean() for name, values in gathered.items()}
        shared = cast(dict[str, Tensor], self.accelerator.reduce(means, "mean"))
        return {name: float(mean) for name, mean in shared.items()}

    def write(self, step: int, values: dict[str, float]) -> None:
        """Write a line."""
        self.accelerator.log(values, step=step)
        if self.accelerator.is_main_process:
            line = {"step": step, **{name: round(value, 6) for name, value in values.items()}}
            with self.path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")

    def show(self, step: int, sheet: Path) -> None:
        """Show a sample sheet in the trackers."""
        for tracker in self.accelerator.trackers:
            pixels = np.asarray(load_image(sheet).convert("RGB"))[None]
            tracker.log_images({"samples": pixels}, step=step, dataformats="NHWC")  # type: ignore[attr-defined]

    def state_dict(self) -> dict[str, list[float]]:
        """Return what was gathered since the last line."""
        return {name: [float(value) for value in part] for name, part in self.gathered.items()}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Go on gathering where a run was when it saved."""
        device = self.accelerator.device
        self.gathered = {
            name: [torch.tensor(value, device=device) for value in part]
            for name, part in state.items()
        }


def _step(line: bytes) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, TypeError, KeyError):
        return float("inf")  # A line that a crash cut short.
