"""A ready pipeline in a fresh Python: what it takes with it, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stylekernel_hf.benchmark.cold_start import measure_cold_start
from tests.tiny import save_picture

ROOT = Path(__file__).parents[2]
# What is there for other uses than painting, and takes seconds to import.
HEAVY = {
    "accelerate",
    "av",
    "cv2",
    "datasets",
    "diffusers",
    "gradio",
    "jinja2",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "openvino",
    "pooch",
    "pyarrow",
    "pytest",
    "pyvips",
    "ray",
    "rich",
    "scipy",
    "skimage",
    "sympy",
    "tensorboard",
    "torch._dynamo",
    "torch_fidelity",
    "torchmetrics",
    "torchvision",
    "transformers",
    "typer",
}
IMPORT_NAMES = {
    "opencv-python-headless": "cv2",
    "scikit-image": "skimage",
    "torch-fidelity": "torch_fidelity",
}
# The parts of the package that painting has no use for.
OTHERS = {
    "benchmark",
    "bulk",
    "cli",
    "evaluation",
    "export",
    "integrations",
    "large",
    "training",
}
PROGRAM = """
import sys
import torch
from huggingface_hub import HfApi
before = len(sys.modules)
from stylekernel_hf import pipeline
pipe = pipeline("style-kernel", device="cpu")
added = len(sys.modules) - before
pipe(*sys.argv[1:3])
print(added, *sys.modules)
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, set[str]]:
    """The number of modules beyond torch's and the Hub's, and all modules after one picture."""
    folder = tmp_path_factory.mktemp("pictures")
    pictures = [save_picture(folder / f"{seed}.png", seed=seed) for seed in range(2)]
    command = [sys.executable, "-c", PROGRAM, *map(str, pictures)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    added, *modules = run.stdout.split()
    return int(added), set(modules)


def test_every_extra_is_among_what_is_looked_for() -> None:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["optional-dependencies"]
    wanted = {
        requirement.partition(">=")[0].partition("[")[0]
        for name, group in groups.items()
        if name not in ("test", "docs")
        for requirement in group
    }
    # The Hub's HTTP client imports brotli where it is there: half a millisecond.
    assert {IMPORT_NAMES.get(name, name) for name in wanted} - {"brotli"} <= HEAVY


def test_painting_imports_neither_extras_nor_diffusers(started: tuple[int, set[str]]) -> None:
    _, modules = started
    rooms = {name.split(".")[1] for name in modules if name.startswith("stylekernel_hf.")}
    assert "pipelines" in rooms
    assert not rooms & OTHERS
    assert not modules & HEAVY


def test_pipeline_imports_few_modules_beyond_torch_and_the_hub(
    started: tuple[int, set[str]],
) -> None:
    added, modules = started
    assert added < len(modules) / 8


def test_steps_of_a_cold_start_are_told_apart() -> None:
    steps = measure_cold_start(repeats=1)
    assert [*steps] == ["import torch", "import stylekernel_hf", 'pipeline("style-kernel")']
    assert all(seconds > 0 for seconds in steps.values())
