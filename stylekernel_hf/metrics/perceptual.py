"""Frozen feature networks: VGG-19 and a student with a sixteenth of its parameters.

Both map an RGB image in [0, 1] to the five activations relu1_1, relu2_1, relu3_1, relu4_1 and
relu5_1 of VGG-19 (Simonyan and Zisserman, 2015), on which style transfer has been trained and
scored since Huang and Belongie (2017). The student (Wang et al., CVPR 2020) has a quarter of
the channels; from relu3_1 on, its 1x1 layers `to_vgg19` lift them to VGG-19's. The two finest
layers stay as they are: unlifted, their distances between images follow VGG-19's more closely
(correlation 0.87 against 0.43 at relu2_1) and cost a quarter of the memory traffic.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.files.safetensors_file import read_finite
from stylekernel_hf.files.safetensors_header import listed_shape, open_tensors
from stylekernel_hf.metrics.downloads import named_download

FEATURE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

# The position of every convolution in torchvision's `vgg19().features`, by block.
_VGG19_BLOCKS = ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28,))
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)

# Side of the smallest pictures that the networks take, in px.
SMALLEST_SIDE = 32

_PaddingMode: TypeAlias = Literal["zeros", "reflect"]


class PerceptualNetwork(nn.Module):
    """The frozen convolutions of VGG-19 up to conv5_1, at any width.

    The 3x3 convolutions pad as in their training: with zeros in torchvision's VGG-19, by reflection
    in the student. Inputs may have any size from 32 px a side.
    """

    def __init__(
        self,
        input_layer: nn.Conv2d,
        blocks: list[list[nn.Conv2d]],
        lifts: list[nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.input_layer = input_layer
        self.blocks = nn.ModuleList(nn.ModuleList(block) for block in blocks)
        self.lifts = nn.ModuleList(lifts or [])
        self.requires_grad_(False)
        self.eval()

    def forward(
        self, image: Float[Tensor, "b 3 h w"], *, layers: int = len(FEATURE_LAYERS)
    ) -> list[Tensor]:
        """Return the first `layers` of the five activations of RGB in [0, 1], the finest first."""
        features: list[Tensor] = []
        x = self.input_layer(image)
        for level, block in enumerate(self.blocks[:layers]):
            if level:
                x = nn.functional.max_pool2d(x, 2)
            # Only the first convolution of the last block is needed.
            last = level + 1 == layers
            for index, convolution in enumerate(block[:1] if last else block):  # type: ignore
                x = torch.relu(convolution(x))
                if index == 0:
                    features.append(x)
        if self.lifts:
            lifts = self.lifts[:layers]
            features = [torch.relu(lift(x)) for lift, x in zip(lifts, features, strict=True)]
        return features


def load_perceptual_network(path: str | Path | None = None) -> PerceptualNetwork:
    """Load VGG-19 or its student from a safetensors file, whose keys tell which one it is.

    Without a path, torchvision's ImageNet VGG-19 is used, which torchvision downloads once.
    Raises FileNotFoundError for a missing file, ValueError for a file that holds neither network or
    numbers that are not finite, and OSError if torchvision's weights cannot be downloaded.
    """
    if path is None:
        with extra_required("train", "VGG-19 without a file as perceptual", "torchvision"):
            from torchvision.models import VGG19_Weights, vgg19
        source = VGG19_Weights.IMAGENET1K_V1
        otherwise = ", or give the path of a safetensors file as perceptual (--perceptual)"
        with named_download("VGG-19", source.url, otherwise=otherwise):
            network = vgg19(weights=source)
        return _vgg19(network.state_dict())
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"perceptual: no such file: '{path}'")
    weights = _read_convolutions(path)
    try:
        network = _student(weights) if "conv1_1.weight" in weights else _vgg19(weights)
        network(torch.zeros(1, 3, SMALLEST_SIDE, SMALLEST_SIDE))
        return network
    except RuntimeError as error:
        raise ValueError(
            f"perceptual must hold layers that fit together, but those of '{path}' do not: {error}"
        ) from error
    except KeyError as error:
        raise ValueError(
            "perceptual must hold VGG-19 with torchvision's keys (features.0.weight, ...) or its "
            f"16x student (conv1_1.weight, ...) up to conv5_1, but '{path}' lacks {error}"
        ) from None


def _read_convolutions(path: Path) -> dict[str, Tensor]:
    """Read the convolutions of either network, without VGG-19's large classifier."""
    weights: dict[str, Tensor] = {}
    with open_tensors(path, f"perceptual must be a safetensors file, got '{path}'") as tensors:
        for name in tensors.keys():  # noqa: SIM118
            if name.startswith(("features.", "input.", "conv", "to_vgg19.")):
                where = f"perceptual: tensor {name} in '{path}'"
                dimensions = len(listed_shape(tensors, name, where))
                if dimensions != (4 if name.endswith(".weight") else 1):
                    raise ValueError(
                        f"{where} must be of a convolution, got {dimensions} dimensions"
                    )
                weights[name] = read_finite(tensors, name, where, torch.float32)
    return weights


def _vgg19(weights: Mapping[str, Tensor]) -> PerceptualNetwork:
    std = torch.tensor(_IMAGENET_STD)
    normalise = torch.diag(1 / std)[:, :, None, None]
    input_layer = _frozen_conv(normalise, -torch.tensor(_IMAGENET_MEAN) / std)
    blocks = [
        [
            _frozen_conv(weights[f"features.{i}.weight"], weights[f"features.{i}.bias"])
            for i in block
        ]
        for block in _VGG19_BLOCKS
    ]
    return PerceptualNetwork(input_layer, blocks)


def _student(weights: Mapping[str, Tensor]) -> PerceptualNetwork:
    def conv(name: str) -> nn.Conv2d:
        return _frozen_conv(weights[f"{name}.weight"], weights[f"{name}.bias"], "reflect")

    blocks = [
        [conv(f"conv{level}_{i + 1}") for i in range(len(block))]
        for level, block in enumerate(_VGG19_BLOCKS, start=1)
    ]
    lifts = [conv(f"to_vgg19.{layer}") for layer in FEATURE_LAYERS[2:]]
    return PerceptualNetwork(conv("input"), blocks, [nn.Identity(), nn.Identity(), *lifts])


def _frozen_conv(weight: Tensor, bias: Tensor, padding_mode: _PaddingMode = "zeros") -> nn.Conv2d:
    out_channels, in_channels, kernel_size, _ = weight.shape
    with torch.device("meta"):  # Draws no random weights.
        layer = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=kernel_size // 2,
            padding_mode=padding_mode if kernel_size > 1 else "zeros",
        )
    layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return layer.to(memory_format=torch.channels_last)
