"""Scoring candidates on pairs of pictures: how much content they keep and style they take."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image
from torch import nn

from stylekernel_hf.evaluation.candidate import Candidate
from stylekernel_hf.evaluation.evaluation_result import Evaluation, KeptImages, PairScore
from stylekernel_hf.evaluation.scoring import Scorer, Tally
from stylekernel_hf.evaluation.squares import check_size, read_square
from stylekernel_hf.evaluation.stored_results import StoredResults
from stylekernel_hf.metrics.pair_metrics import (
    ContentMeasure,
    Metrics,
    ScoredPicture,
    compare,
    with_extra,
)
from stylekernel_hf.metrics.perceptual import PerceptualNetwork

ImagePath: TypeAlias = str | os.PathLike[str]
Scored: TypeAlias = Candidate | StoredResults
_Pair: TypeAlias = tuple[int, int]

KEPT_SIDE = 256
"""The side in px to which pictures are scaled down that are kept for sheets."""


def evaluate(
    candidates: Sequence[Scored],
    contents: Sequence[ImagePath],
    styles: Sequence[ImagePath],
    *,
    network: PerceptualNetwork,
    measures: Mapping[str, ContentMeasure] | None = None,
    inception: nn.Module | None = None,
    size: int = 512,
    pairs: Sequence[tuple[int, int]] | None = None,
    keep_images: bool = False,
    on_result: Callable[[int, int], None] | None = None,
) -> list[Evaluation]:
    """Let every candidate stylize the same pairs of pictures, and score the results.

    Results are scored as a user gets them, clamped and rounded to 8 bits. The encoded styles stay
    in memory, and with VGG-19 at 512 px another 14 MB for each style.

    Args:
        candidates: Networks at strengths, and results that are there already, each different from
            the others.
        contents: Files of photos.
        styles: Files of paintings.
        network: The network on whose features the metrics are computed.
        measures: Further metrics by name.
        inception: A network that maps 8-bit RGB to the features for FID; None for no FID.
        size: The side in px, a multiple of 32 from 64, of the central square to which pictures
            are cut and scaled.
        pairs: Pairs (index of a content, index of a style); all by default.
        keep_images: Whether the evaluations hold small pictures for sheets and reports.
        on_result: Called with (done, total) after each result.

    Returns:
        One evaluation for each candidate.

    Raises:
        ValueError: An argument has a value that it cannot have, or a candidate returns a picture
            of another shape or with values that are not finite.
        OSError: A file cannot be read.
    """
    size = check_size(size)
    _check_candidates(candidates)
    chosen = _checked_pairs(pairs, len(contents), len(styles))
    if inception is not None and len(chosen) < 2:
        raise ValueError(f"pairs must be at least 2 for FID, got {len(chosen)}")
    scorer = Scorer(network, measures or {}, inception)
    # All files are read first, so that a damaged one is found before an hour of work.
    squares = _squares(contents, {i for i, _ in chosen}, size, "contents")
    style_squares = _squares(styles, {j for _, j in chosen}, size, "styles")
    read_styles = {j: scorer.read(image) for j, image in style_squares.items()}
    runs = [_Run.start(candidate, read_styles, keep_images) for candidate in candidates]
    unchanged, pasted = Tally(), Tally()
    # Content by content, so that the features of only one content are in memory.
    for i, group in groupby(chosen, key=lambda pair: pair[0]):
        content = scorer.read(squares[i])
        own = scorer.measure(content, content)
        for pair in group:
            style = read_styles[pair[1]]
            names = Path(contents[i]).name, Path(styles[pair[1]]).name
            unchanged.add(with_extra(compare(content, content, style), own), content)
            pasted.add(scorer.score(style, content, style), style)
            for run in runs:
                run.take(pair, names, content, style, scorer)
                if on_result:
                    on_result(sum(len(r.pairs) for r in runs), len(chosen) * len(runs))
    given = [read_styles[j] for _, j in chosen]
    trivial = unchanged.summary(given), pasted.summary(given)
    kept = (_thumbnails(squares), _thumbnails(style_squares)) if keep_images else None
    return [run.finish(size, trivial, given, kept) for run in runs]


def select_pairs(contents: int, styles: int, *, every: int = 1) -> list[tuple[int, int]]:
    """Choose the pairs (i, j) with i + j divisible by `every`, counted from 0.

    All contents and all styles occur about equally often.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    return [(i, j) for i in range(contents) for j in range(styles) if (i + j) % every == 0]


