"""The gallery: example photos in example styles, painted beforehand."""

from __future__ import annotations

import gradio as gr

from demo.catalog import PAINTINGS, PHOTOS, gallery_tiles, painting_path, photo_path
from demo.messages import VisitorError, says_why
from demo.tabs.controls import SHOW
from demo.tabs.stylize import Choice, keep_up


def gallery_tab(choice: Choice, tabs: gr.Tabs, tab: gr.Tab) -> None:
    """Build the tab; choosing a picture stylizes it again in the first tab."""
    tiles = gallery_tiles()
    gr.HTML('<p class="lead">Painted beforehand. Choose one to start from it.</p>')
    gallery = gr.Gallery(
        [(picture, f"{photo}, {painting.lower()}") for picture, photo, painting in tiles],
        label="Example photos in example styles",
        show_label=False,
        columns=7,
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        elem_id="gallery",
        height="auto",
        buttons=[],
        # Hidden at first, as clips are: what shows both is a seventh of the page.
        visible=False,
    )
    tab.select(None, None, gallery, js=SHOW, api_visibility="private")
    pairs = [(photo, painting) for _, photo, painting in tiles]

    def choose(event: gr.SelectData) -> tuple[str, list[str], None, gr.Tabs]:
        if not isinstance(event.index, int) or event.index not in range(len(pairs)):
            raise VisitorError(f"The gallery has {len(pairs)} pictures.")
        photo, painting = pairs[event.index]
        return str(photo_path(photo)), [painting], None, gr.Tabs(selected="stylize")

    it = choice.controls
    started = gallery.select(
        says_why(choose),
        None,
        [choice.photo, choice.paintings, choice.own_paintings, tabs],
        api_visibility="private",
        show_progress="hidden",
    )
    started.then(
        None,
        [choice.paintings, choice.picker],
        choice.picker,
        js="(paintings, state) => stylekernel.taken(paintings, state)",
        api_visibility="private",
        show_progress="hidden",
    )
    keep_up(choice, started.then)
    ready = started.then(
        choice.new_canvas,
        choice.photo,
        [it.canvas, it.region],
        api_visibility="private",
        show_progress="hidden",
    )
    choice.stylize_at(ready.then)
    gr.api(says_why(example), api_name="example", queue=False)


def example(photo: str, painting: str) -> tuple[gr.FileData, gr.FileData]:
    """Give an example photo and an example painting as files.

    Args:
        photo: Title of the photo: "Astronaut", "Cat", "Coffee" or "Rocket".
        painting: Title of the painting, such as "Mosaic".

    Returns:
        The two files.
    """
    # As lists: a program may send what a dictionary cannot look up.
    if photo not in list(PHOTOS):
        raise VisitorError(f"Photo must be one of {', '.join(PHOTOS)}; got “{photo}”.")
    if painting not in list(PAINTINGS):
        raise VisitorError(f"Painting must be one of {', '.join(PAINTINGS)}; got “{painting}”.")
    # As dictionaries, which MCP turns into pictures.
    return (
        gr.FileData(path=str(photo_path(photo))).model_dump(),
        gr.FileData(path=str(painting_path(painting))).model_dump(),
    )


# Gradio takes the annotation as it stands: one in words would be one output, and no picture in MCP.
example.__annotations__["return"] = tuple[gr.FileData, gr.FileData]
