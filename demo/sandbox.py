"""Processes of the demo's own that decode what visitors send, and can be ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import IO

_ENVIRONMENT = ("LANG", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TEMP", "TMPDIR")
"""What such a process is told; the server's tokens are not among it."""
OUT_OF_TIME = tuple(
    number.value for number in signal.Signals if number.name in ("SIGPROF", "SIGALRM")
)
"""Signals that end a process whose time is up."""


class Sandbox:
    """A process with a pipe for `requests` and one for `answers`."""

    def __init__(self, command: Sequence[str]) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        # It finds the modules where this process found them.
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        environment["OPENBLAS_NUM_THREADS"] = environment["OMP_NUM_THREADS"] = "1"
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            # Ctrl+C is for the server, which closes the pipes then.
            start_new_session=True,
        )
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None and answers is not None
        self.requests: IO[bytes] = requests
        self.answers: IO[bytes] = answers

    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return self._process.poll() is None

    def ended_by(self) -> int:
        """Wait for the end of the process; return the number of the signal that ended it, or 0."""
        return max(0, -self._process.wait())

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self.requests, self.answers):
            with contextlib.suppress(OSError):
                pipe.close()
