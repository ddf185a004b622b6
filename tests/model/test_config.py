"""A config says of every field what it must be, and lets through what makes a network."""

from __future__ import annotations

import dataclasses
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from stylekernel_hf import StyleKernelConfig, StyleKernelModel, StyleKernelPipeline, build_model
from stylekernel_hf.errors.given_values import shown

NAMES = [field.name for field in dataclasses.fields(StyleKernelConfig)]
BOOLEANS = ("max_pooling", "gating", "channel_shuffle")
SEQUENCES = tuple(n for n in NAMES if n.endswith(("_depths", "_convolutions"))) + tuple(
    f"{part}_channels" for part in ("encoder", "style", "decoder")
)


@pytest.mark.parametrize("preset", ["small", "base"])
def test_presets_are_configs(preset: str) -> None:
    with torch.device("meta"):
        config = build_model(preset).config
    assert config == getattr(StyleKernelConfig, preset)()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wrong",
    ["3", "no", None, {}, {"a": 1}, b"3", 1e30, 10**30, -1, [], [[1]], [1.5], [True], ["1"], [None]]
    + [float("nan"), float("inf"), [float("nan")], [10**9], [1] * 10**6, [-1], type],
    ids=lambda value: shown(value),
)
def test_value_that_is_none_of_a_field_is_refused_by_its_name(name: str, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{name}(\[0\])? must ") as caught:
        StyleKernelConfig(**{name: wrong})
    assert len(str(caught.value)) < 300


def test_integer_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^code_channels must be from 1 to 4096, got"):
        StyleKernelConfig(code_channels=10**5000)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BOOLEANS + SEQUENCES])
@pytest.mark.parametrize("wrong", [True, np.True_, 2.0, Fraction(2), [2], torch.tensor([2])])
def test_integers_are_no_booleans_fractions_or_lists(name: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^{name} must be an integer"):
        StyleKernelConfig(**{name: wrong})


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("wrong", [0, 1, "false", [1], None])
def test_booleans_are_not_told_by_their_truth(name: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^{name} must be true or false"):
        StyleKernelConfig(**{name: wrong})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel_size": 4}, "kernel_size must be an odd integer from 1 to 7, got 4"),
        ({"kernel_size": 0}, "kernel_size must be an odd integer from 1 to 7, got 0"),
        ({"kernel_size": 9}, "kernel_size must be an odd integer from 1 to 7, got 9"),
        ({"kernel_groups": 7}, r"kernel_groups must divide the encoder_channels \(48, 96\)"),
        ({"stem_stride": 3}, "stem_stride must be 1, 2 or 4, got 3"),
        (
            {"style_channels": (4,) * 6, "style_depths": (1,) * 6},
            "style_channels must hold at most 5 numbers with a stem_stride of 2, .* 32 px, got",
        ),
        ({"encoder_depths": (1, 0, 1)}, r"encoder_depths\[1\] must be from 1 to 32, got 0"),
        ({"encoder_depths": (1, 2)}, "encoder_depths must hold as many numbers as encoder_channel"),
        ({"style_depths": (1,) * 5}, "style_depths must hold as many numbers as style_channels, 4"),
        ({"decoder_depths": (1,)}, "decoder_depths must hold as many numbers as decoder_channels"),
        (
            {"style_channels": (8, 8), "style_depths": (1, 1)},
            "style_channels must hold at least as many numbers as encoder_channels, 3",
        ),
        (
            {"decoder_channels": (8, 24, 48, 96), "decoder_depths": (1,) * 4},
            "decoder_channels must hold at most as many numbers as encoder_channels, 3",
        ),
        ({"decoder_channels": (24, 40, 96)}, r"decoder_channels must end as .* in \(48, 96\)"),
        (
            {"decoder_channels": (96,), "decoder_depths": (1,), "dynamic_convolutions": (1, 1)},
            "dynamic_convolutions must hold at most as many numbers as decoder_channels, 1",
        ),
        ({"dynamic_convolutions": ()}, "dynamic_convolutions must hold 1 to 6 integers, got 0"),
        ({"max_style_tokens": 0}, "max_style_tokens must be from 1 to 4096, got 0"),
    ],
)
def test_fields_that_make_no_network_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        StyleKernelConfig(**changes)


