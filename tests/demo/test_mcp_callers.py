"""Callers over MCP who are gone, or who call too often."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from demo.watched import WatchedPipeline
from tests.demo.test_mcp import Tools, as_data
from tests.demo.visitor import PATIENCE
from tests.tiny import save_picture

pytest.importorskip("mcp", reason="needs gradio[mcp]")


@pytest.fixture
def tools(url: str) -> Tools:
    return Tools(url)


def endless(started: threading.Event, ended: threading.Event) -> Any:
    """Return work of a network that has no end by itself, as long as a test waits for one."""

    def work(*_: object, **__: object) -> None:
        started.set()
        try:
            for _ in range(400 * PATIENCE):
                torch.zeros(1)
                time.sleep(0.005)
        finally:
            ended.set()

    return work


@pytest.mark.parametrize("with_progress", [False, True])
def test_work_of_a_call_ends_when_its_caller_is_gone(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_progress: bool
) -> None:
    started, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(WatchedPipeline, "__call__", endless(started, ended))
    photo = as_data(save_picture(tmp_path / "photo.png", (96, 64)))

    async def hear(*_: object) -> None: ...

    async def leave(session: Any) -> None:
        call = session.call_tool(
            "full_size",
            {"photo": photo, "paintings": ["Mosaic"]},
            progress_callback=hear if with_progress else None,
        )
        waiting = asyncio.create_task(call)
        assert await asyncio.to_thread(started.wait, PATIENCE)
        waiting.cancel()

    tools._with_session(leave)
    assert ended.wait(PATIENCE)


def test_calls_of_one_address_leave_room_for_others(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, real = threading.Event(), WatchedPipeline.__call__

    def wait(pipe: Any, *arguments: Any, **options: Any) -> Any:
        go_on.wait(2 * PATIENCE)
        return real(pipe, *arguments, **options)

    monkeypatch.setattr(WatchedPipeline, "__call__", wait)
    photo = as_data(save_picture(tmp_path / "photo.png", (96, 64)))

    async def call_often(session: Any) -> list[Any]:
        arguments = {"photo": photo, "paintings": ["Mosaic"]}
        calls = [asyncio.create_task(session.call_tool("stylize", arguments)) for _ in range(20)]
        done, _ = await asyncio.wait(calls, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        assert "Too many calls" in done.pop().result().content[0].text
        go_on.set()
        return list(await asyncio.gather(*calls))

    answers = tools._with_session(call_often)
    assert sum(not answer.isError for answer in answers) == 14
