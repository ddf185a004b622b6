"""The table of an ablation: what each variant scores, as mean and spread over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from stylekernel_hf.metrics.tables import heading, markdown_table
from stylekernel_hf.training.losses import LossWeights

# The terms of the objective that are metrics too; SSIM and alignment are no terms.
_SCORED_TERMS = ("content", "style", "near", "pattern")


def scored_weights(weights: LossWeights) -> dict[str, float]:
    """Return the weights of those terms that every evaluation scores, but for those of weight 0."""
    named = {name: getattr(weights, name) for name in _SCORED_TERMS}
    return {name: weight for name, weight in named.items() if weight}


def with_sum(metrics: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Return metrics with "sum", the sum of those that have a weight; lower is better."""
    total = sum(weight * metrics[name] for name, weight in weights.items())
    return {**metrics, "sum": total}


def mean_of(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average the metrics of one variant's networks, one for each seed."""
    return {name: fmean(each[name] for each in scores) for name in scores[0]}


def spread_of(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return every metric's sample standard deviation over seeds; nothing for a single seed."""
    if len(scores) == 1:
        return {}
    return {name: stdev(each[name] for each in scores) for name in scores[0]}


def ablation_table(
    variants: Mapping[str, Sequence[Mapping[str, float]]],
    baselines: Mapping[str, Mapping[str, float]],
    *,
    title: str,
    weights: Mapping[str, float],
) -> str:
    """Write every variant's mean and spread over its seeds as a Markdown table with a note.

    Args:
        variants: By label, the metrics of a variant's networks, one for each seed, with "sum".
        baselines: By label, the metrics of a result that needs no network.
        title: The heading of the labels.
        weights: The weights of the metrics in "sum".
    """
    names = list(next(iter(variants.values()))[0])
    varies = any(len(scores) > 1 for scores in variants.values())
    rows = [
        [label, *_cells(names, mean_of(scores), spread_of(scores), varies), str(len(scores))]
        for label, scores in variants.items()
    ]
    rows += [[label, *_cells(names, each, {}, varies), "-"] for label, each in baselines.items()]
    table = markdown_table([title, *map(heading, names), "seeds"], rows)
    terms = " + ".join(f"{weight:g} {name}" for name, weight in weights.items())
    note = f"Lower is better in the sum: {terms}." if terms else ""
    if varies:
        note = f"± is the sample standard deviation over seeds. {note}"
    return f"{table}\n\n{note}\n"


def _cells(
    names: Sequence[str], means: Mapping[str, float], spreads: Mapping[str, float], varies: bool
) -> list[str]:
    """Write the metrics of a row; where other rows vary, the means stay below each other."""
    cells: list[str] = []
    for name in names:
        cell = f"{means[name]:.4f}" if name in means else "-"
        spread = f" ± {spreads[name]:.4f}" if name in spreads else ""
        cells.append(f"{cell}{spread:9}" if varies else cell)
    return cells
