"""Layers that the parts of the network share, as nodes of a graph.

Convolutions see no zeros: they run over the pixels whose whole surroundings are in the picture, and
the border that is left out is replicated. That equals `stylekernel_hf.ops.border`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stylekernel_hf.export.graph_builder import GraphBuilder
from stylekernel_hf.export.network_weights import NetworkWeights, Weights
from stylekernel_hf.export.quantization import integer_scale
from stylekernel_hf.model.config import StyleKernelConfig

EPSILON = 1e-5

# Row p, a, u: the share of coarse pixel i - 1 + a in the fine pixel 2i + p - 1 + u, bilinearly.
_SHARES = np.array(
    (
        ((0.75, 0.25, 0.0), (0.25, 0.75, 0.75), (0.0, 0.0, 0.25)),
        ((0.25, 0.0, 0.0), (0.75, 0.75, 0.25), (0.0, 0.25, 0.75)),
    )
)


class Statistics(NamedTuple):
    """Mean and standard deviation of every channel, 1 x c x 1 x 1 in float32."""

    mean: str
    std: str


class CodeMap(NamedTuple):
    """Codes of n styles, n x e, and the shares of the styles in every pixel, n x 1 x h x w."""

    codes: str
    shares: str


class Layers:
    """Adds layers of a network to a graph.

    Args:
        graph: Where the nodes go.
        config: The shapes of the network.
        weights: Its weights.
    """

    def __init__(
        self, graph: GraphBuilder, config: StyleKernelConfig, weights: NetworkWeights
    ) -> None:
        self.graph, self.config, self.weights = graph, config, weights
        self._shares: dict[tuple[str, int], str] = {}

    @property
    def token_channels(self) -> int:
        """The width of the style's values."""
        return self.config.style_channels[len(self.config.encoder_channels) - 1]

    def convolve(
        self,
        x: str,
        weight: Weights,
        bias: Weights | None,
        *,
        stride: int = 1,
        groups: int = 1,
        name: str = "",
        rectified: bool = False,
        gains: Weights | None = None,
    ) -> str:
        """Convolve; with a stride of 1 only where the kernel lies inside the picture.

        A convolution with a name may be computed in 8 bits. Its outputs are divided by `gains`.
        """
        # Over an even number of pixels, a stride of 2 needs zeros on one side only.
        graph, around = self.graph, weight.shape[2] // 2 if stride > 1 else 0
        attributes: dict[str, Any] = {
            "kernel_shape": list(weight.shape[2:]),
            "strides": [stride, stride],
            "pads": [around] * 4,
            "group": groups,
        }
        seen = graph.ranges.get(name)
        if seen is None:
            parts = [graph.weight(weight), *([] if bias is None else [graph.weight(bias)])]
            x = graph.add("Conv", x, *parts, doc_string=name, **attributes)
            return graph.add("Relu", x) if rectified else x
        if gains is not None:
            weight = weight / gains.reshape(-1, 1, 1, 1)
        step, _ = integer_scale(*seen.inputs)
        parts = graph.integer_weights(weight, bias, float(step))
        x = graph.add("Conv", graph.in_integers(x, *seen.inputs), *parts, **attributes)
        x = graph.add("Relu", x) if rectified else x
        low, high = seen.outputs(gains)
        return graph.in_integers(x, 0.0 if rectified else low, high)

    def replicate(self, x: str, width: int, *, stride: int = 1) -> str:
        """Add the border that `convolve` left out, or replace the one that saw zeros."""
        if width == 0:
            return x
        if stride == 1:
            return self.pad(x, (width, width, width, width), "edge")
        return self.pad(self.crop(x, (width, width), None), (width, width, 0, 0), "edge")

    def pad(self, x: str, around: tuple[int, int, int, int], mode: str) -> str:
        """Pad by pixels at the top, the left, the bottom and the right."""
        top, left, bottom, right = around
        pads = self.graph.integers(0, 0, top, left, 0, 0, bottom, right)
        return self.graph.add("Pad", x, pads, mode=mode)

    def crop(self, x: str, first: tuple[int, int], last: tuple[int, int] | None) -> str:
        """Return rows and columns from `first` up to `last`, which counts from the end."""
        stop = last or (2**31 - 1, 2**31 - 1)
        integers = self.graph.integers
        return self.graph.add("Slice", x, integers(*first), integers(*stop), integers(2, 3))

    def encode(self, part: str, image: str) -> list[str]:
        """Return the features of every stage of the content or style encoder, finest first."""
        config = self.config
        channels = config.encoder_channels if part == "content" else config.style_channels
        depths = config.encoder_depths if part == "content" else config.style_depths
        x, width, features = self.narrow_image(image), 3, list[str]()
        for level, (wider, depth) in enumerate(zip(channels, depths, strict=True)):
            stride = config.stem_stride if level == 0 else 1 if config.max_pooling else 2
            if level and config.max_pooling:
                x = self.graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
            for index in range(depth):
                name = f"{part}_encoder.stages.{level}.{2 * index}"
                layer = self.weights.layer(name, wider, width, 3, 3)
                step = stride if index == 0 else 1
                # The colours of a photo keep all their values.
                x = self.convolve(
                    x, *layer, stride=step, name=name if level or index else "", rectified=True
                )
                x, width = self.replicate(x, 1, stride=step), wider
            features.append(x)
        return features

    def narrow_image(self, image: str) -> str:
        """Return an image in [0, 1] as the encoders see it."""
        return self.graph.narrow(self.graph.add("Sub", image, self.graph.number(0.5)))

    def statistics(self, features: str) -> Statistics:
        """Measure the channels of float32 over all pixels."""
        add = self.graph.add
        mean = add("GlobalAveragePool", features)
        deviation = add("Sub", features, mean)
        variance = add("GlobalAveragePool", add("Mul", deviation, deviation))
        return Statistics(mean, add("Sqrt", add("Add", variance, self.graph.number(EPSILON))))

    def normalise(
        self, features: str, statistics: Statistics, scale: str | None = None, shift: str = ""
    ) -> str:
        """Give every channel the mean `shift` and the deviation `scale`, by default 0 and 1."""
        add = self.graph.add
        gain = add("Div", scale or self.graph.number(1), statistics.std)
        taken = add("Mul", statistics.mean, gain)
        offset = add("Sub", shift, taken) if shift else add("Neg", taken)
        return self.affine(self.graph.wide(features), gain, offset)

    def affine(self, features: str, scale: str, shift: str) -> str:
        """Return features times `scale` plus `shift`."""
        return self.graph.add("Add", self.graph.add("Mul", features, scale), shift)

    def linear(self, name: str, vectors: str, outputs: int, inputs: int) -> str:
        """Apply a linear layer, in float32, to vectors n x c."""
        weight, bias = self.weights.layer(name, outputs, inputs)
        constant = self.graph.constant
        return self.graph.add("Gemm", vectors, constant(weight), constant(bias), transB=1)

    def modulation(
        self, name: str, code: str | CodeMap, channels: int, cell: int
    ) -> tuple[str, str]:
        """Return scale and shift by the style code in float32: 1 x c x 1 x 1.

        By a map of codes they are maps, for features of which one covers `cell` px a side.
        """
        weight, bias = self.weights.layer(f"{name}.affine", 2 * channels, self.config.code_channels)
        bias[:channels] += 1  # The scale is around 1.
        add, integers = self.graph.add, self.graph.integers
        parts = [self.graph.constant(weight), self.graph.constant(bias)]
        if isinstance(code, CodeMap):
            each = add("Gemm", code.codes, *parts, transB=1)
            shares = self.shares_at(code.shares, cell)
            flat = add("Reshape", shares, integers(0, -1))
            both = add("MatMul", add("Transpose", each, perm=[1, 0]), flat)
            sides = add("Shape", shares, start=2, end=4)
            shape = add("Concat", integers(1, 2 * channels), sides, axis=0)
            maps = add("Reshape", both, shape)
        else:
            both = add("Gemm", code, *parts, transB=1)
            maps = add("Reshape", both, integers(1, 2 * channels, 1, 1))
        scale, shift = self.graph.split(maps, [channels, channels], axis=1)
        return scale, shift

    def shares_at(self, shares: str, cell: int) -> str:
        """Average shares n x 1 x h x w down to features of which one covers `cell` px a side."""
        if cell == 1:
            return shares
        key = shares, cell
        if key not in self._shares:
            sides = [cell, cell]
            self._shares[key] = self.graph.add(
                "AveragePool", shares, kernel_shape=sides, strides=sides
            )
        return self._shares[key]

    def modulated_convolution(
        self,
        name: str,
        x: str,
        code: str | CodeMap,
        shape: tuple[int, int],
        *,
        size: int,
        upsample: bool,
        cell: int,
    ) -> str:
        """Convolve, scale and shift by the style code, and rectify; outputs cover `cell` px.

        The bias goes into the shift, and the weights stay constant, which runtimes prepare once.
        """
        wider, width = shape
        weight, bias = self.weights.layer(f"{name}.convolution", wider, width, size, size)
        scale, shift = self.modulation(f"{name}.modulation", code, wider, cell)
        shift = self.affine(self.graph.constant(bias[None, :, None, None]), scale, shift)
        if upsample:
            phases = self.convolve(x, phase_weights(weight), None)
            x = self.graph.add("DepthToSpace", phases, blocksize=2, mode="CRD")
        elif name in self.graph.ranges:
            gains = self.graph.ranges[name].gains()
            x = self.convolve(x, weight, None, name=name, gains=gains)
            scale = self.graph.add("Mul", scale, self.graph.constant(gains.reshape(1, -1, 1, 1)))
        else:
            x = self.convolve(x, weight, None, name=name)
        border = 2 if upsample else size // 2
        if isinstance(code, CodeMap):  # The map reaches to the border.
            x = self.replicate(x, border)
        x = self.affine(x, self.graph.narrow(scale), self.graph.narrow(shift))
        x = self.graph.add("Relu", x)
        return x if isinstance(code, CodeMap) else self.replicate(x, border)

    def pointwise(
        self, name: str, x: str, outputs: int, inputs: int, *, rectified: bool = False
    ) -> str:
        """Apply a 1x1 convolution."""
        layer = self.weights.layer(name, outputs, inputs, 1, 1)
        return self.convolve(x, *layer, name=name, rectified=rectified)

    def upsample(self, x: str, factor: int) -> str:
        """Enlarge bilinearly."""
        scales = self.graph.constant(np.array([1, 1, factor, factor], np.float32))
        return self.graph.add("Resize", x, "", scales, mode="linear")


def phase_weights(weight: Weights) -> Weights:
    """Return the weights of a 3x3 convolution of features upsampled twofold, on coarse features.

    Each of the four fine pixels in a coarse one sees three by three coarse pixels at most. The four
    phases of a channel follow each other, as DepthToSpace wants them.
    """
    phases = np.einsum("oiuv,pau,qbv->opqiab", weight.astype(np.float64), _SHARES, _SHARES)
    return phases.reshape(-1, *weight.shape[1:]).astype(np.float32)
