"""Tiny runs of training, some of them killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState

from stylekernel_hf.pretrained.checkpoint import load_checkpoint
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.throughput import Throughput
from stylekernel_hf.training.trainer import Trainer
from tests.tiny import save_picture, save_tiny_vgg, tiny_model

# What a log says of the machine, and not of the run.
TIMES = ("seconds", "images_per_second", "loading_share")


def tiny_settings(folder: Path) -> TrainingSettings:
    """Draw eight pictures of each kind, and tell a run of six steps on them."""
    for kind in ("contents", "styles"):
        (folder / kind).mkdir()
        for index in range(8):
            save_picture(folder / kind / f"{index}.png", (56, 48), seed=index)
    return TrainingSettings(
        contents=(folder / "contents",),
        styles=(folder / "styles",),
        output=folder / "run",
        perceptual=save_tiny_vgg(folder / "vgg.safetensors"),
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


def train(settings: TrainingSettings, seed: int = 0) -> Throughput:
    """Run a tiny network's training from its newest checkpoint, in this process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    return Trainer(tiny_model(seed), settings).run()


def train_until_killed(settings: TrainingSettings, seed: int, operation: int) -> None:
    """Run, and die by SIGKILL at the given write, rename or removal in the output folder."""
    torch.set_num_threads(1)
    count = 0

    def on_event(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if not event.startswith(("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")):
            return
        if event == "open" and not (isinstance(args[1], str) and set(args[1]) & set("wax+")):
            return
        # Removals name files relative to their folder: they count wherever they are.
        if event in ("os.remove", "os.rmdir") or str(args[0]).startswith(str(settings.output)):
            count += 1
            if count == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(on_event)
    train(settings, seed)


def train_whole_and_resumed(settings: TrainingSettings, *, other_seed: int = 0) -> Path:
    """Run once, and once more in another folder, which is returned, broken off after step 4.

    A network of `other_seed` goes on with that.
    """

    def stop(done: int, terms: dict[str, float]) -> None:
        if done == 4:
            raise InterruptedError

    train(settings)
    AcceleratorState._reset_state(reset_partial_state=True)
    broken = replace(settings, output=settings.output.with_name("broken"))
    with pytest.raises(InterruptedError):
        Trainer(tiny_model(), broken).run(stop)
    train(broken, other_seed)
    return broken.output


def command_of(settings: TrainingSettings, *, init: Path) -> list[str]:
    """Return the words that tell `stylekernel train` these settings."""
    words: dict[str, object] = {"content": settings.contents[0], "style": settings.styles[0]}
    same = ("output", "perceptual", "steps", "batch_size", "size", "style_size", "warmup_steps")
    same += ("identity_every", "save_every", "sheet_every", "log_every", "loader_workers")
    same += ("mixed_precision", "accumulate")
    words |= {name: getattr(settings, name) for name in same} | {"init": init}
    return [
        word
        for name, value in words.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


def state_of(run: Path) -> dict[str, torch.Tensor]:
    """Return the weights that a run has saved."""
    return load_checkpoint(run / "model").state_dict()


def log_of(run: Path) -> list[dict[str, float]]:
    """Return the lines of a run's log, without what differs from one machine to another."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{name: line[name] for name in line if name not in TIMES} for line in lines]


def assert_same_run(one: Path, other: Path) -> None:
    """Two runs must have taken the same trajectory, to the bit."""
    assert log_of(one) == log_of(other)
    weights, others = state_of(one), state_of(other)
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name
