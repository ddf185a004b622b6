"""The receptive field of the network: the width of the halo that makes tiles exact."""

from __future__ import annotations

from collections.abc import Sequence

from stylekernel_hf.model.config import StyleKernelConfig


def content_reach(config: StyleKernelConfig) -> int:
    """Return how far, in px, a content feature sees beyond its own cell."""
    return _encoder_reach(
        config.encoder_depths, len(config.encoder_depths) - 1, config.stem_stride, config
    )


def style_reach(config: StyleKernelConfig) -> int:
    """Return how far, in px, a feature of the style encoder sees beyond its own cell."""
    return _encoder_reach(
        config.style_depths, len(config.style_depths) - 1, config.stem_stride, config
    )


def full_reach(config: StyleKernelConfig) -> int:
    """Return how far, in px, an output pixel sees in the content.

    Statistics of the whole picture are left out: tiles get them from a first pass. The sum runs
    backwards from the output: through the decoder to ever coarser features, of which whole cells
    are needed, through the dynamic convolutions and the interpolation of their kernels, and
    through the encoder to the pixels.
    """
    cell = [config.stem_stride * 2**level for level in range(len(config.encoder_depths))]
    first_dynamic = len(cell) - len(config.dynamic_convolutions)
    finest = len(cell) - len(config.decoder_depths)
    reach, farthest = cell[finest], 0  # The convolution to RGB.
    for level in range(finest, len(cell)):
        size = cell[level]
        reach = _up_to_cells(reach, size) + config.decoder_depths[level - finest] * size
        if level > finest:
            reach += size  # Bilinear upsampling reads the neighbours of a cell.
        if level == len(cell) - 1:
            reach += 2 * config.decoder_blocks * size
        if level >= first_dynamic:
            convolutions = config.dynamic_convolutions[level - first_dynamic]
            taps = convolutions * (config.kernel_size // 2) * size
            of_features = reach + taps
            of_features += _encoder_reach(config.encoder_depths, level, config.stem_stride, config)
            of_kernels = _up_to_cells(reach + taps, cell[-1]) + cell[-1] + content_reach(config)
            farthest = max(farthest, of_features, of_kernels if size < cell[-1] else 0)
    return farthest


def _encoder_reach(
    depths: Sequence[int], level: int, stem_stride: int, config: StyleKernelConfig
) -> int:
    """Sum over the 3x3 convolutions up to a level; each sees one cell of its input further."""
    reach = 1  # The first convolution of all, whatever its stride.
    reach += (depths[0] - 1) * stem_stride
    for stage in range(1, level + 1):
        cell = stem_stride * 2**stage
        reach += (depths[stage] - 1) * cell
        reach += cell if config.max_pooling else cell // 2
    return reach


def _up_to_cells(reach: int, cell: int) -> int:
    return -(-reach // cell) * cell
