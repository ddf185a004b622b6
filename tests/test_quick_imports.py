"""The garbage collector during imports: off, and then as it was."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stylekernel_hf.quick_imports import quick_imports

ROOT = Path(__file__).parents[1]
PROGRAM = """
import gc, sys
collections = lambda: sum(generation["collections"] for generation in gc.get_stats())
before = collections()
from stylekernel_hf import pipeline
print(collections() - before, gc.isenabled(), gc.get_freeze_count(), "torch" in sys.modules)
"""


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_collector_rests_during_imports_alone() -> None:
    with pytest.raises(ImportError), quick_imports():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()


def test_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with quick_imports():
        pass
    assert not gc.isenabled()


def test_objects_that_were_frozen_stay_frozen() -> None:
    gc.freeze()
    with quick_imports():
        assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_import_of_the_pipeline_collects_nothing() -> None:
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    collections, *state = run.stdout.split()
    # Some four hundred otherwise; a few come before and after.
    assert int(collections) < 50
    assert state == ["True", "0", "True"]
