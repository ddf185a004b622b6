"""Parts of the page that Gradio does not have: each a template, and a script that runs in it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from demo.catalog import PAINTINGS

_FOLDER = Path(__file__).parent


def picker(chosen: list[str], most: int) -> gr.HTML:
    """Build the tiles of the paintings, of which a click takes one, or while mixing several.

    Its value is {"chosen": titles and names such as "own-1", "mixing": whether clicks add,
    "own": the visitor's own paintings as {"path", "url", "name", "picture"}}. It triggers "choose"
    for a new choice, and "bring" for `fresh` files, which are not among its own yet.
    """
    tiles = "".join(
        f'<button type="button" class="tile" data-title="{escape(title)}" data-painting="{number}"'
        f' title="{escape(words)}" aria-pressed="false"><span>{escape(title)}</span></button>'
        for number, (title, (_, words)) in enumerate(PAINTINGS.items(), start=1)
    )
    return gr.HTML(
        {"chosen": chosen, "mixing": False, "own": [], "fresh": []},
        html_template=_read("picker.html").replace("TILES", tiles).replace("MOST", str(most)),
        js_on_load=_read("picker.js"),
        elem_id="picker",
        apply_default_css=False,
    )


def viewer() -> gr.HTML:
    """Build the result, with a line between before and after that moves.

    Its value is {"before": address, "after": address, "words": what it shows}, or None.
    """
    return gr.HTML(
        html_template=_read("viewer.html"),
        js_on_load=_read("viewer.js"),
        elem_id="result",
        apply_default_css=False,
    )


def grid() -> gr.HTML:
    """Build the tiles that fill with the visitor's photo in every style.

    Its value is {"pictures": {title: address}, "taken": a title}. It triggers "take".
    """
    tiles = "".join(
        f'<button type="button" class="tile" data-title="{escape(title)}" data-painting="{number}"'
        f' title="{escape(words)}"><span>{escape(title)}</span></button>'
        for number, (title, (_, words)) in enumerate(PAINTINGS.items(), start=1)
    )
    return gr.HTML(
        {"pictures": {}},
        html_template=_read("grid.html").replace("TILES", tiles),
        js_on_load=_read("grid.js"),
        elem_id="grid",
        apply_default_css=False,
    )


def strip() -> gr.HTML:
    """Build the strip of the last results, which the page fills by itself."""
    return gr.HTML(
        html_template=_read("strip.html"),
        js_on_load=_read("strip.js"),
        elem_id="strip",
        apply_default_css=False,
    )


def restorer() -> gr.HTML:
    """Build what takes settings from elsewhere; it shows nothing.

    Its value is {"settings": ..., "view": ...}. It triggers "apply" for settings to stylize by, and
    "back" for those of a picture that is there already.
    """
    return gr.HTML(
        html_template="<i hidden></i>",
        js_on_load=_read("restore.js"),
        elem_id="restorer",
        apply_default_css=False,
    )


def message() -> gr.HTML:
    """Make a place for messages in words; one for each tab."""
    return gr.HTML(
        '<p class="message" role="alert" hidden><span></span>'
        '<button type="button" aria-label="Close the message">×</button></p>',
        js_on_load=None,
        apply_default_css=False,
        elem_classes="message-place",
    )


def _read(name: str) -> Any:
    return (_FOLDER / name).read_text(encoding="utf-8")
