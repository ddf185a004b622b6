"""What stylized crops are compared with, computed once for every crop that comes again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from stylekernel_hf.metrics.distances import content_structure, style_statistics
from stylekernel_hf.metrics.perceptual import PerceptualNetwork


class PerceptualTargets:
    """The structure of contents and the statistics of styles, by the numbers of the crops.

    With `keep`, the targets of every crop are kept in main memory after their first use: the
    statistics of a style are some kilobytes, the structure of a content of 256 px, held in
    bfloat16, is 1.3 MB. Two thirds of the perceptual network's work is saved then.
    """

    def __init__(self, perceptual: PerceptualNetwork, *, keep: bool) -> None:
        self.perceptual = perceptual
        self.keep = keep
        self.kept_structure: dict[int, list[Tensor]] = {}
        self.kept_statistics: dict[int, list[Tensor]] = {}

    def structure(
        self, contents: Float[Tensor, "b 3 h w"], numbers: Int[Tensor, " b"]
    ) -> list[Tensor]:
        """Return the `content_structure` of a batch of crops with these numbers."""
        return self._targets(contents, numbers, self.kept_structure, content_structure)

    def statistics(
        self, styles: Float[Tensor, "b 3 s s"], numbers: Int[Tensor, " b"]
    ) -> list[Tensor]:
        """Return the `style_statistics` of a batch of crops with these numbers."""
        return self._targets(styles, numbers, self.kept_statistics, style_statistics)

    @torch.no_grad()
    def _targets(
        self,
        images: Tensor,
        numbers: Tensor,
        kept: dict[int, list[Tensor]],
        summarise: Callable[[list[Tensor]], list[Tensor]],
    ) -> list[Tensor]:
        if not self.keep:
            return summarise(self.perceptual(images))
        rows: list[list[Tensor]] = []
        for image, number in zip(images.split(1), numbers.tolist(), strict=True):
            if number not in kept:
                # One by one: what is kept must not depend on the batch it was first met in.
                # Statistics stay float32; structure, the bulk, loses nothing that matters.
                kept[number] = [
                    part.to("cpu", torch.bfloat16 if part.ndim == 4 else part.dtype)
                    for part in summarise(self.perceptual(image))
                ]
            rows.append(kept[number])
        return [
            torch.cat(parts).to(images.device, torch.float32) for parts in zip(*rows, strict=True)
        ]
