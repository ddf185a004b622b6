"""A ready pipeline in a fresh Python: what it takes with it, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stylekernel_hf.benchmark.cold_start import measure_cold_start

ROOT = Path(__file__).parents[1]
# Names under which the packages of our extras, and scipy, which they bring along, are imported.
EXTRAS = {
    "accelerate",
    "cv2",
    "datasets",
    "gradio",
    "matplotlib",
    "pooch",
    "pyvips",
    "scipy",
    "skimage",
    "tensorboard",
    "torch_fidelity",
    "torchmetrics",
    "torchvision",
    "transformers",
}
IMPORT_NAMES = {
    "opencv-python-headless": "cv2",
    "scikit-image": "skimage",
    "torch-fidelity": "torch_fidelity",
}
# The parts of the package that painting has no use for.
OTHERS = {"benchmark", "bulk", "cli", "file_painting", "metrics", "training", "video"}
PROGRAM = f"""
import sys, time
# As in a plain installation: an import of any of these fails.
sys.modules.update(dict.fromkeys({sorted(EXTRAS)}))
from diffusers.models.modeling_utils import ModelMixin
from diffusers.pipelines.pipeline_utils import DiffusionPipeline
start = time.process_time()
from stylekernel_hf import pipeline
pipeline("style-kernel", device="cpu")
print(time.process_time() - start, *sys.modules)
"""


@pytest.fixture(scope="module")
def started() -> tuple[float, set[str]]:
    """Seconds of the processor beyond diffusers' base classes, and names of all that is loaded."""
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, *modules = run.stdout.split()
    return float(seconds), set(modules)


def test_extras_that_are_hidden_are_all_there_are() -> None:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["optional-dependencies"]
    wanted = {
        requirement.partition(">=")[0].partition("[")[0]
        for name, group in groups.items()
        if name != "test"
        for requirement in group
    }
    assert {IMPORT_NAMES.get(name, name) for name in wanted} <= EXTRAS


def test_ready_pipeline_needs_no_extra_and_no_other_part(started: tuple[float, set[str]]) -> None:
    _, modules = started
    ours = {name.split(".")[1] for name in modules if name.startswith("stylekernel_hf.")}
    assert "pipeline_style_kernel" in ours
    assert not ours & OTHERS
    assert not modules & {"jinja2", "pytest", "rich", "typer"}


def test_package_itself_takes_less_than_half_a_second(started: tuple[float, set[str]]) -> None:
    seconds, _ = started
    assert seconds < 0.5


def test_steps_of_a_cold_start_are_told_apart() -> None:
    steps = measure_cold_start(repeats=1)
    assert len(steps) == 6
    assert all(seconds >= 0 for seconds in steps.values())
    # What the steps before have imported costs the later ones nothing.
    assert steps["import stylekernel_hf"] < steps["import torch"]
