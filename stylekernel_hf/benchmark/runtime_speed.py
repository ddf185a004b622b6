"""The runtimes compared: one picture in each of them, idle, beside a busy process, with AVX2."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from stylekernel_hf.benchmark.work import busy_process
from stylekernel_hf.files.atomic_write import atomic_write

RUNTIMES = {"torch": "torch", "onnx": "onnxruntime", "openvino": "openvino"}
"""The runtimes, and the packages that they need."""

# Pictures of smooth colours: time does not depend on them.
_PICTURE = """
import json, sys, time
runtime, size, repeats, is_busy = json.loads(sys.argv[1])
import numpy as np
from PIL import Image
from stylekernel_hf import pipeline
if runtime == "torch":
    from stylekernel_hf import share_processors
    share_processors(is_busy)
    pipe = pipeline("style-kernel", device="cpu")
else:
    pipe = pipeline("style-kernel", runtime=runtime)
colors = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
picture = np.asarray(Image.fromarray(colors).resize((size, size), Image.Resampling.BICUBIC))
style = pipe.encode_style(picture)
seconds = []
for _ in range(repeats + 2):
    start = time.perf_counter()
    pipe(picture, style, output_type="np")
    seconds.append(time.perf_counter() - start)
print(json.dumps(sorted(seconds[2:])[repeats // 2]))
"""
_COMMAND = "import sys; from stylekernel_hf.cli import main; sys.argv = sys.argv[1:]; main()"
_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


@dataclass(frozen=True)
class RuntimeSpeed:
    """How long a runtime takes.

    Attributes:
        runtime: "torch", "onnx" or "openvino".
        work: "picture", from array to array in an encoded style, or "command", from the command
            to the file with nothing loaded before.
        condition: "idle", "beside a busy process" or "AVX2 alone".
        size: The side of the picture in px.
        seconds: The median of the runs.
    """

    runtime: str
    work: str
    condition: str
    size: int
    seconds: float


def installed_runtimes() -> list[str]:
    """Return the runtimes whose packages are here."""
    found = [name for name, package in RUNTIMES.items() if importlib.util.find_spec(package)]
    has_onnx = importlib.util.find_spec("onnx") is not None
    return [name for name in found if name == "torch" or has_onnx]


def compare_runtimes(
    *, size: int = 512, repeats: int = 5, on_measurement: Callable[[RuntimeSpeed], None]
) -> list[RuntimeSpeed]:
    """Measure every installed runtime in processes of its own.

    ONNX Runtime cannot be kept to AVX2, and is left out there.
    """
    measured: list[RuntimeSpeed] = []
    for speed in _measurements(size, repeats):
        measured.append(speed)
        on_measurement(speed)
    return measured


def write_runtimes_json(speeds: list[RuntimeSpeed], machine: Mapping[str, Any], path: Path) -> None:
    """Write the measurements and the machine; the file appears whole or not at all."""
    figures = {"machine": dict(machine), "runtimes": [asdict(speed) for speed in speeds]}
    atomic_write(path, (json.dumps(figures, indent=1) + "\n").encode())


def _measurements(size: int, repeats: int) -> Iterator[RuntimeSpeed]:
    conditions: dict[str, tuple[AbstractContextManager[object], Mapping[str, str]]] = {
        "idle": (nullcontext(), {}),
        "beside a busy process": (busy_process(), {}),
        "AVX2 alone": (nullcontext(), _AVX2),
    }
    for condition, (surroundings, variables) in conditions.items():
        with surroundings:
            for runtime in installed_runtimes():
                if variables and runtime == "onnx":
                    continue
                seconds = _picture(runtime, size, repeats, condition, variables)
                yield RuntimeSpeed(runtime, "picture", condition, size, seconds)
    for runtime in installed_runtimes():
        yield RuntimeSpeed(runtime, "command", "idle", size, _command(runtime, size, repeats))


def _picture(
    runtime: str, size: int, repeats: int, condition: str, variables: Mapping[str, str]
) -> float:
    given = json.dumps([runtime, size, repeats, condition == "beside a busy process"])
    result = subprocess.run(
        [sys.executable, "-c", _PICTURE, given],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    )
    return float(json.loads(result.stdout))


def _command(runtime: str, size: int, repeats: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        photo, output = Path(folder, "photo.jpg"), Path(folder, "out.png")
        Image.linear_gradient("L").convert("RGB").resize((size, size)).save(photo)
        words = ["stylekernel", "stylize", photo, photo, "-o", output, "--runtime", runtime]
        program = [sys.executable, "-c", _COMMAND, *map(str, words), "--overwrite"]
        # The first run keeps the compiled modules, which an installation brings along.
        compiled = {"PYTHONDONTWRITEBYTECODE": ""}
        seconds: list[float] = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            subprocess.run(program, capture_output=True, check=True, env=os.environ | compiled)
            seconds.append(time.perf_counter() - start)
    return median(seconds[1:])
