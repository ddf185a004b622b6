"""The garbage collector during imports: off, and then as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from stylekernel_hf.cli.quick_imports import quick_imports


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
