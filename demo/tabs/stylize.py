"""The first tab: a photo, paintings, and the result beside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from demo.catalog import PAINTINGS, photo_path
from demo.components import FileButton, PaintingsInput, PictureInput
from demo.gpu import on_gpu
from demo.handlers import StylizeHandlers
from demo.messages import says_why
from demo.order import CONTROLS, EVERYWHERE
from demo.parts import message, picker, strip, viewer
from demo.pictures import read_picture, save_preview, within
from demo.studio import Studio
from demo.tabs.controls import Controls, controls, name_brushes, name_weights, region_box

FIRST_PHOTO, FIRST_PAINTING = "Coffee", "Swirling oil"
NETWORK, NETWORK_LARGE, NETWORK_SERIES = "network", "network for large works", "network for series"
"""Names of the queues that all work of the network goes through.

Work that takes minutes has its own queue, so that pictures for the screen need not wait for it, and
so has a series of small pictures, which takes seconds.
"""
CANVAS_SIDE = 640
_SHOW = "(...given) => stylekernel.pair(...given)"
_SAVE = "(file) => { stylekernel.save(file); return []; }"


@dataclass(frozen=True)
class Choice:
    """The inputs of the first tab, and the handlers that stylize them.

    `layer` is what was painted on the photo for the last result, if its region was used.
    `paintings` and `own_paintings` are what is chosen of the tiles of `picker`; they, and the
    `pair` of pictures that `viewer` shows, are what programs see.
    """

    photo: PictureInput
    layer: PictureInput
    picker: gr.HTML
    paintings: gr.CheckboxGroup
    own_paintings: PaintingsInput
    controls: Controls
    pair: gr.ImageSlider
    viewer: gr.HTML
    status: gr.HTML
    stylize: Callable[..., Any]
    new_canvas: Callable[[str | None], tuple[Any, str]]
    canvas_again: Callable[[str | None, str | None], Any]
    work: dict[str, Any]
    large_work: dict[str, Any]
    series_work: dict[str, Any]

    @property
    def inputs(self) -> list[Any]:
        """The inputs of `stylize`, in its order."""
        it = self.controls
        return [
            *(self.photo, self.paintings, self.own_paintings, *it.weights),
            *(it.strength, it.color, it.stroke_scale, it.region, it.canvas),
            *(it.strength_map, it.model, it.resolution),
        ]

    @property
    def look(self) -> list[Any]:
        """The paintings and controls that other tabs take from the first, in their order."""
        it = self.controls
        return [
            *(self.paintings, self.own_paintings, *it.weights),
            *(it.strength, it.color, it.stroke_scale, it.model),
        ]

    def name_in(self, tab: gr.Tab, used: gr.HTML) -> None:
        """Say in another tab, when it opens, which paintings are chosen."""
        tab.select(
            None,
            [self.paintings, self.own_paintings],
            used,
            js="(paintings, own) => stylekernel.used(paintings, own)",
            api_visibility="private",
            show_progress="hidden",
        )

    def stylize_at(self, listen: Callable[..., Any], **options: Any) -> Any:
        """Stylize and show the result when an event comes; `listen` takes what a listener does.

        The picture that is there stays until the new one comes.
        """
        options = {"api_visibility": "private", "trigger_mode": "always_last"} | options
        event = listen(
            fn=self.stylize,
            inputs=self.inputs,
            outputs=[self.pair, self.layer],
            show_progress_on=self.status,
            **options,
            **self.work,
        )
        self.show_at(event.success)
        return event

    def show_at(self, listen: Callable[..., Any]) -> None:
        """Show the pair of pictures, and note what made it, when an event comes."""
        it = self.controls
        inputs = [self.pair, self.paintings, self.own_paintings, self.photo, self.picker]
        inputs += [it.strength, it.color, it.stroke_scale, *it.weights, it.model, it.resolution]
        inputs += [it.region, self.layer, it.strength_map]
        listen(fn=None, inputs=inputs, outputs=self.viewer, js=_SHOW, api_visibility="private")


def stylize_tab(studio: Studio, page: gr.Blocks) -> Choice:
    """Build the tab."""
    handlers = StylizeHandlers(studio)
    first = str(photo_path(FIRST_PHOTO))
    preview, result = handlers.stylize(first, [FIRST_PAINTING])
    # The page shows the photo itself, which is as large.
    shutil.rmtree(Path(preview).parent)
    result = _lighter(result)
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=5, min_width=320, elem_id="choice-side"):
            photo = _photo()
            tiles, paintings, own_paintings = _paintings(studio.limits.paintings)
            place = region_box(_canvas_value(first, studio))
        with gr.Column(scale=7, min_width=320, elem_id="result-side"):
            pair = gr.ImageSlider(
                value=(first, result),
                label="Before and after",
                type="filepath",
                interactive=False,
                visible=False,
            )
            shown = viewer()
            with gr.Row(elem_id="progress"):
                status = gr.HTML(elem_id="status", elem_classes="status")
                file_status = gr.HTML(elem_id="file-status", elem_classes="status")
                cancel = gr.Button("Cancel", elem_id="cancel", min_width=90, scale=0)
            message()
            with gr.Row(elem_id="actions"):
                button = gr.Button("Stylize", variant="primary", elem_id="stylize", min_width=110)
                full = gr.Button("Download full size", elem_id="full-size", min_width=170)
                gr.HTML(
                    '<button type="button" class="plain" id="share">Share</button>',
                    js_on_load=None,
                    apply_default_css=False,
                    elem_id="share-place",
                )
                image_format = gr.Radio(
                    CONTROLS["image_format"].choices,
                    value="png",
                    label=CONTROLS["image_format"].label,
                    show_label=False,
                    container=False,
                    elem_id="image-format",
                    min_width=130,
                )
            file = FileButton("The file", visible=False)
            layer = PictureInput(type="filepath", visible=False)
            strip()
            under_it = controls(studio.limits.paintings, place, studio.limits.models)
    choice = Choice(
        photo=photo,
        layer=layer,
        picker=tiles,
        paintings=paintings,
        own_paintings=own_paintings,
        controls=under_it,
        pair=pair,
        viewer=shown,
        status=status,
        stylize=on_gpu(says_why(handlers.stylize_on_page), seconds=studio.limits.seconds),
        new_canvas=says_why(lambda path: (path and _canvas_value(path, studio), EVERYWHERE)),
        canvas_again=says_why(lambda path, layer: _canvas_again(path, layer, studio)),
        work={"concurrency_id": NETWORK, "concurrency_limit": studio.limits.workers},
        large_work={"concurrency_id": NETWORK_LARGE, "concurrency_limit": studio.limits.workers},
        series_work={"concurrency_id": NETWORK_SERIES, "concurrency_limit": studio.limits.workers},
    )
    # Programs get the pictures alone.
    gr.Button(visible=False).click(
        on_gpu(says_why(handlers.stylize), seconds=studio.limits.seconds),
        choice.inputs,
        pair,
        api_name="stylize",
        **choice.work,
    )
    choice.show_at(page.load)
    # Programs get PNG unless they ask for another; visitors seldom want 27 MB.
    page.load(None, None, image_format, js="() => 'jpeg'", api_visibility="private")
    at_work = [
        choice.stylize_at(button.click),
        *_stylize_on_change(choice, studio),
        _download(choice, handlers, studio, full, image_format, file, file_status),
    ]
    cancel.click(None, cancels=at_work, api_visibility="private")
    return choice


def _download(
    choice: Choice,
    handlers: StylizeHandlers,
    studio: Studio,
    button: gr.Button,
    image_format: gr.Radio,
    file: FileButton,
    status: gr.HTML,
) -> Any:
    """Stylize in full size, and hand the file to the browser, which saves it."""
    event = button.click(
        on_gpu(says_why(handlers.full_size), seconds=studio.limits.seconds),
        [*choice.inputs[:-1], image_format],
        file,
        api_name="full_size",
        show_progress_on=status,
        **choice.large_work,
    )
    event.success(None, file, None, js=_SAVE, api_visibility="private")
    return event


def _stylize_on_change(choice: Choice, studio: Studio) -> list[Any]:
    """Stylize at once after a change; typed or painted input waits for the button."""
    it = choice.controls
    read = choice.photo.upload(
        choice.new_canvas,
        choice.photo,
        [it.canvas, it.region],
        api_visibility="private",
        show_progress_on=choice.status,
    )
    # A photo that cannot be read leaves the last one where it was.
    last = PictureInput(value=str(photo_path(FIRST_PHOTO)), type="filepath", visible=False)
    for listen, given, kept in (
        (read.success, choice.photo, last),
        (read.failure, last, choice.photo),
    ):
        listen(None, given, kept, js="(photo) => photo", api_visibility="private")
    choice.photo.clear(
        choice.new_canvas,
        choice.photo,
        [it.canvas, it.region],
        api_visibility="private",
        show_progress="hidden",
    )

    def of_controls(**options: Any) -> Any:
        return gr.on(
            [
                *(it.strength.release, it.stroke_scale.release, it.color.change),
                *(it.resolution.input, it.model.input),
                *(weight.release for weight in it.weights),
                *(it.strength_map.upload, it.strength_map.clear),
            ],
            **options,
        )

    return [
        read,
        choice.stylize_at(read.success),
        choice.stylize_at(of_controls),
        *_stylize_on_pick(choice, studio),
    ]


def _stylize_on_pick(choice: Choice, studio: Studio) -> list[Any]:
    """Stylize once a painting is chosen, or one of the visitor's own is added."""
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    chosen = choice.picker.choose(
        None,
        choice.picker,
        [choice.paintings, choice.own_paintings],
        js="(state) => stylekernel.mixture(state)",
        **private,
    )
    fresh = PaintingsInput(visible=False, file_types=["image"])
    read = choice.picker.bring(
        None, choice.picker, fresh, js="(state) => [stylekernel.asPictures(state.fresh)]", **private
    ).then(
        says_why(lambda paths: _check_paintings(paths, studio)),
        fresh,
        None,
        api_visibility="private",
        show_progress_on=choice.status,
    )
    added = read.success(
        None,
        choice.picker,
        [choice.picker, choice.paintings, choice.own_paintings],
        js=f"(state) => stylekernel.added(state, {studio.limits.paintings})",
        **private,
    )
    for event in (chosen, added):
        keep_up(choice, event.then)
    return [read, choice.stylize_at(chosen.then), choice.stylize_at(added.then)]


