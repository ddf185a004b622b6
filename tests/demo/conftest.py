"""One server and one browser for all tests of the demo; tiny weights that tell styles apart."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from demo.interface import build_demo, launch_options
from demo.limits import Limits
from demo.studio import Studio
from stylekernel_hf import StyleKernelPipeline
from tests.chromium import launched
from tests.tiny import vivid_model

LIMITS = Limits(
    upload_bytes=2 * 2**20,
    video_bytes=2 * 2**20,
    video_seconds=2,
    video_side=96,
    pixels=2_000_000,
    most_pixels=6_000_000,
    folder_files=5,
    keep_seconds=600,
)


def tiny_pipeline(seed: int = 0) -> StyleKernelPipeline:
    return StyleKernelPipeline(vivid_model(seed))


@pytest.fixture(scope="session")
def studio() -> Studio:
    return Studio(LIMITS, tiny_pipeline())


@pytest.fixture(scope="session")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for everything that visitors upload and get."""
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        if importlib.util.find_spec("mcp") is not None:
            # It has read the variable when it was imported.
            patch.setattr("gradio.mcp.DEFAULT_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def app(studio: Studio, uploads: Path) -> Iterator[gr.Blocks]:
    demo = build_demo(studio)
    demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(studio))
    yield demo
    demo.close()


@pytest.fixture(scope="session")
def url(app: gr.Blocks) -> str:
    return app.local_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the tests of one file.

    Closed again before other tests: its event loop would be in theirs, and a process that they fork
    would hold its pipes open.
    """
    with launched() as running:
        yield running
