"""Starts the encoders of a VGG-shaped network from VGG-19's own weights."""

from __future__ import annotations

import torch
from torch import nn

from stylekernel_hf.metrics.perceptual import PerceptualNetwork
from stylekernel_hf.model.encoder import Encoder
from stylekernel_hf.pretrained.model import StyleKernelModel


@torch.no_grad()
def initialise_encoders(model: StyleKernelModel, vgg19: PerceptualNetwork) -> None:
    """Copy VGG-19's convolutions into the content and the style encoder, as far as they reach.

    The encoders must have VGG-19's geometry, as those of the preset base with `max_pooling` have;
    ValueError says where they differ. Layers after VGG-19's conv5_1 stay random. Training may
    change the copies; a checkpoint made from them carries VGG-19's licence, CC BY 4.0.
    """
    if vgg19.lifts:
        raise ValueError("encoder_init needs VGG-19 as perceptual network, got its 16x student")
    for name in ("content_encoder", "style_encoder"):
        _copy(vgg19, model.get_submodule(name), name)


def _copy(vgg19: PerceptualNetwork, encoder: nn.Module, name: str) -> None:
    assert isinstance(encoder, Encoder)
    stages = [[m for m in stage if isinstance(m, nn.Conv2d)] for stage in encoder.stages]  # type: ignore[attr-defined]
    blocks = list(vgg19.blocks)
    stages[len(blocks) - 1 :] = [stage[:1] for stage in stages[len(blocks) - 1 : len(blocks)]]
    for level, (stage, block) in enumerate(zip(stages, blocks, strict=False)):
        for index, ours in enumerate(stage):
            theirs = block[index] if index < len(block) else None  # type: ignore[index, arg-type]
            if (
                theirs is None
                or ours.weight.shape != theirs.weight.shape
                or ours.stride != theirs.stride
            ):
                raise ValueError(
                    f"encoder_init needs encoders of VGG-19's geometry, as those of the preset "
                    f"'base' with max_pooling, but {name} differs at convolution {index + 1} of "
                    f"stage {level + 1}"
                )
            ours.weight.copy_(theirs.weight)
            assert ours.bias is not None
            ours.bias.copy_(theirs.bias)
    # Ours takes x - 0.5 where VGG-19 takes (x - mean) / std: the difference goes into the first
    # weights. At the very border it remains: ours pads with grey, VGG-19 with ImageNet's mean.
    first = stages[0][0]
    assert first.bias is not None
    assert vgg19.input_layer.bias is not None
    scale = vgg19.input_layer.weight.diagonal(dim1=0, dim2=1).flatten()
    first.weight.mul_(scale[None, :, None, None])
    offset = 0.5 + vgg19.input_layer.bias / scale
    first.bias.add_((first.weight * offset[None, :, None, None]).sum(dim=(1, 2, 3)))
