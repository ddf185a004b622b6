"""What Gradio's MCP server lacks: all pictures of an answer, and an end for what it unpacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.mcp


def mend(demo: gr.Blocks) -> None:
    """Let the MCP server of the page answer in pictures, and have its files deleted."""
    gradio.mcp.GradioMCPServer = PictureServer
    demo.temp_file_sets.append(UnpackedFiles())


class PictureServer(gradio.mcp.GradioMCPServer):
    """Gradio's own answers with text for several outputs, and for the pair of a slider."""

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """Return every picture as a picture, whatever list it is in."""
        return super().postprocess_output_data(list(_flat(data)), root_url)


class UnpackedFiles(set[str]):
    """A set for `Blocks.temp_file_sets`: read from the disk whenever old files are looked for.

    They are what is unpacked from `data:` addresses, each in a folder named by its sum, as `file`
    with a suffix: see `save_base64_to_cache`.
    """

    def __iter__(self) -> Iterator[str]:
        folder = Path(gradio.mcp.DEFAULT_TEMP_DIR)
        return (str(path) for path in folder.glob(f"{'[0-9a-f]' * 64}/file*"))


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value