def keep_up(choice: Choice, listen: Callable[..., Any]) -> None:
    """Name the weights and brushes after the paintings when an event comes."""
    it, weights = choice.controls, list(choice.controls.weights)
    listen(
        fn=lambda chosen, own: [
            *name_weights(chosen, own, len(weights)),
            name_brushes(chosen, own),
        ],
        inputs=[choice.paintings, choice.own_paintings],
        outputs=[*weights, it.legend],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )


def _check_paintings(paths: Sequence[str], studio: Studio) -> None:
    for path in paths:
        read_picture(path, "Painting", studio.limits)


def _canvas_value(path: str, studio: Studio) -> dict[str, Any]:
    picture = within(read_picture(path, "Photo", studio.limits), CANVAS_SIDE)
    file = save_preview(picture.convert("RGB"), "photo")
    return {"background": file, "layers": [], "composite": file}


def _canvas_again(path: str | None, layer: str | None, studio: Studio) -> Any:
    """Return a photo to paint on, with a layer that was painted on it before."""
    if path is None or layer is None:
        return path and _canvas_value(path, studio)
    value = _canvas_value(path, studio)
    size = read_picture(value["background"], "Photo", studio.limits).size
    painted = read_picture(layer, "Region", studio.limits, any_size=True).convert("RGBA")
    again = painted.resize(size, Image.Resampling.NEAREST)
    value["layers"] = [save_preview(again, "region", lossless=True)]
    # The editor puts a layer into the middle of the canvas that it began with.
    return gr.update(value=value, canvas_size=size, visible=True)


