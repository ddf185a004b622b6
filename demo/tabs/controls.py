"""The controls under the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.components import PictureInput, RegionCanvas
from demo.models import EMBEDDED
from demo.order import CONTROLS, DEFAULTS
from demo.region import BRUSHES

SHOW = "() => ({ __type__: 'update', visible: true })"
"""Script that shows what an event has as its output."""


@dataclass(frozen=True)
class Controls:
    """The components of the controls."""

    strength: gr.Slider
    stroke_scale: gr.Slider
    color: gr.Dropdown
    weights: tuple[gr.Slider, ...]
    region: gr.Radio
    legend: gr.HTML
    canvas: RegionCanvas
    strength_map: PictureInput
    model: gr.Dropdown
    resolution: gr.Radio


def region_box(canvas_value: dict[str, object]) -> tuple[gr.Radio, gr.HTML, RegionCanvas]:
    """Lay out what says where to stylize, with a canvas on the photo."""
    brushes = [(brush, 0.65) for brush in BRUSHES]
    with gr.Accordion("Region", open=False, elem_id="region-box") as box:
        region = gr.Radio(
            CONTROLS["region"].choices,
            value=DEFAULTS["region"],
            label="Stylize",
            info=CONTROLS["region"].info,
            elem_id="region",
        )
        legend = gr.HTML(elem_id="legend", visible=False)
        canvas = RegionCanvas(
            canvas_value,
            label="Your photo, to paint on",
            show_label=False,
            type="filepath",
            sources=[],
            transforms=[],
            layers=False,
            # Half transparent, so that the photo stays visible.
            brush=gr.Brush(default_size=48, colors=brushes, color_mode="fixed"),
            eraser=gr.Eraser(default_size=48),
            height=380,
            elem_id="canvas",
            buttons=[],
            # Its editor is a seventh of the page's bytes, which come once the box is opened.
            visible=False,
        )
        gr.HTML(
            '<button type="button" class="plain" id="stylize-region">Stylize the region</button>',
            js_on_load=None,
            apply_default_css=False,
        )
    box.expand(None, None, canvas, js=SHOW, api_visibility="private")
    return region, legend, canvas


def controls(
    paintings: int,
    place: tuple[gr.Radio, gr.HTML, RegionCanvas],
    models: Sequence[str] | None,
) -> Controls:
    """Lay out the controls, with a weight for each of so many paintings.

    `place` is what `region_box` returned.
    `models` are those of the Hub that are offered, or patterns of them; None stands for all.
    """
    with gr.Row():
        strength = slider("strength")
        stroke_scale = slider("stroke_scale")
    color = gr.Dropdown(
        CONTROLS["color"].choices,
        value=DEFAULTS["color"],
        label=CONTROLS["color"].label,
        elem_id="color",
    )
    weights = _weight_sliders(paintings)
    with gr.Accordion("Strength map", open=False, elem_id="map-box"):
        strength_map = PictureInput(
            label=CONTROLS["strength_map"].label,
            show_label=False,
            type="filepath",
            sources=["upload"],
            height=200,
            elem_id="strength-map",
            buttons=[],
            alt_text="The map of strength: the full style where it is white",
            placeholder="Drop an image here, or click to choose one: white for the full style",
        )
    with gr.Accordion("Resolution and model", open=False, elem_id="more"):
        resolution = gr.Radio(
            CONTROLS["resolution"].choices,
            value=DEFAULTS["resolution"],
            label="Resolution on the screen",
            info=CONTROLS["resolution"].info,
            elem_id="resolution",
        )
        model = gr.Dropdown(
            [EMBEDDED, *(name for name in models or () if "*" not in name)],
            value=DEFAULTS["model"],
            allow_custom_value=True,
            label=CONTROLS["model"].label,
            info="The built-in one, or the id of a checkpoint on the Hugging Face Hub: "
            f"{'owner/name' if models is None else ', '.join(models) or 'none here'}.",
            elem_id="model",
        )
        gr.HTML(
            '<button type="button" class="plain" id="read-settings">'
            "Take the settings of a downloaded result</button>",
            js_on_load=None,
            apply_default_css=False,
        )
    return Controls(
        strength=strength,
        stroke_scale=stroke_scale,
        color=color,
        weights=weights,
        region=place[0],
        legend=place[1],
        canvas=place[2],
        strength_map=strength_map,
        model=model,
        resolution=resolution,
    )


def slider(name: str, **options: Any) -> gr.Slider:
    """Build the slider of a number of `Order`; `options` are Gradio's."""
    control = CONTROLS[name]
    looks = {"label": control.label, "elem_id": name.replace("_", "-"), "min_width": 240} | options
    return gr.Slider(
        control.low, control.high, DEFAULTS[name], step=control.step, info=control.info, **looks
    )


def _weight_sliders(count: int) -> tuple[gr.Slider, ...]:
    """Lay out the weights of a mixture; `name_weights` decides which are visible."""
    with gr.Row(elem_classes="weights"):
        return tuple(
            slider(
                "weight_1",
                label=f"Share of painting {index}",
                visible=False,
                elem_id=f"weight-{index}",
            )
            for index in range(1, count + 1)
        )


def name_weights(
    paintings: list[str] | None, own_paintings: Sequence[str] | None, count: int
) -> list[dict[str, object]]:
    """Show a slider for each painting of a mixture, by its name, and none for a single one.

    The share of a slider that is hidden becomes 1 again.
    """
    names = names_of(paintings, own_paintings)
    return [
        gr.update(visible=True, label=f"Share of {names[index]}")
        if 1 < len(names) > index
        else gr.update(visible=False, value=1)
        for index in range(count)
    ]


def name_brushes(
    paintings: list[str] | None, own_paintings: Sequence[str] | None
) -> dict[str, object]:
    """Show the legend of the brushes' colours, for mixtures only."""
    names = names_of(paintings, own_paintings)
    colors = "".join(
        f'<span><i style="background:{color}"></i>{name}</span>'
        for color, name in zip(BRUSHES, names, strict=False)
    )
    return gr.update(
        visible=len(names) > 1, value=f'<div class="brushes">Brush colours: {colors}</div>'
    )


def names_of(paintings: list[str] | None, own_paintings: Sequence[str] | None) -> list[str]:
    """Return the names of a mixture's paintings in the order of their weights."""
    own = [f"your painting {index + 1}" for index in range(len(own_paintings or ()))]
    return [*(paintings or []), *own]
