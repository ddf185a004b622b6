"""Progress bars with the interface of diffusers' pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from tqdm.auto import tqdm


class ProgressBars:
    """Progress bars, off by default."""

    # The command line and the demo turn them on.
    _bar_options: Mapping[str, Any] = MappingProxyType({"disable": True})

    def set_progress_bar_config(self, **options: Any) -> None:
        """Set the options of all later bars, which tqdm takes; `disable=False` shows them."""
        self._bar_options = options

    def progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Any:
        """Return a bar over `iterable`, or one of `total` steps that `update` advances."""
        return tqdm(iterable, total=total, **self._bar_options)
