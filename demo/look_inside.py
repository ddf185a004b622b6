"""What the network attended to at one point of the photo, in pictures and words."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image, ImageDraw

from demo.catalog import PAINTINGS, painting_path
from demo.handlers import NO_PHOTO
from demo.messages import VisitorError
from demo.order import Order, takes_order
from demo.pictures import read_picture, save_preview, within
from demo.studio import Studio

SIDE = 512
"""Longer side in px of the photo that is looked into."""


class InsideHandlers:
    """Explaining one point."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @takes_order("paintings", "own_paintings", "across", "down", "model", "which")
    def explain(
        self,
        photo: str | None,
        order: Order,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> tuple[str, str, str, str]:
        """Show where in a painting a point of the photo looked, and that point's kernels.

        Args:
            photo: The photo, an image file.
            order: The controls, each by its own name.

        Returns:
            The painting bright where the point looked, the photo bright where much of the painting
            was let through, the point's kernels, and a description of them in words.
        """
        limits = self._studio.limits
        if photo is None:
            raise VisitorError(NO_PHOTO)
        across, down = order.checked("across"), order.checked("down")
        with self._studio.watch(progress) as watch:
            watch.part("Looking", 0.1, 0.9)
            source = within(read_picture(photo, "Photo", limits), SIDE)
            point = _pixel(across, source.width), _pixel(down, source.height)
            explanation = self._studio.models.get(order.model).explain(
                source,
                self._painting(order),
                point=point,
            )
            return (
                save_preview(explanation.attention_image(), "attention", lossless=True),
                save_preview(explanation.gate_image(), "gate", lossless=True),
                save_preview(explanation.kernels_image(), "kernels", lossless=True),
                describe(explanation),
            )

    def _painting(self, order: Order) -> Any:
        chosen, own = list(order.paintings or ()), list(order.own_paintings or ())
        if not chosen and not own:
            raise VisitorError("Choose a painting, or add one of your own.")
        index = order.checked("which") - 1
        if index >= len(chosen) + len(own):
            raise VisitorError(
                f"Painting {index + 1} is not there: {len(chosen) + len(own)} is chosen."
            )
        if index >= len(chosen):
            path = own[index - len(chosen)]
            return within(read_picture(path, "Painting", self._studio.limits), 2048)
        if chosen[index] not in PAINTINGS:
            raise VisitorError(f"Paintings must be among {', '.join(PAINTINGS)}.")
        return str(painting_path(chosen[index]))


def marked(photo: Image.Image, across: float, down: float) -> Image.Image:
    """Return the photo with a ring around the point that is looked into."""
    ringed = photo.convert("RGB")
    x, y = across * ringed.width, down * ringed.height
    radius = max(6, max(ringed.size) // 40)
    pen = ImageDraw.Draw(ringed)
    # White in black, so that it shows on any photo.
    for color, width, grown in (("black", 6, 1), ("white", 3, 0)):
        box = (x - radius - grown, y - radius - grown, x + radius + grown, y + radius + grown)
        pen.ellipse(box, outline=color, width=width)
    return ringed


def describe(explanation: Any) -> str:
    """Describe the three pictures in words."""
    attention, (x, y) = explanation.attention, explanation.point
    row, column = divmod(int(attention.argmax()), attention.shape[1])
    across = ("left", "middle", "right")[column * 3 // attention.shape[1]]
    down = ("top", "middle", "bottom")[row * 3 // attention.shape[0]]
    place = "middle" if (down, across) == ("middle", "middle") else f"{down} {across}"
    height, width = explanation.content.height, explanation.content.width
    gate = explanation.gate
    here = gate[y * gate.shape[0] // height, x * gate.shape[1] // width]
    half = _tokens_for_half(attention)
    return (
        f"The point at ({x}, {y}) looked mostly at the **{place}** of the painting; "
        f"{half} of its {attention.size} places make up half of the attention. "
        f"The gate let **{here:.0%}** of the painting through here, and {gate.min():.0%} to "
        f"{gate.max():.0%} over the photo. A kernel weighs the neighbours of the point: orange "
        "adds, blue takes away; a lone orange square in the middle changes nothing."
    )


def _tokens_for_half(attention: Any) -> int:
    sorted_down = sorted(attention.ravel().tolist(), reverse=True)
    total, count = 0.0, 0
    while total < 0.5 and count < len(sorted_down):
        total, count = total + sorted_down[count], count + 1
    return count


def _pixel(share: float, side: int) -> int:
    return min(int(share * side), side - 1)
