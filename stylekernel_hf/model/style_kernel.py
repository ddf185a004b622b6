"""The network: its parts connected in the order of the paper's figure.

Zc, Zs -> SAE with CGM -> Zcs -> kernels -> dynamic convolutions of the content features -> decoder.

Departures from the paper:

- Before the dynamic convolutions, the content features are re-normalised to channel statistics that
  the style code sets.
- Dynamic convolutions at the coarsest levels only, as the config lists them.
- `strength` below 1 mixes in the content's own style, encoded by the same style encoder.

The modules of the parts list theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.decoder import Decoder
from stylekernel_hf.model.encoded_style import EncodedStyle
from stylekernel_hf.model.encoder import Encoder
from stylekernel_hf.model.initialisation import start_for_relu
from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.model.modulation import Modulation
from stylekernel_hf.model.statistics import ChannelStatistics, channel_statistics, normalise
from stylekernel_hf.model.style_alignment import StyleAlignment
from stylekernel_hf.model.style_code import StyleCode
from stylekernel_hf.model.style_field import CodeField, StyleField, fade

BORDER_MARGIN = 16
"""px by which contents are reflected outwards before, and cropped after: two of the coarsest cells,
the border of the widest convolution, so that no replicated border is in the picture."""


class StyleKernelNetwork(nn.Module):
    """Arbitrary style transfer with dynamic style kernels (Xu, Long and Nie, CVPR 2023).

    `config` sets the shapes, by default those of the preset "small". The weights are random.
    """

    def __init__(self, config: StyleKernelConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or StyleKernelConfig.small()
        self.token_level = len(config.encoder_channels) - 1
        token_channels = config.style_channels[self.token_level]
        widths = config.encoder_channels[-len(config.dynamic_convolutions) :]
        self.content_encoder = Encoder(
            config.encoder_channels,
            config.encoder_depths,
            stem_stride=config.stem_stride,
            max_pooling=config.max_pooling,
        )
        self.style_encoder = Encoder(
            config.style_channels,
            config.style_depths,
            stem_stride=config.stem_stride,
            max_pooling=config.max_pooling,
        )
        for layer in self.style_encoder.modules():
            if isinstance(layer, nn.Conv2d):
                start_for_relu(layer)
        self.style_code = StyleCode(config.style_channels, config.code_channels)
        self.style_alignment = StyleAlignment(
            config.encoder_channels[-1],
            token_channels,
            attention_channels=config.attention_channels,
            max_tokens=config.max_style_tokens,
            gating=config.gating,
        )
        self.modulations = nn.ModuleList(
            Modulation(config.code_channels, width) for width in widths
        )
        self.kernel_generators = nn.ModuleList(
            KernelGenerator(
                token_channels,
                config.kernel_channels,
                width,
                kernel_size=config.kernel_size,
                groups=config.kernel_groups,
                convolutions=convolutions,
                shuffle=config.channel_shuffle,
            )
            for width, convolutions in zip(widths, config.dynamic_convolutions, strict=True)
        )
        self.decoder = Decoder(
            config.decoder_channels,
            config.decoder_depths,
            blocks=config.decoder_blocks,
            code_channels=config.code_channels,
            shuffle=self.stride // 2 ** (len(config.decoder_channels) - 1),
        )

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return next(self.parameters()).dtype

    @property
    def stride(self) -> int:
        """Sides of content images must be multiples of this."""
        return self.config.stride

    @property
    def style_stride(self) -> int:
        """Sides of style images must be multiples of this."""
        return self.config.style_stride

    def encode_style(self, style: Float[Tensor, "b 3 h w"]) -> EncodedStyle:
        """Encode style images, RGB in [0, 1], once for any number of contents."""
        features = self.style_encoder(style)
        key, value = self.style_alignment.encode_tokens(features[self.token_level])
        return EncodedStyle(key, value, self.style_code(style, features))

    def encode_content(self, content: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Return the content features of the dynamic levels, finest first; the last is Zc."""
        return self.content_encoder(content)[-len(self.kernel_generators) :]

    def forward(
        self,
        content: Float[Tensor, "b 3 h w"],
        style: EncodedStyle | StyleField,
        strength: float | Float[Tensor, "#b 1 h w"] = 1.0,
    ) -> Float[Tensor, "b 3 h w"]:
        """Stylize `content`.

        Args:
            content: RGB in [0, 1]; height and width are multiples of `stride`.
            style: What `encode_style` returned, of one style for the batch or one per content, or
                several styles with their shares.
            strength: From the content itself (0) to the full style (1), for the whole picture or
                for every pixel.

        Returns:
            The stylized content, RGB in [0, 1].
        """
        features = self.encode_content(content)
        statistics = [channel_statistics(level) for level in features]
        if not isinstance(strength, Tensor):
            strength = float(strength)  # NumPy's numbers and fractions too.
        if isinstance(strength, float) and strength == 1.0:
            return self.stylize(features, statistics, style)
        own = self.encode_style(content)
        return self.stylize_partly(content, features, statistics, style, own, strength)

    def stylize(
        self,
        features: Sequence[Tensor],
        statistics: Sequence[ChannelStatistics],
        style: EncodedStyle | StyleField,
    ) -> Float[Tensor, "b 3 h w"]:
        """Stylize the features of a picture, or of a part of it, in full strength.

        The statistics are those of the whole picture.
        """
        aligned = self.align(features[-1], statistics[-1], style)
        return self.decode(features, statistics, aligned, style.code)

    def stylize_partly(
        self,
        content: Float[Tensor, "b 3 h w"],
        features: Sequence[Tensor],
        statistics: Sequence[ChannelStatistics],
        style: EncodedStyle | StyleField,
        own: EncodedStyle,
        strength: float | Float[Tensor, "#b 1 h w"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Stylize in a mix of `style` and, for the rest of `strength`, the content's `own` style.

        What stylizing the content in its own style loses is added back in the same proportion, so
        that strength 0 gives the content exactly.
        """
        mixed = self.stylize(features, statistics, fade(own, style, strength))
        lost = content - self.stylize(features, statistics, own)
        return (mixed + (1 - strength) * lost).clamp(0, 1)

    def align(
        self,
        features: Float[Tensor, "b c h w"],
        statistics: ChannelStatistics,
        style: EncodedStyle | StyleField,
    ) -> Float[Tensor, "b s h w"]:
        """Return the aligned feature Zcs for the coarsest content feature Zc."""
        content = normalise(features, statistics)
        if isinstance(style, EncodedStyle):
            return self.style_alignment(content, style.key, style.value)
        return style.sum(
            [self.style_alignment(content, part.key, part.value) for part in style.styles]
        )

    def decode(
        self,
        features: Sequence[Tensor],
        statistics: Sequence[ChannelStatistics],
        aligned: Float[Tensor, "b s i j"],
        code: Float[Tensor, "#b e"] | CodeField,
    ) -> Float[Tensor, "b 3 h w"]:
        """Re-normalise the content features, filter them with the kernels from Zcs, decode them."""
        stylized: list[Tensor] = []
        levels = zip(features, statistics, self.modulations, self.kernel_generators, strict=True)
        for feature, measured, modulation, generator in levels:
            scale, shift = modulation(code, feature)
            restyled = normalise(feature, measured, scale=scale, shift=shift)
            kernels = generator(aligned, tuple(feature.shape[2:]))
            stylized.append(generator.apply_kernels(restyled, kernels))  # type: ignore[operator]
        return self.decoder(stylized, code)
