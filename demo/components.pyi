"""Gradio's picture inputs, with uploads left unopened until our own reader judges them.

The stock ones decode whatever arrives, as large as it claims to be, before a handler is called.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import gradio as gr
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.data_classes import ImageData

from demo.messages import VisitorError

_BLOB_BYTES, _BLOB_LAYERS, _BLOB_OWNERS = 8 * 2**20, 4, 32

from gradio.events import Dependency

class PictureInput(gr.Image):
    """gr.Image that gives the path of the upload as it came."""

    def preprocess(self, payload: ImageData | None) -> str | None:
        """Return the file's path; VisitorError for a picture that is no file."""
        if payload is None:
            return None
        if payload.path is None:
            raise gr.Error("Send the picture as a file.", print_exception=False)
        return payload.path

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "image"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class RegionCanvas(gr.ImageEditor):
    """gr.ImageEditor that gives the paths of its layers as they came, and keeps few blobs."""

    def preprocess(self, payload: EditorData | None) -> dict[str, Any] | None:
        """Return {"layers": paths or bytes}; what is no layer is not looked at."""
        if payload is None:
            return None
        if payload.id is not None:
            blobs = self.blob_storage.pop(payload.id, None)
            return {"layers": [blob for blob in (blobs.layers if blobs else []) if blob]}
        return {"layers": [layer.path for layer in payload.layers if layer is not None]}

    def get_block_name(self) -> str:
        """Name the component of the page that shows it."""
        return "imageeditor"

    @server
    def accept_blobs(self, data: AcceptBlobs) -> None:
        """Take one layer of an editor; the oldest editors are forgotten."""
        index = data.data["index"]
        if len(data.files[0][1]) > _BLOB_BYTES:
            raise VisitorError("The region is too large.")
        if index not in (None, "", "null") and not 0 <= int(index) < _BLOB_LAYERS:
            raise VisitorError(f"The region may have at most {_BLOB_LAYERS} layers.")
        if not isinstance(self.blob_storage, OrderedDict):
            self.blob_storage = OrderedDict(self.blob_storage)
        while len(self.blob_storage) >= _BLOB_OWNERS:
            self.blob_storage.popitem(last=False)
        super().accept_blobs(data)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component