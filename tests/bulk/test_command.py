"""What `stylekernel bulk` refuses before a cluster starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stylekernel_hf import StyleKernelPipeline
from tests.tiny import save_picture, tiny_model

pytest.importorskip("ray")


def refusal(folder: Path, *words: object) -> str:
    """Run the command in a process of its own, because Ray warns of itself; return its error."""
    program = [sys.executable, "-m", "stylekernel_hf.cli", "bulk"]
    done = subprocess.run(
        [*program, *map(str, words), "--model", "model"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1
    assert "ray" not in done.stderr.lower()
    return done.stderr


def test_what_cannot_work_is_refused_before_a_cluster_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "model")
    (tmp_path / "empty").mkdir()
    painting = save_picture(tmp_path / "wave.png")
    assert refusal(tmp_path, "empty", "-s", painting, "-o", "out").startswith(
        "stylekernel: error: source: no images in "
    )
    assert refusal(tmp_path, "empty", "-s", painting, "-s", "wave.png", "-o", "out") == (
        "stylekernel: error: style must be paintings of different names, got 'wave' twice\n"
    )
