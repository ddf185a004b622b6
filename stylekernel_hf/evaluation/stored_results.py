"""Results that another program has written, scored like those of a network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from stylekernel_hf.evaluation.squares import read_square
from stylekernel_hf.images.folder import list_images
from stylekernel_hf.images.loading import read_size

_Names: TypeAlias = tuple[str, str]
# By so much programs that round sides change the shape of a picture.
_SHAPE_TOLERANCE = 0.02


@dataclass(frozen=True)
class StoredResults:
    """The pictures of a folder in place of a candidate.

    `paths` has the picture for the file names of every content and style. As a candidate, it is
    called `model`; its strength is that of the other program.
    """

    model: str
    paths: Mapping[_Names, Path]
    strength: float = 1.0

    def encode(self, style: Tensor) -> None:
        """Encode nothing: the pictures are there."""

    def alignment(
        self, content: Tensor, style: None, result: Float[Tensor, "1 3 h w"]
    ) -> dict[str, float]:
        """Return nothing: pictures do not tell what the alignment did."""
        return {}

    def run(self, content: Float[Tensor, "1 3 h w"], style: None, names: _Names) -> Image.Image:
        """Return the central square of the picture of these names, in the size of `content`."""
        return read_square(self.paths[names], content.shape[-1], "results")


def find_results(
    folder: str | os.PathLike[str], pairs: Iterable[tuple[Path, Path]]
) -> StoredResults:
    """Find the pictures of pairs (content, style) in a folder, by their names.

    They are called CONTENT_STYLE or CONTENT_stylized_STYLE, without the suffixes of either, and are
    images of any format. They show the whole photo in any size, or its central square. Raises
    FileNotFoundError for a missing picture, and ValueError for one of another shape.
    """
    found = {path.stem: path for path in list_images(folder, name="results")}
    paths: dict[_Names, Path] = {}
    for content, style in pairs:
        stems = [f"{content.stem}{joint}{style.stem}" for joint in ("_", "_stylized_")]
        path = next((found[stem] for stem in stems if stem in found), None)
        if path is None:
            raise FileNotFoundError(
                f"results: no image called '{stems[0]}' or '{stems[1]}' in '{folder}'"
            )
        _check_shape(path, content)
        paths[content.name, style.name] = path
    return StoredResults(str(folder), paths)


def _check_shape(path: Path, content: Path) -> None:
    """Raise ValueError unless the picture is a square or has the shape of its photo.

    Photos that their header says are turned have upright results, so sides may be exchanged.
    """
    size, photo = read_size(path, "results"), read_size(content, "contents")
    ratio, expected = (min(sides) / max(sides) for sides in (size, photo))
    if size[0] != size[1] and abs(ratio / expected - 1) > _SHAPE_TOLERANCE:
        raise ValueError(
            f"results must be squares or have the shape of their photo, got {size[0]}x{size[1]} "
            f"in '{path}' for {photo[0]}x{photo[1]}"
        )
