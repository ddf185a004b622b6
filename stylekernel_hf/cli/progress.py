"""Progress in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


def done_of(progress: Progress) -> str:
    """Return the progress of a bar's only task, such as "3 of 60"."""
    (task,) = progress.tasks
    return f"{task.completed:.0f} of {'?' if task.total is None else f'{task.total:.0f}'}"
