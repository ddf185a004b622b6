"""Error messages: one line for logs and the shell, and which extra to install."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def in_one_line(error: Exception) -> str:
    """Return the whole message on one line, without the number that Python adds to OSErrors."""
    words = str(error)
    if isinstance(error, OSError) and error.strerror and words.startswith("[Errno"):
        words = (
            error.strerror if error.filename is None else f"'{error.filename}': {error.strerror}"
        )
    if isinstance(error, MemoryError) and not words:
        words = "there is not enough memory"
    return " ".join(words.split()) or type(error).__name__


@contextmanager
def extra_required(extra: str, purpose: str, packages: str = "") -> Generator[None]:
    """Turn a failing import into an ImportError that names the extra to install.

    `purpose` is what needs the `packages`; without these, the package that is missing is named.
    An OSError counts too: bindings raise it without the library that they bind.
    """
    try:
        yield
    except (ImportError, OSError) as error:
        if not packages and not getattr(error, "name", None):
            raise
        missing = packages or (getattr(error, "name", None) or "").partition(".")[0]
        raise ImportError(
            f"{purpose} needs {missing}: pip install 'stylekernel-hf[{extra}]'"
        ) from error
