"""Checkpoints that a crash leaves either whole or absent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from accelerate import Accelerator

from stylekernel_hf.model.style_kernel import StyleKernelModel

KEPT = 2


def latest_checkpoint(output: Path) -> Path | None:
    """Return the newest whole checkpoint of a run, or None when there is none."""
    found = sorted((output / "checkpoints").glob("step_*"))
    return found[-1] if found else None


def save_checkpoint(accelerator: Accelerator, output: Path, step: int) -> None:
    """Save everything that resuming needs, then drop all but the newest checkpoints."""
    folder = output / "checkpoints"
    partial = folder / f".partial_{step:07d}"
    accelerator.save_state(str(partial))
    if accelerator.is_main_process:
        replace_folder(partial, folder / f"step_{step:07d}")
        for old in sorted(folder.glob("step_*"))[:-KEPT]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()


def save_model(model: StyleKernelModel, folder: Path) -> None:
    """Save config and weights; the folder holds either the old files or the new ones.

    Not by `replace_folder`, between whose two moves there is no folder of that name.
    """
    model.save_pretrained(folder)


def replace_folder(source: Path, target: Path) -> None:
    """Move `source` to `target`, whose old contents stay in place until the last moment."""
    old = target.with_name(f".old_{target.name}")
    if old.exists():
        shutil.rmtree(old)
    if target.exists():
        os.replace(target, old)
    os.replace(source, target)
    if old.exists():
        shutil.rmtree(old)
