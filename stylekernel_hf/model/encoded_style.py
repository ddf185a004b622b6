"""An encoded style image: all that the network needs of it, for any number of contents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

Style = TypeVar("Style", bound="EncodedStyle")


@dataclass(frozen=True)
class EncodedStyle:
    """Keys k and values v of at most a few hundred style tokens, and the style code.

    b is the number of styles: 1, or one for every content.
    """

    key: Float[Tensor, "b m d"]
    value: Float[Tensor, "b m s"]
    code: Float[Tensor, "b e"]

    def to(self: Style, device: torch.device, dtype: torch.dtype) -> Style:
        """Return the same style on another device or in another dtype."""
        return replace(
            self,
            key=self.key.to(device, dtype),
            value=self.value.to(device, dtype),
            code=self.code.to(device, dtype),
        )
