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
from demo.watched import WatchedFile
from stylekernel_hf import read_metadata

NO_PHOTO = "Choose or drop a photo first."


class PaintHandlers:
    """Painting one photo: on the screen, and in full size."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def stylize(
        self,
        photo: str | None,
        paintings: Sequence[str] = (),
        own_paintings: Sequence[str] | None = None,
        weight_1: float = 1.0,
        weight_2: float = 1.0,
        weight_3: float = 1.0,
        weight_4: float = 1.0,
        strength: float = 1.0,
        color: str = "style",
        stroke_size: int = 512,
        region: str = EVERYWHERE,
        canvas: dict[str, Any] | None = None,
        strength_map: str | None = None,
        model: str | None = None,
        resolution: int = 768,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> tuple[str, str]:
        """Repaint a photo in the style of one or more paintings, at the size of a screen.

        Args:
            photo: The photo, an image file.
            paintings: Titles of the demo's own paintings, such as "Mosaic".
            own_paintings: Further paintings, image files by name: "first", "second", ...
            weight_1: Share of the first painting in the mixture, from 0 to 1.
            weight_2: Share of the second painting, from 0 to 1.
            weight_3: Share of the third painting, from 0 to 1.
            weight_4: Share of the fourth painting, from 0 to 1.
            strength: From 0, the photo itself, to 1, the full style.
            color: "style", "luminance", "statistics" or "transfer".
            stroke_size: Short side in px, 128 to 1024, to which paintings are scaled.
            region: "everywhere"; "painted" or "unpainted"; "split", the first painting where it was
                painted and the others elsewhere; "each", every painting where its own colour is,
                in this order: #c94a2c, #2c6fc9, #2f9a4c, #e3b21c.
            canvas: What was painted on the photo: its "layer", an image that is transparent where
                nothing was.
            strength_map: An image by which the strength is multiplied: white 1, black 0.
            model: "small (built in)", or the id of a checkpoint on the Hugging Face Hub.
            resolution: Longer side of the result in px at most: 512, 768, 1024 or 1536.

        Returns:
            The photo and the repainted photo, as image files of the same size.
        """
        check_resolution(resolution)
        order = Order(
            paintings=paintings or (),
            own_paintings=own_paintings or (),
            weights=(weight_1, weight_2, weight_3, weight_4),
            strength=strength,
            color=color,
            style_size=stroke_size,
            region=region,
            layers=(canvas or {}).get("layers") or (),
            strength_map=strength_map,
            model=model,
        )
        with self._studio.watch(progress) as watch:
            watch.part("Reading the pictures", 0, 0)
            picture = read_picture(photo or _missing(), "Photo", self._studio.limits)
            source = within(picture, resolution)
            palette = self._studio.mix(order)
            watch.part("Painting", 0.2, 0.8)
            result, _ = self._studio.paint(source, palette, order)
            name = _result_name(photo, palette.names)
            return save_preview(source, "photo"), save_preview(result, name)

    def full_size(
        self,
        photo: str | None,
        paintings: Sequence[str] = (),
        own_paintings: Sequence[str] | None = None,
        weight_1: float = 1.0,
        weight_2: float = 1.0,
        weight_3: float = 1.0,
        weight_4: float = 1.0,
        strength: float = 1.0,
        color: str = "style",
        stroke_size: int = 512,
        region: str = EVERYWHERE,
        canvas: dict[str, Any] | None = None,
        strength_map: str | None = None,
        model: str | None = None,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> str:
        """Repaint a photo at its own size, as a PNG that holds the settings as text.

        Args:
            photo: The photo, an image file.
            paintings: Titles of the demo's own paintings, such as "Mosaic".
            own_paintings: Further paintings, image files by name: "first", "second", ...
            weight_1: Share of the first painting in the mixture, from 0 to 1.
            weight_2: Share of the second painting, from 0 to 1.
            weight_3: Share of the third painting, from 0 to 1.
            weight_4: Share of the fourth painting, from 0 to 1.
            strength: From 0, the photo itself, to 1, the full style.
            color: "style", "luminance", "statistics" or "transfer".
            stroke_size: Short side in px, 128 to 1024, to which paintings are scaled.
            region: "everywhere"; "painted" or "unpainted"; "split", the first painting where it was
                painted and the others elsewhere; "each", every painting where its own colour is,
                in this order: #c94a2c, #2c6fc9, #2f9a4c, #e3b21c.
            canvas: What was painted on the photo: its "layer", an image that is transparent where
                nothing was.
            strength_map: An image by which the strength is multiplied: white 1, black 0.
            model: "small (built in)", or the id of a checkpoint on the Hugging Face Hub.

        Returns:
            A PNG file, as large as the photo.
        """
        order = Order(
            paintings=paintings or (),
            own_paintings=own_paintings or (),
            weights=(weight_1, weight_2, weight_3, weight_4),
            strength=strength,
            color=color,
            style_size=stroke_size,
            region=region,
            layers=(canvas or {}).get("layers") or (),
            strength_map=strength_map,
            model=model,
        )
        with self._studio.watch(progress) as watch:
            watch.part("Reading the pictures", 0, 0)
            source = read_picture(photo or _missing(), "Photo", self._studio.limits)
            palette = self._studio.mix(order)
            watch.part(f"Painting {source.width}×{source.height} px", 0.1, 0.8)
            result, settings = self._studio.paint(source, palette, order)
            watch.part("Writing the PNG", 0.95, 0)
            path = new_file(f"{_result_name(photo, palette.names)}.png")
            with path.open("wb+") as file:
                result.save(WatchedFile(file), "PNG", pnginfo=png_chunks(settings))
                read_metadata(result).add_to(file, "PNG")
            return str(path)


def _missing() -> str:
    raise VisitorError(NO_PHOTO)


def _result_name(photo: str | None, names: Sequence[str]) -> str:
    words = [Path(photo or "photo").stem, *(Path(name).stem for name in names)]
    # What a visitor's file is called goes into no path unseen.
    safe = ["".join(c if c.isalnum() else "-" for c in word).strip("-")[:40] for word in words]
    return "_".join(filter(None, safe)).lower() or "picture"
