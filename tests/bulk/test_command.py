"""What `stylekernel bulk` refuses before a cluster starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylekernel_hf import StyleKernelPipeline
from tests.forks import forked_command
from tests.tiny import save_picture, tiny_model

pytest.importorskip("ray")


def refusal(folder: Path, *words: object) -> str:
    """Run the command in a process of its own, because Ray warns of itself; return its error."""
    with forked_command("bulk", *words, "--model", "model", cwd=folder) as process:
        assert process.wait(600) == 1
        errors = process.errors()
    assert "ray" not in errors.lower()
    return errors


def test_what_cannot_work_is_refused_before_a_cluster_starts(tmp_path: Path) -> None:
    StyleKernelPipeline(tiny_model()).save_pretrained(tmp_path / "model")
    painting = save_picture(tmp_path / "wave.png")
    assert refusal(tmp_path, "empty", "-s", painting, "-s", "wave.png", "-o", "out") == (
        "stylekernel: error: style must be paintings of different names, got 'wave' twice\n"
    )
