"""StyleKernelModel: the network of the paper, its parts wired together in reading order."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.model.decoder import Decoder
from stylekernel_hf.model.encoder import Encoder
from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.model.modulation import Modulation
from stylekernel_hf.model.statistics import ChannelStatistics, channel_statistics, normalise
from stylekernel_hf.model.style_alignment import StyleAlignment
from stylekernel_hf.model.style_code import StyleCode
from stylekernel_hf.model.style_embedding import StyleEmbedding
from stylekernel_hf.model.style_field import CodeField, StyleField, fade
from stylekernel_hf.repository.pretrained import PretrainedModel
from stylekernel_hf.repository.recorded_config import records_config

# Contents are reflected outwards by so many px, and cropped after: two cells of the coarsest
# feature, as many as the widest convolution's border has, so that none of it is in the picture.
BORDER_MARGIN = 16


class StyleKernelModel(PretrainedModel):
    """Arbitrary style transfer with dynamic style kernels (Xu, Long and Nie, CVPR 2023).

    All sequences in the config are listed finest stage first. Defaults are the preset "small".

    - encoder_channels, encoder_depths, style_channels, style_depths: stages of the two encoders.
      The style encoder may have more stages than the content encoder; its tokens come from the
      stage at the resolution of the content encoder's last, the others serve the style code.
    - stem_stride: stride of the first convolution of the encoders.
    - max_pooling: between the stages of the encoders, as in VGG.
    - attention_channels, max_style_tokens: width of query and key, bound on the style tokens; with
      one, the aligned feature is the mean of the style everywhere.
    - gating: whether the attention is gated, or plain softmax.
    - kernel_size, kernel_groups: taps a side and groups of every dynamic convolution.
    - kernel_channels: hidden width of the kernel generators.
    - dynamic_convolutions: how many dynamic convolutions the features of each of the coarsest
      levels pass; its length is the number of those levels. With 0, the features of a level are
      only scaled and shifted.
    - channel_shuffle: whether the channels are shuffled between two dynamic convolutions.
    - decoder_channels, decoder_depths: stages of the decoder, as wide as the encoder's at the
      levels with dynamic convolutions. A pixel shuffle makes the last step up to the picture.
    - decoder_blocks: residual style blocks at the coarsest stage of the decoder.
    - code_channels: width of the style code.
    """

    @records_config
    def __init__(
        self,
        encoder_channels: Sequence[int] = (24, 48, 96),
        encoder_depths: Sequence[int] = (1, 2, 2),
        style_channels: Sequence[int] = (32, 64, 128, 160),
        style_depths: Sequence[int] = (1, 2, 4, 4),
        stem_stride: int = 2,
        max_pooling: bool = False,
        attention_channels: int = 64,
        max_style_tokens: int = 256,
        gating: bool = True,
        kernel_size: int = 3,
        kernel_groups: int = 8,
        kernel_channels: int = 64,
        dynamic_convolutions: Sequence[int] = (1, 2),
        channel_shuffle: bool = True,
        decoder_channels: Sequence[int] = (24, 48, 96),
        decoder_depths: Sequence[int] = (1, 2, 1),
        decoder_blocks: int = 3,
        code_channels: int = 256,
    ) -> None:
        super().__init__()
        self.token_level = len(encoder_channels) - 1
        levels = len(dynamic_convolutions)
        widths = encoder_channels[-levels:]
        self.content_encoder = Encoder(
            encoder_channels,
            encoder_depths,
            stem_stride=stem_stride,
            max_pooling=max_pooling,
        )
        self.style_encoder = Encoder(
            style_channels,
            style_depths,
            stem_stride=stem_stride,
            max_pooling=max_pooling,
        )
        self.style_code = StyleCode(style_channels, code_channels)
        self.style_alignment = StyleAlignment(
            encoder_channels[-1],
            style_channels[self.token_level],
            attention_channels=attention_channels,
            max_tokens=max_style_tokens,
            gating=gating,
        )
        self.modulations = nn.ModuleList(Modulation(code_channels, width) for width in widths)
        self.kernel_generators = nn.ModuleList(
            KernelGenerator(
                style_channels[self.token_level],
                kernel_channels,
                width,
                kernel_size=kernel_size,
                groups=kernel_groups,
                convolutions=convolutions,
                shuffle=channel_shuffle,
            )
            for width, convolutions in zip(widths, dynamic_convolutions, strict=True)
        )
        self.decoder = Decoder(
            decoder_channels,
            decoder_depths,
            blocks=decoder_blocks,
            code_channels=code_channels,
            shuffle=self.stride // 2 ** (len(decoder_channels) - 1),
        )

    @property
    def stride(self) -> int:
        """Sides of content images must be multiples of this."""
        return self.config["stem_stride"] * 2 ** (len(self.config["encoder_channels"]) - 1)

    @property
    def style_stride(self) -> int:
        """Sides of style images must be multiples of this."""
        return self.config["stem_stride"] * 2 ** (len(self.config["style_channels"]) - 1)

    def encode_style(self, style: Float[Tensor, "b 3 h w"]) -> StyleEmbedding:
        """Encode style images, RGB in [0, 1], once for all the contents that they are used on."""
        features = self.style_encoder(style)
        key, value = self.style_alignment.encode_tokens(features[self.token_level])
        return StyleEmbedding(key, value, self.style_code(style, features))

    def encode_content(self, content: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Return the content features of the levels with dynamic convolutions, finest first."""
        return self.content_encoder(content)[-len(self.kernel_generators) :]

    def forward(
        self,
        content: Float[Tensor, "b 3 h w"],
        style: StyleEmbedding | StyleField,
        strength: float | Float[Tensor, "#b 1 h w"] = 1.0,
    ) -> Float[Tensor, "b 3 h w"]:
        """Repaint `content`, RGB in [0, 1], in an encoded style; returns RGB in [0, 1].

        The style holds one item for the whole batch, or one per content. Height and width must be
        multiples of `stride`. `strength` runs from the content itself (0) to the full style (1),
        for the whole picture or for every pixel.
        """
        features = self.encode_content(content)
        statistics = [channel_statistics(level) for level in features]
        if isinstance(strength, float | int) and strength == 1:
            return self.repaint(features, statistics, style)
        own = self.encode_style(content)
        return self.repaint_partly(content, features, statistics, style, own, strength)

    def repaint(
        self,
        features: Sequence[Tensor],
        statistics: Sequence[ChannelStatistics],
        style: StyleEmbedding | StyleField,
    ) -> Float[Tensor, "b 3 h w"]:
        """Paint in full strength what `encode_content` made of a picture, or of a part of it.

        The statistics are those of the whole picture.
        """
        aligned = self.align(features[-1], statistics[-1], style)
        return self.decode(features, statistics, aligned, style.code)

    def repaint_partly(
        self,
        content: Float[Tensor, "b 3 h w"],
        features: Sequence[Tensor],
        statistics: Sequence[ChannelStatistics],
        style: StyleEmbedding | StyleField,
        own: StyleEmbedding,
        strength: float | Float[Tensor, "#b 1 h w"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Like `repaint`, but the content's own style, encoded as `own`, takes the rest.

        What repainting the content in its own style loses is added back in the same measure, so
        that strength 0 is the content exactly.
        """
        mixed = self.repaint(features, statistics, fade(own, style, strength))
        lost = content - self.repaint(features, statistics, own)
        return (mixed + (1 - strength) * lost).clamp(0, 1)

    def align(
        self,
        features: Float[Tensor, "b c h w"],
        statistics: ChannelStatistics,
        style: StyleEmbedding | StyleField,
    ) -> Float[Tensor, "b s h w"]:
        """Return the globally style-aligned feature Zcs for the coarsest content feature."""
        content = normalise(features, statistics)
        if isinstance(style, StyleEmbedding):
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
        """Filter the content features with the kernels that `aligned` gives, and decode them.

        The features are first re-normalised to channel statistics that the style code sets.
        """
        stylized: list[Tensor] = []
        levels = zip(features, statistics, self.modulations, self.kernel_generators, strict=True)
        for feature, measured, modulation, generator in levels:
            scale, shift = modulation(code, feature)
            restyled = normalise(feature, measured, scale=scale, shift=shift)
            kernels = generator(aligned, tuple(feature.shape[2:]))
            stylized.append(generator.apply_kernels(restyled, kernels))  # type: ignore[operator]
        return self.decoder(stylized, code)
