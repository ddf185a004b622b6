"""The nodes for ComfyUI, run as its engine runs them, in a stand-in for it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from stylekernel_hf import StyleKernelConfig, StyleKernelPipeline, __version__
from stylekernel_hf.images.tensors import to_rgb_tensor
from stylekernel_hf.pretrained.adapter import write_adapter
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.stylizing import DEFAULT_SMOOTHING
from tests.adapters import ID, adapter_of
from tests.integrations.comfyui_stand_in import ProgressBar, modules
from tests.loaders import weights_equal
from tests.tiny import save_picture, vivid_model

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"
WORKFLOWS = FOLDER / "example_workflows"


@pytest.fixture(scope="module")
def nodes() -> Iterator[dict[str, Any]]:
    """The nodes by their ids, loaded as ComfyUI does: from the file of the folder."""
    name = "custom_nodes.stylekernel"
    with pytest.MonkeyPatch.context() as patch:
        for module_name, module in modules().items():
            patch.setitem(sys.modules, module_name, module)
        place = importlib.util.spec_from_file_location(name, FOLDER / "__init__.py")
        assert place is not None and place.loader is not None
        module: Any = importlib.util.module_from_spec(place)
        patch.setitem(sys.modules, name, module)
        place.loader.exec_module(module)

        async def listed() -> list[Any]:
            extension = await module.comfy_entrypoint()
            return await extension.get_node_list()

        yield {node.define_schema().node_id: node for node in asyncio.run(listed())}
        for loaded in [each for each in sys.modules if each.startswith(f"{name}.")]:
            del sys.modules[loaded]


@pytest.fixture(scope="module")
def pipe() -> StyleKernelPipeline:
    return StyleKernelPipeline(vivid_model())


def run(node: Any, **inputs: Any) -> Any:
    """Run a node with the defaults of its other inputs, in inference mode, as the engine does."""
    schema = node.define_schema()
    values = {
        each.name: each.options["default"] for each in schema.inputs if "default" in each.options
    }
    with torch.inference_mode():
        (result,) = node.execute(**{**values, **inputs}).result
    return result


def picture(folder: Path, seed: int, size: tuple[int, int] = (48, 40)) -> Tensor:
    """Return a picture as ComfyUI has it: 1 x height x width x 3 in [0, 1]."""
    rgb, _ = to_rgb_tensor(save_picture(folder / f"{seed}.png", size, seed), name="picture")
    return rgb.permute(0, 2, 3, 1)


def stylized(
    pipe: StyleKernelPipeline, image: Tensor, *paintings: Tensor, **options: Any
) -> Tensor:
    """Return what the pipeline makes of a picture of ComfyUI."""
    styles = [painting[0].permute(2, 0, 1) for painting in paintings]
    result = pipe(image[0].permute(2, 0, 1), styles, output_type="pt", **options).images[0]
    return result.permute(1, 2, 0)


def test_batch_of_odd_sizes_is_stylized_as_by_the_pipeline(
    nodes: dict[str, Any], pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    batch = torch.cat([picture(tmp_path, seed, (51, 37)) for seed in range(3)])
    before, painting = batch.clone(), picture(tmp_path, 9)
    style = run(nodes["StyleKernelEncodePainting"], style_kernel=pipe, painting=painting)
    controls = {"strength": 0.8, "color": "luminance", "stroke_scale": 2.0}
    actual = run(
        nodes["StyleKernelStylize"], style_kernel=pipe, images=batch, style=style, **controls
    )
    assert actual.shape == batch.shape and torch.equal(batch, before)
    for index in range(3):
        expected = stylized(pipe, batch[index : index + 1], painting, **controls)
        assert torch.equal(actual[index], expected)
    assert (ProgressBar.made[-1].total, ProgressBar.made[-1].done) == (3, 3)


def test_mixture_of_mixtures_has_the_product_of_the_shares(
    nodes: dict[str, Any], pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    photo, *paintings = (picture(tmp_path, seed) for seed in range(4))
    encode, mix = nodes["StyleKernelEncodePainting"], nodes["StyleKernelMix"]
    pair = run(encode, style_kernel=pipe, painting=torch.cat(paintings[:2]))
    single = run(encode, style_kernel=pipe, painting=paintings[2])
    style = run(mix, first=pair, second=single, share=0.2)
    actual = run(nodes["StyleKernelStylize"], style_kernel=pipe, images=photo, style=style)
    expected = stylized(pipe, photo, *paintings, style_weights=[0.4, 0.4, 0.2])
    assert torch.allclose(actual[0], expected, atol=1e-5)
    first = run(mix, first=single, second=pair, share=0.0)
    actual = run(nodes["StyleKernelStylize"], style_kernel=pipe, images=photo, style=first)
    assert torch.equal(actual[0], stylized(pipe, photo, paintings[2]))


@pytest.mark.parametrize("masks", [1, 3])
def test_mask_says_where_the_style_goes(
    nodes: dict[str, Any], pipe: StyleKernelPipeline, tmp_path: Path, masks: int
) -> None:
    batch = torch.cat([picture(tmp_path, seed) for seed in range(3)])
    painting = picture(tmp_path, 9)
    mask = torch.zeros(masks, 20, 24)  # Half the size of the pictures.
    for index in range(masks):
        mask[index, :, : 6 * (index + 1)] = 1
    style = run(nodes["StyleKernelEncodePainting"], style_kernel=pipe, painting=painting)
    actual = run(
        nodes["StyleKernelStylize"],
        style_kernel=pipe,
        images=batch,
        style=style,
        mask=mask,
        strength=0.5,
    )
    for index in range(3):
        image = Image.fromarray((mask[index % masks] * 255).byte().numpy())
        strength = np.asarray(image, np.float32)[..., None] / 255 * 0.5
        expected = stylized(pipe, batch[index : index + 1], painting, strength=strength)
        assert torch.allclose(actual[index], expected, atol=1e-6)


def test_frames_of_a_video_are_steadied_as_in_a_video_file(
    nodes: dict[str, Any], pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    frame, painting = picture(tmp_path, 0), picture(tmp_path, 9)
    frames = torch.cat([frame * gain for gain in (1.0, 0.8, 1.0)])
    style = run(nodes["StyleKernelEncodePainting"], style_kernel=pipe, painting=painting)
    inputs = {"style_kernel": pipe, "images": frames, "style": style}
    actual = run(nodes["StyleKernelStylize"], **inputs, frame_rate=25.0)
    stylizer = FrameStylizer(pipe, style.paintings, (40, 48), FrameOptions(), DEFAULT_SMOOTHING)
    for index, rgb in enumerate(frames.permute(0, 3, 1, 2)):
        expected = stylizer.stylize(rgb[None], Fraction(index, 25))[0].permute(1, 2, 0)
        assert torch.equal((actual[index] * 255).round().byte(), expected)
    alone = run(nodes["StyleKernelStylize"], **inputs)
    assert (actual[1] - alone[1]).abs().max() > 0.02


@pytest.mark.parametrize(("frame_rate", "wanted"), [(0.0, "or one for each"), (25.0, "a video")])
def test_masks_of_another_number_are_refused(
    nodes: dict[str, Any],
    pipe: StyleKernelPipeline,
    tmp_path: Path,
    frame_rate: float,
    wanted: str,
) -> None:
    image = picture(tmp_path, 0)
    style = run(nodes["StyleKernelEncodePainting"], style_kernel=pipe, painting=image)
    with pytest.raises(ValueError, match=f"mask must be one picture.* {wanted}.* got 2 for 3"):
        run(
            nodes["StyleKernelStylize"],
            style_kernel=pipe,
            images=image.expand(3, -1, -1, -1),
            style=style,
            mask=torch.ones(2, 8, 8),
            frame_rate=frame_rate,
        )


def test_values_outside_the_range_are_clamped_and_alpha_stays(
    nodes: dict[str, Any], pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    image = picture(tmp_path, 0)
    wild = torch.cat([image * 1.2 - 0.1, torch.full_like(image[..., :1], 0.5)], dim=3)
    style = run(nodes["StyleKernelEncodePainting"], style_kernel=pipe, painting=image)
    actual = run(nodes["StyleKernelStylize"], style_kernel=pipe, images=wild, style=style)
    expected = stylized(pipe, wild[..., :3].clamp(0, 1), image)
    assert torch.equal(actual[0, ..., :3], expected)
    assert torch.equal(actual[..., 3], wild[..., 3])


def test_model_is_loaded_by_folder_and_by_default_from_the_package(
    nodes: dict[str, Any], pipe: StyleKernelPipeline, tmp_path: Path
) -> None:
    pipe.save_pretrained(tmp_path / "saved")
    loaded = run(nodes["StyleKernelLoad"], model=f" {tmp_path / 'saved'} ")
    assert weights_equal(loaded.model, pipe.model)
    loaded = run(nodes["StyleKernelLoad"], model="")
    assert loaded.model.config == StyleKernelConfig.small()
    changed = next(name for name, x in loaded.model.named_parameters() if x.ndim == 4)
    write_adapter(tmp_path / "mine.safetensors", adapter_of(loaded.model, changed))
    adapted = run(nodes["StyleKernelLoad"], model=str(tmp_path / "mine.safetensors"))
    assert adapted.model.checkpoint_id == ID
    with pytest.raises(OSError, match="model: no such folder: 'nowhere'"):
        run(nodes["StyleKernelLoad"], model="nowhere")


def test_changed_files_of_a_network_change_its_fingerprint(
    nodes: dict[str, Any], tmp_path: Path
) -> None:
    fingerprint = nodes["StyleKernelLoad"].fingerprint_inputs
    (tmp_path / "model").mkdir()
    weights = tmp_path / "model" / "weights.safetensors"
    weights.write_bytes(b"one")
    for place in (f" {tmp_path} ", str(weights)):
        first = fingerprint(place)
        assert fingerprint(place) == first
        weights.write_bytes(weights.read_bytes() + b"more")
        assert fingerprint(place) != first
    assert fingerprint("") == fingerprint("owner/name")


@pytest.mark.parametrize("name", ["stylize", "stylize_video"])
def test_example_workflows_fit_the_nodes(nodes: dict[str, Any], name: str) -> None:
    """Their inputs are the nodes' inputs, links join equal types, and values are in range."""
    workflow = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
    by_id = {node["id"]: node for node in workflow["nodes"]}
    ours = [node for node in by_id.values() if node["type"].startswith("StyleKernel")]
    unused = {"StyleKernelMix"} if name == "stylize_video" else set()
    assert {node["type"] for node in ours} | unused == {*nodes}
    for node in ours:
        schema = nodes[node["type"]].define_schema()
        declared = {each.name: each for each in schema.inputs}
        assert {each["name"]: each["type"] for each in node["inputs"]} == {
            name: each.kind for name, each in declared.items()
        }
        widgets = [each["name"] for each in node["inputs"] if "widget" in each]
        assert widgets == [name for name in declared if name in widgets]
        for name, value in zip(widgets, node["widgets_values"], strict=True):
            options = declared[name].options
            assert value in options.get("options", [value])
            assert options.get("min", value) <= value <= options.get("max", value)
    for _, source, slot, target, place, kind in workflow["links"]:
        assert by_id[source]["outputs"][slot]["type"] == kind
        assert by_id[target]["inputs"][place]["type"] == kind


def test_manager_finds_what_to_install() -> None:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert project["project"]["dependencies"] == lines == [f"stylekernel-hf>={__version__}"]
    # What the registry asks of names and versions, as its specification says.
    assert re.fullmatch(r"[A-Za-z]+([-_.]?[A-Za-z0-9]+)*", project["project"]["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["project"]["version"])
