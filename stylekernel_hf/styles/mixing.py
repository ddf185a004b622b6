"""Shares of a picture: of each style by weights or masks, and of the photo by strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.images.masks import read_mask, share_out
from stylekernel_hf.images.tensors import ImageInput
from stylekernel_hf.model.style_field import StyleField
from stylekernel_hf.styles.embedding import StyleEmbedding


class Shares(NamedTuple):
    """The shares of n styles in a picture, and the strength, as numbers or maps."""

    styles: Float[Tensor, "1 n #h #w"]
    strength: float | Float[Tensor, "1 1 h w"]


def plan_shares(
    size: tuple[int, int],
    *,
    strength: float | ImageInput,
    weights: Sequence[float],
    masks: Sequence[ImageInput] | None,
) -> Shares:
    """Read the maps for a content of (height, width); without masks, weights apply everywhere.

    Where no mask reaches the strength is 0.
    """
    amount: float | Tensor
    if isinstance(strength, int | float):
        amount = float(strength)
    else:
        amount = read_mask(strength, size, name="strength").cpu()
    if masks is None:
        shares = torch.tensor(weights, dtype=torch.float64)
        return Shares((shares / shares.sum()).float().view(1, -1, 1, 1), _as_number(amount))
    read = [read_mask(mask, size, name=f"masks[{index}]").cpu() for index, mask in enumerate(masks)]
    styles, masked = share_out(read)
    return Shares(styles, _as_number(masked * amount))


def one_style(styles: int, content: int) -> list[float]:
    """Return the weights of one style per content, or of the only style."""
    return [float(index == content or styles == 1) for index in range(styles)]


def combine(
    styles: Sequence[StyleEmbedding], shares: Float[Tensor, "1 n #h #w"]
) -> StyleEmbedding | StyleField:
    """Return the mixture of the styles, or one of them if its share is the whole picture."""
    for index, style in enumerate(styles):
        if bool((shares[:, index] == 1).all()):
            return style
    present = [i for i in range(len(styles)) if bool((shares[:, i] > 0).any())]
    chosen = tuple(styles[index] for index in present)
    return StyleField(chosen, shares[:, present].to(chosen[0].code.device))


def _as_number(amount: float | Tensor) -> float | Tensor:
    """Return a constant map as a number."""
    if isinstance(amount, Tensor) and bool((amount == amount[0, 0, 0, 0]).all()):
        return float(amount[0, 0, 0, 0])
    return amount
