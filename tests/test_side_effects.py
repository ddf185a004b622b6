"""Importing the package and building a pipeline change nothing of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.malloc_blocks import TOUCH_A_BLOCK

ROOT = Path(__file__).parents[1]
# Blocks of 64 MiB are mapped anew, and given back, unless somebody has moved malloc's thresholds.
PROGRAM = (
    TOUCH_A_BLOCK
    + """
import gc, os, random, signal
import numpy, torch

def pages_of_a_block():
    touch()
    before = faults()
    touch()
    return faults() - before > 1000

def state():
    return {
        "collector": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "malloc": pages_of_a_block(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "environment": dict(os.environ),
        "grad": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "random": (random.getstate(), numpy.random.get_state()[1].tolist()),
    }

before = state()
collections = sum(generation["collections"] for generation in gc.get_stats())
from stylekernel_hf import StyleKernelModel, StyleKernelPipeline, pipeline
pipe = pipeline("style-kernel", device="cpu")
after = state()
assert sum(generation["collections"] for generation in gc.get_stats()) > collections
print([name for name in before if before[name] != after[name]])
"""
)


def test_import_and_construction_change_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
