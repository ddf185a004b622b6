"""The tests of OpenVINO, in a process of their own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.openvino_alone import VARIABLE

ROOT = Path(__file__).parents[2]
FILES = ("tests/pipelines/test_runtime_pipeline.py", "tests/export/test_graphs.py")


def test_openvino_passes_its_tests() -> None:
    for name in ("onnx", "onnxruntime", "openvino"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}")
    # That of bfloat16 starts a process of its own anyway.
    chosen = ("-k", "openvino and not bfloat16", "-rA")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen, *FILES],
        cwd=ROOT,
        env={**os.environ, VARIABLE: "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    passed = re.findall(r"^PASSED .*", result.stdout, re.MULTILINE)
    assert len(passed) >= 10 and "SKIPPED" not in result.stdout
