"""The configuration of the network, which checks itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, no_type_check

from stylekernel_hf.errors.given_values import as_boolean, as_integer, as_list, shown

MAX_STAGES = 6
MAX_STRIDE = 32
"""Largest stride of the coarsest features, in px: the smallest pictures are hardly larger."""
MAX_DEPTH = 32
MAX_CHANNELS = 4096
MAX_STYLE_TOKENS = 4096
MAX_DYNAMIC_CONVOLUTIONS = 8
MAX_KERNEL_SIZE = 7
_STEM_STRIDES = (1, 2, 4)


@no_type_check  # In the tests, jaxtyping would raise before its own checks do.
@dataclass(frozen=True)
class StyleKernelConfig:
    """The shapes of a StyleKernelModel; the defaults are the preset "small".

    Sequences are listed finest stage first, and stored as tuples.

    Attributes:
        encoder_channels: Widths of the stages of the content encoder.
        encoder_depths: Number of convolutions in each of them.
        style_channels: Widths of the stages of the style encoder, which may have more of them. Its
            tokens come from the stage at the resolution of the content encoder's last stage; all
            stages contribute to the style code.
        style_depths: Number of convolutions in each of them.
        stem_stride: Stride of the first convolution of the encoders: 1, 2 or 4.
        max_pooling: Whether max pooling separates the stages of the encoders, as in VGG.
        attention_channels: Width of query and key.
        max_style_tokens: Largest number of style tokens. With 1, the aligned feature is the mean of
            the style everywhere.
        gating: Whether the content gates the attention; otherwise it is plain softmax.
        kernel_size: Taps a side of every dynamic convolution, odd.
        kernel_groups: Groups of channels that share a kernel.
        kernel_channels: Hidden width of the kernel generators.
        dynamic_convolutions: Number of dynamic convolutions at each of the coarsest levels. With 0,
            the features of a level are only scaled and shifted.
        channel_shuffle: Whether channels are shuffled between two dynamic convolutions.
        decoder_channels: Widths of the stages of the decoder, equal to the encoder's at the levels
            of `dynamic_convolutions`. A pixel shuffle makes the last step up to the picture.
        decoder_depths: Number of convolutions in each of them.
        decoder_blocks: Residual style blocks at the coarsest stage of the decoder.
        code_channels: Width of the style code.

    Raises:
        TypeError: A field has the wrong type; the message names it.
        ValueError: Fields do not fit together, or exceed what a network of this kind needs.

    Example:
        >>> from stylekernel_hf import StyleKernelConfig
        >>> StyleKernelConfig(kernel_size=5).kernel_groups
        8
    """

    encoder_channels: tuple[int, ...] = (24, 48, 96)
    encoder_depths: tuple[int, ...] = (1, 2, 2)
    style_channels: tuple[int, ...] = (32, 64, 128, 160)
    style_depths: tuple[int, ...] = (1, 2, 4, 4)
    stem_stride: int = 2
    max_pooling: bool = False
    attention_channels: int = 64
    max_style_tokens: int = 256
    gating: bool = True
    kernel_size: int = 3
    kernel_groups: int = 8
    kernel_channels: int = 64
    dynamic_convolutions: tuple[int, ...] = (1, 2)
    channel_shuffle: bool = True
    decoder_channels: tuple[int, ...] = (24, 48, 96)
    decoder_depths: tuple[int, ...] = (1, 2, 1)
    decoder_blocks: int = 3
    code_channels: int = 256

    def __post_init__(self) -> None:
        for part in ("encoder", "style", "decoder"):
            self._read_sequence(f"{part}_channels", 1, MAX_CHANNELS)
            self._read_sequence(f"{part}_depths", 1, MAX_DEPTH)
        self._read_sequence("dynamic_convolutions", 0, MAX_DYNAMIC_CONVOLUTIONS)
        for name in ("attention_channels", "kernel_channels", "code_channels", "kernel_groups"):
            self._read_integer(name, 1, MAX_CHANNELS)
        self._read_integer("max_style_tokens", 1, MAX_STYLE_TOKENS)
        self._read_integer("decoder_blocks", 0, MAX_DEPTH)
        self._read_kernel_size()
        self._read_integer("stem_stride", 1, max(_STEM_STRIDES))
        if self.stem_stride not in _STEM_STRIDES:
            raise ValueError(f"stem_stride must be 1, 2 or 4, got {self.stem_stride}")
        for name in ("max_pooling", "gating", "channel_shuffle"):
            object.__setattr__(self, name, as_boolean(getattr(self, name), name))
        self._check_stages()
        self._check_levels()

    @property
    def stride(self) -> int:
        """Sides of content images must be multiples of this."""
        return self.stem_stride * 2 ** (len(self.encoder_channels) - 1)

    @property
    def style_stride(self) -> int:
        """Sides of style images must be multiples of this."""
        return self.stem_stride * 2 ** (len(self.style_channels) - 1)

    @classmethod
    def small(cls) -> StyleKernelConfig:
        """Return the preset "small": the network that comes with the package."""
        return cls()

    @classmethod
    def base(cls) -> StyleKernelConfig:
        """Return the preset "base": the paper's full network, for GPUs.

        It has VGG-19's widths and depths, and features at stride 8. It can hold all of "small",
        which its training starts from: hence strides in place of max pooling, one more convolution
        at stride 8, and a pixel shuffle as the decoder's last step.
        """
        return cls(
            encoder_channels=(64, 128, 256, 512),
            encoder_depths=(2, 2, 4, 2),
            style_channels=(64, 128, 256, 512, 512),
            style_depths=(2, 2, 4, 4, 4),
            stem_stride=1,
            attention_channels=512,
            max_style_tokens=1024,
            kernel_groups=16,
            kernel_channels=256,
            decoder_channels=(128, 256, 512),
            decoder_depths=(2, 4, 1),
            code_channels=512,
        )

    def _read_sequence(self, name: str, low: int, high: int) -> None:
        values = as_list(getattr(self, name), name, "integers")
        if not 1 <= len(values) <= MAX_STAGES:
            raise ValueError(
                f"{name} must hold 1 to {MAX_STAGES} integers, got {len(values)}: {shown(values)}"
            )
        read = [
            as_integer(each, f"{name}[{i}]", low=low, high=high) for i, each in enumerate(values)
        ]
        object.__setattr__(self, name, tuple(read))

    def _read_integer(self, name: str, low: int, high: int) -> None:
        object.__setattr__(self, name, as_integer(getattr(self, name), name, low=low, high=high))

    def _read_kernel_size(self) -> None:
        wanted = f"kernel_size must be an odd integer from 1 to {MAX_KERNEL_SIZE}"
        size = as_integer(self.kernel_size, "kernel_size")
        if not (1 <= size <= MAX_KERNEL_SIZE and size % 2):
            raise ValueError(f"{wanted}, got {shown(size)}")
        object.__setattr__(self, "kernel_size", size)

    def _check_stages(self) -> None:
        for part in ("encoder", "style", "decoder"):
            channels, depths = (
                cast("tuple[int, ...]", getattr(self, f"{part}_{what}"))
                for what in ("channels", "depths")
            )
            if len(channels) != len(depths):
                raise ValueError(
                    f"{part}_depths must hold as many numbers as {part}_channels, "
                    f"{len(channels)}, got {depths}"
                )
            if self.stem_stride * 2 ** (len(channels) - 1) > MAX_STRIDE:
                fitting = (MAX_STRIDE // self.stem_stride).bit_length()
                raise ValueError(
                    f"{part}_channels must hold at most {fitting} numbers with a stem_stride of "
                    f"{self.stem_stride}, for a stride of at most {MAX_STRIDE} px, got {channels}"
                )
        stages = len(self.encoder_channels)
        if len(self.style_channels) < stages:
            raise ValueError(
                f"style_channels must hold at least as many numbers as encoder_channels, {stages}, "
                f"got {self.style_channels}"
            )
        if len(self.decoder_channels) > stages:
            raise ValueError(
                f"decoder_channels must hold at most as many numbers as encoder_channels, "
                f"{stages}, got {self.decoder_channels}"
            )

    def _check_levels(self) -> None:
        """Check the levels whose features go through dynamic convolutions into the decoder."""
        levels = len(self.dynamic_convolutions)
        if levels > len(self.decoder_channels):
            raise ValueError(
                "dynamic_convolutions must hold at most as many numbers as decoder_channels, "
                f"{len(self.decoder_channels)}, got {self.dynamic_convolutions}"
            )
        widths = self.encoder_channels[-levels:]
        if self.decoder_channels[-levels:] != widths:
            raise ValueError(
                f"decoder_channels must end as encoder_channels does, in {widths}, for the "
                f"{levels} levels of dynamic_convolutions, got {self.decoder_channels}"
            )
        for width, convolutions in zip(widths, self.dynamic_convolutions, strict=True):
            if convolutions and width % self.kernel_groups:
                raise ValueError(
                    f"kernel_groups must divide the encoder_channels {widths} of the levels with "
                    f"dynamic convolutions, got {self.kernel_groups}"
                )
