"""Processes of Python that start at once: forks of one that has imported what takes seconds.

Each is a process of its own, in which signals, `atexit` and exit codes do what they always do.
What reads the environment while it is imported sees that of the tests: give such code a Python
of its own.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).parents[1]
NETWORK = "stylekernel_hf.cli.app, tests.tiny, tests.training.runs, torch._dynamo"
"""Modules of a process that stylizes or trains; every optimizer of torch imports `_dynamo`."""
NO_HUB = "torch"
"""Modules of a process that reads anew, when it imports huggingface_hub, where the Hub is."""


class Forked:
    """A process that runs code, with `words` as its arguments; a part of what Popen is.

    `stdout` holds what it prints as it prints it, and `errors` returns the rest at the end.
    """

    def __init__(
        self,
        code: str,
        *words: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        modules: str = NETWORK,
    ) -> None:
        self.returncode: int | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        printed, printing = os.pipe()
        self.stdout: TextIO = os.fdopen(printed)
        self._line, theirs = socket.socketpair()
        handles = [theirs.fileno(), printing, self._errors.fileno()]
        socket.send_fds(_server(modules), [b"!"], handles)
        theirs.close()
        os.close(printing)
        self._told = self._line.makefile("r")
        order = {"code": code, "words": list(map(str, words)), "cwd": str(cwd or ROOT)}
        self._line.sendall(json.dumps({**order, "env": dict(env or {})}).encode() + b"\n")
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Return the exit code, once the process has ended."""
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a fork", timeout)
            self.returncode = int(self._told.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def errors(self, timeout: float = 240) -> str:
        """Return what the process has written to its standard error, once it has ended."""
        self.wait(timeout)
        self._errors.seek(0)
        return self._errors.read().decode()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait(60)
        for each in (self.stdout, self._errors, self._told, self._line):
            each.close()


def forked_command(*words: object, cwd: Path | None = None) -> Forked:
    """Run `stylekernel` with these words."""
    return Forked("from stylekernel_hf.cli import main; main()", *words, cwd=cwd)


@functools.cache
def _server(modules: str) -> socket.socket:
    """Start the process that forks; it ends when the tests do, and this line to it with them."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.forks", str(theirs.fileno()), modules]
    server = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait(60)

    atexit.register(end)
    return ours


def _serve(control: socket.socket) -> tuple[int, int, int]:
    """Fork for every order; return its handles, in the fork alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        byte, handles, _, _ = socket.recv_fds(control, 1, 3)
        if not byte:
            sys.exit()
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            line, out, errors = handles
            return line, out, errors
        for handle in handles:
            os.close(handle)


def _obey(line: socket.socket) -> dict[str, Any]:
    """Fork once more, and tell how that process ends; return its order, in it alone."""
    with line, line.makefile("rw") as told:
        order = json.loads(told.readline())
        if (child := os.fork()) == 0:
            return order
        told.write(f"{child}\n")
        told.flush()
        _, status = os.waitpid(child, 0)
        told.write(f"{os.waitstatus_to_exitcode(status)}\n")
        told.flush()
    os._exit(0)


def _begin(order: dict[str, Any], out: int, errors: int) -> None:
    """Make this process what a new Python would be."""
    for number, handle in ((1, out), (2, errors)):
        os.dup2(handle, number)
        os.close(handle)
    # They remember of what kind the files were before.
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", 1, closefd=False)
    # A shell lets what runs in the background hear no Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = ["-c", *order["words"]]


if __name__ == "__main__":
    exec(f"import {sys.argv[2]}")
    line, out, errors = _serve(socket.socket(fileno=int(sys.argv[1])))
    order = _obey(socket.socket(fileno=line))
    _begin(order, out, errors)
    exec(compile(order["code"], "<string>", "exec"), {"__name__": "__main__"})
