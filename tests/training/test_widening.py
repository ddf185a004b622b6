"""A wide network that starts as a trained narrow one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from stylekernel_hf.cli.training_options import starting_model
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.kernel_generator import KernelGenerator
from stylekernel_hf.model.style_kernel import BORDER_MARGIN
from stylekernel_hf.ops.dynamic_conv import channel_shuffle
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel
from stylekernel_hf.training.channel_copies import level_copies
from stylekernel_hf.training.widening import widen
from tests.tiny import TINY_CONFIG

NARROW: dict[str, Any] = TINY_CONFIG | {"kernel_groups": 2}
# Wider by whole factors and deeper everywhere, with a stage more at full resolution.
WIDE: dict[str, Any] = {
    "encoder_channels": (8, 12, 32, 32),
    "encoder_depths": (2, 2, 3, 2),
    "style_channels": (7, 8, 16, 24, 16),
    "style_depths": (2, 2, 1, 3, 2),
    "stem_stride": 1,
    "attention_channels": 12,
    "max_style_tokens": 16,
    "kernel_groups": 4,
    "kernel_channels": 20,
    "decoder_channels": (6, 32, 32),
    "decoder_depths": (2, 3, 2),
    "decoder_blocks": 1,
    "code_channels": 12,
}


def random_model(config: dict[str, Any]) -> StyleKernelModel:
    """A network whose weights are as random as trained ones: nothing is at the identity."""
    generator = torch.Generator().manual_seed(0)
    model = StyleKernelModel(StyleKernelConfig(**config)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            spread = 1.2 / max(1, parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.2
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return model.requires_grad_(False)


# A deeper network renews the border of every feature once more.
@pytest.mark.usefixtures("zeros_are_left")
@pytest.mark.parametrize("wide", [WIDE, WIDE | {"encoder_channels": (8, 12, 24, 32)}])
def test_wide_network_paints_as_the_narrow_one(wide: dict[str, Any]) -> None:
    wide = wide | {"decoder_channels": wide["encoder_channels"][1:]}
    narrow, ours = (
        random_model(NARROW).double(),
        StyleKernelModel(StyleKernelConfig(**wide)).eval().double(),
    )
    widen(narrow, ours, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    content = torch.rand(2, 3, 64, 48, generator=generator, dtype=torch.float64)
    style = torch.rand(2, 3, 48, 64, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        expected = narrow(content, narrow.encode_style(style))
        painted = ours(content, ours.encode_style(style))
    assert expected.std() > 0.05
    # The statistics over the picture are float32.
    torch.testing.assert_close(painted, expected, rtol=0, atol=2e-6)


def test_copies_part_ways_in_training() -> None:
    narrow, wide = random_model(NARROW), StyleKernelModel(StyleKernelConfig(**WIDE))
    widen(narrow, wide, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    content = torch.rand(1, 3, 64, 64, generator=generator)
    wide(content, wide.encode_style(content.flip(2))).square().mean().backward()
    for name in ("content_encoder.stages.2.0", "style_encoder.stages.1.0", "decoder.to_rgb"):
        gradient = wide.get_submodule(name).weight.grad
        assert isinstance(gradient, torch.Tensor)
        rows = gradient.flatten(1)
        rows = rows[rows.any(dim=1)]  # Of channels that are zero everywhere, so are the copies.
        distances = torch.cdist(rows, rows) + torch.eye(len(rows)) * rows.norm()
        assert distances.min() > 1e-4 * rows.norm(dim=1).mean(), name


@pytest.mark.parametrize(
    ("convolutions", "channels", "groups"),
    [(1, 32, 2), (2, 32, 2), (3, 32, 2), (2, 32, 4), (3, 32, 4), (2, 64, 8)],
)
def test_a_copy_meets_the_kernels_of_its_original(
    convolutions: int, channels: int, groups: int
) -> None:
    def generator(channels: int, groups: int) -> KernelGenerator:
        return KernelGenerator(
            4,
            4,
            channels,
            kernel_size=1,
            groups=groups,
            convolutions=convolutions,
            shuffle=True,
        )

    before, after = level_copies(generator(8, 2), generator(channels, groups))
    narrow, wide = torch.arange(8.0).view(1, -1, 1, 1), before.float().view(1, -1, 1, 1)
    # Each channel collects the numbers of the kernels that it meets, as digits.
    met, met_by_copies = torch.zeros_like(narrow), torch.zeros_like(wide)
    for index in range(convolutions):
        if index:
            narrow, met = (channel_shuffle(x, 2) for x in (narrow, met))
            wide, met_by_copies = (channel_shuffle(x, groups) for x in (wide, met_by_copies))
        met = 2 * met + (torch.arange(8) // 4).view(1, -1, 1, 1)
        kernels = torch.arange(channels) // (channels // groups) // (groups // 2)
        met_by_copies = 2 * met_by_copies + kernels.view(1, -1, 1, 1)
    assert torch.equal(narrow.flatten()[after], wide.flatten())
    assert torch.equal(met.flatten()[after], met_by_copies.flatten())
    assert set(before.tolist()) == set(range(8))


def test_preset_base_starts_as_the_embedded_weights() -> None:
    small, base = load_checkpoint(EMBEDDED_CHECKPOINT), starting_model(None, "base", 0)
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = small(image, small.encode_style(image))
        random = base(image, base.encode_style(image))
        base = starting_model(EMBEDDED_CHECKPOINT, "base", 0)
        painted = base(image, base.encode_style(image))
    # Its coarsest style stage is 3.2 times as wide, its tokens are not averaged as far, and the
    # border, which is cut off in use, is renewed by more layers.
    inner = (..., slice(BORDER_MARGIN, -BORDER_MARGIN), slice(BORDER_MARGIN, -BORDER_MARGIN))
    assert (painted - expected)[inner].abs().mean() < 0.015
    assert (random - expected).abs().mean() > 0.1


def test_encoders_cannot_start_as_two_networks() -> None:
    with pytest.raises(ValueError, match="encoder_init makes new encoders"):
        starting_model(EMBEDDED_CHECKPOINT, "base", 0, encoder_init=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel_size": 5}, "init must have kernel_size 3 as the preset has, got 5"),
        ({"gating": False}, "init must have gating True as the preset has, got False"),
        ({"decoder_blocks": 2}, "init must have decoder_blocks 1 as the preset has, got 2"),
        ({"stem_stride": 4}, "init must have stride 8 as the preset has, got 16"),
        ({"style_channels": (4, 8, 40, 8)}, "init must not be larger in style_channels than"),
        ({"decoder_depths": (1, 4, 1)}, "init must not be larger in decoder_depths than"),
        ({"kernel_groups": 8}, "kernel_groups must let 8 channels in 8 groups"),
        ({"attention_channels": 16}, "init must not be larger in attention_channels than"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    narrow = StyleKernelModel(StyleKernelConfig(**NARROW | change))
    with pytest.raises(ValueError, match=message):
        widen(narrow, StyleKernelModel(StyleKernelConfig(**WIDE)), torch.Generator())
