"""The tab that looks into the network at one point of the photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from demo.catalog import photo_path
from demo.components import PictureInput
from demo.gpu import on_gpu
from demo.handlers import NO_PHOTO
from demo.look_inside import SIDE, InsideHandlers, marked
from demo.messages import VisitorError, says_why
from demo.order import CONTROLS
from demo.parts import message
from demo.pictures import read_picture, save_preview, within
from demo.studio import Studio
from demo.tabs.controls import SHOW, names_of, slider
from demo.tabs.stylize import FIRST_PHOTO, Choice


def inside_tab(studio: Studio, choice: Choice, tab: gr.Tab) -> None:
    """Build the tab; photo and painting are those chosen in the first one."""
    gr.HTML(
        '<p class="lead">Every place of the photo is painted with its own kernels, made from the '
        "parts of the painting that it looked at. Click the photo to see where that was.</p>"
    )
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=5, min_width=320):
            photo = PictureInput(
                str(photo_path(FIRST_PHOTO)),
                label="Click a point of your photo",
                type="filepath",
                interactive=False,
                elem_id="inside-photo",
                buttons=[],
                alt_text="Your photo; the sliders below choose a point as well",
            )
            with gr.Row():
                across = slider("across", min_width=210)
                down = slider("down", min_width=210)
            which = gr.Radio(
                CONTROLS["which"].choices,
                value=1,
                label=CONTROLS["which"].label,
                visible=False,
                elem_id="which",
            )
            look = gr.Button("Look inside", variant="primary", elem_id="look")
        with gr.Column(scale=7, min_width=320):
            message()
            # Hidden at first, as clips are: what shows it is a part of the page's bytes.
            words = gr.Markdown(elem_id="inside-words", visible=False)
            with gr.Row():
                attention = _picture(
                    "Where it looked in the painting",
                    "attention",
                    "The painting, bright where the point looked",
                )
                gate = _picture(
                    "How much was let through, over the photo",
                    "gate",
                    "The photo, bright where much of the painting was let through",
                )
            kernels = _picture(
                "The point's kernels",
                "kernels",
                "The kernels as small squares, orange for positive, blue for negative",
            )
    explain = on_gpu(says_why(InsideHandlers(studio).explain), seconds=studio.limits.seconds)
    inputs = [choice.photo, choice.paintings, choice.own_paintings, across, down]
    inputs += [choice.controls.model, which]
    outputs = [attention, gate, kernels, words]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def mark_at(listen: Callable[..., Any]) -> Any:
        shown = says_why(lambda *point: _shown(*point, studio))
        return listen(fn=shown, inputs=[choice.photo, across, down], outputs=photo, **private)

    def explain_at(listen: Callable[..., Any], **options: Any) -> None:
        looked = listen(
            fn=explain,
            inputs=inputs,
            outputs=outputs,
            show_progress_on=attention,
            **{"api_visibility": "private"} | options,
            **choice.work,
        )
        mark_at(looked.success)

    explain_at(look.click, api_name="explain", api_visibility="public")
    explain_at(
        lambda **options: gr.on([across.release, down.release, which.input], **options),
        trigger_mode="always_last",
    )

    def place(path: str | None, event: gr.SelectData) -> tuple[float, float]:
        return _place(path, event, studio)

    explain_at(photo.select(says_why(place), photo, [across, down], **private).then)
    tab.select(None, None, words, js=SHOW, api_visibility="private")
    named = tab.select(
        lambda chosen, own: _choices(names_of(chosen, own)),
        [choice.paintings, choice.own_paintings],
        which,
        **private,
    )
    explain_at(mark_at(named.then).then)


def _choices(names: Sequence[str]) -> Any:
    choices = [(name, number) for number, name in enumerate(names, start=1)]
    return gr.update(choices=choices, value=1, visible=len(names) > 1)


def _picture(label: str, name: str, description: str) -> gr.Image:
    return gr.Image(
        label=label,
        type="filepath",
        interactive=False,
        elem_id=name,
        # Beside each other on a desk, below each other on a phone.
        min_width=200,
        buttons=["fullscreen"],
        alt_text=description,
    )


def _shown(path: str | None, across: float, down: float, studio: Studio) -> str | None:
    if path is None:
        return None
    picture = within(read_picture(path, "Photo", studio.limits), SIDE)
    return save_preview(marked(picture, across, down), "photo")


def _place(path: str | None, event: gr.SelectData, studio: Studio) -> tuple[float, float]:
    if path is None:
        raise VisitorError(NO_PHOTO)
    size = read_picture(path, "Photo", studio.limits).size
    match event.index:
        case [int() | float() as x, int() | float() as y]:
            return round(x / size[0], 3), round(y / size[1], 3)
    raise VisitorError("Click a point of the photo.")
