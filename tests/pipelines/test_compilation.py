"""torch.compile: the same picture, and a way back where it fails."""

from __future__ import annotations

import functools
import logging
from typing import Any

import pytest
import torch

from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from tests.tiny import tiny_model

COMPILED_PARTS = 3


@pytest.fixture
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(tiny_model())


def paint(pipe: StyleKernelPipeline) -> torch.Tensor:
    picture = torch.rand(3, 80, 72, generator=torch.Generator().manual_seed(0))
    return pipe(picture, picture, output_type="pt").images[0]


def test_network_runs_what_the_compiler_made_and_paints_the_same(
    pipe: StyleKernelPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def compiler(function: Any, **_: Any) -> Any:
        @functools.wraps(function)
        def compiled(*args: Any) -> Any:
            calls.append(function)
            return function(*args)

        return compiled

    before = paint(pipe)
    monkeypatch.setattr(torch, "compile", compiler)
    assert pipe.compile()
    calls.clear()
    assert torch.equal(paint(pipe), before)
    assert len(calls) == COMPILED_PARTS


def test_failing_compiler_is_reported_and_leaves_the_network_as_it_was(
    pipe: StyleKernelPipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def compiler(function: Any, **_: Any) -> Any:
        def compiled(*args: Any) -> Any:
            raise RuntimeError("no compiler found\nand a long story")

        return compiled

    before = paint(pipe)
    monkeypatch.setattr(torch, "compile", compiler)
    with caplog.at_level(logging.WARNING, logger="stylekernel_hf"):
        assert not pipe.compile()
    assert "torch.compile does not work here, going on without: no compiler found" in caplog.text
    assert "long story" not in caplog.text
    assert torch.equal(paint(pipe), before)