@dataclass(frozen=True)
class _Run:
    """The results of one candidate so far."""

    candidate: Scored
    encoded: Mapping[int, Any]
    keep_images: bool
    tally: Tally = field(default_factory=Tally)
    pairs: list[PairScore] = field(default_factory=list[PairScore])
    images: dict[_Pair, Image.Image] = field(default_factory=dict[_Pair, Image.Image])

    @classmethod
    def start(
        cls, candidate: Scored, styles: Mapping[int, ScoredPicture], keep_images: bool
    ) -> _Run:
        encoded = {j: candidate.encode(style.rgb) for j, style in styles.items()}
        return cls(candidate, encoded, keep_images)

    def take(
        self,
        pair: _Pair,
        names: tuple[str, str],
        content: ScoredPicture,
        style: ScoredPicture,
        scorer: Scorer,
    ) -> None:
        image = self.candidate.run(content.rgb, self.encoded[pair[1]], names)
        result = scorer.read(image)
        metrics = with_extra(
            scorer.score(result, content, style),
            self.candidate.alignment(content.rgb, self.encoded[pair[1]], result.rgb),
        )
        self.tally.add(metrics, result)
        self.pairs.append(PairScore(*names, metrics))
        if self.keep_images:
            self.images[pair] = _thumbnail(image)

    def finish(
        self,
        size: int,
        trivial: tuple[Metrics, Metrics],
        styles: Sequence[ScoredPicture],
        kept: tuple[dict[int, Image.Image], dict[int, Image.Image]] | None,
    ) -> Evaluation:
        return Evaluation(
            self.candidate.model,
            self.candidate.strength,
            size,
            tuple(self.pairs),
            *trivial,
            over_all=self.tally.over_all(styles),
            images=None if kept is None else KeptImages(*kept, self.images),
        )


def _check_candidates(candidates: Sequence[Scored]) -> None:
    if not candidates:
        raise ValueError("candidates must be at least one, got none")
    seen: set[tuple[str, float]] = set()
    for each in candidates:
        if (each.model, each.strength) in seen:
            raise ValueError(
                "candidates must differ in model or strength, got twice "
                f"{each.model!r} at strength {each.strength:g}"
            )
        seen.add((each.model, each.strength))


def _checked_pairs(pairs: Sequence[_Pair] | None, contents: int, styles: int) -> list[_Pair]:
    """Return every pair once, content by content."""
    for name, count in (("contents", contents), ("styles", styles)):
        if count == 0:
            raise ValueError(f"{name} must be at least one image, got none")
    if pairs is None:
        return select_pairs(contents, styles)
    if not pairs:
        raise ValueError("pairs must be at least one content and style, got none")
    for i, j in pairs:
        if not (0 <= i < contents and 0 <= j < styles):
            raise ValueError(
                f"pairs must be places among {contents} contents and {styles} styles, "
                f"got ({i}, {j})"
            )
    return sorted(set(pairs))


def _squares(
    paths: Sequence[ImagePath], places: set[int], size: int, name: str
) -> dict[int, Image.Image]:
    return {i: read_square(paths[i], size, f"{name}[{i}]") for i in sorted(places)}


def _thumbnails(images: Mapping[int, Image.Image]) -> dict[int, Image.Image]:
    return {place: _thumbnail(image) for place, image in images.items()}


def _thumbnail(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    return small
