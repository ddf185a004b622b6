"""The controls under the result."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from demo.components import RegionCanvas
from demo.handlers import GalleryItems
from demo.models import EMBEDDED
from demo.settings import COLORS, EVERYWHERE, REGIONS, RESOLUTIONS


@dataclass(frozen=True)
class Controls:
    """What sets how a picture is painted."""

    strength: gr.Slider
    stroke_size: gr.Slider
    color: gr.Dropdown
    weights: tuple[gr.Slider, ...]
    region: gr.Radio
    canvas: RegionCanvas
    model: gr.Dropdown
    resolution: gr.Radio


def controls(paintings: int, canvas_value: dict[str, object]) -> Controls:
    """Lay out the controls, with a weight for each of so many paintings."""
    with gr.Row():
        strength = gr.Slider(
            0,
            1,
            1,
            step=0.05,
            label="Strength",
            info="0 is the photo, 1 the full style.",
            elem_id="strength",
            min_width=240,
        )
        stroke_size = gr.Slider(
            128,
            1024,
            512,
            step=64,
            label="Stroke size",
            info="Smaller makes finer strokes.",
            elem_id="stroke-size",
            min_width=240,
        )
    color = gr.Dropdown(COLORS, value="style", label="Colours", elem_id="color")
    with gr.Row(elem_id="weights"):
        weights = tuple(
            gr.Slider(
                0,
                1,
                1,
                step=0.05,
                label=f"Share of painting {index}",
                visible=False,
                elem_id=f"weight-{index}",
                min_width=240,
            )
            for index in range(1, paintings + 1)
        )
    with gr.Accordion("Region", open=False, elem_id="region-box"):
        region = gr.Radio(REGIONS, value=EVERYWHERE, label="Repaint", elem_id="region")
        canvas = RegionCanvas(
            canvas_value,
            label="Paint the region on the photo, then press Repaint",
            type="filepath",
            sources=[],
            transforms=[],
            layers=False,
            # Half transparent, so that the photo stays to be seen.
            brush=gr.Brush(default_size=48, colors=[("#c94a2c", 0.55)], color_mode="fixed"),
            eraser=gr.Eraser(default_size=48),
            height=420,
            elem_id="canvas",
            buttons=[],
        )
    with gr.Accordion("Resolution and model", open=False, elem_id="more"):
        resolution = gr.Radio(
            RESOLUTIONS,
            value=768,
            label="Resolution on the screen",
            info="The longer side; a smaller photo keeps its size. Strokes keep theirs in pixels, "
            "so the full size has finer ones.",
            elem_id="resolution",
        )
        model = gr.Dropdown(
            [EMBEDDED],
            value=EMBEDDED,
            allow_custom_value=True,
            label="Model",
            info="The built-in one, or the id of a checkpoint on the Hugging Face Hub: owner/name.",
            elem_id="model",
        )
    return Controls(strength, stroke_size, color, weights, region, canvas, model, resolution)


def name_weights(
    paintings: list[str] | None, own_paintings: GalleryItems, count: int
) -> list[dict[str, object]]:
    """Show a slider for each painting of a mixture, by its name; none for a single one."""
    names = [
        *(paintings or []),
        *(f"your painting {i + 1}" for i in range(len(own_paintings or ()))),
    ]
    mixed = len(names) > 1
    return [
        gr.update(visible=mixed and index < len(names), label=f"Share of {names[index]}")
        if index < len(names)
        else gr.update(visible=False)
        for index in range(count)
    ]
