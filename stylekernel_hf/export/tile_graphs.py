"""The models of large pictures: what is measured tile by tile, and tiles painted by it.

The network looks at the whole picture only through channel statistics and pooled style tokens.
These are measured in a first pass; in the second, each tile sees its whole receptive field.
"""

from __future__ import annotations

from collections.abc import Sequence

from stylekernel_hf import __version__
from stylekernel_hf.export.graph_builder import GraphBuilder, float_value, onnx
from stylekernel_hf.export.layers import CodeMap, Layers, Statistics
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.export.style_part import StylePart
from stylekernel_hf.export.transform_part import TransformPart
from stylekernel_hf.model.config import StyleKernelConfig

_PIXELS = ("height", "width")
_WINDOW = float_value("window", (1, 3, *_PIXELS), "RGB in [0, 1], in whole cells")


def features_model(
    config: StyleKernelConfig, weights: NetworkWeights, part: str
) -> onnx.ModelProto:
    """Return the model window -> feature_0, feature_1 and so on, finest first.

    `part` is "content", for the features of the dynamic levels, or "style", for all stages of the
    style encoder.
    """
    graph = GraphBuilder()
    features = Layers(graph, config, weights).encode(part, "window")
    widths = config.style_channels
    if part == "content":
        levels = len(config.dynamic_convolutions)
        features, widths = features[-levels:], config.encoder_channels[-levels:]
    outputs = [f"feature_{level}" for level in range(len(features))]
    for value, name in zip(features, outputs, strict=True):
        graph.add("Identity", value, name=name)
    shapes = [(1, width, f"height_{level}", f"width_{level}") for level, width in enumerate(widths)]
    return _model(graph, part, [_WINDOW], list(map(float_value, outputs, shapes)))


def summary_model(config: StyleKernelConfig, weights: NetworkWeights) -> onnx.ModelProto:
    """Return the model pooled, mean_0, std_0 and so on -> key, value, code.

    `pooled` is the style feature of the tokens, averaged to their grid. The statistics are those
    of the picture, then of the stages of the style encoder, finest first.
    """
    graph = GraphBuilder()
    part = StylePart(graph, config, weights)
    inputs, statistics = _measured((3, *config.style_channels))
    for value, name in zip(
        part.summarise("pooled", statistics), ("key", "value", "code"), strict=True
    ):
        graph.add("Identity", value, name=name)
    outputs = [
        float_value("key", (1, "tokens", config.attention_channels)),
        float_value("value", (1, "tokens", part.token_channels)),
        float_value("code", (1, config.code_channels)),
    ]
    pooled = float_value("pooled", (1, part.token_channels, "rows", "columns"))
    return _model(graph, "summary", [pooled, *inputs], outputs)


def paint_model(
    config: StyleKernelConfig, weights: NetworkWeights, *, has_map: bool
) -> onnx.ModelProto:
    """Return the model window, key, value, code, mean_0, std_0 and so on -> picture.

    It stylizes in full strength by the given statistics of the whole picture's content features,
    finest dynamic level first. Styles are stacked as for `transform_model`; with a map, their
    values and codes are as they are, and `shares` has the share of every style in every pixel.
    """
    graph = GraphBuilder()
    part = TransformPart(graph, config, weights)
    levels = len(config.dynamic_convolutions)
    inputs, statistics = _measured(config.encoder_channels[-levels:])
    features = part.encode_content("window")
    if has_map:
        aligned = part.align(features[-1], statistics[-1], "key", "value", "shares")
        code = CodeMap("code", "shares")
    else:
        aligned = part.align(features[-1], statistics[-1], "key", "value")
        code = graph.add("ReduceSum", "code", graph.integers(0), keepdims=1)
    graph.add("Identity", part.decode(features, statistics, aligned, code), name="picture")
    styles = [
        float_value("key", ("styles", "tokens", config.attention_channels)),
        float_value("value", ("styles", "tokens", part.token_channels)),
        float_value("code", ("styles", config.code_channels)),
    ]
    shares = [float_value("shares", ("styles", 1, *_PIXELS), "they sum to 1")] if has_map else []
    picture = float_value("picture", (1, 3, *_PIXELS), "RGB in [0, 1]")
    return _model(graph, "paint", [_WINDOW, *styles, *shares, *inputs], [picture])


def _measured(
    widths: Sequence[int],
) -> tuple[list[onnx.ValueInfoProto], list[Statistics]]:
    """Return inputs for the statistics of features of these widths, and their names."""
    statistics = [Statistics(f"mean_{index}", f"std_{index}") for index in range(len(widths))]
    inputs = [
        float_value(name, (1, width, 1, 1))
        for names, width in zip(statistics, widths, strict=True)
        for name in names
    ]
    return inputs, statistics


def _model(
    graph: GraphBuilder,
    name: str,
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    description = "Of stylekernel_hf, for large pictures."
    return graph.as_model(
        name, inputs, outputs, version=__version__, description=description, metadata={}
    )
