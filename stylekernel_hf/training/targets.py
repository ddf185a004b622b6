"""What stylized crops are compared with, computed once for every crop that comes again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from stylekernel_hf.metrics.distances import content_structure, style_statistics
from stylekernel_hf.metrics.perceptual import FEATURE_LAYERS, PerceptualNetwork

# The pictures are looked at in their size, and in a half and a quarter of it.
REDUCTIONS = (1, 2, 4)


@dataclass(frozen=True)
class StyleTargets:
    """What stylized crops are compared with: of the whole style crops, and of smaller copies.

    `statistics` holds the `style_statistics` of each size of REDUCTIONS that is looked at;
    `features` those features of each, or nothing where only the statistics are needed.
    """

    statistics: Sequence[Sequence[Tensor]]
    features: Sequence[Sequence[Tensor]] = ()


def features_at(
    perceptual: PerceptualNetwork, images: Float[Tensor, "b 3 h w"], layers: Sequence[int]
) -> list[list[Tensor]]:
    """Return the first features of the images: `layers` holds how many in each of REDUCTIONS."""
    return [
        perceptual(
            functional.avg_pool2d(images, reduction) if reduction > 1 else images, layers=count
        )
        for count, reduction in zip(layers, REDUCTIONS, strict=False)
    ]


class PerceptualTargets:
    """The structure of contents and the statistics of styles, by the numbers of the crops.

    With `keep`, the targets of every crop are kept in main memory after their first use: the
    statistics of a style are some kilobytes, the structure of a content of 256 px, held in
    bfloat16, is 1.3 MB. Two thirds of the perceptual network's work is saved then; with features of
    the styles one third.
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
        return self._targets(
            contents,
            numbers,
            self.kept_structure,
            lambda images: content_structure(self.perceptual(images)),
        )

    @torch.no_grad()
    def styles(
        self,
        styles: Float[Tensor, "b 3 s s"],
        numbers: Int[Tensor, " b"],
        *,
        layers: Sequence[int] = (len(FEATURE_LAYERS),),
        features: bool = False,
    ) -> StyleTargets:
        """Return what results are compared with of a batch of styles with these numbers.

        `layers` holds how many of the five features are looked at in each of REDUCTIONS.
        `features` are far too large to be kept: with them every batch is looked at anew.
        """
        if features:
            views = features_at(self.perceptual, styles, layers)
            return StyleTargets([style_statistics(view) for view in views], views)

        def statistics_of(images: Tensor) -> list[Tensor]:
            views = features_at(self.perceptual, images, layers)
            return [part for view in views for part in style_statistics(view)]

        parts = iter(self._targets(styles, numbers, self.kept_statistics, statistics_of))
        return StyleTargets([list(islice(parts, count)) for count in layers])

    @torch.no_grad()
    def _targets(
        self,
        images: Tensor,
        numbers: Tensor,
        kept: dict[int, list[Tensor]],
        summarise: Callable[[Tensor], list[Tensor]],
    ) -> list[Tensor]:
        if not self.keep:
            return summarise(images)
        rows: list[list[Tensor]] = []
        for image, number in zip(images.split(1), numbers.tolist(), strict=True):
            if number not in kept:
                # One by one: what is kept must not depend on the batch it was first met in.
                # Statistics stay float32; structure, the bulk, loses nothing that matters.
                kept[number] = [
                    part.to("cpu", torch.bfloat16 if part.ndim == 4 else part.dtype)
                    for part in summarise(image)
                ]
            rows.append(kept[number])
        return [
            torch.cat(parts).to(images.device, torch.float32) for parts in zip(*rows, strict=True)
        ]
