"""Pictures of data sets that are read row by row, from the Hub or from a disk."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stylekernel_hf.errors.messages import extra_required
from stylekernel_hf.hub.hub_errors import HTTP_ERROR, reason
from stylekernel_hf.images.bounds import MAX_DECODED_PIXELS, Bounds
from stylekernel_hf.images.tensors import load_rgb
from stylekernel_hf.training.crops import Crops

logger = logging.getLogger(__name__)

PREFIX = "hf:"
# Crops come from so many pictures at a time, so many from each, before the next ones are read.
WINDOW = 128
CROPS_PER_PICTURE = 8
# Larger pictures are scaled down to this short side, in px: a window is held in memory.
MAX_SHORT_SIDE = 1024


def dataset_name(folder: Path) -> str | None:
    """Return the Hub id or folder of a data set that is given as hf:NAME, or None for a folder."""
    text = str(folder)
    return text.removeprefix(PREFIX) if text.startswith(PREFIX) else None


class PictureStream:
    """The pictures of the split "train" of a data set, without its first `held_out`, over and over.

    Damaged ones are named in the log, by their row, and passed over.
    """

    def __init__(self, name: str, *, held_out: int) -> None:
        self.name = name
        self.held_out = held_out
        self.rows, self.column = _open(name)

    def held_pictures(self) -> list[Image.Image]:
        """Return those of the first pictures that are whole."""
        with _connected(self.name):
            rows = list(islice(self.rows, self.held_out))
        found = [self._decode(number, row) for number, row in enumerate(rows)]
        return [picture for picture in found if picture is not None]

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yield rows, undecoded, with their numbers."""
        while True:
            empty = True
            with _connected(self.name):
                for number, row in enumerate(self.rows.skip(self.held_out), start=self.held_out):
                    empty = False
                    yield number, row
            if empty:
                raise ValueError(
                    f"the data set '{self.name}' must have more than the {self.held_out} rows "
                    "that are held out"
                )

    def read(self, rows: Iterator[tuple[int, Any]], count: int) -> list[NDArray[np.uint8]]:
        """Decode the next `count` rows; ValueError if all of them are damaged."""
        pictures = [self._decode(number, row) for number, row in islice(rows, count)]
        found = [np.asarray(picture) for picture in pictures if picture is not None]
        if not found:
            raise ValueError(f"the data set '{self.name}' has {count} damaged pictures in a row")
        return found

    def _decode(self, number: int, row: Any) -> Image.Image | None:
        cell = row[self.column]
        try:
            source = cell["bytes"] or cell["path"]
            picture = load_rgb(
                source, bounds=Bounds(MAX_DECODED_PIXELS, needed_side=MAX_SHORT_SIDE)
            )
        except ValueError as error:
            logger.warning("skipping row %d of '%s': %s", number, self.name, error)
            return None
        scale = MAX_SHORT_SIDE / min(picture.size)
        if scale < 1:
            size = (round(picture.width * scale), round(picture.height * scale))
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        return picture


class StreamedCrops:
    """Crops of a stream: crop n is of one of the pictures of window n // 1024, chosen by chance.

    Going back, or on from a checkpoint, reads the rows up to the window once more.
    """

    def __init__(
        self, stream: PictureStream, size: int, *, max_zoom: float, min_zoom: float = 1.0
    ) -> None:
        self.stream = stream
        self.size = size
        self.zooms = {"max_zoom": max_zoom, "min_zoom": min_zoom}
        self.window = -1
        self.rows: Iterator[tuple[int, Any]] = iter(stream)
        self.crops: Crops | None = None

    def at(self, number: int) -> Crops:
        """Return what crop `number` is drawn from."""
        window = number // (WINDOW * CROPS_PER_PICTURE)
        if window != self.window or self.crops is None:
            if window <= self.window:
                self.rows, self.window = iter(self.stream), -1
            skipped = (window - self.window - 1) * WINDOW
            next(islice(self.rows, skipped, skipped), None)
            pictures = LoadedPictures(self.stream.read(self.rows, WINDOW))
            self.crops, self.window = Crops(pictures, self.size, **self.zooms), window
        return self.crops


class LoadedPictures:
    """Pictures that are in memory already."""

    def __init__(self, pictures: list[NDArray[np.uint8]]) -> None:
        self.pictures = pictures
        self.areas = [picture.shape[0] * picture.shape[1] for picture in pictures]

    def load(self, index: int) -> NDArray[np.uint8]:
        """Return picture `index`, h x w x 3."""
        return self.pictures[index]


@contextmanager
def _connected(name: str) -> Generator[None]:
    """Turn what the HTTP library raises into a ConnectionError that names the data set."""
    try:
        yield
    except HTTP_ERROR as error:
        raise ConnectionError(
            f"the connection failed while the data set '{name}' was read: {reason(error)}"
        ) from error


def _open(name: str) -> tuple[Any, str]:
    with extra_required("datasets", f"'{PREFIX}{name}'"):
        import datasets
    try:
        with _connected(name):
            rows: Any = datasets.load_dataset(name, split="train", streaming=True)
    except OSError as error:
        raise OSError(
            f"the data set '{name}' cannot be opened ({error}): look at its name and the network, "
            f"or give a folder with a copy of it as {PREFIX}FOLDER"
        ) from error
    columns = rows.features or {}
    pictures = [key for key, kind in columns.items() if isinstance(kind, datasets.Image)]
    if not pictures:
        came = ", ".join(columns) or "none"
        raise ValueError(f"the data set '{name}' must have a column of images, got {came}")
    return rows.cast_column(pictures[0], datasets.Image(decode=False)), pictures[0]
