"""The same actions as tools over MCP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs gradio[mcp]")

ACTIONS = {"stylize", "full_size", "stylize_folder", "explain", "example"}


def ask(url: str) -> tuple[dict[str, Any], str]:
    """List the tools, and call one of them."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk() -> tuple[dict[str, Any], str]:
        async with (
            streamable_http_client(f"{url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            name = next(name for name in tools if name.endswith("example"))
            answer = await session.call_tool(name, {"photo": "Cat", "painting": "Mosaic"})
            return tools, str(answer.content)

    return asyncio.run(talk())


def test_every_action_is_a_described_tool(url: str) -> None:
    tools, answer = ask(url)
    for action in ACTIONS:
        (tool,) = [tool for name, tool in tools.items() if name.endswith(action)]
        assert tool.description
    assert "chelsea" in answer and "mosaic" in answer
    (stylize,) = [tool for name, tool in tools.items() if name.endswith("stylize")]
    assert "photo" in stylize.inputSchema["properties"]
    assert "the full style" in str(stylize.inputSchema["properties"]["strength"])
