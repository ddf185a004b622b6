"""Fetch a checkpoint of the Hub within a time limit and a limit on the bytes that arrive."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from demo.limits import Limits
from demo.messages import VisitorError
from demo.watched import check_request

logger = logging.getLogger(__name__)

_TICK = 0.1
"""Seconds between two looks at what has arrived."""
_OTHER_BYTES = 2**20
"""Bytes allowed for the Hub client's notes beside the files."""


def fetch(name: str, folder: Path, limits: Limits) -> None:
    """Put a checkpoint's files into the folder; raise VisitorError if that fails.

    A separate process does it, because a download whose bytes trickle in cannot be interrupted. The
    process is also ended when `check_request` raises.
    """
    answer = _wait(_start(name, folder, limits), name, folder, limits)
    match answer:
        case {"outcome": "fetched"}:
            return
        case {"outcome": "missing"}:
            raise VisitorError(f"The Hub has no public model “{name}”.")
        case {"outcome": "large", "bytes": int(size)}:
            raise _too_large(name, limits, f"{size / 2**20:.0f} MB, and ")
        case _:
            raise VisitorError(f"The Hub did not answer for “{name}”; try later.")


def _start(name: str, folder: Path, limits: Limits) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if "TOKEN" not in key}
    environment |= {
        # It finds the modules where this process found them.
        "PYTHONPATH": os.pathsep.join(sys.path),
        # All its files lie in this folder, and it has no token.
        "HF_HOME": str(folder / ".home"),
        "HF_HUB_CACHE": str(folder / ".home"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    seconds = str(int(limits.fetch_seconds) + 1)
    words = ["-m", "demo.hub_download", name, str(folder), str(limits.hub_bytes), seconds]
    return subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )


def _wait(
    process: subprocess.Popen[str], name: str, folder: Path, limits: Limits
) -> dict[str, Any] | None:
    """Return the process's answer, or None if it failed; the process has ended in any case."""
    deadline = time.monotonic() + limits.fetch_seconds
    with process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    said, _ = process.communicate(timeout=_TICK)
                    break
                check_request()
                if _bytes_in(folder) > limits.hub_bytes + _OTHER_BYTES:
                    raise _too_large(name, limits)
                if time.monotonic() > deadline:
                    raise VisitorError(
                        f"Model “{name}” did not arrive within {limits.fetch_seconds:.0f} "
                        "seconds. Please try again later."
                    )
        finally:
            process.kill()
    if process.returncode:
        logger.error("fetching a model failed with status %d", process.returncode)
        return None
    return json.loads(said)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        # Files may be moved meanwhile.
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _too_large(name: str, limits: Limits, told: str = "") -> VisitorError:
    most = limits.hub_bytes / 2**20
    return VisitorError(
        f"Model “{name}” is too large for this server: {told}at most {most:.0f} MB are loaded."
    )
