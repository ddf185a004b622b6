"""Seconds until a pipeline is ready in a fresh Python, step by step."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

# Each step imports what the ones before did not. The embedded checkpoint is the default.
_STEPS = {
    "import torch": "import torch",
    "import stylekernel_hf": "from stylekernel_hf import pipeline",
    'pipeline("style-kernel")': 'pipeline("style-kernel", device="cpu")',
}
_PROGRAM = """
import json, sys, time
seconds = []
for step in json.loads(sys.argv[1]):
    start = time.perf_counter()
    exec(step)
    seconds.append(time.perf_counter() - start)
print(json.dumps(seconds))
"""


def measure_cold_start(*, repeats: int) -> dict[str, float]:
    """Start Python `repeats` times; return the median seconds of every step by its name."""
    command = [sys.executable, "-c", _PROGRAM, json.dumps(list(_STEPS.values()))]
    runs: list[list[float]] = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return {name: median(run[index] for run in runs) for index, name in enumerate(_STEPS)}
