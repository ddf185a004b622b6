"""Everything that the network keeps of a style image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class StyleEmbedding:
    """An encoded style: `StyleKernelModel.encode_style` makes it, and it may be used many times.

    A few hundred tokens (`key` and `value`, by attention) carry the local style, one `code` the
    global one. Of use only to the checkpoint that made it.
    """

    key: Float[Tensor, "b m d"]
    value: Float[Tensor, "b m s"]
    code: Float[Tensor, "b e"]

    def to(self, device: torch.device, dtype: torch.dtype) -> StyleEmbedding:
        """Return the same style on another device or in another dtype."""
        return StyleEmbedding(
            self.key.to(device, dtype), self.value.to(device, dtype), self.code.to(device, dtype)
        )
