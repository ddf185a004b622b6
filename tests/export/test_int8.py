"""`export_onnx(..., precision="int8")`: convolutions of integers, and pictures close to fp32's."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from stylekernel_hf import export_onnx
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.export.exported import Array, Exported, smooth_picture
from tests.tiny import tiny_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from stylekernel_hf.export.calibration import drawn_pairs, measure_ranges  # noqa: E402
from stylekernel_hf.export.graph_builder import GraphBuilder, float_value  # noqa: E402
from stylekernel_hf.export.layers import Layers  # noqa: E402
from stylekernel_hf.export.network_weights import NetworkWeights  # noqa: E402
from stylekernel_hf.export.quantization import (  # noqa: E402
    LayerRange,
    integer_scale,
    rounded_weights,
)
from stylekernel_hf.model.config import StyleKernelConfig  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int8")
    export_onnx(load_checkpoint(EMBEDDED_CHECKPOINT), folder, precision="int8")
    return folder


@pytest.fixture(scope="module")
def pictures(folder: Path) -> dict[float, tuple[Array, Array, Array]]:
    """The photo, and the pictures in fp32 and in int8, by strength."""
    single = Exported(load_checkpoint(EMBEDDED_CHECKPOINT))
    transform = onnxruntime.InferenceSession(str(folder / "transform.onnx"))
    photo, painting = smooth_picture(133, 165, seed=1), smooth_picture(160, 200, seed=2)
    found: dict[float, tuple[Array, Array, Array]] = {}
    for strength in (1.0, 0.5, 0.0):
        inputs = single.inputs(photo, [painting], strength=strength)
        actual = transform.run(None, inputs)[0]
        found[strength] = inputs["photo"], single.transform.run(None, inputs)[0], actual
    return found


def test_pictures_stay_close_to_those_in_single_precision(
    pictures: dict[float, tuple[Array, Array, Array]],
) -> None:
    for strength in (1.0, 0.5):
        photo, expected, actual = pictures[strength]
        difference = 255 * np.abs(actual - expected).mean()
        # A style of no meaning would be as far away as the photo.
        assert 0 < difference < 3 < 255 * np.abs(photo - expected).mean() / 3


def test_strength_of_zero_is_still_the_photo(
    pictures: dict[float, tuple[Array, Array, Array]],
) -> None:
    photo, _, actual = pictures[0.0]
    assert 255 * np.abs(actual - photo).max() < 1


def test_most_convolutions_are_of_integers_and_the_readme_says_what_changes(folder: Path) -> None:
    onnx.checker.check_model(folder / "transform.onnx", full_check=True)
    graph = onnx.load(folder / "transform.onnx").graph
    types = {value.name: value.data_type for value in graph.initializer}
    made = {node.output[0]: node for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    rounded = [
        node
        for node in convolutions
        if (weights := made.get(node.input[1])) and types[weights.input[0]] == onnx.TensorProto.INT8
    ]
    assert len(convolutions) // 2 < len(rounded) < len(convolutions)
    style = onnx.load(folder / "style.onnx").graph
    assert not any(node.op_type == "QuantizeLinear" for node in style.node)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "## What int8 differs by" in readme
    stated = re.findall(r"^\| (1|0\.5) \| (\d\.\d+) \| (\d+\.\d+) \|$", readme, re.MULTILINE)
    assert [strength for strength, _, _ in stated] == ["1", "0.5"]
    assert all(0 < float(mean) < 3 for _, mean, _ in stated)


def test_rounding_is_within_half_a_step_and_keeps_zero() -> None:
    random = np.random.default_rng(0)
    for low, high in ((0.0, 3.0), (-1.0, 0.5), (-2.0, -1.0), (0.0, 0.0)):
        step, zero = integer_scale(low, high)
        values = random.uniform(min(low, 0), max(high, 0), 1000)
        rounded = np.rint(values / step + float(zero)).clip(0, 255)
        assert np.abs((rounded - float(zero)) * step - values).max() <= step * 0.51 + 1e-9
    weight = random.normal(size=(4, 3, 3, 3)).astype(np.float32) * [
        [[[9]]],
        [[[1]]],
        [[[0]]],
        [[[3]]],
    ]
    rounded, steps = rounded_weights(weight.astype(np.float32))
    assert np.abs(rounded).max() <= 63 and not rounded[2].any()
    assert (
        np.abs(rounded * steps[:, None, None, None] - weight).max((1, 2, 3)) <= steps / 1.99
    ).all()


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("has_gains", [False, True])
def test_layer_equals_the_convolution_of_what_is_rounded(rectified: bool, has_gains: bool) -> None:
    """The same in float64 by PyTorch: inputs and weights are rounded, then the output."""
    random = np.random.default_rng(1)
    x = random.normal(size=(1, 6, 9, 11)).astype(np.float32)
    weight = random.normal(size=(4, 6, 3, 3)).astype(np.float32)
    bias = None if has_gains else random.normal(size=4).astype(np.float32)
    lows, highs = np.full(4, -20, np.float32), np.full(4, 25, np.float32)
    seen = LayerRange((float(x.min()), float(x.max())), lows, highs)
    graph = GraphBuilder("int8", {"layer": seen})
    layers = Layers(graph, StyleKernelConfig(), NetworkWeights({}, "none"))
    gains = seen.gains() if has_gains else None
    y = layers.convolve("x", weight, bias, stride=2, name="layer", rectified=rectified, gains=gains)
    graph.add("Identity", y, name="y")
    model = graph.as_model(
        "layer",
        [float_value("x", x.shape)],
        [float_value("y", (1, 4, 5, 6))],
        version="",
        description="",
        metadata={},
    )
    actual = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]

    step, zero = integer_scale(*seen.inputs)
    rounded_x = (np.rint(x / step + float(zero)).clip(0, 255) - float(zero)) * float(step)
    divided = weight if gains is None else weight / gains[:, None, None, None]
    whole, steps = rounded_weights(divided)
    rounded_weight = whole * steps[:, None, None, None].astype(np.float64)
    given = None if bias is None else torch.from_numpy(bias).double()
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(rounded_x).double(),
        torch.from_numpy(rounded_weight),
        given,
        stride=2,
        padding=1,
    )
    expected = expected.clamp(min=0) if rectified else expected
    low, high = seen.outputs(gains)
    output_step, _ = integer_scale(0.0 if rectified else low, high)
    assert np.abs(actual - expected.numpy()).max() <= 0.52 * output_step


def test_ranges_cover_what_the_layers_see() -> None:
    """Features behind a ReLU start at 0, and further pictures only widen a range."""
    network = tiny_model()
    arrays = {name: x.detach().numpy() for name, x in network.state_dict().items()}
    weights = NetworkWeights(arrays, "the network")
    pairs = list(drawn_pairs())[:2]
    narrow, wide = (measure_ranges(network.config, weights, pairs[:n]) for n in (1, 2))
    assert narrow.keys() == wide.keys()
    assert not any(name.startswith(("style_encoder", "decoder.stages.0")) for name in wide)
    assert wide["content_encoder.stages.1.0"].inputs[0] == 0
    for name, seen in wide.items():
        assert seen.inputs[0] <= narrow[name].inputs[0] <= narrow[name].inputs[1] <= seen.inputs[1]
        assert (seen.highs >= narrow[name].highs).all() and (seen.lows <= narrow[name].lows).all()
