"""What a run minimises: the terms of a batch of crops, and their sum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from stylekernel_hf.images.tensors import crop_back, pad_to_multiple
from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.crops import CropPair, unit_batch
from stylekernel_hf.training.losses import identity_losses, stylization_losses
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.targets import PerceptualTargets

Painter = Callable[[Tensor, EncodedStyle], Tensor]


class Objective:
    """Paints batches and scores them.

    `painter` is `model`, or what wraps it so that several processes share their gradients. Every
    term is a mean over the pairs of a batch, each of which counts the same whatever batch it is
    in: parts of a batch have the batch's terms as their mean.
    """

    def __init__(
        self,
        model: StyleKernelModel,
        painter: Painter,
        perceptual: PerceptualNetwork,
        settings: TrainingSettings,
    ) -> None:
        self.model = model
        self.painter = painter
        self.perceptual = perceptual
        self.settings = settings
        self.targets = PerceptualTargets(perceptual, keep=settings.distinct_crops > 0)

    def terms(self, batch: CropPair, step: int, device: torch.device) -> dict[str, Tensor]:
        """Return the terms of a batch in a step; the identity term only where it is due."""
        content, style = unit_batch(batch.content, device), unit_batch(batch.style, device)
        generator = torch.Generator().manual_seed(self.settings.seed + step)
        stylized = self._paint(content, style)
        structure = self.targets.structure(content, torch.as_tensor(batch.content_number))
        statistics = self.targets.statistics(style, torch.as_tensor(batch.style_number))
        terms = stylization_losses(
            self.perceptual, stylized, structure, statistics, style, generator
        )
        every = self.settings.identity_every
        if every and step % every == 0:
            terms["identity"] = self._identity(content, style, torch.as_tensor(batch.pair_number))
        return terms

    def total(self, terms: dict[str, Tensor]) -> Float[Tensor, ""]:
        """Return the weighted sum of the terms."""
        weights = self.settings.weights
        return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()

    def _identity(self, content: Tensor, style: Tensor, pair_number: Tensor) -> Float[Tensor, ""]:
        """Repaint every other pair's style in itself, and the content of the others."""
        of_style = (pair_number % 2 == 0).to(content.device)
        losses = [
            identity_losses(self._paint(images, images), images)
            for images in (style[of_style], content[~of_style])
            if len(images)
        ]
        return torch.cat(losses).mean()

    def _paint(self, content: Tensor, style: Tensor) -> Tensor:
        padded, padding = pad_to_multiple(content, self.model.stride, BORDER_MARGIN)
        padded = padded.contiguous(memory_format=torch.channels_last)
        return crop_back(self.painter(padded, self.model.encode_style(style)), padding)
