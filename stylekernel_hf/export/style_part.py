"""The style: from a painting to keys, values and the style code."""

from __future__ import annotations

import numpy as np

from stylekernel_hf.export.layers import Layers, Statistics


class StylePart(Layers):
    """Encodes a style image; see `StyleKernelNetwork.encode_style`."""

    def encode_style(self, image: str) -> tuple[str, str, str]:
        """Return keys 1 x m x d, values 1 x m x s and the code 1 x e, in float32."""
        features = [self.graph.wide(each) for each in self.encode("style", image)]
        measured = [self.statistics(each) for each in (image, *features)]
        pooled = self.pooled(features[len(self.config.encoder_channels) - 1])
        return self.summarise(pooled, measured)

    def summarise(self, pooled: str, measured: list[Statistics]) -> tuple[str, str, str]:
        """Return key, value and code from the pooled feature of the tokens and the statistics.

        These are of the image and of the features of all stages.
        """
        key, value = self.tokens(pooled, measured[len(self.config.encoder_channels)])
        return key, value, self.code(measured)

    def tokens(self, pooled: str, statistics: Statistics) -> tuple[str, str]:
        """Return keys and values of a style feature averaged to the token grid."""
        graph, width = self.graph, self.token_channels
        found: list[str] = []
        normalised = self.normalise(pooled, statistics)
        for name, source, channels in (
            ("key", normalised, self.config.attention_channels),
            ("value", pooled, width),
        ):
            tokens = self.pointwise(
                f"style_alignment.{name}", graph.narrow(source), channels, width
            )
            flat = graph.add("Reshape", graph.wide(tokens), graph.integers(1, channels, -1))
            found.append(graph.add("Transpose", flat, perm=[0, 2, 1]))
        return found[0], found[1]

    def code(self, statistics: list[Statistics]) -> str:
        """Return the style code from the statistics of the image and of its features."""
        graph, config = self.graph, self.config
        palette, *summaries = [
            graph.add("Flatten", graph.add("Concat", *each, axis=1)) for each in statistics
        ]
        four, two = graph.number(4), graph.number(2)
        parts = [graph.add("Sub", graph.add("Mul", palette, four), two)]
        for index, (summary, width) in enumerate(
            zip(summaries, config.style_channels, strict=True)
        ):
            layer = self.weights.layer(f"style_code.norms.{index}", 2 * width)
            constants = map(graph.constant, layer)
            parts.append(graph.add("LayerNormalization", summary, *constants, epsilon=1e-5))
        x, width = graph.add("Concat", *parts, axis=1), 2 * (3 + sum(config.style_channels))
        for index in (0, 2, 4):
            x = self.linear(f"style_code.layers.{index}", x, config.code_channels, width)
            x, width = (graph.add("Relu", x) if index < 4 else x), config.code_channels
        return x

    def pooled(self, features: str) -> str:
        """Average features to the grid of `token_grid`, by one matrix for rows, one for columns.

        Sides are counted as sums of ones in float32, in which they are exact: runtimes compute
        integers of 64 bits slowly or not at all. Dividends are made a half larger, which leaves the
        whole part of the quotient: some runtimes divide by way of reciprocals, which are rounded.
        """
        add, number = self.graph.add, self.graph.number
        height, width = self._side(features, 2), self._side(features, 3)
        most = number(self.config.max_style_tokens)
        half = number(0.5)
        ratio = add("Div", add("Add", add("Mul", most, height), half), width)
        rows = add("Max", add("Floor", add("Sqrt", ratio)), number(1))
        rows = add("Min", rows, height, most)
        across = add("Floor", add("Div", add("Add", most, half), rows))
        columns = add("Max", add("Min", width, across), number(1))
        fits = add("LessOrEqual", add("Mul", height, width), most)
        down = self._bins(height, add("Where", fits, height, rows))
        across = self._bins(width, add("Where", fits, width, columns))
        narrowed = add("MatMul", features, add("Transpose", across, perm=[1, 0]))
        return add("MatMul", down, narrowed)

    def _side(self, features: str, axis: int) -> str:
        """Return the length of a side as a number in float32."""
        graph, everything = self.graph, 2**31 - 1
        stop = graph.integers(*(everything if other == axis else 1 for other in (1, 2, 3)))
        line = graph.add("Slice", features, graph.integers(0, 0, 0), stop, graph.integers(1, 2, 3))
        ones = graph.add("Add", graph.add("Mul", line, graph.number(0)), graph.number(1))
        return graph.add("ReduceSum", ones, keepdims=0)

    def _bins(self, length: str, cells: str) -> str:
        """Return the weight of each pixel of a line in each cell: cells x pixels."""
        graph = self.graph
        add, number = graph.add, graph.number
        axis = graph.integers(1)
        cell = add("Unsqueeze", add("Range", number(0), cells, number(1)), axis)
        pixel = add("Range", number(0), length, number(1))
        begin = add("Mul", cell, length)
        start = add("Floor", add("Div", add("Add", begin, number(0.5)), cells))
        end = add("Sub", add("Add", begin, length), number(0.5))
        stop = add("Add", add("Floor", add("Div", end, cells)), number(1))
        inside = add("And", add("GreaterOrEqual", pixel, start), add("Less", pixel, stop))
        share = add("Div", number(1), add("Sub", stop, start))
        return add("Where", inside, share, graph.constant(np.zeros(1, np.float32)))
