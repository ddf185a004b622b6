"""What an evaluation found: metrics, their means, JSON and a contact sheet."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from stylekernel_hf.files.atomic_write import atomic_write
from stylekernel_hf.images.contact_sheet import contact_sheet
from stylekernel_hf.metrics.pair_metrics import Metrics, mean_metrics, with_extra


@dataclass(frozen=True)
class PairScore:
    """The metrics of one content in one style, which are called by their file names."""

    content_name: str
    style_name: str
    metrics: Metrics


@dataclass(frozen=True)
class KeptImages:
    """The squares that were scored, small, by their places in the lists given to `evaluate`."""

    contents: Mapping[int, Image.Image]
    styles: Mapping[int, Image.Image]
    stylized: Mapping[tuple[int, int], Image.Image]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of all pairs of one candidate, and for scale those that take no skill.

    `content_unchanged` and `style_pasted` are of the same pairs with the content, or the style, as
    the result. `over_all` is what only all results together have: FID, ArtFID.
    """

    model: str
    strength: float
    size: int
    pairs: tuple[PairScore, ...]
    content_unchanged: Metrics
    style_pasted: Metrics
    over_all: Mapping[str, float] = field(default_factory=dict[str, float])
    images: KeptImages | None = field(default=None, repr=False, compare=False)

    @property
    def mean(self) -> Metrics:
        """The means over all pairs, and what only all of them together have."""
        return with_extra(mean_metrics([pair.metrics for pair in self.pairs]), self.over_all)

    def to_json(self) -> dict[str, Any]:
        """Return the metrics as what JSON can hold, the means ahead of the pairs."""
        return {
            "model": self.model,
            "strength": self.strength,
            "size": self.size,
            "pair_count": len(self.pairs),
            "mean": self.mean.to_json(),
            "content_unchanged": self.content_unchanged.to_json(),
            "style_pasted": self.style_pasted.to_json(),
            "pairs": [
                {
                    "content_name": pair.content_name,
                    "style_name": pair.style_name,
                    **pair.metrics.to_json(),
                }
                for pair in self.pairs
            ],
        }

    def contact_sheet(self, *, contents: int, styles: int, cell: int = 256) -> Image.Image:
        """Draw so many contents in so many styles, as far as there are.

        Those are chosen of which most pairs were scored; the cells of other pairs stay white, and a
        style without any is left out.
        """
        if self.images is None:
            raise ValueError("keep_images must be true in evaluate() for a contact sheet")
        for name, value in (("contents", contents), ("styles", styles), ("cell", cell)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        stylized = self.images.stylized
        rows, columns = _fullest_grid(list(stylized), contents, styles)
        return contact_sheet(
            [self.images.contents[row] for row in rows],
            [self.images.styles[column] for column in columns],
            [[stylized.get((row, column)) for column in columns] for row in rows],
            cell=cell,
        )


def names_of(evaluations: Sequence[Evaluation]) -> list[str]:
    """Name every evaluation by what sets it apart from the others: model, strength or both."""
    models = {each.model for each in evaluations}
    strengths = {each.strength for each in evaluations}
    names: list[str] = []
    for each in evaluations:
        strength = f"strength {each.strength:g}"
        if len(strengths) == 1:
            names.append(each.model)
        else:
            names.append(strength if len(models) == 1 else f"{each.model}, {strength}")
    return names


def write_json(evaluations: Sequence[Evaluation], path: str | os.PathLike[str]) -> None:
    """Write one evaluation's `to_json`, or those of several as a list called "evaluations".

    The file appears whole or not at all.
    """
    found = [each.to_json() for each in evaluations]
    content = found[0] if len(found) == 1 else {"evaluations": found}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    atomic_write(path, text.encode())


def _fullest_grid(
    pairs: Sequence[tuple[int, int]], rows: int, columns: int
) -> tuple[list[int], list[int]]:
    """Choose contents and styles of which most pairs exist: of every fifth pair a full grid."""
    scored = set(pairs)
    first = min(i for i, _ in scored)
    styles = sorted({j for _, j in scored}, key=lambda j: ((first, j) not in scored, j))[:columns]
    missing = {i: sum((i, j) not in scored for j in styles) for i, _ in scored}
    contents = sorted(missing, key=lambda i: (missing[i], i))[:rows]
    shown = [j for j in styles if any((i, j) in scored for i in contents)]
    return sorted(contents), sorted(shown)
