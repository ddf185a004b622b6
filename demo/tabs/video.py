"""The tab for a short clip."""

from __future__ import annotations

import gradio as gr

from demo.components import ClipInput, ClipResult
from demo.gpu import on_gpu
from demo.messages import says_why
from demo.parts import message
from demo.studio import Studio
from demo.tabs.controls import SHOW
from demo.tabs.stylize import Choice
from demo.video import VideoHandlers

# On a phone the result is below the fold.
_SHOW = """() => {
    stylekernel.hush();
    document.querySelector("#clip-result").scrollIntoView({ block: "nearest" });
    return [];
}"""


def video_tab(studio: Studio, choice: Choice, tab: gr.Tab) -> None:
    """Build the tab; paintings and controls are those of the first."""
    limits = studio.limits
    gr.HTML(
        f'<p class="lead">A clip of up to {limits.video_seconds:g} seconds, with its sound. '
        "Paintings, strength, colours, stroke width and model are those of the Stylize tab. The "
        f"result has up to {limits.video_side} px and {limits.video_rate} frames a second.</p>"
    )
    # Both are hidden at first, as the gallery is: what shows them is a seventh of the page.
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=6, min_width=320):
            clip = ClipInput(
                label="Your clip", sources=["upload"], height=340, elem_id="clip", visible=False
            )
            used = gr.HTML(elem_id="clip-paintings")
            start = gr.Button("Stylize the clip", variant="primary", elem_id="clip-start")
            with gr.Row(elem_classes="work"):
                status = gr.HTML(elem_id="clip-status", elem_classes="status")
                cancel = gr.Button("Cancel", elem_id="clip-cancel", min_width=90, scale=0)
            message()
        with gr.Column(scale=6, min_width=320):
            result = ClipResult(
                label="The stylized clip",
                interactive=False,
                height=340,
                loop=True,
                elem_id="clip-result",
                buttons=["download"],
                visible=False,
            )
    choice.name_in(tab, used)
    for part in (clip, result):
        tab.select(None, None, part, js=SHOW, api_visibility="private")
    stylize = on_gpu(
        says_why(VideoHandlers(studio).stylize_video), seconds=limits.video_work_seconds
    )
    # No tool over MCP: there, files are pictures.
    stylize._mcp_type = "none"
    event = start.click(
        stylize,
        [clip, *choice.look],
        result,
        api_name="stylize_video",
        show_progress_on=status,
        **choice.large_work,
    )
    event.success(None, js=_SHOW, api_visibility="private")
    cancel.click(None, cancels=[event], api_visibility="private")
