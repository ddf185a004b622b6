"""Who calls over MCP: bounds for each address, and an end of work for callers who are gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Generator
from typing import Any

import gradio.mcp
from gradio_client.client import Job

from demo.visitors import address_of, relayed_for

_CALLS = 40
"""Calls at once that the client can send on through which all of them go."""


class CallersServer(gradio.mcp.GradioMCPServer):
    """Gradio's server, which tells the queue whose calls it sends on, and when they are given up.

    Gradio's own sends all calls on as one client, and waits for their answers whoever has gone.
    """

    blocks: Any

    def _prepare_tool_call_args(self, name: str, arguments: dict[str, Any]) -> Any:
        endpoint, values, headers, fn = super()._prepare_tool_call_args(name, arguments)
        request = self.mcp_server.request_context.request
        return endpoint, values, {**headers, **relayed_for(request)}, fn

    def create_mcp_server(self) -> Any:
        """Return Gradio's server, with a bound on the calls of one address."""
        server = super().create_mcp_server()
        call = server.request_handlers[self.types.CallToolRequest]
        calls: Counter[str] = Counter()

        async def bounded(request: Any) -> Any:
            address = address_of(server.request_context.request)
            # Half of what is left, so that something is left for whoever comes next.
            if 2 * calls[address] >= _CALLS - calls.total():
                return self._refused()
            calls[address] += 1
            try:
                return await call(request)
            finally:
                calls[address] -= 1
                if not calls[address]:
                    del calls[address]

        server.request_handlers[self.types.CallToolRequest] = bounded
        return server

    def _refused(self) -> Any:
        words = "Too many calls from where you are. Please wait for one of them to be done."
        content = self.types.TextContent(type="text", text=words)
        result = self.types.CallToolResult(isError=True, content=[content])
        return self.types.ServerResult(result)

    async def _execute_tool_without_progress(self, job: Job) -> list[Any]:
        # Gradio's own waits on a thread, of those that paint: forty calls would hold all of them.
        with self._ending(job):
            return [await asyncio.wrap_future(job.future)]

    async def _execute_tool_with_progress(self, job: Job, progress_token: str | int) -> Any:
        with self._ending(job):
            return await super()._execute_tool_with_progress(job, progress_token)

    @contextlib.contextmanager
    def _ending(self, job: Job) -> Generator[None]:
        """End the work of a call whose caller has gone or cancelled."""
        try:
            yield
        except asyncio.CancelledError:
            queue, event_id = self.blocks._queue, job.communicator and job.communicator.event_id
            if event := queue.event_ids_to_events.get(event_id or ""):
                queue.end(event, "The call was given up.")
            raise
