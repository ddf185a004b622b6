"""The transformation: from a photo and an encoded style to the picture."""

from __future__ import annotations

import numpy as np

from stylekernel_hf.export.layers import CodeMap, Layers, Statistics
from stylekernel_hf.export.network_weights import Weights

GATED_FLOOR = 1e-6
# What is taken off the scores of absent tokens, whose softmax is 0 then.
_ABSENT = 1e4


class TransformPart(Layers):
    """Stylizes content features; see `StyleKernelNetwork.stylize`."""

    def encode_content(self, image: str) -> list[str]:
        """Return the content features of the dynamic levels, finest first."""
        return self.encode("content", image)[-len(self.config.dynamic_convolutions) :]

    def align(
        self, features: str, statistics: Statistics, key: str, value: str, shares: str | None = None
    ) -> str:
        """Return the aligned feature Zcs: the sum over the n styles of their aligned values.

        The attention has one row for every pixel, one column for every token. Tokens whose key is
        zero are absent. The values hold the shares of the styles, unless there is a map of them.
        """
        add, graph = self.graph.add, self.graph
        width, depth = self.token_channels, self.config.attention_channels
        content = graph.narrow(self.normalise(features, statistics))
        weight, bias = self._query_layer()
        rows = graph.wide(self.convolve(content, weight, bias))
        flat = add("Reshape", rows, graph.integers(1, len(weight), -1))
        query, one, *gate = graph.split(
            flat, [depth, 1, *([1, 1] if self.config.gating else [])], 1
        )
        scaled = add("Mul", key, graph.number(depth**-0.5))
        magnitude = add("ReduceSum", add("Abs", key), graph.integers(2))
        present = add("Sign", magnitude)
        ones = add("Sign", add("Add", magnitude, graph.number(1)))
        absent = add("Mul", add("Sub", present, graph.number(1)), graph.number(_ABSENT))
        if self.config.gating:
            total = add("ReduceSum", scaled, graph.integers(1))
            mean = add("Div", total, add("ReduceSum", present, graph.integers(1)))
            gamma, beta = gate
            threshold = self.affine(add("MatMul", mean, query), gamma, beta)
            styles = add("Shape", key, start=0, end=1)
            shape = add("Concat", styles, graph.integers(1, 1), axis=0)
            query = add("Expand", add("Concat", query, one, axis=1), shape)
            query = add("Concat", query, add("Neg", threshold), axis=1)
            tokens = add("Concat", scaled, absent, ones, axis=2)
        else:
            query = add("Concat", query, one, axis=1)
            tokens = add("Concat", scaled, absent, axis=2)
        pixels = add("Transpose", query, perm=[0, 2, 1])
        score = add("MatMul", pixels, add("Transpose", tokens, perm=[0, 2, 1]))
        weights = add("Softmax", score, axis=2)
        if self.config.gating:
            weights = add("Mul", add("Max", score, graph.number(GATED_FLOOR)), weights)
        # A row of ones beside the values gives the sum of the weights.
        extended = add("Transpose", add("Concat", value, present, axis=2), perm=[0, 2, 1])
        summed = add("MatMul", extended, add("Transpose", weights, perm=[0, 2, 1]))
        averaged, total = graph.split(summed, [width, 1], axis=1)
        aligned = add("Div", averaged, total)
        if shares is not None:
            here = self.shares_at(shares, self.config.stride)
            aligned = add("Mul", aligned, add("Reshape", here, graph.integers(0, 1, -1)))
        mixed = add("ReduceSum", aligned, graph.integers(0), keepdims=1)
        sides = add("Shape", features, start=2, end=4)
        return add("Reshape", mixed, add("Concat", graph.integers(1, width), sides, axis=0))

    def decode(
        self,
        features: list[str],
        statistics: list[Statistics],
        aligned: str,
        code: str | CodeMap,
    ) -> str:
        """Re-normalise the features, filter them with the kernels from Zcs, and decode them."""
        stylized: list[str] = []
        widths = self.config.encoder_channels[-len(features) :]
        narrow = self.graph.narrow(aligned)
        for level, width in enumerate(widths):
            cell = self.config.stride // 2 ** (len(features) - 1 - level)
            scale, shift = self.modulation(f"modulations.{level}", code, width, cell)
            restyled = self.normalise(features[level], statistics[level], scale, shift)
            stylized.append(self._filtered(level, width, self.graph.narrow(restyled), narrow))
        return self._decoded(stylized, code)

    def _query_layer(self) -> tuple[Weights, Weights]:
        """Return a 1x1 convolution to the query, to a constant one, and to gamma and beta."""
        width, depth = self.config.encoder_channels[-1], self.config.attention_channels
        weight, bias = self.weights.layer("style_alignment.query", depth, width, 1, 1)
        weights = [weight, np.zeros((1, width, 1, 1), np.float32)]
        biases = [bias, np.ones(1, np.float32)]
        if self.config.gating:
            weight, bias = self.weights.layer("style_alignment.gating.threshold", 2, width, 1, 1)
            weights, biases = [*weights, weight], [*biases, bias]
        return np.concatenate(weights), np.concatenate(biases)

    def _filtered(self, level: int, width: int, features: str, aligned: str) -> str:
        """Filter features with the kernels that the aligned style gives, then scale and shift."""
        config, graph = self.config, self.graph
        name, hidden_width = f"kernel_generators.{level}", config.kernel_channels
        convolutions, taps = config.dynamic_convolutions[level], config.kernel_size**2
        count = taps * config.kernel_groups
        hidden = self.pointwise(
            f"{name}.hidden", aligned, hidden_width, self.token_channels, rectified=True
        )
        finer = len(config.dynamic_convolutions) - 1 - level
        hidden = self.upsample(hidden, 2**finer) if finer else hidden
        outputs = convolutions * count + 2 * width
        weight, bias = self.weights.layer(f"{name}.head", outputs, hidden_width, 1, 1)
        reach = config.kernel_size // 2
        # Kernels are needed only where they lie inside the picture.
        inside = self.crop(hidden, (reach, reach), (-reach, -reach)) if reach else hidden
        for index in range(convolutions):
            part = slice(index * count, (index + 1) * count)
            kernels = self._kernels(f"{name}.head.{index}", inside, weight[part], bias[part])
            if index and config.channel_shuffle:
                features = graph.add("Transpose", features, perm=[1, 0, 2, 3])
            features = self._dynamic_convolution(features, kernels, width)
        if convolutions:
            features = self._grouped(features, width, 1)
        rest = weight[-2 * width :], bias[-2 * width :]
        changes = self.convolve(hidden, *rest, name=f"{name}.head")
        return self.affine(features, *graph.split(changes, [width, width], axis=1))

    def _kernels(self, name: str, hidden: str, weight: Weights, bias: Weights) -> list[str]:
        """Return the taps one by one, each a map for every group: g x 1 x h x w."""
        groups, taps = self.config.kernel_groups, self.config.kernel_size**2
        order = np.arange(len(bias)).reshape(groups, taps).T.reshape(-1)
        maps = self.convolve(hidden, weight[order], bias[order], name=name)
        listed = self.graph.add("Reshape", maps, self.graph.integers(groups * taps, 1, 0, 0))
        return self.graph.split(listed, [groups] * taps, axis=0)

    def _dynamic_convolution(self, features: str, kernels: list[str], width: int) -> str:
        """Filter every pixel with a kernel of its own: the sum over the taps of shifted features.

        The groups take the place of the batch: g x c/g x h x w.
        """
        groups, size = self.config.kernel_groups, self.config.kernel_size
        features = self._grouped(features, width // groups, groups)
        products: list[str] = []
        for tap, kernel in enumerate(kernels):
            row, column = divmod(tap, size)
            last = (row + 1 - size or 2**31 - 1, column + 1 - size or 2**31 - 1)
            shifted = self.crop(features, (row, column), last) if size > 1 else features
            products.append(self.graph.add("Mul", shifted, kernel))
        total = self.graph.add("Sum", *products)
        return self.replicate(total, size // 2)

    def _grouped(self, features: str, width: int, groups: int) -> str:
        return self.graph.add("Reshape", features, self.graph.integers(groups, width, 0, 0))

    def _decoded(self, features: list[str], code: str | CodeMap) -> str:
        """Decode the stylized features of the coarsest levels, finest of them first."""
        config, graph = self.config, self.graph
        channels, x = config.decoder_channels, features[-1]
        for index in range(config.decoder_blocks):
            x = self._style_block(f"decoder.blocks.{index}", x, code, channels[-1])
        for level in reversed(range(len(channels))):
            width, upsample = channels[level], False
            cell = config.stride // 2 ** (len(channels) - 1 - level)
            if level < len(channels) - 1:
                name = f"decoder.projections.{level}"
                x = self.pointwise(name, x, width, channels[level + 1])
                skip = level - len(channels) + len(features)
                # Without features to be added, upsampling is part of the first convolution.
                upsample = skip < 0
                x = x if upsample else graph.add("Add", self.upsample(x, 2), features[skip])
            for index in range(config.decoder_depths[level]):
                name = f"decoder.stages.{level}.{index}"
                x = self.modulated_convolution(
                    name, x, code, (width, width), size=3, upsample=upsample, cell=cell
                )
                upsample = False
        shuffle = self.config.stride // 2 ** (len(channels) - 1)
        layer = self.weights.layer("decoder.to_rgb", 3 * shuffle**2, channels[0], 3, 3)
        rgb = graph.add("Sigmoid", self.replicate(self.convolve(x, *layer), 1))
        if shuffle > 1:
            rgb = graph.add("DepthToSpace", rgb, blocksize=shuffle, mode="CRD")
        return graph.wide(rgb)

    def _style_block(self, name: str, x: str, code: str | CodeMap, width: int) -> str:
        layer = self.weights.layer(f"{name}.spread", width, 1, 5, 5)
        convolved = self.convolve(x, *layer, groups=width, name=f"{name}.spread")
        spread = self.replicate(convolved, 2)
        expanded = self.modulated_convolution(
            f"{name}.expand",
            spread,
            code,
            (2 * width, width),
            size=1,
            upsample=False,
            cell=self.config.stride,
        )
        added = self.pointwise(f"{name}.project", expanded, width, 2 * width)
        return self.graph.add("Add", x, added)
