"""Starts a wide, deep network as a trained narrow one (Net2Net, Chen et al., ICLR 2016).

Every channel of the wide network is a copy of one of the narrow network's, and what reads the
copies shares out the weight of the original among them: the wide network starts out painting what
the narrow one paints. The shares are uneven and drawn anew for every reader, so that the copies
part ways in training. Layers that only the wide network has start as the identity.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.decoder import Decoder
from stylekernel_hf.model.encoder import Encoder
from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.model.modulation import ModulatedConv2d, Modulation
from stylekernel_hf.model.style_alignment import StyleAlignment
from stylekernel_hf.model.style_code import StyleCode
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.channel_copies import Copies, even_copies, level_copies
from stylekernel_hf.training.widening_checks import check_widening

# The picture in a layer of ReLUs: what is above grey, then what is below it, three channels each.
_PICTURE = 3


@torch.no_grad()
def widen(narrow: StyleKernelModel, wide: StyleKernelModel, generator: torch.Generator) -> None:
    """Make `wide` paint as `narrow` does, in place.

    Exactly so, but where `wide` has more style tokens, or a stage of its style encoder is not wider
    by a whole factor: then the layer norms of the style code count some copies more often.
    ValueError says where `wide` cannot hold `narrow`.
    """
    check_widening(narrow, wide)
    _Widening(generator).model(narrow, wide)


class _Widening:
    """Fills the parts of a wide network, in the order in which data flows through them."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def model(self, narrow: StyleKernelModel, wide: StyleKernelModel) -> None:
        generators = list(zip(narrow.kernel_generators, wide.kernel_generators, strict=True))
        levels = [level_copies(theirs, ours) for theirs, ours in generators]  # type: ignore[arg-type]
        entering, leaving = zip(*levels, strict=True)
        self._encoder(narrow.content_encoder, wide.content_encoder, entering)
        stages = self._encoder(narrow.style_encoder, wide.style_encoder, ())
        code = self._style_code(narrow.style_code, wide.style_code, stages)
        tokens = stages[narrow.token_level]
        self._alignment(narrow.style_alignment, wide.style_alignment, entering[-1], tokens)
        for level, (theirs, ours) in enumerate(generators):
            assert isinstance(theirs, KernelGenerator) and isinstance(ours, KernelGenerator)
            self._generator(theirs, ours, tokens, leaving[level])
            pair = narrow.modulations[level], wide.modulations[level]
            self._modulation(*pair, code, entering[level])  # type: ignore[arg-type]
        self._decoder(narrow.decoder, wide.decoder, code, leaving)

    def _encoder(self, narrow: Encoder, wide: Encoder, ends: Sequence[Copies]) -> list[Copies]:
        """Fill an encoder and return the copies at the end of each stage that both have.

        `ends` sets those of the last stages.
        """
        stages = [_convolutions(stage) for stage in wide.stages]
        copies = torch.arange(_PICTURE)
        extra = len(stages) > len(narrow.stages)
        if extra:
            copies = self._picture_stage(stages.pop(0))
        found: list[Copies] = []
        for level, (theirs, ours) in enumerate(
            zip(map(_convolutions, narrow.stages), stages, strict=True)
        ):
            number = level - len(stages) + len(ends)
            end = ends[number] if number >= 0 else even_copies(theirs[-1], ours[-1])
            for index, layer in enumerate(ours):
                if index >= len(theirs):
                    self._identity(layer, copies, end)
                    copies = end
                    continue
                original = theirs[index]
                out = end if index >= len(theirs) - 1 else even_copies(original, layer)
                if extra and level == index == 0:
                    self._from_picture(original, layer, out)
                else:
                    self._copy(original, layer, copies, out)
                copies = out
            found.append(copies)
        return found

    def _picture_stage(self, layers: Sequence[nn.Conv2d]) -> Copies:
        """Pass the picture through a stage of its own; its other channels stay random."""
        for index, layer in enumerate(layers):
            middle = layer.weight[: 2 * _PICTURE, :, 1, 1]
            layer.weight[: 2 * _PICTURE].zero_()
            layer.bias[: 2 * _PICTURE].zero_()  # type: ignore[index]
            one = torch.eye(_PICTURE)
            if index == 0:
                middle.copy_(torch.cat([one, -one]))
            else:
                middle[:, : 2 * _PICTURE] = torch.eye(2 * _PICTURE)
        return torch.empty(0)

    def _from_picture(self, narrow: nn.Conv2d, wide: nn.Conv2d, out: Copies) -> None:
        wide.weight.zero_()
        wide.weight[:, :_PICTURE] = narrow.weight[out]
        wide.weight[:, _PICTURE : 2 * _PICTURE] = -narrow.weight[out]
        wide.bias.copy_(narrow.bias[out])  # type: ignore[union-attr, index]

    def _style_code(self, narrow: StyleCode, wide: StyleCode, stages: Sequence[Copies]) -> Copies:
        """Fill the style code's layers and return its copies."""
        extra = len(wide.norms) - len(narrow.norms)
        columns = [torch.arange(2 * _PICTURE)]
        start = 2 * _PICTURE
        for theirs, ours, copies in zip(
            narrow.norms, list(wide.norms)[extra:], stages, strict=True
        ):
            width = theirs.weight.shape[0] // 2  # type: ignore[union-attr, operator]
            both = torch.cat([copies, copies + width])
            ours.weight.copy_(theirs.weight[both])  # type: ignore[union-attr, operator, index]
            ours.bias.copy_(theirs.bias[both])  # type: ignore[union-attr, operator, index]
            columns.append(start + both)
            start += 2 * width
        first, *rest = (layer for layer in wide.layers if isinstance(layer, nn.Linear))
        first_narrow, *rest_narrow = (x for x in narrow.layers if isinstance(x, nn.Linear))
        read = torch.cat(columns)
        unread = first.in_features - len(read)
        copies = even_copies(first_narrow, first)
        # Palette, then the extra stage, which nothing reads yet, then the stages that both have.
        weight = self._shared_out(first_narrow.weight[copies], read)
        first.weight.zero_()
        first.weight[:, : 2 * _PICTURE] = weight[:, : 2 * _PICTURE]
        first.weight[:, 2 * _PICTURE + unread :] = weight[:, 2 * _PICTURE :]
        first.bias.copy_(first_narrow.bias[copies])
        for theirs, ours in zip(rest_narrow, rest, strict=True):
            out = even_copies(theirs, ours)
            self._copy(theirs, ours, copies, out)
            copies = out
        return copies

    def _alignment(
        self, narrow: StyleAlignment, wide: StyleAlignment, content: Copies, tokens: Copies
    ) -> None:
        attention = even_copies(narrow.query, wide.query)
        self._copy(narrow.query, wide.query, content, attention)
        self._copy(narrow.key, wide.key, tokens, attention)
        # A score is the product over all copies, divided by the root of their number.
        share = self._shares(attention, 1)[0] * (len(attention) / narrow.query.out_channels) ** 0.5
        wide.key.weight.mul_(share[:, None, None, None])
        wide.key.bias.mul_(share)  # type: ignore[union-attr]
        self._copy(narrow.value, wide.value, tokens, tokens)
        if narrow.gating is not None and wide.gating is not None:
            threshold = narrow.gating.threshold, wide.gating.threshold
            self._copy(*threshold, content, torch.arange(2))

    def _generator(
        self, narrow: KernelGenerator, wide: KernelGenerator, tokens: Copies, leaving: Copies
    ) -> None:
        hidden = even_copies(narrow.hidden, wide.hidden)
        self._copy(narrow.hidden, wide.hidden, tokens, hidden)
        taps, channels, _ = narrow.split
        numbers = torch.arange(taps).unflatten(0, (narrow.convolutions, narrow.groups, -1))
        copied = numbers.repeat_interleave(wide.groups // narrow.groups, dim=1).flatten()
        out = torch.cat([copied, taps + leaving, taps + channels + leaving])
        self._copy(narrow.head, wide.head, hidden, out)

    def _decoder(
        self, narrow: Decoder, wide: Decoder, code: Copies, levels: Sequence[Copies]
    ) -> None:
        copies = levels[-1]
        for theirs, ours in zip(narrow.blocks, wide.blocks, strict=True):
            ours.spread.weight.copy_(theirs.spread.weight[copies])  # type: ignore[union-attr, operator, index]
            ours.spread.bias.copy_(theirs.spread.bias[copies])  # type: ignore[union-attr, operator, index]
            inner = even_copies(theirs.expand.convolution, ours.expand.convolution)  # type: ignore[union-attr, arg-type]
            self._modulated(theirs.expand, ours.expand, code, copies, inner)  # type: ignore[arg-type]
            self._copy(theirs.project, ours.project, inner, copies)  # type: ignore[arg-type]
        for level in range(len(wide.stages) - 1, -1, -1):
            skip = level - len(wide.stages) + len(levels)
            if level < len(wide.stages) - 1:
                theirs, ours = narrow.projections[level], wide.projections[level]
                out = levels[skip] if skip >= 0 else even_copies(theirs, ours)  # type: ignore[arg-type]
                self._copy(theirs, ours, copies, out)  # type: ignore[arg-type]
                copies = out
            copies = self._decoder_stage(narrow.stages[level], wide.stages[level], code, copies)  # type: ignore[arg-type]
        everything = torch.arange(narrow.to_rgb.out_channels)
        self._copy(narrow.to_rgb, wide.to_rgb, copies, everything)

    def _decoder_stage(
        self, narrow: nn.ModuleList, wide: nn.ModuleList, code: Copies, copies: Copies
    ) -> Copies:
        for index, layer in enumerate(wide):
            assert isinstance(layer, ModulatedConv2d)
            theirs = narrow[min(index, len(narrow) - 1)]
            assert isinstance(theirs, ModulatedConv2d)
            out = even_copies(theirs.convolution, layer.convolution)
            if index < len(narrow):
                self._modulated(theirs, layer, code, copies, out)
            else:
                self._identity(layer.convolution, copies, out)
                layer.modulation.affine.weight.zero_()
                layer.modulation.affine.bias.zero_()
            copies = out
        return copies

    def _modulated(
        self, narrow: ModulatedConv2d, wide: ModulatedConv2d, code: Copies, ins: Copies, out: Copies
    ) -> None:
        self._copy(narrow.convolution, wide.convolution, ins, out)
        self._modulation(narrow.modulation, wide.modulation, code, out)

    def _modulation(self, narrow: Modulation, wide: Modulation, code: Copies, out: Copies) -> None:
        width = narrow.affine.out_features // 2
        self._copy(narrow.affine, wide.affine, code, torch.cat([out, out + width]))

    def _copy(
        self,
        narrow: nn.Conv2d | nn.Linear,
        wide: nn.Conv2d | nn.Linear,
        ins: Copies,
        out: Copies,
    ) -> None:
        wide.weight.copy_(self._shared_out(narrow.weight[out], ins))
        wide.bias.copy_(narrow.bias[out])  # type: ignore[union-attr, index]

    def _identity(self, layer: nn.Conv2d, ins: Copies, out: Copies) -> None:
        layer.weight.zero_()
        same = (out[:, None] == ins[None, :]).float()
        layer.weight[:, :, 1, 1] = same * self._shares(ins, len(out))
        layer.bias.zero_()  # type: ignore[union-attr]

    def _shared_out(self, weight: Float[Tensor, "out narrow *k"], ins: Copies) -> Tensor:
        shares = self._shares(ins, weight.shape[0])
        return weight[:, ins] * shares.view(*shares.shape, *[1] * (weight.ndim - 2))

    def _shares(self, copies: Copies, readers: int) -> Float[Tensor, "readers wide"]:
        """Draw for every reader shares that add up to one over the copies of each channel."""
        drawn = torch.rand(readers, len(copies), generator=self.generator) + 0.5
        totals = drawn.new_zeros(readers, int(copies.max()) + 1).index_add_(1, copies, drawn)
        return drawn / totals[:, copies]


def _convolutions(stage: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in stage if isinstance(layer, nn.Conv2d)]  # type: ignore[attr-defined]
