"""The weights of a network as NumPy arrays, taken one by one into a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Weights: TypeAlias = npt.NDArray[np.float32]


class NetworkWeights:
    """Named arrays, whose shapes are checked when they are taken.

    Args:
        arrays: The network's state dict, as arrays.
        source: Where they come from, for messages.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], source: str) -> None:
        self._arrays, self._source = arrays, source
        self._taken: set[str] = set()

    def take(self, name: str, *shape: int) -> Weights:
        """Return an array in float32; ValueError if it is missing, or of another shape."""
        if name not in self._arrays:
            raise ValueError(f"model: {self._source} lacks {name}")
        values = self._arrays[name]
        if values.shape != shape:
            raise ValueError(
                f"model: tensor {name} in {self._source} must have shape {list(shape)}, "
                f"got {list(values.shape)}"
            )
        self._taken.add(name)
        return values.astype(np.float32)

    def layer(self, name: str, *shape: int) -> tuple[Weights, Weights]:
        """Return the weight, of this shape, and the bias of a layer."""
        return self.take(f"{name}.weight", *shape), self.take(f"{name}.bias", shape[0])

    def check_all_taken(self) -> None:
        """Raise ValueError if there are arrays that the network does not have."""
        surplus = sorted(self._arrays.keys() - self._taken)
        if surplus:
            raise ValueError(f"model: {self._source} has surplus {', '.join(surplus[:3])}")
