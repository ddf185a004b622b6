"""Pictures reflected outwards at their edges."""

from __future__ import annotations

import torch
from jaxtyping import Num
from torch import Tensor


class ReflectedLine:
    """The places along one side of a picture: 2 1 | 0 1 2 3 | 2 1 0 1.

    A line shorter than what is added is reflected again and again, to and fro; torch's own
    reflection padding stops short of the line's length.
    """

    def __init__(self, length: int, before: int, after: int, device: torch.device) -> None:
        period = max(1, 2 * (length - 1))
        position = torch.arange(-before, length + after, device=device) % period
        self.places = torch.minimum(position, period - position)
        """Where each pixel of the longer line comes from."""
        self._inside = (before, before + length)

    def __len__(self) -> int:
        return len(self.places)

    def take(self, x: Num[Tensor, "*shape"], axis: int, start: int, stop: int) -> Tensor:
        """Return `x.index_select(axis, places[start:stop])`; what is inside is copied in one run.

        With nothing from outside it is a view.
        """
        first, last = (min(max(bound, start), stop) for bound in self._inside)
        if first >= last:
            return x.index_select(axis, self.places[start:stop])
        inside = x.narrow(axis, first - self._inside[0], last - first)
        if (first, last) == (start, stop):
            return inside
        before = x.index_select(axis, self.places[start:first])
        after = x.index_select(axis, self.places[last:stop])
        return torch.cat([before, inside, after], dim=axis)
