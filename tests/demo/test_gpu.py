"""ZeroGPU's decorator."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import demo.gpu


def test_handlers_are_as_they_were_without_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.gpu, "_spaces", None)
    assert demo.gpu.on_gpu(len, seconds=60) is len


def test_handlers_ask_for_a_gpu_where_spaces_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def lend(task: Any, duration: int) -> Any:
        asked.append(duration)
        return lambda word: task(word) + 1

    monkeypatch.setattr(demo.gpu, "_spaces", SimpleNamespace(GPU=lend))
    assert demo.gpu.on_gpu(len, seconds=59.6)("four") == 5
    assert asked == [60]