def _lighter(path: str) -> str:
    """Write a picture as WebP in place of a JPEG; everybody waits for the page's first one."""
    file = Path(path).with_suffix(".webp")
    with Image.open(path) as picture:
        picture.save(file, quality=80, method=6)
    Path(path).unlink()
    return str(file)


def _photo() -> PictureInput:
    gr.HTML(
        '<div class="step-head"><h2 class="step"><span aria-hidden="true">1</span>Your photo</h2>'
        '<button type="button" class="plain" id="choose-photo">Choose a photo</button>'
        '<button type="button" class="plain" id="paste-photo">Paste</button></div>',
        js_on_load=None,
        apply_default_css=False,
    )
    photo = PictureInput(
        value=str(photo_path(FIRST_PHOTO)),
        label="Photo",
        show_label=False,
        type="filepath",
        sources=["upload"],
        height=240,
        elem_id="photo",
        buttons=[],
        alt_text="The photo to stylize",
        placeholder="Drop a photo here, or click to choose one",
    )
    return photo


def _paintings(most: int) -> tuple[gr.HTML, gr.CheckboxGroup, PaintingsInput]:
    tiles = picker([FIRST_PAINTING], most)
    paintings = gr.CheckboxGroup(
        list(PAINTINGS), value=[FIRST_PAINTING], label="Paintings", visible=False
    )
    own_paintings = PaintingsInput(
        label="Your paintings", type="filepath", file_types=["image"], visible=False
    )
    return tiles, paintings, own_paintings
