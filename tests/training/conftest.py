"""Every test of training starts with accelerate's own global state fresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState

from stylekernel_hf.training.settings import TrainingSettings
from tests.training.runs import tiny_settings


@pytest.fixture(autouse=True)
def fresh_accelerator() -> Iterator[None]:
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def settings(tmp_path: Path) -> TrainingSettings:
    return tiny_settings(tmp_path)
