"""Progress bars with the interface of diffusers' pipelines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any


class ProgressBars:
    """Progress bars, off by default."""

    # The command line and the demo turn them on.
    _bar_options: Mapping[str, Any] = MappingProxyType({"disable": True})

    def set_progress_bar_config(self, **options: Any) -> None:
        """Set the options of all later progress bars.

        Args:
            options: Options of `tqdm.tqdm`; `disable=False` shows the bars.
        """
        self._bar_options = options

    def progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Any:
        """Return a progress bar.

        Args:
            iterable: What the bar iterates over; None for a bar that `update` advances.
            total: The number of steps.

        Returns:
            A bar of tqdm with the options of `set_progress_bar_config`.
        """
        if "IPython" in sys.modules:
            from tqdm.auto import tqdm
        else:
            # The one for notebooks imports asyncio, which takes as long as a small picture.
            from tqdm import tqdm
        return tqdm(iterable, total=total, **self._bar_options)
