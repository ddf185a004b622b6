"""Everything that the network keeps of a style image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

Style = TypeVar("Style", bound="EncodedStyle")


@dataclass(frozen=True)
class EncodedStyle:
    """Some hundred tokens, `key` and `value` by attention, and a `code` for the style as a whole.

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
