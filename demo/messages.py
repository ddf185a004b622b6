"""Errors as a visitor should read them: what was wrong, and nothing about the server."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from demo.store import FULL, NO_ROOM

logger = logging.getLogger(__name__)


class VisitorError(ValueError):
    """A mistake that the visitor can mend; its text is shown as it is."""


class AbandonedError(Exception):
    """Work for nobody: whoever asked for it has cancelled it, or is gone."""


def says_why(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Show what a visitor can mend, and log everything else without showing it."""
    if inspect.isgeneratorfunction(handler):
        return _says_why_of_steps(handler)

    @functools.wraps(handler)
    def guarded(*arguments: Any, **keywords: Any) -> Any:
        try:
            return handler(*arguments, **keywords)
        except VisitorError as error:
            text = str(error)
        except AbandonedError as error:
            # Nobody reads it, and it is no fault to be noted.
            text = str(error)
        except MemoryError:
            logger.exception("out of memory")
            text = "The server has no memory left for this picture: try a smaller one."
        except Exception as error:
            logger.exception("a request failed")
            text = "Something went wrong on the server; this has been noted. Please try again."
            if isinstance(error, OSError) and error.errno in FULL:
                text = NO_ROOM
        raise gr.Error(text, print_exception=False)

    # A method's own signature names its `self`, which `wraps` would copy.
    guarded.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
    return guarded


def _says_why_of_steps(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return `says_why` of a handler that gives one result after the other."""

    @functools.wraps(handler)
    def guarded(*arguments: Any, **keywords: Any) -> Any:
        steps = handler(*arguments, **keywords)
        step = says_why(lambda: next(steps, _END))
        while (result := step()) is not _END:
            yield result

    guarded.__signature__ = inspect.signature(handler)  # type: ignore[attr-defined]
    return guarded


_END = object()
