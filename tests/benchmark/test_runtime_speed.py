"""The comparison of the runtimes: every installed one is measured in processes of its own."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from stylekernel_hf.benchmark import runtime_speed
from tests.cli.shell import Shell

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_installed_runtimes_are_listed(monkeypatch: pytest.MonkeyPatch):
    assert {"torch", "onnx"} <= {*runtime_speed.installed_runtimes()}
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: find(name) if name != "onnx" else None
    )
    assert runtime_speed.installed_runtimes() == ["torch"]


def test_command_prints_and_writes_every_measurement(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runtime_speed, "installed_runtimes", lambda: ["onnx"])
    file = tmp_path / "runtimes.json"
    words = ["--size", 64, "--repeats", 1, "--json", file]
    ended = shell("benchmark", "--runtimes", *words)
    assert ended.status == 0, ended.err
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["machine"]["python"]
    measured = written["runtimes"]
    assert [(each["work"], each["condition"]) for each in measured] == [
        ("picture", "idle"),
        ("picture", "beside a busy process"),
        ("command", "idle"),
    ]
    assert all(each["seconds"] > 0 and each["size"] == 64 for each in measured)
    lines = [line for line in ended.out.splitlines() if line.startswith("| onnx")]
    assert len(lines) == 3
