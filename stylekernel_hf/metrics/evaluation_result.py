"""What an evaluation found: figures, their means, JSON and a contact sheet."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from stylekernel_hf.metrics.contact_sheet import contact_sheet
from stylekernel_hf.metrics.figures import Figures, mean_figures


@dataclass(frozen=True)
class PairScore:
    """The figures of one content in one style, which are called by their file names."""

    content_name: str
    style_name: str
    figures: Figures


@dataclass(frozen=True)
class KeptImages:
    """The squares that were scored, by their places in the lists given to `evaluate`."""

    contents: Mapping[int, Image.Image]
    styles: Mapping[int, Image.Image]
    stylized: Mapping[tuple[int, int], Image.Image]


@dataclass(frozen=True)
class Evaluation:
    """The figures of all pairs, and for scale those of two results that take no skill.

    `content_unchanged` and `style_pasted` are means over the same pairs with the content, or the
    style, as the result.
    """

    size: int
    pairs: tuple[PairScore, ...]
    content_unchanged: Figures
    style_pasted: Figures
    images: KeptImages | None = field(default=None, repr=False, compare=False)

    @property
    def mean(self) -> Figures:
        """The mean over all pairs."""
        return mean_figures([pair.figures for pair in self.pairs])

    def to_json(self) -> dict[str, Any]:
        """Return the figures as what JSON can hold, the means ahead of the pairs."""
        return {
            "size": self.size,
            "pair_count": len(self.pairs),
            "mean": asdict(self.mean),
            "content_unchanged": asdict(self.content_unchanged),
            "style_pasted": asdict(self.style_pasted),
            "pairs": [
                {
                    "content_name": pair.content_name,
                    "style_name": pair.style_name,
                    **asdict(pair.figures),
                }
                for pair in self.pairs
            ],
        }

    def write_json(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json` to a file, which appears whole or not at all."""
        target = Path(path)
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def contact_sheet(self, *, contents: int, styles: int, cell: int = 256) -> Image.Image:
        """Draw so many contents in so many styles, as far as there are.

        Those are chosen of which most pairs were scored; the cells of other pairs stay white.
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


def _fullest_grid(
    pairs: Sequence[tuple[int, int]], rows: int, columns: int
) -> tuple[list[int], list[int]]:
    """Choose contents and styles of which most pairs exist: of every fifth pair a full grid."""
    scored = set(pairs)
    first = min(i for i, _ in scored)
    styles = sorted({j for _, j in scored}, key=lambda j: ((first, j) not in scored, j))[:columns]
    missing = {i: sum((i, j) not in scored for j in styles) for i, _ in scored}
    contents = sorted(missing, key=lambda i: (missing[i], i))[:rows]
    return sorted(contents), sorted(styles)
