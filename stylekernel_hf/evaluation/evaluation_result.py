"""The result of an evaluation: metrics, their means, JSON and a contact sheet."""

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
    """The metrics of one content in one style, with the names of their files."""

    content_name: str
    style_name: str
    metrics: Metrics


@dataclass(frozen=True)
class KeptImages:
    """Small copies of the scored squares, by their indices in the lists given to `evaluate`."""

    contents: Mapping[int, Image.Image]
    styles: Mapping[int, Image.Image]
    stylized: Mapping[tuple[int, int], Image.Image]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of all pairs of one candidate, and those of two trivial baselines.

    `content_unchanged` and `style_pasted` are the means for the same pairs with the content, or the
    style, as the result. `over_all` holds the metrics of all results together: FID and ArtFID.
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
        """The means over all pairs, and the metrics of all results together."""
        return with_extra(mean_metrics([pair.metrics for pair in self.pairs]), self.over_all)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON holds it, the means before the pairs."""
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
        """Return a contact sheet of up to `contents` rows x `styles` columns, cells of `cell` px.

        Contents and styles with the most scored pairs are chosen. The cells of other pairs stay
        white, and styles without a scored pair are left out.
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
    """Name every evaluation by what distinguishes it: model, strength or both."""
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
    """Write the `to_json` of one evaluation, or of several as a list called "evaluations".

    The file appears whole or not at all.
    """
    listed = [each.to_json() for each in evaluations]
    content = listed[0] if len(listed) == 1 else {"evaluations": listed}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    atomic_write(path, text.encode())


def _fullest_grid(
    pairs: Sequence[tuple[int, int]], rows: int, columns: int
) -> tuple[list[int], list[int]]:
    """Choose contents and styles with the most scored pairs."""
    scored = set(pairs)
    first = min(i for i, _ in scored)
    styles = sorted({j for _, j in scored}, key=lambda j: ((first, j) not in scored, j))[:columns]
    missing = {i: sum((i, j) not in scored for j in styles) for i, _ in scored}
    contents = sorted(missing, key=lambda i: (missing[i], i))[:rows]
    shown = [j for j in styles if any((i, j) in scored for i in contents)]
    return sorted(contents), sorted(shown)
