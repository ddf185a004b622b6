"""The nodes and the example workflows in ComfyUI itself, and in its page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stylekernel_hf import StyleKernelPipeline, pipeline
from stylekernel_hf.video.frame_stylizer import FrameOptions, FrameStylizer
from stylekernel_hf.video.stylizing import DEFAULT_SMOOTHING
from tests.chromium import launched
from tests.integrations.comfyui_engine import PROJECT, Engine, comfyui, messages, prompt_of
from tests.tiny import save_picture, vivid_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "COMFYUI_FOLDER" not in os.environ,
        reason="needs ComfyUI: set COMFYUI_FOLDER to a checkout of it",
    ),
]

WORKFLOWS = PROJECT / "integrations" / "comfyui" / "example_workflows"
EXAMPLES = PROJECT / "demo" / "examples"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """ComfyUI, with the pictures of the examples, a panned photo as a video, and small ones."""
    folder = tmp_path_factory.mktemp("comfyui")
    with comfyui(folder) as running:
        for place in ("photos/coffee", "styles/mosaic", "styles/woodblock", "styles/swirling_oil"):
            file = EXAMPLES / f"{place}.jpg"
            (folder / "input" / file.name).write_bytes(file.read_bytes())
        _save_video(folder / "input" / "video.mp4")
        for seed in range(2):
            save_picture(folder / "input" / f"{seed}.png", (48, 40), seed)
        yield running


def _save_video(path: Path) -> None:
    av = pytest.importorskip("av")
    photo = Image.open(EXAMPLES / "photos" / "rocket.jpg").convert("RGB")
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for place in range(4):
            frame = photo.resize((128, 96)).crop((4 * place, 8, 4 * place + 96, 72))
            file.mux(stream.encode(av.VideoFrame.from_image(frame)))
        file.mux(stream.encode())


def _frames(path: Path) -> np.ndarray[Any, Any]:
    av = pytest.importorskip("av")
    with av.open(path) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def _workflow(name: str) -> dict[str, Any]:
    return json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def _example(engine: Engine, name: str) -> dict[str, Any]:
    return prompt_of(_workflow(name), engine.node_types())


def _small(model: str = "", **stylize: Any) -> dict[str, Any]:
    """Return a prompt that stylizes a small picture."""
    values = {"strength": 1.0, "color": "style", "stroke_scale": 1.0, "frame_rate": 0.0}
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        "load": ("StyleKernelLoad", {"model": model}),
        "photo": ("LoadImage", {"image": "0.png"}),
        "painting": ("LoadImage", {"image": "1.png"}),
        "style": (
            "StyleKernelEncodePainting",
            {"style_kernel": ["load", 0], "painting": ["painting", 0], "style_size": 64},
        ),
        "stylize": (
            "StyleKernelStylize",
            {
                "style_kernel": ["load", 0],
                "images": ["photo", 0],
                "style": ["style", 0],
                **values,
                **stylize,
            },
        ),
        "save": ("SaveImage", {"images": ["stylize", 0], "filename_prefix": "small"}),
    }
    return {name: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()}


def _rgb(path: Path) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path).convert("RGB"))


def _saved(result: torch.Tensor) -> np.ndarray[Any, Any]:
    """Return a result of the pipeline as ComfyUI saves it: it cuts grey levels off."""
    return (255 * result.permute(1, 2, 0).numpy()).astype(np.uint8)


def test_example_makes_the_picture_of_the_pipeline(engine: Engine) -> None:
    prompt = _example(engine, "stylize")
    actual = engine.output(engine.run(prompt))
    pipe = pipeline("style-kernel")
    photo, *paintings = (
        EXAMPLES / f"{place}.jpg"
        for place in ("photos/coffee", "styles/mosaic", "styles/woodblock")
    )
    expected = pipe(photo, paintings, style_weights=[0.7, 0.3], output_type="pt").images[0]
    assert np.array_equal(_rgb(actual), _saved(expected))
    # With another strength, ComfyUI keeps the network and the encoded paintings.
    prompt["8"]["inputs"]["strength"] = 0.5
    history = engine.run(prompt)
    ((kept),) = (each["nodes"] for each in messages(history, "execution_cached"))
    assert sorted(kept) == ["1", "2", "3", "4", "5", "6", "7"]
    half = pipe(photo, paintings, style_weights=[0.7, 0.3], strength=0.5, output_type="pt").images[
        0
    ]
    assert np.array_equal(_rgb(engine.output(history)), _saved(half))


def test_video_example_makes_the_frames_of_stylize_video(engine: Engine) -> None:
    result = engine.output(engine.run(_example(engine, "stylize_video")))
    before, actual = _frames(engine.folder / "input" / "video.mp4"), _frames(result)
    pipe = pipeline("style-kernel")
    style = pipe.encode_style(EXAMPLES / "styles" / "swirling_oil.jpg", style_size=512)
    stylizer = FrameStylizer(pipe, style, before.shape[1:3], FrameOptions(), DEFAULT_SMOOTHING)
    frames = torch.from_numpy(before).permute(0, 3, 1, 2).float() / 255
    expected = np.stack(
        [
            stylizer.stylize(frame[None], Fraction(index, 25))[0].permute(1, 2, 0).numpy()
            for index, frame in enumerate(frames)
        ]
    )
    assert actual.shape == expected.shape

    def apart(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
        return float(np.abs(left.astype(float) - right).mean())

    # The codec keeps them about as they are.
    assert apart(actual, expected) < 0.3 * apart(before, expected)


def test_mask_of_a_loaded_picture_says_where_the_style_goes(engine: Engine) -> None:
    rgba = Image.open(engine.folder / "input" / "0.png").convert("RGBA")
    alpha = np.full((40, 48), 255, np.uint8)
    alpha[:, :24] = 0
    rgba.putalpha(Image.fromarray(alpha))
    rgba.save(engine.folder / "input" / "half.png")
    prompt = _small(mask=["half", 1])
    prompt["half"] = {"class_type": "LoadImage", "inputs": {"image": "half.png"}}
    actual = _rgb(engine.output(engine.run(prompt)))
    # ComfyUI's masks are white where pictures are transparent.
    strength = torch.from_numpy(alpha == 0).float()[None]
    photo, painting = (engine.folder / "input" / f"{each}.png" for each in range(2))
    pipe = pipeline("style-kernel")
    expected = pipe(photo, painting, style_size=64, strength=strength, output_type="pt").images[0]
    assert np.array_equal(actual, _saved(expected))
    change = np.abs(actual.astype(float) - _rgb(photo)).mean(axis=(0, 2))
    assert change[36:].mean() < 0.2 * change[:12].mean()


def test_values_out_of_range_are_refused_before_anything_runs(engine: Engine) -> None:
    refused: list[tuple[str, Any, str]] = [
        ("strength", 1.5, "value_bigger_than_max"),
        ("stroke_scale", 0.1, "value_smaller_than_min"),
        ("style", ["photo", 0], "return_type_mismatch"),
    ]
    for name, value, kind in refused:
        answer = engine.submit(_small(**{name: value}))
        assert answer.status_code == 400
        (error,) = answer.json()["node_errors"]["stylize"]["errors"]
        assert (error["type"], error["extra_info"]["input_name"]) == (kind, name)


def test_errors_of_the_nodes_reach_the_page(engine: Engine) -> None:
    prompt = _small(images=["three", 0], mask=["masks", 0])
    for name, source, amount in (("three", ["photo", 0], 3), ("two", ["photo", 0], 2)):
        prompt[name] = {
            "class_type": "RepeatImageBatch",
            "inputs": {"image": source, "amount": amount},
        }
    prompt["masks"] = {
        "class_type": "ImageToMask",
        "inputs": {"image": ["two", 0], "channel": "red"},
    }
    (error,) = messages(engine.run(prompt), "execution_error")
    assert error["node_id"] == "stylize"
    assert "mask must be one picture, or one for each of the images, got 2 for 3" in str(
        error["exception_message"]
    )
    (error,) = messages(engine.run(_small("nowhere")), "execution_error")
    assert error["node_id"] == "load"
    assert "model: no such folder: 'nowhere'" in str(error["exception_message"])


def test_changed_folder_of_a_network_is_loaded_again(engine: Engine, tmp_path: Path) -> None:
    pictures = []
    for seed in (0, 1):
        pipe = StyleKernelPipeline(vivid_model(seed))
        pipe.save_pretrained(tmp_path / "model")
        prompt = _small(str(tmp_path / "model"))
        pictures.append(_rgb(engine.output(engine.run(prompt))))
        photo, painting = (engine.folder / "input" / f"{each}.png" for each in range(2))
        expected = pipe(photo, painting, style_size=64, output_type="pt").images[0]
        assert np.array_equal(pictures[-1], _saved(expected))
    assert not np.array_equal(*pictures)
    (kept,) = (each["nodes"] for each in messages(engine.run(prompt), "execution_cached"))
    assert "load" in kept


def test_page_opens_the_examples_and_shows_progress(engine: Engine) -> None:
    pytest.importorskip("comfyui_frontend_package", reason="needs comfyui-frontend-package")
    with launched() as browser:
        for name in ("stylize", "stylize_video"):
            page = browser.new_page()
            page.set_default_timeout(0)
            page.goto(engine.address)
            page.wait_for_function(
                "window.LiteGraph?.registered_node_types.StyleKernelStylize && window.app?.graph"
            )
            sent = page.evaluate(
                """async name => {
                    const file = await fetch(`/api/workflow_templates/stylekernel/${name}.json`);
                    await app.loadGraphData(await file.json());
                    return (await app.graphToPrompt()).output;
                }""",
                name,
            )
            actual = {
                key: {part: node[part] for part in ("class_type", "inputs")}
                for key, node in sent.items()
            }
            assert actual == _example(engine, name)
        prompt = _small(images=["many", 0])
        prompt["many"] = {
            "class_type": "RepeatImageBatch",
            "inputs": {"image": ["photo", 0], "amount": 4096},
        }
        first = page.evaluate(
            """async prompt => {
                const told = new Promise(resolve =>
                    app.api.addEventListener("progress", event => resolve(event.detail)));
                const sent = await app.api.queuePrompt(0, {output: prompt, workflow: {}});
                const progress = await told;
                await app.api.interrupt(sent.prompt_id);
                return {...progress, prompt_id: sent.prompt_id};
            }""",
            prompt,
        )
    assert (first["node"], first["max"]) == ("stylize", 4096)
    (stopped,) = messages(engine.ended(first["prompt_id"]), "execution_interrupted")
    assert stopped["node_id"] == "stylize"
