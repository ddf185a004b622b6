"""The tab for many photos at once."""

from __future__ import annotations

import gradio as gr

from demo.components import PhotosInput
from demo.folder import FolderHandlers
from demo.gpu import on_gpu
from demo.messages import says_why
from demo.order import CONTROLS
from demo.parts import message
from demo.studio import Studio
from demo.tabs.controls import SHOW
from demo.tabs.stylize import Choice


def folder_tab(studio: Studio, choice: Choice, tab: gr.Tab) -> None:
    """Build the tab; paintings and controls are those of the first."""
    limits = studio.limits
    gr.HTML(
        f'<p class="lead">Up to {limits.folder_files} photos in one style or mixture, as one zip. '
        "Paintings, strength, colours, stroke width and model are those of the Stylize tab.</p>"
    )
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=5, min_width=320):
            photos = PhotosInput(
                label="Photos",
                file_count="multiple",
                height=260,
                elem_id="folder-photos",
            )
        with gr.Column(scale=7, min_width=320):
            used = gr.HTML(elem_id="folder-paintings")
            resolution = gr.Radio(
                CONTROLS["resolution"].choices,
                value=1024,
                label=CONTROLS["resolution"].label,
                info="The longer side of each picture.",
                elem_id="folder-resolution",
            )
            start = gr.Button("Stylize them all", variant="primary", elem_id="folder-start")
            message()
            archive = gr.File(label="The zip", interactive=False, elem_id="folder-zip")
            # Hidden at first, as clips are: what shows it is a part of the page's bytes.
            report = gr.Markdown(elem_id="folder-report", visible=False)
    choice.name_in(tab, used)
    tab.select(None, None, report, js=SHOW, api_visibility="private")
    stylize_folder = on_gpu(says_why(FolderHandlers(studio).stylize_folder), seconds=limits.seconds)
    # No tool over MCP: Gradio takes no lists of files there, so that every call would fail.
    stylize_folder._mcp_type = "none"
    start.click(
        stylize_folder,
        [photos, *choice.look, resolution],
        [archive, report],
        api_name="stylize_folder",
        show_progress_on=archive,
        **choice.large_work,
    )
