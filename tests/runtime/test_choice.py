"""`runtime="auto"`: what is chosen on which machine, and that looking around loads nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stylekernel_hf import RuntimePipeline, StyleKernelPipeline, pipeline
from stylekernel_hf.runtime import choice
from stylekernel_hf.runtime.choice import Facts, choose_runtime, look_around
from tests.cli.shell import Shell
from tests.tiny import save_picture

ROOT = Path(__file__).parents[2]
LAPTOP = Facts(
    has_gpu=False,
    has_bfloat16=False,
    installed=("onnx", "openvino"),
    torch_is_loaded=False,
    is_busy=False,
)
WITHOUT_OPENVINO = {"installed": ("onnx",)}


@pytest.mark.parametrize(
    ("facts", "work", "expected"),
    [
        ({}, {}, "openvino"),
        ({}, {"pictures": 1}, "onnx"),
        ({}, {"pictures": 100}, "openvino"),
        ({}, {"pictures": 1000}, "torch"),
        ({"is_busy": True}, {"pictures": 1}, "onnx"),
        ({"is_busy": True}, {"pictures": 20}, "openvino"),
        ({"torch_is_loaded": True}, {"pictures": 1}, "torch"),
        ({"has_bfloat16": True}, {"pictures": 1, "dtype": "bfloat16"}, "openvino"),
        ({"is_busy": True}, {"pictures": 1000}, "openvino"),
        ({"torch_is_loaded": True}, {}, "torch"),
        ({"torch_is_loaded": True, "is_busy": True}, {}, "openvino"),
        ({"has_gpu": True}, {}, "torch"),
        ({"has_gpu": True}, {"device": "cpu"}, "openvino"),
        ({}, {"device": "cuda"}, "torch"),
        ({}, {"dtype": "bfloat16"}, "torch"),
        ({"has_bfloat16": True}, {"dtype": "bfloat16"}, "openvino"),
        ({"has_bfloat16": True}, {"dtype": "float16"}, "torch"),
        (WITHOUT_OPENVINO, {"pictures": 1}, "onnx"),
        (WITHOUT_OPENVINO, {"pictures": 100}, "onnx"),
        (WITHOUT_OPENVINO, {"pictures": 1000}, "torch"),
        (WITHOUT_OPENVINO, {}, "torch"),
        (WITHOUT_OPENVINO, {"pictures": 1, "dtype": "bfloat16"}, "torch"),
        ({**WITHOUT_OPENVINO, "torch_is_loaded": True}, {"pictures": 1}, "torch"),
        ({"installed": ()}, {"pictures": 1}, "torch"),
    ],
)
def test_choice_follows_the_facts(facts: dict[str, Any], work: dict[str, Any], expected: str):
    given = {"device": None, "dtype": "float32", "pictures": None, **work}
    assert choose_runtime(replace(LAPTOP, **facts), **given) == expected


def test_looking_around_imports_no_runtime():
    program = (
        "import sys; from stylekernel_hf.runtime.choice import look_around; facts = look_around();"
        "assert not facts.torch_is_loaded and not facts.has_gpu;"
        "print(*({'torch', 'onnxruntime', 'openvino'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == ""


def test_looking_around_sees_what_is_installed(monkeypatch: pytest.MonkeyPatch):
    missing = {"openvino"}
    monkeypatch.setattr(choice, "_is_installed", lambda package: package not in missing)
    facts = look_around()
    assert facts.torch_is_loaded
    assert [*facts.installed] == ["onnx"]
    missing.add("onnx")
    assert [*look_around().installed] == []


@pytest.mark.parametrize(
    ("busy", "expected"), [(True, RuntimePipeline), (False, StyleKernelPipeline)]
)
def test_auto_takes_the_choice(busy: bool, expected: type, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("onnx")
    pytest.importorskip("openvino")
    facts = replace(LAPTOP, torch_is_loaded=True, is_busy=busy)
    monkeypatch.setattr(choice, "look_around", lambda: facts)
    assert type(pipeline("style-kernel", runtime="auto")) is expected
    assert type(pipeline("style-kernel", runtime="auto", dtype="float16")) is StyleKernelPipeline


def test_shell_takes_the_choice(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("onnxruntime")
    photo, painting = (save_picture(tmp_path / f"{x}.png", (64, 64), x) for x in range(2))
    used: list[str] = []
    load = RuntimePipeline.__init__
    monkeypatch.setattr(
        RuntimePipeline,
        "__init__",
        lambda self, stored, runtime, *rest: used.append(runtime) or load(self, stored, runtime),
    )
    facts = replace(LAPTOP, installed=("onnx",))
    monkeypatch.setattr(choice, "look_around", lambda: facts)
    words = ["stylize", photo, painting, "--style-size", 64, "--runtime", "auto"]
    ended = shell(*words, "-o", tmp_path / "out.png")
    assert ended.status == 0, ended.err
    assert used == ["onnx"]
    facts = replace(facts, torch_is_loaded=True)
    ended = shell(*words, "-o", tmp_path / "again.png")
    assert ended.status == 0, ended.err
    assert used == ["onnx"]
    assert (tmp_path / "again.png").is_file()
