"""The bar that long work moves on, as in diffusers' pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from tqdm.auto import tqdm


class ProgressBars:
    """Makes progress bars, which nobody sees unless they are turned on."""

    # A library draws no bars unasked: the command line and the demo turn them on.
    _bar_options: Mapping[str, Any] = MappingProxyType({"disable": True})

    def set_progress_bar_config(self, **options: Any) -> None:
        """Set the options of tqdm for all later bars; `disable=False` shows them."""
        self._bar_options = options

    def progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Any:
        """Return a bar over `iterable`, or one of `total` steps, which `update` moves on."""
        return tqdm(iterable, total=total, **self._bar_options)
