"""The command line `stylekernel`: the only place of the package that prints."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import sys

from stylekernel_hf import keep_freed_memory
from stylekernel_hf.cli.quick_imports import quick_imports
from stylekernel_hf.cli.stop_signals import Stopped, stop_signals
from stylekernel_hf.errors.messages import in_one_line


def main() -> None:
    """Run the command line; errors that a user can fix take one line instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # File names may hold characters that the terminal's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    keep_freed_memory()
    # What ends with the process is not searched for garbage, which takes 5 % of a small picture.
    atexit.register(gc.freeze)
    try:
        with stop_signals():
            with quick_imports():
                from stylekernel_hf.cli.commands import build_app

                app = build_app(sys.argv[1:])
            app()
    except Stopped as stopped:
        # The terminal may be closed.
        with contextlib.suppress(OSError):
            print(f"stylekernel: {stopped}", file=sys.stderr, flush=True)
        sys.exit(stopped.code)
    except (OSError, ValueError, TypeError, ArithmeticError, ImportError, MemoryError) as error:
        sys.exit(f"stylekernel: error: {in_one_line(error)}")
