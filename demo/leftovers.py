"""Files that Gradio's MCP server unpacks from `data:` addresses, and then forgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio.mcp


class UnpackedFiles(set[str]):
    """A set for `Blocks.temp_file_sets`: read from the disk whenever old files are looked for.

    Each file is in a folder named by its sum, as `file` with a suffix: see `save_base64_to_cache`.
    """

    def __iter__(self) -> Iterator[str]:
        folder = Path(gradio.mcp.DEFAULT_TEMP_DIR)
        return (str(path) for path in folder.glob(f"{'[0-9a-f]' * 64}/file*"))
