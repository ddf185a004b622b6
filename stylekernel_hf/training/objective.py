"""What a run minimises: the terms of a batch of crops, and their sum."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from stylekernel_hf.images.geometry import crop_back, pad_to_multiple
from stylekernel_hf.metrics.perceptual import FEATURE_LAYERS, SMALLEST_SIDE, PerceptualNetwork
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.model.token_grid import token_grid
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.crops import CropPair, unit_batch
from stylekernel_hf.training.local_losses import attention_loss, perceptual_attention
from stylekernel_hf.training.losses import (
    identity_losses,
    smoothness_losses,
    stylization_losses,
    temporal_losses,
)
from stylekernel_hf.training.settings import TrainingSettings
from stylekernel_hf.training.synthetic_motion import MovedView, draw_motion
from stylekernel_hf.training.targets import REDUCTIONS, PerceptualTargets, StyleTargets

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
        self.layers = [len(FEATURE_LAYERS)]
        if settings.weights.coarse_layers:
            smallest = min(settings.size, settings.style_size)
            fitting = sum(smallest // reduction >= SMALLEST_SIDE for reduction in REDUCTIONS[1:])
            self.layers += [settings.weights.coarse_layers] * fitting
        self.targets = PerceptualTargets(perceptual, keep=settings.distinct_crops > 0)

    def terms(self, batch: CropPair, step: int, device: torch.device) -> dict[str, Tensor]:
        """Return the terms of a batch in a step; identity and temporal only where they are due."""
        content, style = unit_batch(batch.content, device), unit_batch(batch.style, device)
        generator = torch.Generator().manual_seed(self.settings.seed + step)
        weights, pair_number = self.settings.weights, torch.as_tensor(batch.pair_number)
        with _seen(self.model.style_alignment) as seen:
            stylized, embedding = self._stylize(content, style, pair_number)
        structure = self.targets.structure(content, torch.as_tensor(batch.content_number))
        targets = self.targets.styles(
            style,
            torch.as_tensor(batch.style_number),
            layers=self.layers,
            features=weights.need_style_features,
        )
        terms = stylization_losses(
            self.perceptual, stylized, structure, targets, style, generator, weights
        )
        if weights.attention:
            terms["attention"] = self._attention(seen[0], embedding.key, structure, targets)
        if weights.smoothness:
            terms["smoothness"] = smoothness_losses(stylized, content, style).mean()
        every = self.settings.identity_every
        if every and step % every == 0:
            terms["identity"] = self._identity(content, style, pair_number)
        if weights.temporal and step % self.settings.temporal_every == 0:
            terms["temporal"] = self._temporal(content, style, pair_number, stylized, embedding)
        return terms

    def total(self, terms: dict[str, Tensor]) -> Float[Tensor, ""]:
        """Return the weighted sum of the terms."""
        weights = self.settings.weights
        return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()

    def _identity(self, content: Tensor, style: Tensor, pair_number: Tensor) -> Float[Tensor, ""]:
        """Repaint every other pair's style in itself, and the content of the others."""
        of_style = (pair_number % 2 == 0).to(content.device)
        losses = [
            identity_losses(self._paint(images, self.model.encode_style(images)), images)
            for images in (style[of_style], content[~of_style])
            if len(images)
        ]
        return torch.cat(losses).mean()

    def _temporal(
        self,
        content: Tensor,
        style: Tensor,
        pair_number: Tensor,
        stylized: Tensor,
        embedding: EncodedStyle,
    ) -> Float[Tensor, ""]:
        """Move every content as its pair's number says, paint it again and compare the results.

        The next frames are painted with statistics of their own, as `smoothing=0` paints videos:
        changes of brightness cancel then, which those of the frame before would let through. The
        averages of `stylize_video` lie between both, and where only the place changes, both
        differ by the same from the frame before.
        """
        seeds = [(self.settings.seed, number, 3) for number in pair_number.tolist()]
        randoms = [np.random.default_rng(seed) for seed in seeds]
        height, width = content.shape[2:]
        motions = [draw_motion(random, min(height, width)) for random in randoms]
        view = MovedView(motions, (height, width), content.device)
        following = self._paint(view.next_frames(content, randoms), embedding)
        return temporal_losses(view.warp(stylized), following, view.seen, style).mean()

    def _attention(
        self,
        content: Float[Tensor, "b c h w"],
        key: Float[Tensor, "b m d"],
        structure: list[Tensor],
        targets: StyleTargets,
    ) -> Float[Tensor, ""]:
        """Compare the network's attention, for its normalised `content`, with relu4_1's."""
        alignment = self.model.style_alignment
        margin = BORDER_MARGIN // self.model.stride
        query = alignment.query(content)[:, :, margin:-margin, margin:-margin]
        relu4_1, style = structure[0], targets.features[0][3]
        if query.shape[2:] != relu4_1.shape[2:]:
            relu4_1 = functional.interpolate(relu4_1, query.shape[2:], mode="bilinear")
        grid = token_grid(style.shape[2], style.shape[3], alignment.max_tokens)
        tokens = functional.adaptive_avg_pool2d(functional.instance_norm(style.float()), grid)
        wanted = perceptual_attention(relu4_1, tokens)
        return attention_loss(query.flatten(2).transpose(1, 2), key, wanted)

    def _stylize(
        self, content: Tensor, style: Tensor, pair_number: Tensor
    ) -> tuple[Tensor, EncodedStyle]:
        """Paint the pairs, some of them without the style code."""
        embedding = self.model.encode_style(style)
        if self.settings.code_dropout:
            kept = [self._keeps_code(number) for number in pair_number.tolist()]
            mask = torch.tensor(kept, device=content.device)[:, None]
            embedding = replace(embedding, code=embedding.code * mask)
        return self._paint(content, embedding), embedding

    def _keeps_code(self, pair_number: int) -> bool:
        """Decide by the pair's number, so that a run can be resumed or shared out."""
        random = np.random.default_rng((self.settings.seed, pair_number, 2))
        return bool(random.random() >= self.settings.code_dropout)

    def _paint(self, content: Tensor, style: EncodedStyle) -> Tensor:
        padded, padding = pad_to_multiple(content, self.model.stride, BORDER_MARGIN)
        padded = padded.contiguous(memory_format=torch.channels_last)
        return crop_back(self.painter(padded, style), padding)


@contextmanager
def _seen(alignment: nn.Module) -> Generator[list[Tensor]]:
    """Collect the normalised content features that come to the alignment.

    Encoding the contents once more would take an eighth of a step.
    """
    seen: list[Tensor] = []
    hook = alignment.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        hook.remove()
