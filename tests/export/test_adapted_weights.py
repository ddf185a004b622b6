"""Adapters without PyTorch: the same weights, pictures and errors as with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from stylekernel_hf import StyleKernelModel, pipeline
from stylekernel_hf.export.adapted_weights import with_adapter
from stylekernel_hf.pretrained.adapter import write_adapter
from stylekernel_hf.pretrained.checkpoint import EMBEDDED_CHECKPOINT, load_checkpoint
from tests.adapters import DAMAGES, ID, WEIGHT, Damage, adapter_of, altered
from tests.cli.shell import Shell
from tests.openvino_alone import openvino_alone
from tests.tiny import save_picture, tiny_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def arrays_of(network: StyleKernelModel) -> dict[str, np.ndarray]:
    return {name: x.numpy() for name, x in network.state_dict().items()}


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the embedded weights, which darkens some colours."""
    path = tmp_path_factory.mktemp("tuned") / "mine.safetensors"
    write_adapter(path, adapter_of(load_checkpoint(EMBEDDED_CHECKPOINT)))
    return path


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_those_of_torch(tmp_path: Path, dtype: torch.dtype):
    network = tiny_model()
    path = tmp_path / "a.safetensors"
    write_adapter(path, adapter_of(network))
    path = altered(path, {}, {name: x.to(dtype) for name, x in load_file(path).items()})
    actual, checkpoint_id = with_adapter(arrays_of(network), network.checkpoint_id, path)
    unchanged = network.state_dict()[WEIGHT].numpy().copy()
    network.load_adapter(path)
    assert checkpoint_id == ID
    assert np.abs(actual[WEIGHT] - unchanged).max() > 0.01
    for name, expected in arrays_of(network).items():
        np.testing.assert_allclose(actual[name], expected, atol=1e-7)


@pytest.mark.parametrize("damage", DAMAGES)
def test_errors_are_those_of_torch(tmp_path: Path, damage: Damage):
    network = tiny_model()
    metadata, tensors, message = damage
    write_adapter(tmp_path / "a.safetensors", adapter_of(network))
    path = altered(tmp_path / "a.safetensors", metadata, tensors)
    with pytest.raises(ValueError, match=message) as actual:
        with_adapter(arrays_of(network), network.checkpoint_id, path)
    with pytest.raises(ValueError, match=message) as expected:
        network.load_adapter(path)
    assert str(actual.value) == str(expected.value)


@pytest.mark.parametrize("runtime", ["onnx", pytest.param("openvino", marks=openvino_alone)])
def test_pictures_are_those_of_torch(runtime: str, adapter: Path, tmp_path: Path):
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[runtime])
    photo = save_picture(tmp_path / "photo.png", (64, 56))
    painting = save_picture(tmp_path / "painting.png", (64, 72), seed=1)
    pictures: list[np.ndarray] = []
    for model, each in ((adapter, runtime), (adapter, "torch"), (None, runtime)):
        pipe = pipeline("style-kernel", model=model, device="cpu", runtime=each)
        style = pipe.encode_style(painting, style_size=64)
        pictures.append(pipe(photo, style, output_type="np").images[0])
        assert style.checkpoint is not None
        assert (style.checkpoint.id == ID) == (model is not None)
        assert "/" not in style.checkpoint.name
    actual, expected, unchanged = pictures
    np.testing.assert_allclose(actual, expected, atol=0.1 / 255)
    assert np.abs(actual - unchanged).mean() > 0.01


def test_what_is_no_adapter_for_these_weights_is_refused(adapter: Path, tmp_path: Path):
    write_adapter(tmp_path / "tiny.safetensors", adapter_of(tiny_model()))
    (tmp_path / "text.safetensors").write_text("no tensors at all, but some text")
    foreign = altered(adapter, {"base_id": ID}, {})
    for path, message in (
        (tmp_path / "tiny.safetensors", "must be matrices of|lacks tensors or has surplus ones"),
        (tmp_path / "text.safetensors", "adapter must be a safetensors file"),
        (foreign, "changes the checkpoint 'tiny' .*, and the network is another one"),
    ):
        with pytest.raises(ValueError, match=message):
            pipeline("style-kernel", model=path, runtime="onnx")
    with pytest.raises(FileNotFoundError, match="model: no such folder"):
        pipeline("style-kernel", model=tmp_path / "missing.safetensors", runtime="onnx")


def test_export_has_the_changes_and_the_terms_of_the_weights(
    shell: Shell, adapter: Path, tmp_path: Path
):
    import onnxruntime

    ended = shell("export", adapter, "-o", tmp_path / "exported")
    assert ended.status == 0, ended.err
    readme, licence = (
        (tmp_path / "exported" / name).read_text(encoding="utf-8")
        for name in ("README.md", "LICENSE.md")
    )
    assert f"from\nmine.safetensors (checkpoint {ID})" in readme
    assert licence == (EMBEDDED_CHECKPOINT / "LICENSE.md").read_text(encoding="utf-8")
    session = onnxruntime.InferenceSession(tmp_path / "exported" / "transform.onnx")
    assert session.get_modelmeta().custom_metadata_map["checkpoint_id"] == ID
    painting = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    encode = onnxruntime.InferenceSession(tmp_path / "exported" / "style.onnx")
    key, value, code = encode.run(None, {"painting": painting})
    inputs = {"photo": painting, "key": key, "value": value, "code": code}
    inputs["strength"] = np.array(1, np.float32)
    expected = pipeline("style-kernel", model=adapter, device="cpu")
    tensor = torch.from_numpy(painting)
    style = expected.encode_style(tensor, style_size=64)
    picture: Tensor = expected(tensor, style, output_type="pt").images[0]
    np.testing.assert_allclose(session.run(None, inputs)[0][0], picture, atol=0.1 / 255)
