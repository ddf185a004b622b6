"""The demo's actions, each a plain function, an API endpoint and an MCP tool."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import gradio as gr
from PIL import Image

from demo.messages import VisitorError
from demo.order import Order, takes_order
from demo.pictures import new_file, own_size, read_picture, save_preview, scaled_note
from demo.settings import Settings, jpeg_comment, png_chunks
from demo.studio import Studio
from demo.watched import Watch, WatchedFile, tell
from stylekernel_hf import read_metadata

NO_PHOTO = "Choose or drop a photo first."
MIXTURE = ("paintings", "own_paintings", "weight_1", "weight_2", "weight_3", "weight_4")
LOOK = ("strength", "color", "stroke_scale")
_ENDINGS = {"png": "png", "jpeg": "jpg"}
PLACES = ("region", "canvas", "strength_map")


class StylizeHandlers:
    """Stylize one photo, for the screen or in full size."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @takes_order(*MIXTURE, *LOOK, *PLACES, "model", "resolution")
    def stylize(
        self,
        photo: str | None,
        order: Order,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> tuple[str, str]:
        """Stylize a photo in the style of one or more paintings, at the size of a screen.

        Args:
            photo: The photo, an image file.
            order: The controls, each by its own name.

        Returns:
            The photo and the stylized photo, as image files of the same size.
        """
        with self._studio.watch(progress) as watch:
            return self._preview(photo, order, watch)

    @takes_order(*MIXTURE, *LOOK, *PLACES, "model", "resolution")
    def stylize_on_page(
        self,
        photo: str | None,
        order: Order,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> tuple[tuple[str, str], str | None]:
        """Stylize as `stylize` does, and keep the region that was used in a file.

        Args:
            photo: The photo, an image file.
            order: The controls, each by its own name.

        Returns:
            What `stylize` returns, and a layer with what was painted, if a region was used.
        """
        with self._studio.watch(progress) as watch:
            pair = self._preview(photo, order, watch)
            painted = self._studio.painted(order)
            return pair, painted and save_preview(painted, "region", lossless=True)

    def _preview(self, photo: str | None, order: Order, watch: Watch) -> tuple[str, str]:
        resolution = int(order.checked("resolution"))
        watch.part("Reading the pictures", 0, 0)
        limits = self._studio.limits
        source = read_picture(photo or _missing(), "Photo", limits, long_side=resolution)
        palette = self._studio.mix(order)
        watch.part("Stylizing", 0.2, 0.8)
        full = own_size(source, limits)
        result, _ = self._studio.stylize(source, palette, order, own_size=full)
        name = result_name(photo, palette.names)
        return save_preview(source, "photo"), save_preview(result, name)

    @takes_order(*MIXTURE, *LOOK, *PLACES, "model", "image_format")
    def full_size(
        self,
        photo: str | None,
        order: Order,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> str:
        """Stylize a photo at its own size, as a file that holds the settings as text.

        Args:
            photo: The photo, an image file.
            order: The controls, each by its own name.

        Returns:
            A PNG or JPEG file, as large as the photo.
        """
        image_format = order.checked("image_format")
        with self._studio.watch(progress, large=True) as watch:
            watch.part("Reading the pictures", 0, 0)
            source = read_picture(photo or _missing(), "Photo", self._studio.limits)
            tell(scaled_note(source))
            palette = self._studio.mix(order)
            watch.part(f"Stylizing {source.width}×{source.height} px", 0.1, 0.8)
            result, settings = self._studio.stylize(source, palette, order)
            watch.part("Writing the file", 0.95, 0)
            path = new_file(f"{result_name(photo, palette.names)}.{_ENDINGS[image_format]}")
            try:
                with path.open("wb+") as file:
                    _save(result, file, image_format.upper(), settings)
            except BaseException:
                shutil.rmtree(path.parent, ignore_errors=True)
                raise
            return str(path)


def _save(result: Image.Image, file: IO[bytes], image_format: str, settings: Settings) -> None:
    """Write a result with its settings, and what the photo's file told."""
    metadata = read_metadata(result)
    watched = WatchedFile(file)
    if image_format == "PNG":
        result.save(watched, "PNG", pnginfo=png_chunks(settings))
    else:
        if result.mode == "RGBA":
            white = Image.new("RGBA", result.size, "white")
            result = Image.alpha_composite(white, result)
        # Full colour resolution: at half of it, the edges of strokes fray.
        options = {"quality": 94, "subsampling": "4:4:4", "comment": jpeg_comment(settings)}
        result.convert("RGB").save(watched, "JPEG", exif=b"", **options)
    metadata.add_to(file, image_format)


def _missing() -> str:
    raise VisitorError(NO_PHOTO)


def result_name(photo: str | None, names: Sequence[str]) -> str:
    """Return a name, without a suffix, for the file of a result."""
    words = [Path(photo or "photo").stem, *(Path(name).stem for name in names)]
    # Names of visitors' files are cleaned before they become part of a path.
    safe = ["".join(c if c.isalnum() else "-" for c in word).strip("-")[:40] for word in words]
    return "_".join(filter(None, safe)).lower() or "picture"
