"""The installed package: what a first hour with it needs, without extras and the checkout."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest
import torch

import stylekernel_hf
from stylekernel_hf import StyleEmbedding, StyleKernelPipeline, load_image, pipeline
from tests.golden_pictures import GOLDEN, PAINTING, PHOTO, mean_difference

pytestmark = pytest.mark.smoke


def test_version_is_that_of_the_distribution() -> None:
    assert version("stylekernel-hf") == stylekernel_hf.__version__


@pytest.mark.parametrize("name", ["py.typed", "weights/config.json"])
def test_files_beside_the_code_are_installed(name: str) -> None:
    assert files("stylekernel_hf").joinpath(name).is_file()


def test_installed_command_stylizes(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("stylekernel")
    output = tmp_path / "out.png"
    words = ["stylize", PHOTO, PAINTING, "--output", output, "--style-size", "128"]
    subprocess.run([command, *words], check=True, cwd=tmp_path)
    assert mean_difference(load_image(output), load_image(GOLDEN / "whole.png")) < 1


def test_saved_pipeline_and_style_give_the_same_picture(tmp_path: Path) -> None:
    pipe = pipeline("style-kernel", device="cpu")
    style = pipe.encode_style(PAINTING, style_size=64)
    expected = pipe(PHOTO, style, output_type="pt").images[0]
    pipe.save_pretrained(tmp_path / "pipeline")
    style.save(tmp_path / "style.safetensors")
    loaded = StyleKernelPipeline.from_pretrained(tmp_path / "pipeline")
    style = StyleEmbedding.load(tmp_path / "style.safetensors")
    assert torch.equal(loaded(PHOTO, style, output_type="pt").images[0], expected)
