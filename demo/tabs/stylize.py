"""The first tab: a photo, paintings, and the result beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo.catalog import PAINTINGS, photo_path
from demo.components import FileButton, PaintingsInput, PictureInput
from demo.gpu import on_gpu
from demo.handlers import StylizeHandlers
from demo.messages import says_why
from demo.order import EVERYWHERE
from demo.pictures import read_picture, save_preview, within
from demo.studio import Studio
from demo.tabs.controls import Controls, controls, name_brushes, name_weights

FIRST_PHOTO, FIRST_PAINTING = "Coffee", "Swirling oil"
NETWORK, NETWORK_LARGE = "network", "network for large works"
"""Names of the queues that all work of the network goes through.

Work that takes minutes has its own queue, so that pictures for the screen need not wait for it.
"""
CANVAS_SIDE = 640


@dataclass(frozen=True)
class Choice:
    """The inputs of the first tab, and the handlers that stylize them."""

    photo: PictureInput
    paintings: gr.CheckboxGroup
    own_paintings: PaintingsInput
    controls: Controls
    result: gr.ImageSlider
    stylize: Callable[..., Any]
    new_canvas: Callable[[str | None], tuple[Any, str]]
    work: dict[str, Any]
    large_work: dict[str, Any]

    @property
    def inputs(self) -> list[Any]:
        """The inputs of `stylize`, in its order."""
        it = self.controls
        return [
            *(self.photo, self.paintings, self.own_paintings, *it.weights),
            *(it.strength, it.color, it.stroke_scale, it.region, it.canvas),
            *(it.strength_map, it.model, it.resolution),
        ]


def stylize_tab(studio: Studio) -> Choice:
    """Build the tab."""
    handlers = StylizeHandlers(studio)
    seconds = studio.limits.seconds
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=5, min_width=320):
            photo, paintings, own_paintings = _subjects()
        with gr.Column(scale=7, min_width=320):
            result = gr.ImageSlider(
                value=handlers.stylize(str(photo_path(FIRST_PHOTO)), [FIRST_PAINTING]),
                label="Before and after",
                elem_id="result",
                type="filepath",
                interactive=False,
                max_height=560,
                buttons=["fullscreen"],
            )
            with gr.Row(elem_id="actions"):
                button = gr.Button("Stylize", variant="primary", elem_id="stylize")
                full = gr.Button("Download full size", elem_id="full-size")
            file = FileButton("Save the PNG", visible=False, elem_id="file")
            under_it = controls(
                studio.limits.paintings,
                _canvas_value(str(photo_path(FIRST_PHOTO)), studio),
                studio.limits.models,
            )
    choice = Choice(
        photo=photo,
        paintings=paintings,
        own_paintings=own_paintings,
        controls=under_it,
        result=result,
        stylize=on_gpu(says_why(handlers.stylize), seconds=seconds),
        new_canvas=says_why(lambda path: (path and _canvas_value(path, studio), EVERYWHERE)),
        work={"concurrency_id": NETWORK, "concurrency_limit": studio.limits.workers},
        large_work={"concurrency_id": NETWORK_LARGE, "concurrency_limit": studio.limits.workers},
    )
    button.click(choice.stylize, choice.inputs, result, api_name="stylize", **choice.work)
    _stylize_on_change(choice)
    full.click(
        on_gpu(says_why(handlers.full_size), seconds=seconds),
        choice.inputs[:-1],
        file,
        api_name="full_size",
        **choice.large_work,
    ).success(
        lambda path: gr.DownloadButton(f"Save {Path(path).name}", value=path, visible=True),
        file,
        file,
        api_visibility="private",
    )
    _keep_up(choice)
    return choice


def _stylize_on_change(choice: Choice) -> None:
    """Stylize at once after a change; typed or painted input waits for the button."""
    it = choice.controls
    again: dict[str, Any] = {
        "fn": choice.stylize,
        "inputs": choice.inputs,
        "outputs": choice.result,
        "trigger_mode": "always_last",
        "api_visibility": "private",
        **choice.work,
    }
    read = choice.photo.upload(
        choice.new_canvas,
        choice.photo,
        [it.canvas, it.region],
        api_visibility="private",
        show_progress="hidden",
    )
    read.failure(lambda: None, None, choice.photo, api_visibility="private", queue=False)
    read.success(**again)
    gr.on(
        [
            *(choice.paintings.input, choice.own_paintings.upload),
            *(it.strength.release, it.stroke_scale.release, it.color.change, it.resolution.input),
            it.model.input,
            *(weight.release for weight in it.weights),
            *(it.strength_map.upload, it.strength_map.clear),
        ],
        **again,
    )


def _keep_up(choice: Choice) -> None:
    """Keep the weights and the canvas of the region in step with the choice."""
    it, weights = choice.controls, list(choice.controls.weights)
    gr.on(
        [choice.paintings.change, choice.own_paintings.change],
        lambda chosen, own: [*name_weights(chosen, own, len(weights)), name_brushes(chosen, own)],
        [choice.paintings, choice.own_paintings],
        [*weights, it.legend],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    choice.photo.clear(
        choice.new_canvas,
        choice.photo,
        [it.canvas, it.region],
        api_visibility="private",
        show_progress="hidden",
    )


def _canvas_value(path: str, studio: Studio) -> dict[str, Any]:
    picture = within(read_picture(path, "Photo", studio.limits), CANVAS_SIDE)
    file = save_preview(picture.convert("RGB"), "photo")
    return {"background": file, "layers": [], "composite": file}


def step(number: int, title: str) -> gr.HTML:
    """Draw the heading of a step."""
    return gr.HTML(f'<h2 class="step"><span aria-hidden="true">{number}</span>{title}</h2>')


def _subjects() -> tuple[PictureInput, gr.CheckboxGroup, PaintingsInput]:
    step(1, "Your photo")
    photo = PictureInput(
        value=str(photo_path(FIRST_PHOTO)),
        label="Photo",
        show_label=False,
        type="filepath",
        sources=["upload", "clipboard"],
        height=280,
        elem_id="photo",
        buttons=[],
        alt_text="The photo to stylize",
        placeholder="Drop a photo here, or choose one",
    )
    step(2, "One painting, or several")
    paintings = gr.CheckboxGroup(
        list(PAINTINGS),
        value=[FIRST_PAINTING],
        label="Paintings",
        show_label=False,
        elem_id="paintings",
        container=False,
    )
    with gr.Accordion("Paintings of your own", open=False):
        own_paintings = PaintingsInput(
            label="Your paintings",
            type="filepath",
            file_types=["image"],
            columns=4,
            height=200,
            interactive=True,
            elem_id="own-paintings",
            buttons=[],
        )
    return photo, paintings, own_paintings
