"""What tests of videos share: a pipeline whose results show, and a painting."""

from pathlib import Path

import pytest

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import save_picture, vivid_model


@pytest.fixture(scope="package")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(vivid_model())


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "painting.png", seed=3)
