"""Several styles in one picture: mixed evenly, or each in its own region. Not in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.model.encoded_style import EncodedStyle


@dataclass(frozen=True)
class StyleField:
    """Encoded styles and the share of each in every pixel.

    `shares` are non-negative and sum to 1 over the n styles. With h = w = 1 they hold for the whole
    picture; otherwise they have the size of the content. Styles are mixed as aligned features,
    scales and shifts, never as pixels.
    """

    styles: tuple[EncodedStyle, ...]
    shares: Float[Tensor, "#b n h w"]

    def to(self, device: torch.device, dtype: torch.dtype) -> StyleField:
        """Return the same styles on another device or in another dtype; shares stay float32."""
        styles = tuple(style.to(device, dtype) for style in self.styles)
        return StyleField(styles, self.shares.to(device))

    @property
    def code(self) -> Float[Tensor, "#b e"] | CodeField:
        """The mixed style code: one vector if the shares are the same everywhere."""
        codes = tuple(style.code for style in self.styles)
        if self.shares.shape[2:] == (1, 1):
            return sum_by_shares(codes, self.shares[..., 0, 0].to(codes[0].dtype))
        return CodeField(codes, self.shares)

    def sum(self, parts: Sequence[Float[Tensor, "#b c h w"]]) -> Float[Tensor, "b c h w"]:
        """Return the sum of one part per style, weighted by the shares at the parts' resolution."""
        return sum_by_shares(parts, shares_at(self.shares, parts[0]))


def fade(
    own: EncodedStyle,
    style: EncodedStyle | StyleField,
    strength: float | Float[Tensor, "#b 1 h w"],
) -> StyleField:
    """Give `style` the share `strength` of every pixel, and the content's `own` style the rest."""
    share = torch.as_tensor(strength, dtype=torch.float32, device=own.code.device)
    share = share.view(1, 1, 1, 1) if share.ndim == 0 else share
    if isinstance(style, EncodedStyle):
        return StyleField((own, style), torch.cat([1 - share, share], dim=1))
    shares = share * style.shares
    rest = (1 - share).expand(*shares.shape[:1], 1, *shares.shape[2:])
    return StyleField((own, *style.styles), torch.cat([rest, shares], dim=1))


@dataclass(frozen=True)
class CodeField:
    """Style codes and the share of each in every pixel."""

    codes: tuple[Float[Tensor, "#b e"], ...]
    shares: Float[Tensor, "#b n h w"]


def shares_at(shares: Float[Tensor, "b n h w"], features: Tensor) -> Float[Tensor, "b n i j"]:
    """Average the shares down to the resolution of `features`, in their dtype."""
    if shares.shape[2:] != (1, 1):
        size = (features.shape[2], features.shape[3])
        shares = torch.nn.functional.adaptive_avg_pool2d(shares, size)
    return shares.to(features.dtype)


def sum_by_shares(parts: Sequence[Tensor], shares: Tensor) -> Tensor:
    """Return the sum over n of `parts[n]` times `shares[:, n]`, without a stack of the parts."""
    total = parts[0] * shares[:, :1]
    for index, part in enumerate(parts[1:], start=1):
        total = torch.addcmul(total, part, shares[:, index : index + 1])
    return total
