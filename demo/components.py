"""Gradio's picture inputs, which leave uploads unopened for the demo's own bounded reader.

Gradio's own inputs decode every upload, of any size, before a handler is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.base import server
from gradio.components.gallery import GalleryImage
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.data_classes import FileData, GradioRootModel, ImageData, ListFiles

from demo.layers import Layers
from demo.messages import VisitorError
from demo.visitors import address_of

BLOB_BYTES = 8 * 2**20
"""Of one layer that is painted on the page."""
_BLOB_LAYERS, _ID_LENGTH = 4, 64
PLACES = ("first", "second", "third", "fourth")
"""Names of the paintings that programs send: over MCP, Gradio finds files only by name."""


class PictureInput(gr.Image):
    """gr.Image that passes on the path of the upload, unopened."""

    def preprocess(self, payload: ImageData | None) -> str | None:
        """Return the file's path; raise an error for a picture that is not a file."""
        return None if payload is None else _path(payload)

    def example_payload(self) -> Any:
        """Show one picture."""
        return _example("photo.jpg")

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "image"


class PhotosInput(gr.File):
    """gr.File that gives the paths of its files, without a temporary file for each."""

    def preprocess(self, payload: ListFiles | None) -> list[str]:
        """Return the files' paths."""
        return [file.path for file in payload] if payload else []

    def example_payload(self) -> Any:
        """Show one photo."""
        return [_example("photo.jpg")]

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "file"


class ClipInput(gr.Video):
    """gr.Video that passes on the path of the upload, unopened."""

    def preprocess(self, payload: FileData | None) -> str | None:
        """Return the file's path."""
        return payload.path if payload else None

    def example_payload(self) -> Any:
        """Show one clip."""
        return _example("clip.mp4")

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "video"


class ClipResult(gr.Video):
    """gr.Video that shows a file of the demo as it is."""

    def postprocess(self, value: str | Path | None) -> FileData | None:
        """Return the file; Gradio would look into it with other programs."""
        return None if value is None else FileData(path=str(value))

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "video"


class FileButton(gr.DownloadButton):
    """gr.DownloadButton that gives the path of its file, without a temporary file."""

    def preprocess(self, payload: FileData | None) -> str | None:
        """Return the file's path."""
        return payload.path if payload else None

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "downloadbutton"


class SeveralPictures(GradioRootModel):
    """Pictures in a row, as the page sends them, or by name."""

    root: list[GalleryImage] | dict[str, ImageData]


class PaintingsInput(gr.Gallery):
    """gr.Gallery that passes on the paths of its pictures, sent as a list or by name."""

    data_model = SeveralPictures

    def preprocess(self, payload: SeveralPictures | None) -> list[str]:
        """Return the files' paths; raise gr.Error for a name that is not in `PLACES`."""
        if payload is None:
            return []
        if isinstance(payload.root, list):
            return [_path(item.image) for item in payload.root]
        if unknown := set(payload.root) - set(PLACES):
            raise gr.Error(
                f"Paintings are sent as {', '.join(PLACES)}; got “{min(unknown)}”.",
                print_exception=False,
            )
        return [_path(payload.root[place]) for place in PLACES if place in payload.root]

    def api_info(self) -> dict[str, Any]:
        """Describe the form by name."""
        return _files_by_name(PLACES)

    def example_payload(self) -> Any:
        """Show one painting."""
        return {PLACES[0]: _example("painting.jpg")}

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "gallery"


class RegionData(EditorData):
    """What the editor sends, or what a program sends instead: one layer."""

    layer: FileData | None = None


class RegionCanvas(gr.ImageEditor):
    """gr.ImageEditor that passes on its layers unopened: paths, or bytes from the page."""

    data_model = RegionData
    blob_storage: Layers

    def preprocess(self, payload: RegionData | None) -> dict[str, Any] | None:
        """Return {"layers": paths or bytes}; other parts of the editor's data are ignored."""
        if payload is None:
            return None
        if payload.id is not None:
            return {"layers": self.blob_storage.take(payload.id)}
        layers = [*payload.layers, *([payload.layer] if payload.layer else [])]
        if len(layers) > _BLOB_LAYERS:
            raise gr.Error(
                f"The region may have at most {_BLOB_LAYERS} layers.", print_exception=False
            )
        return {"layers": [layer.path for layer in layers]}

    def api_info(self) -> dict[str, Any]:
        """Describe the form for programs."""
        return _files_by_name(["layer"])

    def example_payload(self) -> Any:
        """Show one layer."""
        return {"layer": _example("layer.png")}

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "imageeditor"

    @server
    def accept_blobs(self, data: AcceptBlobs, request: gr.Request) -> None:
        """Store one layer of an editor; ignore everything else that the page sends."""
        form, layer = data.data, data.files[0][1]
        if form["type"] != "layer":
            return
        if len(layer) > BLOB_BYTES:
            raise VisitorError("The region is too large.")
        if form["index"] not in map(str, range(_BLOB_LAYERS)):
            raise VisitorError(f"The region may have at most {_BLOB_LAYERS} layers.")
        if not 0 < len(form["id"]) <= _ID_LENGTH:
            raise VisitorError(f"The region's name must have 1 to {_ID_LENGTH} letters.")
        self.blob_storage.put(form["id"], address_of(request), int(form["index"]), layer)


def _path(picture: ImageData) -> str:
    if picture.path is None:
        raise gr.Error("Send the picture as a file.", print_exception=False)
    return picture.path


def _example(name: str) -> dict[str, Any]:
    """Return an example of a file; Gradio's own examples are addresses, which are refused."""
    return {"path": name, "url": name, "meta": {"_type": "gradio.FileData"}}


def _files_by_name(names: Sequence[str]) -> dict[str, Any]:
    file = ImageData.model_json_schema()
    return {"type": "object", "properties": dict.fromkeys(names, file)}
