"""The notebook of the documentation runs from the first cell to the last, on the CPU."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from stylekernel_hf.images.loading import load_image
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.tiny import save_tiny_vgg

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "stylize_and_finetune.ipynb"


def test_notebook_stylizes_and_fine_tunes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
    vgg = save_tiny_vgg(tmp_path / "vgg.safetensors")
    tiny = f"--perceptual {vgg} --size 64 --style-size 64 --batch-size 1 --distinct-crops 4"
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "install" in tags:
            cell.source = ""  # The package is installed, or the tests run in its sources.
        if "parameters" in tags:
            cell.source = f"STEPS = 2\nOPTIONS = {tiny!r}"
    program = tmp_path / "bin" / "stylekernel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stylekernel_hf.cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    root = str(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", root)
    work = tmp_path / "work"
    work.mkdir()
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(work)}})
    client.execute()
    sheet = np.asarray(load_image(work / "before_and_after.png"))
    before, after = np.split(sheet, 2, axis=1)
    assert (before != after).any()
    tuned, start = (load_checkpoint(x) for x in (work / "tuned" / "model", EMBEDDED_CHECKPOINT))
    assert tuned.checkpoint_id != start.checkpoint_id
