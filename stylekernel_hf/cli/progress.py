"""Progress bars on the terminal, and progress in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn


def step_progress(
    *columns: ProgressColumn, transient: bool = True, disable: bool = False
) -> Progress:
    """Return bars on the standard error that count steps, followed by further columns."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    shown = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), *columns)
    return Progress(*shown, console=Console(stderr=True), transient=transient, disable=disable)


def done_of(progress: Progress) -> str:
    """Return the progress of a bar's only task, such as "3 of 60"."""
    (task,) = progress.tasks
    return f"{task.completed:.0f} of {'?' if task.total is None else f'{task.total:.0f}'}"
