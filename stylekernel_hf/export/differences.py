"""What the pictures of models in fewer bits differ by from those in single precision."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylekernel_hf.export.graph_builder import Precision, onnx

Array: TypeAlias = npt.NDArray[np.float32]
Models: TypeAlias = tuple[onnx.ModelProto, onnx.ModelProto]
"""The model of the style, and that of the transformation."""

_WIDTH, _HEIGHT = 256, 192
_STRENGTHS = (1.0, 0.5)
_TEXT = """
## What {precision} differs by

Differences from fp32, of values from 0 to 255, on two photos and paintings of {width} x {height} px
that are drawn by code, in ONNX Runtime on a CPU{how}:

| strength | mean | largest |
|---|---|---|
{rows}
"""
_UNKNOWN = """
## What {precision} differs by

Differences from fp32 were not measured, because onnxruntime is not installed.
"""


class Difference(NamedTuple):
    """Mean and largest difference, of values from 0 to 255, at a strength."""

    strength: float
    mean: float
    largest: float


def describe_differences(single: Models, narrow: Models, precision: Precision) -> str:
    """Return the section of the README on the differences, measured if onnxruntime is installed."""
    if importlib.util.find_spec("onnxruntime") is None:
        return _UNKNOWN.format(precision=precision)
    rows = [
        f"| {each.strength:g} | {each.mean:.3f} | {each.largest:.2f} |"
        for each in measure_differences(single, narrow)
    ]
    how = ", which computes in 32 bits what is stored in 16" if precision == "fp16" else ""
    return _TEXT.format(
        precision=precision, how=how, width=_WIDTH, height=_HEIGHT, rows="\n".join(rows)
    )


def measure_differences(single: Models, narrow: Models) -> list[Difference]:
    """Compare both precisions on drawn pictures, at each strength."""
    expected, actual = _pictures(single), _pictures(narrow)
    found: list[Difference] = []
    for strength, one, other in zip(_STRENGTHS, expected, actual, strict=True):
        difference = 255 * np.abs(one - other)
        found.append(Difference(strength, float(difference.mean()), float(difference.max())))
    return found


def _pictures(models: Models) -> Iterator[Array]:
    """Yield the stylized examples of each strength, stacked."""
    style, transform = (_session(model) for model in models)
    examples = [(_drawn(2 * index), _drawn(2 * index + 1)) for index in range(2)]
    encoded = [(photo, style.run(None, {"painting": painting})) for photo, painting in examples]
    for strength in _STRENGTHS:
        inputs = [
            {
                "photo": photo,
                "key": key,
                "value": value,
                "code": code,
                "strength": np.array(strength, np.float32),
            }
            for photo, (key, value, code) in encoded
        ]
        yield np.stack([transform.run(None, each)[0] for each in inputs])


def _session(model: onnx.ModelProto) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def _drawn(seed: int) -> Array:
    """Return smooth random colours with some grain, 1 x 3 x h x w in [0, 1]."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), np.uint8))
    smooth = np.asarray(coarse.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC), np.float32)
    picture = 0.9 * smooth / 255 + 0.1 * random.random((_HEIGHT, _WIDTH, 3), np.float32)
    return np.ascontiguousarray(picture.astype(np.float32).transpose(2, 0, 1)[None])
