"""The exported models give the pictures of the network, and keep the rules that runtimes need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from stylekernel_hf.export.graphs import smallest_side
from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.model.config import StyleKernelConfig
from stylekernel_hf.model.style_kernel import StyleKernelNetwork
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.export.exported import Exported, build_models, smooth_picture, stylize_by_torch
from tests.openvino_alone import openvino_alone

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

# A tenth of what 1/255 would allow.
TOLERANCE = 0.1 / 255
SIZES = [
    *[(49, 49), (65, 97), (127, 83), (101, 203), (75, 225), (131, 131), (211, 57), (97, 64)],
    *[(53, 159), (149, 99)],
]
TINY = StyleKernelConfig(
    encoder_channels=(4, 8, 8),
    style_channels=(4, 8, 8, 8),
    decoder_channels=(4, 8, 8),
    style_depths=(1, 1, 1, 1),
    attention_channels=8,
    max_style_tokens=30,
    kernel_groups=4,
    kernel_channels=8,
    code_channels=16,
    decoder_blocks=1,
)
VARIANTS: dict[str, dict[str, Any]] = {
    "without the gate": {"gating": False},
    "one token": {"max_style_tokens": 1},
    "every pixel a token": {"max_style_tokens": 4096},
    "without the shuffle": {"channel_shuffle": False},
    "without kernels": {"dynamic_convolutions": (0, 0)},
    "kernels of one pixel": {"kernel_size": 1},
    "wide kernels": {"kernel_size": 5},
    "kernels at one level": {"dynamic_convolutions": (2,)},
    "kernels at all levels": {"dynamic_convolutions": (1, 1, 1), "decoder_channels": (4, 8, 8)},
    "full resolution": {"stem_stride": 1},
    "coarse stem": {"stem_stride": 4},
    "max pooling": {"max_pooling": True},
    "short decoder": {"decoder_channels": (8, 8), "decoder_depths": (2, 1)},
    "without blocks": {"decoder_blocks": 0},
}


def randomised(config: StyleKernelConfig) -> StyleKernelNetwork:
    """Build a network none of whose parts is zero or the identity."""
    torch.manual_seed(0)
    network = StyleKernelNetwork(config).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3 / max(1, parameter[0].numel()) ** 0.5)
    return network


@pytest.fixture(scope="module")
def small() -> StyleKernelModel:
    return load_checkpoint(EMBEDDED_CHECKPOINT)


@pytest.fixture(scope="module")
def exported(small: StyleKernelModel) -> Exported:
    return Exported(small)


def test_key_value_and_code_are_the_networks(small: StyleKernelModel, exported: Exported):
    painting = smooth_picture(144, 208, seed=1)
    with torch.inference_mode():
        style = small.encode_style(painting)
    key, value, code = exported.encode(painting)
    np.testing.assert_allclose(key, style.key.numpy(), atol=1e-4)
    np.testing.assert_allclose(value, style.value.numpy(), atol=1e-4)
    np.testing.assert_allclose(code, style.code.numpy(), atol=1e-4)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_picture_of_any_size_is_the_networks(
    small: StyleKernelModel, exported: Exported, height: int, width: int
):
    photo, painting = smooth_picture(height, width, seed=1), smooth_picture(width, 96, seed=2)
    actual = exported.stylize(photo, [painting])
    expected = stylize_by_torch(small, photo, [painting])
    assert actual.shape == (1, 3, height, width)
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("height", "width"), [(77, 77), (61, 122), (183, 61)])
def test_mixture_in_any_strength_is_the_networks(
    small: StyleKernelModel, exported: Exported, height: int, width: int, strength: float
):
    photo = smooth_picture(height, width, seed=1)
    # These have different numbers of tokens.
    paintings = [smooth_picture(96, side, seed=side) for side in (96, 160, 301)]
    shares = [0.5, 0.2, 0.3]
    actual = exported.stylize(photo, paintings, shares, strength)
    expected = stylize_by_torch(small, photo, paintings, shares, strength)
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


def test_strength_0_gives_the_photo(exported: Exported):
    photo, painting = smooth_picture(70, 90, seed=1), smooth_picture(96, 96, seed=2)
    actual = exported.stylize(photo, [painting], strength=0)
    np.testing.assert_allclose(actual, photo.numpy(), atol=1e-5)


def test_absent_tokens_change_nothing(exported: Exported):
    photo, painting = smooth_picture(70, 90, seed=1), smooth_picture(96, 96, seed=2)
    inputs = exported.inputs(photo, [painting])
    expected = exported.transform.run(None, inputs)[0]
    more = {name: np.pad(inputs[name], ((0, 0), (0, 50), (0, 0))) for name in ("key", "value")}
    actual = exported.transform.run(None, {**inputs, **more})[0]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_every_kind_of_network_is_exported(changes: dict[str, Any]):
    config = replace(TINY, **changes)
    if len(config.dynamic_convolutions) == 1:
        config = replace(config, decoder_channels=(8, 8, 8), encoder_channels=(4, 8, 8))
    if len(config.decoder_depths) != len(config.decoder_channels):
        config = replace(config, decoder_depths=config.decoder_depths[-2:])
    network = randomised(config)
    side = smallest_side(config)
    photo = smooth_picture(side + 5, side, seed=1)
    paintings = [smooth_picture(side, side + 41, seed=2), smooth_picture(side, side, seed=3)]
    for strength in (1.0, 0.6):
        actual = Exported(network).stylize(photo, paintings, [0.3, 0.7], strength)
        expected = stylize_by_torch(network, photo, paintings, [0.3, 0.7], strength)
        assert expected.std() > 0.01
        np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


def test_half_precision_changes_a_picture_by_less_than_half_a_level(small: StyleKernelModel):
    photo, painting = smooth_picture(131, 99, seed=1), smooth_picture(128, 96, seed=2)
    for strength in (1.0, 0.5):
        actual = Exported(small, "fp16").stylize(photo, [painting], strength=strength)
        expected = stylize_by_torch(small, photo, [painting], strength=strength)
        difference = 255 * np.abs(actual - expected)
        assert difference.max() < 0.5
        assert difference.mean() < 0.05


@openvino_alone
def test_openvino_gives_the_same_picture(small: StyleKernelModel, exported: Exported):
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    model = core.read_model(build_models(small)[1].SerializeToString())
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    photo = smooth_picture(85, 131, seed=1)
    paintings = [smooth_picture(96, 96, seed=2), smooth_picture(96, 160, seed=3)]
    for strength in (1.0, 0.5):
        inputs = exported.inputs(photo, paintings, [0.4, 0.6], strength)
        result = compiled(inputs)["picture"]
        np.testing.assert_allclose(result, exported.transform.run(None, inputs)[0], atol=TOLERANCE)


def nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph and of its branches."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from nodes(attribute.g)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_graphs_keep_the_rules_of_runtimes(small: StyleKernelModel, precision: Any):
    for model in build_models(small, precision):
        onnx.checker.check_model(model, full_check=True)
        found = [node.op_type for node in nodes(model.graph)]
        assert not {"ConvTranspose", "GridSample", "ScatterND", "Loop", "NonZero"} & {*found}
        assert found.count("Cast") == 0 or precision == "fp16"
        assert {each.domain for each in model.opset_import} == {""}
        borders = [node for node in nodes(model.graph) if node.op_type == "Pad"]
        modes = [attribute.s for node in borders for attribute in node.attribute]
        assert {*modes} == {b"edge", b"reflect"}
        assert modes.count(b"reflect") == 1


def test_first_convolutions_alone_see_three_channels(small: StyleKernelModel):
    for model in build_models(small):
        shapes = {x.name: tuple(x.dims) for x in model.graph.initializer}
        convolutions = [node for node in nodes(model.graph) if node.op_type == "Conv"]
        narrow = [node for node in convolutions if shapes[node.input[1]][1] == 3]
        assert len(narrow) == (1 if model.graph.name == "style" else 2)


def test_weights_of_another_network_are_refused():
    arrays = {"decoder.to_rgb.bias": np.zeros(3), "more": np.zeros(1)}
    weights = NetworkWeights(arrays, "'network'")
    with pytest.raises(ValueError, match=r"model: 'network' lacks decoder.to_rgb.weight"):
        weights.layer("decoder.to_rgb", 3, 1)
    with pytest.raises(
        ValueError, match=r"decoder.to_rgb.bias in 'network' must have shape \[12\]"
    ):
        weights.take("decoder.to_rgb.bias", 12)
    with pytest.raises(ValueError, match="model: 'network' has surplus decoder.to_rgb.bias, more"):
        weights.check_all_taken()
