"""The two models that are exported: of the style, and of the transformation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stylekernel_hf import __version__
from stylekernel_hf.export.graph_builder import GraphBuilder, Precision, float_value, onnx
from stylekernel_hf.export.layers import Statistics
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.export.quantization import LayerRanges
from stylekernel_hf.export.style_part import StylePart
from stylekernel_hf.export.transform_part import TransformPart
from stylekernel_hf.model.config import StyleKernelConfig

MARGIN = 16
"""px by which photos are reflected outwards before, and cropped after."""
_PIXELS = ("height", "width")


@dataclass(frozen=True)
class _Content:
    """A photo in the graph: padded, with the features of the dynamic levels, and these measured."""

    image: str
    features: list[str]
    statistics: list[Statistics]


def style_model(
    config: StyleKernelConfig,
    weights: NetworkWeights,
    precision: Precision = "fp32",
    metadata: Mapping[str, str] | None = None,
    *,
    pads: bool = True,
) -> onnx.ModelProto:
    """Return the model `style.onnx`: painting -> key, value, code.

    The painting, RGB in [0, 1], is padded by reflection at the right and at the bottom to a
    multiple of the stride of the style encoder. Without `pads`, it is taken as it is.
    """
    graph = GraphBuilder(precision)
    part = StylePart(graph, config, weights)
    image = _padded(graph, "painting", part.config.style_stride, 0) if pads else "painting"
    for value, name in zip(part.encode_style(image), ("key", "value", "code"), strict=True):
        graph.add("Identity", value, name=name)
    return graph.as_model(
        "style",
        [float_value("painting", (1, 3, *_PIXELS), "RGB in [0, 1]")],
        [
            float_value("key", (1, "tokens", config.attention_channels)),
            float_value("value", (1, "tokens", part.token_channels)),
            float_value("code", (1, config.code_channels)),
        ],
        version=__version__,
        description="Encodes a painting, for transform.onnx.",
        metadata={**(metadata or {}), **_facts(config, precision)},
    )


def transform_model(
    config: StyleKernelConfig,
    weights: NetworkWeights,
    precision: Precision = "fp32",
    metadata: Mapping[str, str] | None = None,
    *,
    pads: bool = True,
    fades: bool = True,
    steady: bool = False,
    ranges: LayerRanges | None = None,
) -> onnx.ModelProto:
    """Return the model `transform.onnx`: photo, key, value, code, strength -> picture.

    Keys, values and codes of several styles are stacked along the first axis, values and codes
    multiplied by the share of their style; tokens whose key is zero are absent. With a strength
    below 1 the photo's own style, encoded by the same style encoder, has the rest. Without `pads`,
    the model takes a photo with its margin, whose sides are multiples of the stride. Without
    `fades`, it has no strength, which is 1, and no style encoder. With `steady`, statistics may be
    given, which have the share `held` in those that are used, and the photo's own style is given:
    tiles have those of the whole photo, and frames of a video those of the frames before. With
    `ranges`, the convolutions that they name are computed in 8 bits.
    """
    graph = GraphBuilder(precision, ranges)
    part = TransformPart(graph, config, weights)
    image = _padded(graph, "photo", part.config.stride, MARGIN) if pads else "photo"
    features = part.encode_content(image)
    statistics = [part.statistics(graph.wide(level)) for level in features]
    statistics = _held(part, statistics) if steady else statistics
    content = _Content(image, features, statistics)
    aligned = part.align(features[-1], statistics[-1], "key", "value")
    code = graph.add("ReduceSum", "code", graph.integers(0), keepdims=1)
    if fades:
        is_partial = graph.add("Less", "strength", graph.number(1))
        own = _own_style(part, is_partial, content, is_given=steady)
        aligned, code = _mixed(graph, (aligned, code), own)
        stylized = part.decode(features, statistics, aligned, code)
        picture = _restored(part, is_partial, content, own, stylized)
    else:
        picture = part.decode(features, statistics, aligned, code)
    if pads:
        _cropped(graph, picture, "photo", "picture")
    else:
        graph.add("Identity", picture, name="picture")
    strength = float_value("strength", (), "from 0, the photo, to 1, the full style")
    channels = 2 * sum(config.encoder_channels[-len(features) :])
    return graph.as_model(
        "transform",
        [
            float_value("photo", (1, 3, *_PIXELS), "RGB in [0, 1]"),
            float_value("key", ("styles", "tokens", config.attention_channels)),
            float_value("value", ("styles", "tokens", part.token_channels), "times the share"),
            float_value("code", ("styles", config.code_channels), "times the share"),
            *([strength] if fades else []),
            *(_steady_inputs(part, channels) if steady else []),
        ],
        [
            float_value("picture", (1, 3, *_PIXELS), "RGB in [0, 1]"),
            *([float_value("statistics", (1, channels, 1, 1))] if steady else []),
        ],
        version=__version__,
        description="Stylizes a photo in encoded styles, which style.onnx gives.",
        metadata={**(metadata or {}), **_facts(config, precision)},
    )


def measure_model(config: StyleKernelConfig, weights: NetworkWeights) -> onnx.ModelProto:
    """Return the model `measure.onnx`: a part of a photo -> the statistics of its features.

    It takes the part with what its features see around it, as whole cells of the stride, and
    `inside`: the first row and column of cells, and those behind the last, that are measured.
    """
    graph = GraphBuilder()
    part = TransformPart(graph, config, weights)
    features = part.encode_content("photo")
    first, last = graph.split("inside", [2, 2], 0)
    cell = config.stem_stride * 2 ** (len(config.encoder_channels) - len(features))
    measured: list[Statistics] = []
    for level, feature in enumerate(features):
        finer = graph.integers(config.stride // (cell * 2**level))
        start, stop = graph.add("Mul", first, finer), graph.add("Mul", last, finer)
        measured.append(
            part.statistics(graph.add("Slice", feature, start, stop, graph.integers(2, 3)))
        )
    channels = 2 * sum(config.encoder_channels[-len(features) :])
    graph.add("Identity", _joined(graph, measured), name="statistics")
    return graph.as_model(
        "measure",
        [
            float_value("photo", (1, 3, *_PIXELS), "RGB in [0, 1]"),
            onnx.helper.make_tensor_value_info("inside", onnx.TensorProto.INT64, [4]),
        ],
        [float_value("statistics", (1, channels, 1, 1))],
        version=__version__,
        description="Measures a part of a photo, for tiles of it.",
        metadata=_facts(config, "fp32"),
    )


def _steady_inputs(part: TransformPart, channels: int) -> list[onnx.ValueInfoProto]:
    config = part.config
    return [
        float_value("own_key", (1, "own_tokens", config.attention_channels)),
        float_value("own_value", (1, "own_tokens", part.token_channels)),
        float_value("own_code", (1, config.code_channels)),
        float_value("held_statistics", (1, channels, 1, 1)),
        float_value("held", (), "the share of these, from 0 to 1"),
    ]


def _joined(graph: GraphBuilder, statistics: list[Statistics]) -> str:
    return graph.add("Concat", *(each for level in statistics for each in level), axis=1)


def _held(part: TransformPart, measured: list[Statistics]) -> list[Statistics]:
    """Mix statistics with given ones, and give out the mixture."""
    graph, add = part.graph, part.graph.add
    joined = _joined(graph, measured)
    change = add("Mul", add("Sub", "held_statistics", joined), "held")
    used = add("Add", joined, change, name="statistics")
    widths = [
        width
        for width in part.config.encoder_channels[-len(measured) :]
        for _ in Statistics._fields
    ]
    parts = graph.split(used, widths, axis=1)
    return [Statistics(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def _own_style(
    part: TransformPart, is_partial: str, content: _Content, *, is_given: bool
) -> list[str]:
    """Return the aligned feature and the code of the photo's own style, or zeros where unused.

    The zeros are of one pixel. OpenVINO reuses memory too early if a branch hands on a value from
    outside of it.
    """
    graph, config, weights = part.graph, part.config, part.weights
    own, none = graph.branch(), graph.branch()
    if is_given:
        key, value, code = "own_key", "own_value", own.add("Identity", "own_code")
    else:
        key, value, code = StylePart(own, config, weights).encode_style(content.image)
    aligner = TransformPart(own, config, weights)
    aligned = aligner.align(content.features[-1], content.statistics[-1], key, value)
    zeros = [(1, part.token_channels, 1, 1), (1, config.code_channels)]
    nothing = [none.add("Identity", none.constant(np.zeros(x, np.float32))) for x in zeros]
    shapes = [(1, part.token_channels, "rows", "columns"), (1, config.code_channels)]
    return graph.choose(is_partial, (own, [aligned, code]), (none, nothing), shapes)


def _mixed(graph: GraphBuilder, given: tuple[str, str], own: list[str]) -> tuple[str, str]:
    """Mix the aligned feature and the code of the styles with those of the own style."""
    rest = graph.add("Sub", graph.number(1), "strength")
    aligned, code = (
        graph.add("Add", graph.add("Mul", style, "strength"), graph.add("Mul", of_own, rest))
        for style, of_own in zip(given, own, strict=True)
    )
    return aligned, code


def _restored(
    part: TransformPart, is_partial: str, content: _Content, own: list[str], stylized: str
) -> str:
    """Add back what stylizing the photo in its own style loses, for the rest of the strength."""
    graph = part.graph
    partly, fully = graph.branch(), graph.branch()
    again = TransformPart(partly, part.config, part.weights)
    own_picture = again.decode(content.features, content.statistics, *own)
    lost = partly.add("Sub", content.image, own_picture)
    rest = partly.add("Sub", partly.number(1), "strength")
    restored = partly.add("Add", stylized, partly.add("Mul", lost, rest))
    clipped = partly.add("Clip", restored, partly.number(0), partly.number(1))
    unchanged = fully.add("Identity", stylized)
    shape = (1, 3, "padded_height", "padded_width")
    return graph.choose(is_partial, (partly, [clipped]), (fully, [unchanged]), [shape])[0]


def _padded(graph: GraphBuilder, image: str, multiple: int, margin: int) -> str:
    """Reflect a margin on all sides, then to the right and downwards to a multiple."""
    add, integers = graph.add, graph.integers
    whole = add("Add", add("Shape", image, start=2, end=4), integers(2 * margin))
    missing = add("Mod", add("Neg", whole), integers(multiple))
    after = add("Add", missing, integers(margin))
    pads = add("Concat", integers(0, 0, margin, margin, 0, 0), after, axis=0)
    return add("Pad", image, pads, mode="reflect")


def _cropped(graph: GraphBuilder, picture: str, image: str, name: str) -> None:
    stop = graph.add("Add", graph.add("Shape", image, start=2, end=4), graph.integers(MARGIN))
    first, axes = graph.integers(MARGIN, MARGIN), graph.integers(2, 3)
    graph.add("Slice", picture, first, stop, axes, name=name)


def smallest_side(config: StyleKernelConfig) -> int:
    """Return the smallest side in px of paintings and photos.

    Features need three pixels a side for a border, and reflections reach less far than a side.
    """
    style_stride = config.stem_stride * 2 ** (len(config.style_channels) - 1)
    return 3 * max(style_stride, MARGIN)


def _facts(config: StyleKernelConfig, precision: Precision) -> dict[str, str]:
    return {
        "stylekernel_hf": __version__,
        "precision": precision,
        "smallest_side": str(smallest_side(config)),
    }
