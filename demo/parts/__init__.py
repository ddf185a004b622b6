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
    return gr.HTML(
        {"chosen": chosen, "mixing": False, "own": [], "fresh": []},
        **_part("picker", TILES=_tiles(' aria-pressed="false"'), MOST=str(most)),
    )


def viewer() -> gr.HTML:
    """Build the result, with a line between before and after that moves.

    Its value is {"before": address, "after": address, "words": what it shows}, or None.
    """
    return gr.HTML(**_part("viewer", element="result"))


def grid() -> gr.HTML:
    """Build the tiles that fill with the visitor's photo in every style.

    Its value is {"pictures": {title: address}, "taken": a title}. It triggers "take".
    """
    return gr.HTML(
        {"pictures": {}},
        **_part("grid", TILES=_tiles()),
    )


def strip() -> gr.HTML:
    """Build the strip of the last results, which the page fills by itself."""
    return gr.HTML(**_part("strip"))


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


def camera(side: int) -> gr.HTML:
    """Build the camera; pictures that it sends have a longer side of `side` px.

    Its value is {"stream": a name}. It triggers "begin" once the camera sees something, and "leave"
    when it is switched off, or out of sight.
    """
    return gr.HTML({}, **_part("camera", SIDE=str(side)))


def message() -> gr.HTML:
    """Make a place for messages in words; one for each tab."""
    return gr.HTML(
        '<p class="message" role="alert" hidden><span></span>'
        '<button type="button" aria-label="Close the message">×</button></p>',
        js_on_load=None,
        apply_default_css=False,
        elem_classes="message-place",
    )


def _tiles(attributes: str = "") -> str:
    """Return a button for each painting, with further attributes."""
    return "".join(
        f'<button type="button" class="tile" data-title="{escape(title)}" data-painting="{number}"'
        f' title="{escape(words)}"{attributes}><span>{escape(title)}</span></button>'
        for number, (title, (_, words)) in enumerate(PAINTINGS.items(), start=1)
    )


def _part(name: str, *, element: str | None = None, **blanks: str) -> dict[str, Any]:
    """Return the template `name`.html with its blanks filled, its script, and the element's id."""
    template = _read(f"{name}.html")
    for blank, text in blanks.items():
        template = template.replace(blank, text)
    return {
        "html_template": template,
        "js_on_load": _read(f"{name}.js"),
        "elem_id": element or name,
        "apply_default_css": False,
    }


def _read(name: str) -> Any:
    return (_FOLDER / name).read_text(encoding="utf-8")
