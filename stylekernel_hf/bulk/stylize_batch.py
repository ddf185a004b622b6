"""Batches of rows, from which Ray Data, datasets and Spark make stylized pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from stylekernel_hf.errors.given_values import shown
from stylekernel_hf.errors.messages import in_one_line
from stylekernel_hf.images.formats import format_to_write
from stylekernel_hf.images.writing import image_bytes
from stylekernel_hf.pipelines.style_kernel import StyleKernelPipeline
from stylekernel_hf.pipelines.tasks import pipeline
from stylekernel_hf.styles.style_input import StyleInput

Column: TypeAlias = Sequence[Any] | npt.NDArray[Any]

# Errors of one row, which must not stop the others.
_ROW_ERRORS = (OSError, ValueError, TypeError, RuntimeError, MemoryError)


class StylizeBatch:
    """Stylizes the photos of a batch of rows, for `map_batches` of Ray Data and the like.

    It can be pickled. The network is loaded at the first batch in each process, and each painting
    is encoded once. A photo that cannot be stylized is a row with an error.

    Args:
        model: A checkpoint folder, a Hub repository, or None for the weights in the package.
        styles: The paintings by name: files, PIL images, arrays, or encoded styles, which cost a
            process no work.
        suffix: The format of the results, such as ".jpg" or ".png".
        device: As `pipeline` takes it.
        **controls: `strength`, `color`, `stroke_scale`, `style_size` and `tile_size`, as a call of
            `StyleKernelPipeline` takes them.

    Raises:
        ValueError: There are no styles, or Pillow writes no format of the suffix.
        TypeError: `styles` is no mapping.

    Example:
        >>> from stylekernel_hf import StylizeBatch
        >>> stylize = StylizeBatch(None, {"mosaic": "painting.jpg"}, device="cpu")
        >>> rows = stylize({"path": ["photo.jpg", "missing.jpg"]})
        >>> list(rows["name"])
        ['photo_mosaic.jpg', 'missing_mosaic.jpg']
        >>> len(rows["result"][0]) > 1000, rows["error"][1]
        (True, "content: no such file: 'missing.jpg'")
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None,
        styles: Mapping[str, StyleInput],
        *,
        suffix: str = ".jpg",
        device: str | None = None,
        **controls: Any,
    ) -> None:
        if not isinstance(cast(object, styles), Mapping):
            raise TypeError(f"styles must be paintings by name, got {type(styles).__name__}")
        if not styles:
            raise ValueError("styles must hold at least one painting, got none")
        format_to_write(Path(f"name{suffix}"), name="suffix")
        self._model, self._styles, self._device = model, dict(styles), device
        self._suffix, self._controls = suffix, controls
        self._pipe: StyleKernelPipeline | None = None
        self._encoded: dict[str, Any] = {}

    def __call__(self, batch: Mapping[str, Column]) -> dict[str, Column]:
        """Stylize the rows of a batch.

        Args:
            batch: Columns by name: `bytes` of the photo's file, or its `path`; and `painting`, the
                name of a style, if there are several. A row with an `error` stays as it is. Other
                columns are passed on.

        Returns:
            The columns, without `bytes`, and with `name`, a file name for the result (kept where
            it is given), `result`, the bytes of that file, `seconds`, and `error`, one line. A row
            has either a result or an error, and the other one is empty.
        """
        rows = len(next(iter(batch.values()), ()))
        outcomes = [self._stylize(batch, index) for index in range(rows)]
        columns = {name: column for name, column in batch.items() if name != "bytes"}
        if "name" not in batch:
            columns["name"] = _objects([self._name(batch, index) for index in range(rows)])
        columns["result"] = _objects([result for result, _, _ in outcomes])
        columns["seconds"] = np.array([seconds for _, seconds, _ in outcomes], np.float64)
        columns["error"] = _objects([error for _, _, error in outcomes])
        return columns

    def __getstate__(self) -> dict[str, Any]:
        """Leave the network out: every process loads its own."""
        return {**vars(self), "_pipe": None, "_encoded": {}}

    def _stylize(self, batch: Mapping[str, Column], index: int) -> tuple[bytes, float, str]:
        """Return the bytes of a row's result, the seconds it took, and the error."""
        began = time.perf_counter()
        if error := _value(batch, "error", index):
            return b"", 0.0, str(error)
        try:
            style = self._encode(self._painting(batch, index))
            content = _value(batch, "bytes", index)
            content = _value(batch, "path", index) if content is None else content
            image = self._pipeline()(content, style, **self._call_controls()).images[0]
            result = image_bytes(image, Path(f"name{self._suffix}"))
        except _ROW_ERRORS as error:
            return b"", time.perf_counter() - began, in_one_line(error)
        return result, time.perf_counter() - began, ""

    def _pipeline(self) -> StyleKernelPipeline:
        if self._pipe is None:
            self._pipe = pipeline("style-kernel", model=self._model, device=self._device)
        return self._pipe

    def _encode(self, painting: str) -> Any:
        if self._controls.get("color") == "transfer":  # It needs the painting itself.
            return self._styles[painting]
        if painting not in self._encoded:
            sizes = {k: v for k, v in self._controls.items() if k == "style_size"}
            self._encoded[painting] = self._pipeline().encode_style(self._styles[painting], **sizes)
        return self._encoded[painting]

    def _call_controls(self) -> dict[str, Any]:
        return {name: value for name, value in self._controls.items() if name != "style_size"}

    def _painting(self, batch: Mapping[str, Column], index: int) -> str:
        name = _value(batch, "painting", index)
        if name is None and len(self._styles) == 1:
            return next(iter(self._styles))
        if name not in self._styles:
            raise ValueError(
                f"painting must be one of {', '.join(self._styles)}, got {shown(name)}"
            )
        return str(name)

    def _name(self, batch: Mapping[str, Column], index: int) -> str:
        path = _value(batch, "path", index)
        painting = _value(batch, "painting", index) or next(iter(self._styles))
        photo = f"row-{index}" if path is None else PurePosixPath(str(path)).stem
        return f"{photo}_{painting}{self._suffix}"


def _value(batch: Mapping[str, Column], name: str, index: int) -> Any:
    """Return a cell, or None if there is no such column."""
    value = batch[name][index] if name in batch else None
    return value.item() if isinstance(value, np.generic) else value


def _objects(values: Sequence[object]) -> npt.NDArray[np.object_]:
    """Return values as an array of objects: NumPy would cut zeros off the end of bytes."""
    column = np.empty(len(values), object)
    column[:] = values
    return column
