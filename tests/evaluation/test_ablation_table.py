"""The table of an ablation: means, spreads and the sum, computed by hand."""

from __future__ import annotations

import pytest

from stylekernel_hf.evaluation.ablation_table import (
    ablation_table,
    mean_of,
    scored_weights,
    spread_of,
    with_sum,
)
from stylekernel_hf.training.losses import LossWeights

SCORES = [
    {"content": 1.0, "style": 0.5},
    {"content": 2.0, "style": 0.5},
    {"content": 6.0, "style": 0.8},
]


def test_spread_is_that_of_a_sample() -> None:
    # Deviations from the means 3 and 0.6: -2, -1, 3 and -0.1, -0.1, 0.2, over n - 1 = 2.
    assert mean_of(SCORES) == pytest.approx({"content": 3.0, "style": 0.6})
    assert spread_of(SCORES) == pytest.approx({"content": 7**0.5, "style": 0.03**0.5})
    assert spread_of(SCORES[:1]) == {}


def test_sum_has_the_terms_that_are_scored_and_have_a_weight() -> None:
    weights = scored_weights(LossWeights(content=1.5, style=10.0, pattern=0.0, near=2.0, local=7.0))
    assert weights == {"content": 1.5, "style": 10, "near": 2}
    metrics = {"content": 2.0, "style": 0.1, "ssim": 0.9, "near": 0.5, "pattern": 4.0}
    assert with_sum(metrics, weights) == metrics | {"sum": 3.0 + 1.0 + 1.0}


def test_table_has_mean_and_spread_of_every_metric() -> None:
    table = ablation_table(
        {"full": SCORES, "lacking": SCORES[1:2]},
        {"unchanged": {"content": 0.0}},
        title="title",
        weights={"content": 1.5, "style": 20.0},
    )
    assert table.splitlines() == [
        "| title     |         content |           style | seeds |",
        "|:----------|----------------:|----------------:|------:|",
        "| full      | 3.0000 ± 2.6458 | 0.6000 ± 0.1732 |     3 |",
        "| lacking   | 2.0000          | 0.5000          |     1 |",
        "| unchanged | 0.0000          |      -          |     - |",
        "",
        "± is the sample standard deviation over seeds. "
        "Lower is better in the sum: 1.5 content + 20 style.",
    ]


def test_single_seed_has_no_spread() -> None:
    table = ablation_table(
        {"full": SCORES[:1]}, {"unchanged": {"content": 0.0}}, title="", weights={"style": 2.0}
    )
    assert table.splitlines()[2:] == [
        "| full      |  1.0000 | 0.5000 |     1 |",
        "| unchanged |  0.0000 |      - |     - |",
        "",
        "Lower is better in the sum: 2 style.",
    ]
