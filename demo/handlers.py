"""The demo's actions, each a plain function, an API endpoint and an MCP tool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.messages import VisitorError
from demo.pictures import new_file, read_picture, save_preview, within
from demo.settings import EVERYWHERE, check_resolution, png_chunks
from demo.studio import Order, Studio

GalleryItems = Sequence[tuple[str, str | None]] | None
NO_PHOTO = "Choose or drop a photo first."


class PaintHandlers:
    """Painting one photo: on the screen, and in full size."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def stylize(
        self,
        photo: str | None,
        paintings: Sequence[str] = (),
        own_paintings: GalleryItems = None,
        weight_1: float = 1.0,
        weight_2: float = 1.0,
        weight_3: float = 1.0,
        weight_4: float = 1.0,
        strength: float = 1.0,
        color: str = "style",
        stroke_size: int = 512,
        region: str = EVERYWHERE,
        canvas: dict[str, Any] | None = None,
        model: str | None = None,
        resolution: int = 768,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> tuple[str, str]:
        """Repaint a photo in the style of one or more paintings, at the size of a screen.

        Args:
            photo: The photo, an image file.
            paintings: Titles of the demo's own paintings, such as "Mosaic".
            own_paintings: Image files of further paintings.
            weight_1: Share of the first painting in the mixture, from 0 to 1.
            weight_2: Share of the second painting, from 0 to 1.
            weight_3: Share of the third painting, from 0 to 1.
            weight_4: Share of the fourth painting, from 0 to 1.
            strength: From 0, the photo itself, to 1, the full style.
            color: "style", "luminance", "statistics" or "transfer".
            stroke_size: Short side in px, 128 to 1024, to which paintings are scaled.
            region: "everywhere", "painted", "unpainted", or "split", where the first painting is
                where it was painted.
            canvas: What was painted on the photo; its layers make the region.
            model: "small (built in)", or the id of a checkpoint on the Hugging Face Hub.
            resolution: Longer side of the result in px at most: 512, 768, 1024 or 1536.

        Returns:
            The photo and the repainted photo, as image files of the same size.
        """
        check_resolution(resolution)
        weights = (weight_1, weight_2, weight_3, weight_4)
        order = _order(
            paintings, own_paintings, weights, strength, color, stroke_size, region, canvas, model
        )
        watch = self._studio.watch(progress)
        watch.part("Reading the pictures", 0, 0)
        source = within(read_picture(photo or _missing(), "Photo", self._studio.limits), resolution)
        palette = self._studio.mix(order)
        watch.part("Painting", 0.2, 0.8)
        result, _ = self._studio.paint(source, palette, order, watch)
        name = _result_name(photo, palette.names)
        return save_preview(source, "photo"), save_preview(result, name)

    def full_size(
        self,
        photo: str | None,
        paintings: Sequence[str] = (),
        own_paintings: GalleryItems = None,
        weight_1: float = 1.0,
        weight_2: float = 1.0,
        weight_3: float = 1.0,
        weight_4: float = 1.0,
        strength: float = 1.0,
        color: str = "style",
        stroke_size: int = 512,
        region: str = EVERYWHERE,
        canvas: dict[str, Any] | None = None,
        model: str | None = None,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> str:
        """Repaint a photo at its own size, as a PNG that holds the settings as text.

        Args:
            photo: The photo, an image file.
            paintings: Titles of the demo's own paintings, such as "Mosaic".
            own_paintings: Image files of further paintings.
            weight_1: Share of the first painting in the mixture, from 0 to 1.
            weight_2: Share of the second painting, from 0 to 1.
            weight_3: Share of the third painting, from 0 to 1.
            weight_4: Share of the fourth painting, from 0 to 1.
            strength: From 0, the photo itself, to 1, the full style.
            color: "style", "luminance", "statistics" or "transfer".
            stroke_size: Short side in px, 128 to 1024, to which paintings are scaled.
            region: "everywhere", "painted", "unpainted", or "split", where the first painting is
                where it was painted.
            canvas: What was painted on the photo; its layers make the region.
            model: "small (built in)", or the id of a checkpoint on the Hugging Face Hub.

        Returns:
            A PNG file, as large as the photo.
        """
        weights = (weight_1, weight_2, weight_3, weight_4)
        order = _order(
            paintings, own_paintings, weights, strength, color, stroke_size, region, canvas, model
        )
        watch = self._studio.watch(progress)
        watch.part("Reading the pictures", 0, 0)
        source = read_picture(photo or _missing(), "Photo", self._studio.limits)
        palette = self._studio.mix(order)
        watch.part(f"Painting {source.width}×{source.height} px", 0.1, 0.8)
        result, settings = self._studio.paint(source, palette, order, watch)
        watch.part("Writing the PNG", 0.95, 0)
        path = new_file(f"{_result_name(photo, palette.names)}.png")
        result.save(path, pnginfo=png_chunks(settings))
        return str(path)


def _order(
    paintings: Sequence[str] | None,
    own_paintings: GalleryItems,
    weights: Sequence[float],
    strength: float,
    color: str,
    stroke_size: int,
    region: str,
    canvas: dict[str, Any] | None,
    model: str | None,
) -> Order:
    return Order(
        paintings=paintings or (),
        own_paintings=files_of(own_paintings),
        weights=weights,
        strength=strength,
        color=color,
        style_size=stroke_size,
        region=region,
        layers=(canvas or {}).get("layers") or (),
        model=model,
    )


def files_of(items: GalleryItems) -> list[str]:
    """Return the files of a gallery's value, without its captions."""
    return [file for file, _ in items or ()]


def _missing() -> str:
    raise VisitorError(NO_PHOTO)


def _result_name(photo: str | None, names: Sequence[str]) -> str:
    words = [Path(photo or "photo").stem, *(Path(name).stem for name in names)]
    # What a visitor's file is called goes into no path unseen.
    safe = ["".join(c if c.isalnum() else "-" for c in word).strip("-")[:40] for word in words]
    return "_".join(filter(None, safe)).lower() or "picture"
