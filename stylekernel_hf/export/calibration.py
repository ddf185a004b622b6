"""What the convolutions of a network take and give, measured on drawn pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.export.graph_builder import onnx
from stylekernel_hf.export.graphs import style_model, transform_model
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.export.quantization import LayerRange
from stylekernel_hf.model.config import StyleKernelConfig

Array: TypeAlias = npt.NDArray[np.float32]

_PAIRS = 8
_WIDTH, _HEIGHT = 256, 192
_DISCS, _SMALLEST, _LARGEST = 600, 2.0, 120.0


def drawn_pairs() -> Iterator[tuple[Array, Array]]:
    """Yield photos and paintings, 1 x 3 x h x w in [0, 1]: dead leaves of random colours.

    Discs whose radii follow a power law and that hide one another have edges, contrasts and scales
    as photos have them (Lee, Mumford and Huang, 2001).
    """
    for index in range(_PAIRS):
        yield _leaves(2 * index), _leaves(2 * index + 1)


def measure_ranges(
    config: StyleKernelConfig, weights: NetworkWeights, pairs: Iterable[tuple[Array, Array]]
) -> dict[str, LayerRange]:
    """Stylize photos in paintings, and return what the convolutions saw that may have 8 bits.

    Raises ImportError without onnxruntime.
    """
    transform = transform_model(config, weights, fades=False)
    levels = len(config.decoder_channels)
    layers = {
        node.doc_string: node
        for node in transform.graph.node
        if node.doc_string and not _is_fine(node.doc_string, levels)
    }
    watched = sorted({end for node in layers.values() for end in (node.input[0], node.output[0])})
    lows, highs = _bounds(style_model(config, weights), transform, watched, pairs)
    return {
        name: LayerRange(
            (float(lows[node.input[0]].min()), float(highs[node.input[0]].max())),
            lows[node.output[0]],
            highs[node.output[0]],
        )
        for name, node in layers.items()
    }


def _bounds(
    style_part: onnx.ModelProto,
    transform: onnx.ModelProto,
    watched: Sequence[str],
    pairs: Iterable[tuple[Array, Array]],
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the least and the largest value of every channel of the watched features."""
    with extra_required("onnx", 'precision="int8"', "onnxruntime"):
        import onnxruntime
    transform.graph.output.extend(
        onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None) for value in watched
    )
    style, session = (
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        for model in (style_part, transform)
    )
    lows: dict[str, list[Array]] = {value: [] for value in watched}
    highs: dict[str, list[Array]] = {value: [] for value in watched}
    for photo, painting in pairs:
        key, value, code = style.run(None, {"painting": painting})
        inputs = {"photo": photo, "key": key, "value": value, "code": code}
        found = cast("list[Array]", session.run(watched, inputs))
        for name, features in zip(watched, found, strict=True):
            lows[name].append(features.min((0, 2, 3)))
            highs[name].append(features.max((0, 2, 3)))
    least = {name: np.minimum.reduce(each) for name, each in lows.items()}
    return least, {name: np.maximum.reduce(each) for name, each in highs.items()}


def _is_fine(name: str, levels: int) -> bool:
    """Say whether a layer works at the finer levels of the decoder, which keep 32 bits.

    Their features have rare values far outside the usual ones, and all of the grain.
    """
    room, part, *rest = name.split(".")
    if room != "decoder" or part == "blocks":
        return False
    # A projection works at the level above the one that it is called after.
    return int(rest[0]) + (part == "projections") < levels - 1


def _leaves(seed: int) -> Array:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (_WIDTH, _HEIGHT))
    drawing = ImageDraw.Draw(image)
    centres = random.random((_DISCS, 2)) * (_WIDTH, _HEIGHT)
    radii = np.minimum(_SMALLEST / np.sqrt(random.uniform(1e-4, 1, (_DISCS, 1))), _LARGEST)
    boxes = np.concatenate([centres - radii, centres + radii], axis=1).tolist()
    colors = random.integers(0, 256, (_DISCS, 3)).tolist()
    for box, color in zip(boxes, colors, strict=True):
        drawing.ellipse(box, fill=tuple(color))
    grain = random.random((_HEIGHT, _WIDTH, 3), np.float32)
    picture = 0.95 * np.asarray(image, np.float32) / 255 + 0.05 * grain
    return np.ascontiguousarray(picture.astype(np.float32).transpose(2, 0, 1)[None])
