"""The tab that stylizes what a camera sees, while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from demo.camera import CameraHandlers
from demo.messages import says_why
from demo.parts import camera, message
from demo.streams import Streams
from demo.studio import Studio
from demo.tabs.stylize import Choice

NETWORK_CAMERAS = "network for cameras"
"""Name of the queue of cameras: none waits in it, because too many are refused in words."""
_OFF = "() => { stylekernel.cameraOff(); return []; }"


def camera_tab(studio: Studio, choice: Choice, tab: gr.Tab, streams: Streams) -> None:
    """Build the tab; paintings and controls are those of the first."""
    gr.HTML(
        '<p class="lead">What your camera sees, stylized while you look. Paintings, strength, '
        "colours, stroke width and model are those of the Stylize tab. Pictures are sent to the "
        "server, and not kept.</p>"
    )
    used = gr.HTML(elem_id="camera-paintings")
    part = camera(studio.limits.camera_side)
    message()
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    choice.name_in(tab, used)
    handlers = CameraHandlers(studio, streams)

    def run(*values: Any) -> Iterator[Any]:
        # As a generator itself, which Gradio asks for.
        yield from handlers.run(*values)

    event = part.begin(
        says_why(run),
        choice.look,
        part,
        concurrency_id=NETWORK_CAMERAS,
        concurrency_limit=None,
        **private,
    )
    for ended in (event.success, event.failure):
        ended(None, js=_OFF, api_visibility="private")
    part.leave(None, cancels=[event], api_visibility="private")
