"""What Gradio's MCP server lacks: all pictures of an answer, and bounds on what it takes.

It would fetch every address, and upload every file of the server that a tool is called with.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import gradio.mcp
from gradio.processing_utils import save_base64_to_cache
from gradio.route_utils import API_PREFIX
from gradio_client import Client, handle_file
from gradio_client.utils import is_file_obj, traverse

from demo.forms import OWN
from demo.mcp_callers import CallersServer
from demo.upkeep import Page
from demo.uploads import check_input

_OWN_FILE = f"{API_PREFIX}/file="
_FORM = "a url that holds the picture, data:image/...;base64,..., or one from this server's answers"


def mend() -> None:
    """Let the MCP server of a page answer in pictures."""
    gradio.mcp.GradioMCPServer = PictureServer


class PictureServer(CallersServer):
    """Gradio's own answers with text for several outputs, and for the pair of a slider."""

    blocks: Any

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """Return every picture as a picture, whatever list it is in."""
        return super().postprocess_output_data(list(_flat(self._revealed(data))), root_url)

    def get_tool_to_endpoint(self) -> dict[str, str]:
        """Return the endpoints by tool, without those that are no tools: they can be called too."""
        functions = {fn.api_name: fn.fn for fn in self.blocks.fns.values()}
        return {
            tool: endpoint
            for tool, endpoint in super().get_tool_to_endpoint().items()
            if getattr(functions[endpoint.lstrip("/")], "_mcp_type", "tool") == "tool"
        }

    def simplify_filedata_schema(
        self, schema: dict[str, Any]
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """Return the schema with files as text, and where they are; say which text is taken."""
        simplified, places = super().simplify_filedata_schema(schema)
        for place in places:
            node: Any = simplified
            for key in place:
                node = node.get("properties", node)[key]
            node["format"] = _FORM
        return simplified, places

    def convert_strings_to_filedata(
        self, value: Any, filedata_positions: list[list[str | int]]
    ) -> Any:
        """Return the arguments with files for text; ValueError for what is not taken."""
        converted = _with_files(value, filedata_positions, [], self.blocks)
        check_input(converted, self.blocks.limits)
        return converted

    def _get_or_create_client(self) -> Client:
        client = super()._get_or_create_client()
        client.headers.update(OWN)
        return client

    def _revealed(self, data: Any) -> Any:
        """Return an answer of the page with the paths that it has named."""
        names = self.blocks.names
        return traverse(
            data, lambda file: {**file, "path": names.reveal(file["path"])}, is_file_obj
        )


def _with_files(
    value: Any, places: list[list[str | int]], place: list[str | int], page: Page
) -> Any:
    if isinstance(value, dict):
        return {key: _with_files(each, places, [*place, key], page) for key, each in value.items()}
    if isinstance(value, str) and place in places:
        return _file(value, page)
    return value


def _file(url: str, page: Page) -> dict[str, Any]:
    """Return the file that a url holds or names."""
    if url.startswith("data:"):
        if len(url) > page.limits.upload_bytes * 4 // 3 + 100:
            most = page.limits.upload_bytes / 2**20
            raise ValueError(f"A picture in a url may have at most {most:.0f} MB.")
        try:
            return handle_file(save_base64_to_cache(url, gradio.mcp.DEFAULT_TEMP_DIR))
        except binascii.Error as error:
            raise ValueError(f"A picture must be in base64: provide {_FORM}.") from error
    if url.startswith(("http://", "https://")) and _OWN_FILE in url:
        path = page.names.reveal(unquote(url.split(_OWN_FILE, 1)[1]))
        return {"path": path, "meta": {"_type": "gradio.FileData"}}
    raise ValueError(f"Pictures are not fetched from elsewhere: provide {_FORM}. Got “{url[:80]}”.")


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value
