"""Settings from elsewhere than the controls: a link, a reload, a file, the last results."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.parts import restorer
from demo.tabs.stylize import Choice, keep_up

_TAKEN = "async (given, ...now) => stylekernel.values(given.settings, ...now)"


def restoring(choice: Choice, page: gr.Blocks) -> None:
    """Take settings from a link, from this tab's memory or from a file, and go back to results.

    The page reads them by itself. The server gets them as it gets whatever a visitor chooses, and
    checks them as it checks that.
    """
    it = choice.controls
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    outputs = [choice.photo, choice.picker, choice.paintings, choice.own_paintings]
    outputs += [it.strength, it.color, it.stroke_scale, *it.weights, it.model, it.resolution]
    now = [choice.photo, it.region, choice.layer, it.strength_map]
    outputs += now[1:]
    part = restorer()
    page.load(None, js="() => { stylekernel.begin(); return []; }", **private)
    for listen, is_new in ((part.apply, True), (part.back, False)):
        event = listen(None, [part, choice.picker, *now], outputs, js=_TAKEN, **private)
        keep_up(choice, event.then)
        # Hidden and shown again, the canvas begins anew.
        hidden = event.then(
            lambda layer: gr.update(visible=layer is None), choice.layer, it.canvas, **private
        )
        ready = hidden.then(choice.canvas_again, [choice.photo, choice.layer], it.canvas, **private)
        if is_new:
            choice.stylize_at(ready.then)
        else:
            event.then(None, part, choice.viewer, js="(given) => given.view", **private)
