"""The tab that shows every painting on the visitor's own photo."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.gpu import on_gpu
from demo.messages import says_why
from demo.parts import grid, message
from demo.studio import Studio
from demo.tabs.stylize import Choice, keep_up
from demo.try_all import TryAllHandlers

_TAKE = "(given, state) => stylekernel.taken([given.taken], state)"


def all_paintings_tab(studio: Studio, choice: Choice, tabs: gr.Tabs, tab: gr.Tab) -> None:
    """Build the tab; the pictures come one by one once it is opened, and a click takes one."""
    with gr.Row(elem_classes="lead-row"):
        gr.HTML('<p class="lead">Your photo in the style of every painting. Choose one.</p>')
        stop = gr.Button("Stop", elem_id="grid-stop", min_width=90, scale=0)
    message()
    tiles = grid()
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    started = tab.select(
        on_gpu(says_why(TryAllHandlers(studio).try_all), seconds=studio.limits.seconds),
        [choice.photo, choice.controls.model],
        tiles,
        js="(photo, model) => [stylekernel.unseen(photo), model]",
        **private,
        **choice.series_work,
    )
    stop.click(None, js="() => { stylekernel.stopGrid(); return []; }", **private)
    stop.click(None, cancels=[started], api_visibility="private")
    taken = tiles.take(None, [tiles, choice.picker], choice.picker, js=_TAKE, **private)
    chosen = taken.then(
        None,
        choice.picker,
        [choice.paintings, choice.own_paintings],
        js="(state) => stylekernel.mixture(state)",
        **private,
    )
    keep_up(choice, chosen.then)
    chosen.then(lambda: gr.Tabs(selected="stylize"), None, tabs, queue=False, **private)
    choice.stylize_at(chosen.then)
