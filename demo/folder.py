"""A folder of photos, stylized one after the other into a zip file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from demo.handlers import LOOK, MIXTURE
from demo.messages import VisitorError
from demo.order import Order, takes_order
from demo.pictures import new_file, read_picture
from demo.settings import png_chunks
from demo.studio import Palette, Studio
from demo.watched import Watch
from stylekernel_hf import read_metadata


class FolderHandlers:
    """Stylize many photos in one request."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @takes_order(*MIXTURE, *LOOK, "model", resolution=1024)
    def stylize_folder(
        self,
        photos: Sequence[str] | None,
        order: Order,
        progress: Any = gr.Progress(),  # noqa: B008
    ) -> tuple[str, str]:
        """Stylize many photos in the same style, into one zip of PNGs.

        Args:
            photos: The photos, image files.
            order: The controls, each by its own name.

        Returns:
            A zip file, and a report that names the photos that could not be painted.
        """
        limits = self._studio.limits
        if not photos:
            raise VisitorError("Add some photos first.")
        if len(photos) > limits.folder_files:
            raise VisitorError(
                f"At most {limits.folder_files} photos at once; these are {len(photos)}."
            )
        resolution = int(order.checked("resolution"))
        with self._studio.watch(progress, large=True) as watch:
            return self._fill(photos, order, resolution, watch)

    def _fill(
        self, photos: Sequence[str], order: Order, resolution: int, watch: Watch
    ) -> tuple[str, str]:
        watch.part("Reading the paintings", 0, 0)
        palette = self._studio.mix(order)
        failures: list[str] = []
        names = _distinct([Path(photo).stem for photo in photos])
        archive = io.BytesIO()
        # PNG files are already compressed.
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as folder:
            for index, (photo, name) in enumerate(zip(photos, names, strict=True)):
                label = f"{index + 1} of {len(photos)}: {Path(photo).name}"
                try:
                    watch.part(label, index / len(photos), 1 / len(photos))
                    data = self._stylize_one(photo, palette, order, resolution)
                except VisitorError as error:
                    failures.append(str(error))
                    continue
                folder.writestr(f"{name}.png", data)
        if len(failures) == len(photos):
            raise VisitorError(f"None of the photos could be painted. {failures[0]}")
        path = new_file("stylized.zip")
        path.write_bytes(archive.getvalue())
        return str(path), _report(len(photos), failures)

    def _stylize_one(self, photo: str, palette: Palette, order: Order, resolution: int) -> bytes:
        source = read_picture(photo, "Photo", self._studio.limits, long_side=resolution)
        result, settings = self._studio.stylize(source, palette, order)
        data = io.BytesIO()
        result.save(data, "PNG", pnginfo=png_chunks(settings))
        read_metadata(result).add_to(data, "PNG")
        return data.getvalue()


def _report(count: int, failures: Sequence[str]) -> str:
    painted = count - len(failures)
    lines = [f"**{painted} of {count} photos painted.**"]
    # File names come from visitors and must not be read as markup.
    lines += [f"- {failure.translate(_ESCAPES)}" for failure in failures]
    return "\n".join(lines)


_ESCAPES = {ord(c): f"\\{c}" for c in "\\`*_{}[]()<>#+!|"}


def _distinct(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    distinct: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate.lower() in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.add(candidate.lower())
        distinct.append(candidate)
    return distinct