def test_groups_need_not_divide_channels_that_no_dynamic_convolution_filters() -> None:
    StyleKernelConfig(kernel_groups=7, dynamic_convolutions=(0, 0))


def test_numbers_of_numpy_and_torch_become_plain() -> None:
    config = StyleKernelConfig(
        encoder_channels=np.array([24, 48, 96]),
        encoder_depths=torch.tensor([1, 2, 2]),
        style_depths=[np.int64(1), torch.tensor(2), 4, np.uint8(4)],
        kernel_size=np.int32(3),
        gating=np.True_,
    )
    assert config == StyleKernelConfig()
    assert repr(config) == repr(StyleKernelConfig())


def test_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        StyleKernelConfig().kernel_size = 5  # pyright: ignore[reportAttributeAccessIssue]


def test_network_keeps_its_config() -> None:
    config = StyleKernelConfig(kernel_size=5, encoder_depths=(1, 1, 1))
    assert StyleKernelModel(config).config is config
    assert StyleKernelModel().config == StyleKernelConfig.small()


def drawn_config(draw: random.Random) -> dict[str, Any]:
    """Draw values that are all within bounds; in about a third of the draws they go together."""
    stages = draw.randint(1, 4)
    decoder = draw.randint(1, min(stages + draw.choice((0, 0, 1)), 4))
    levels = draw.randint(1, min(decoder + draw.choice((0, 0, 1)), stages))
    encoder_channels = [draw.choice((4, 8, 6)) for _ in range(stages)]
    decoder_channels = [*[draw.choice((4, 6)) for _ in range(decoder)], *encoder_channels[-levels:]]
    style = stages + draw.choice((-1, 0, 1, 2))
    return {
        "encoder_channels": encoder_channels,
        "encoder_depths": [draw.randint(1, 2) for _ in range(stages)],
        "style_channels": [draw.choice((4, 6, 8)) for _ in range(max(1, style))],
        "style_depths": [draw.randint(1, 2) for _ in range(max(1, style))],
        "stem_stride": draw.choice((1, 1, 2, 4)),
        "max_pooling": draw.random() < 0.5,
        "attention_channels": draw.randint(1, 9),
        "max_style_tokens": draw.choice((1, 7, 64)),
        "gating": draw.random() < 0.5,
        "kernel_size": draw.choice((1, 3, 5, 7)),
        "kernel_groups": draw.choice((1, 2, 2, 3)),
        "kernel_channels": draw.randint(1, 9),
        "dynamic_convolutions": [draw.randint(0, 2) for _ in range(levels)],
        "channel_shuffle": draw.random() < 0.5,
        "decoder_channels": decoder_channels[-decoder:],
        "decoder_depths": [draw.randint(1, 2) for _ in range(decoder)],
        "decoder_blocks": draw.randint(0, 2),
        "code_channels": draw.randint(1, 9),
    }


def test_whatever_is_let_through_paints_pictures_of_the_right_size() -> None:
    draw = random.Random(0)
    painted = 0
    for _ in range(20):
        drawn = drawn_config(draw)
        try:
            config = StyleKernelConfig(**drawn)
        except ValueError as error:
            assert str(error).split()[0] in NAMES
            continue
        pipe = StyleKernelPipeline(StyleKernelModel(config).eval())
        content, style = torch.rand(3, 16, 65), torch.rand(3, 17, 16)
        options: Any = {"strength": 0.5, "style_size": None, "output_type": "pt"}
        whole = pipe(content, style, **options).images[0]
        tiled = pipe(content, style, tile_size=64, **options).images[0]
        assert whole.shape == content.shape, drawn
        assert (whole - tiled).abs().max() < 1 / 255, drawn
        painted += 1
    assert painted > 4
