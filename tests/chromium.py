"""Debian's Chromium, which .ci/run installs."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def launched(*arguments: str) -> Generator[Any]:
    """Run the browser, without a window; skip the test if there is none."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu", *arguments]
        )
        yield running
        running.close()
