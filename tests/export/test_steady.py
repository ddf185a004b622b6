"""Models of the page in the browser: given statistics, measured parts, shared weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stylekernel_hf.export.network_weights import NetworkWeights
from stylekernel_hf.pretrained.model import StyleKernelModel
from tests.tiny import vivid_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from stylekernel_hf.export.graphs import measure_model, style_model, transform_model  # noqa: E402
from stylekernel_hf.export.shared_weights import share_weights  # noqa: E402
from stylekernel_hf.tiling.receptive_field import content_reach  # noqa: E402

STRIDE = 8


def session(model: Any) -> Any:
    return onnxruntime.InferenceSession(model.SerializeToString())


@pytest.fixture(scope="module")
def network() -> StyleKernelModel:
    return vivid_model()


@pytest.fixture(scope="module")
def weights(network: StyleKernelModel) -> NetworkWeights:
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    return NetworkWeights(arrays, "the network")


@pytest.fixture(scope="module")
def inputs(network: StyleKernelModel, weights: NetworkWeights) -> dict[str, Any]:
    """A photo with sides of whole cells, and a style, as the models take them."""
    generator = torch.Generator().manual_seed(3)
    photo, painting = (torch.rand(1, 3, side, 64, generator=generator).numpy() for side in (96, 64))
    style = session(style_model(network.config, weights, pads=False))
    names = ("key", "value", "code")
    own = style.run(None, {"painting": photo})
    return {
        "photo": photo,
        **dict(zip(names, style.run(None, {"painting": painting}), strict=True)),
        **{f"own_{name}": value for name, value in zip(names, own, strict=True)},
    }


@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_own_style_and_statistics_may_be_given(
    network: StyleKernelModel, weights: NetworkWeights, inputs: dict[str, Any], strength: float
) -> None:
    plain = session(transform_model(network.config, weights, pads=False))
    steady = session(transform_model(network.config, weights, pads=False, steady=True))
    usual = {name: value for name, value in inputs.items() if not name.startswith("own_")}
    number = {"strength": np.array(strength, np.float32)}
    (expected,) = plain.run(None, {**usual, **number})
    channels = 2 * sum(network.config.encoder_channels[-2:])
    nothing = np.zeros((1, channels, 1, 1), np.float32)
    given = {**inputs, **number, "held_statistics": nothing, "held": np.array(0, np.float32)}
    actual, own = steady.run(None, given)
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    # A part of the photo, with the statistics of the whole, is not what it would be by itself.
    doubled = {**given, "held_statistics": 2 * own, "held": np.array(0.25, np.float32)}
    changed, used = steady.run(None, doubled)
    np.testing.assert_allclose(used, 1.25 * own, rtol=1e-4, atol=1e-5)
    assert np.abs(changed - actual).max() > 0.01


def test_parts_measure_what_the_whole_does(
    network: StyleKernelModel, weights: NetworkWeights, inputs: dict[str, Any]
) -> None:
    photo = inputs["photo"]
    measure = session(measure_model(network.config, weights))
    cells = (photo.shape[2] // STRIDE, photo.shape[3] // STRIDE)
    whole = {"photo": photo, "inside": np.array((0, 0, *cells), np.int64)}
    (result,) = measure.run(None, whole)
    features = network.encode_content(torch.from_numpy(photo))
    expected = [
        value.reshape(-1).detach().numpy()
        for level in features
        for value in (level.mean((2, 3)), (level.var((2, 3), correction=0) + 1e-5).sqrt())
    ]
    np.testing.assert_allclose(result.reshape(-1), np.concatenate(expected), rtol=1e-4, atol=1e-5)
    # The upper half with what it sees, and the lower half: their means are those of the whole.
    halo = -(-content_reach(network.config) // STRIDE)
    half = cells[0] // 2
    upper = photo[:, :, : (half + halo) * STRIDE]
    lower = photo[:, :, (half - halo) * STRIDE :]
    parts = [
        measure.run(None, {"photo": np.ascontiguousarray(each), "inside": np.array(inside)})[0]
        for each, inside in (
            (upper, (0, 0, half, cells[1])),
            (lower, (halo, 0, halo + cells[0] - half, cells[1])),
        )
    ]
    mean = (parts[0] + parts[1]) / 2
    width = network.config.encoder_channels[-2]
    np.testing.assert_allclose(mean[:, :width], result[:, :width], rtol=1e-4, atol=1e-5)


def test_shared_weights_are_stored_once_in_16_bits(
    network: StyleKernelModel, weights: NetworkWeights, tmp_path: Path, inputs: dict[str, Any]
) -> None:
    expected = [inputs[f"own_{name}"] for name in ("key", "value", "code")]
    models = {
        name: style_model(network.config, weights, pads=False) for name in ("one.onnx", "two.onnx")
    }
    size = len(models["one.onnx"].SerializeToString())
    content = share_weights(models, "weights.bin")
    assert len(content) < 0.5 * size
    (tmp_path / "weights.bin").write_bytes(content)
    for name, model in models.items():
        (tmp_path / name).write_bytes(model.SerializeToString())
        onnx.checker.check_model(str(tmp_path / name), full_check=True)
        style = onnxruntime.InferenceSession(tmp_path / name)
        actual = style.run(None, {"painting": inputs["photo"]})
        for one, other in zip(actual, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=0.01 * np.abs(other).max())
