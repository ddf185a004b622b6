"""Clean-up of a public server: visitors' files are deleted in time, and when the server ends."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any

from gradio.utils import get_upload_folder
from gradio_client.utils import is_file_obj_with_meta, traverse

from demo.catalog import EXAMPLES
from demo.components import RegionCanvas
from demo.limits import Limits
from demo.public_names import Names
from demo.store import Store
from demo.uploads import CheckedBlocks

logger = logging.getLogger(__name__)

_SECONDS = 30
"""Seconds between two looks at the disk, at most."""


class Page(CheckedBlocks):
    """CheckedBlocks with what the server's middleware needs, and an end that leaves no files."""

    def __init__(self, limits: Limits, **options: Any) -> None:
        super().__init__(limits, **options)
        self._process = os.getpid()
        folder = get_upload_folder()
        self.store = Store(folder, limits)
        self.names = Names({"/uploads": folder, "/examples": EXAMPLES})

    def get_api_info(self, *arguments: Any, **keywords: Any) -> Any:
        """Describe the endpoints; a file that the page shows at first is no default of theirs.

        Gradio's client would look for it on its own machine.
        """
        info = super().get_api_info(*arguments, **keywords)
        endpoints = [*info["named_endpoints"].values(), *info["unnamed_endpoints"].values()]
        for parameter in [each for endpoint in endpoints for each in endpoint["parameters"]]:
            files: list[Any] = []
            traverse(parameter["parameter_default"], files.append, is_file_obj_with_meta)
            if files:
                parameter["parameter_default"] = None
        return info

    def tidy(self) -> None:
        """Delete what has been kept long enough, on the disk and in memory."""
        self.store.show(path for block in self.blocks.values() for path in block.keep_in_cache)
        self.store.sweep()
        for block in self.blocks.values():
            if isinstance(block, RegionCanvas):
                block.blob_storage.forget(self.limits.keep_seconds)
        for paths in self.temp_file_sets:
            # Gradio remembers every file that it ever had.
            paths -= {path for path in paths.copy() if not os.path.lexists(path)}

    def leave(self, *, for_good: bool) -> None:
        """Delete the visitors' files of this server, and `for_good` those that the page shows.

        Files it no longer knows are deleted by their age at the next start.
        """
        if os.getpid() != self._process:
            # A fork of the server, in which ZeroGPU works, ends before the server does.
            return
        paths = [path for paths in self.temp_file_sets for path in paths.copy()]
        self.store.delete(paths, shown=for_good)

    def launch(self, *arguments: Any, prevent_thread_lock: bool = False, **options: Any) -> Any:
        """Serve the page; a process that does nothing else leaves before a signal ends it."""
        if not prevent_thread_lock and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
                signal.signal(number, self._end)
        return super().launch(*arguments, prevent_thread_lock=prevent_thread_lock, **options)

    def _end(self, number: int, _: Any) -> None:
        self.leave(for_good=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextlib.asynccontextmanager
async def upkeep(app: Any) -> AsyncIterator[None]:
    """Tidy up when the server starts, while it runs, and when it ends."""
    page: Page = app.get_blocks()
    await asyncio.to_thread(page.tidy)
    atexit.register(page.leave, for_good=True)
    task = asyncio.create_task(_tidy(page))
    try:
        yield
    finally:
        task.cancel()
        page.leave(for_good=False)


async def _tidy(page: Page) -> None:
    while True:
        await asyncio.sleep(min(_SECONDS, page.limits.keep_seconds / 6))
        try:
            await asyncio.to_thread(page.tidy)
        except Exception:
            logger.exception("tidying up failed")
