"""Results of `stylekernel evaluate --json` in a model card: a table, and the Hub's model-index."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from huggingface_hub import EvalResult
from huggingface_hub.repocard_data import eval_results_to_model_index

from stylekernel_hf.errors.given_values import plain_number
from stylekernel_hf.hub.card_sections import read_result
from stylekernel_hf.metrics.tables import heading, metrics_table

_DATASET_TYPE = "image-pairs"
_NAMES = {
    "content": "Content distance (VGG-19, lower is better)",
    "style": "Style distance (VGG-19, lower is better)",
    "ssim": "SSIM of luminance to the content",
}
_BASELINES = ("content_unchanged", "style_pasted")


def read_evaluation(evaluation: Mapping[str, Any] | str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `stylekernel evaluate --json` wrote, from its file if need be.

    FileNotFoundError for no file, ValueError for what holds no figures.
    """
    result = read_result(evaluation, "evaluation")
    for row in ("mean", *(name for name in _BASELINES if name in result)):
        figures: object = result.get(row)
        numbers = cast("dict[str, object]", figures).values() if isinstance(figures, dict) else ()
        if not numbers or not all(plain_number(number) is not None for number in numbers):
            raise ValueError(
                "evaluation must be what `stylekernel evaluate --json` wrote, with figures under "
                f"{row!r}; got keys {', '.join(result) or 'none'}"
            )
    return result


def model_index(title: str, evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures in the form of the Hub's metadata."""
    results = [
        EvalResult(
            task_type="image-to-image",
            task_name="Style transfer",
            dataset_type=_DATASET_TYPE,
            dataset_name=_pairs(evaluation),
            metric_type=name,
            metric_name=_NAMES.get(name, heading(name)),
            metric_value=round(value, 4),
        )
        for name, value in _figures(evaluation, "mean").items()
    ]
    return eval_results_to_model_index(title, results)


def is_our_model_index(index: object) -> bool:
    """Return whether all figures of a model-index are of the kind that `model_index` returns."""
    try:
        entries = cast(Any, index)
        kinds = {result["dataset"]["type"] for entry in entries for result in entry["results"]}
    except (KeyError, TypeError):
        return False
    return kinds == {_DATASET_TYPE}


def evaluation_text(
    evaluation: Mapping[str, Any],
    peers: Mapping[str, Mapping[str, Any]],
    note: str | None,
    repo_id: str,
) -> str:
    """Return a table of this network, its peers and trivial baselines, and how it was measured.

    `note` tells which pictures were used and by which command; by default the command is that for
    the network `repo_id`, without the pictures. ValueError for peers that were measured on other
    pairs.
    """
    for name, peer in peers.items():
        if _pairs(peer) != _pairs(evaluation) or _names(peer) != _names(evaluation):
            raise ValueError(
                f"peers must be evaluated on the same pairs, but {name!r} was evaluated on "
                f"{_pairs(peer)}, or on other files"
            )
    means = {"**this network**": _figures(evaluation, "mean")}
    means |= {name: _figures(peer, "mean") for name, peer in peers.items()}
    baselines = [name for name in _BASELINES if name in evaluation]
    means |= {name.replace("_", " "): _figures(evaluation, name) for name in baselines}
    command = f"stylekernel evaluate PHOTOS PAINTINGS --size {evaluation.get('size', 512)}"
    text = [
        f"Means of {_pairs(evaluation)}: distances of VGG-19's features from the photo (content)",
        "and from the painting (style), lower is better, and SSIM of luminance to the photo,",
        "higher is better." + (" The last rows are trivial baselines." if baselines else ""),
        "",
        metrics_table(means),
        "",
        note or f"Measured{_pictures(evaluation)} with\n\n    {command} --model {repo_id}",
    ]
    return "\n".join(text)


def _names(evaluation: Mapping[str, Any]) -> list[tuple[object, object]] | None:
    pairs = cast("list[dict[str, Any]]", evaluation.get("pairs", []))
    return [(pair.get("content_name"), pair.get("style_name")) for pair in pairs] or None


def _figures(evaluation: Mapping[str, Any], row: str) -> dict[str, float]:
    return {name: float(value) for name, value in evaluation[row].items()}


def _pairs(evaluation: Mapping[str, Any]) -> str:
    return f"{evaluation.get('pair_count', '?')} pairs at {evaluation.get('size', '?')} px"


def _pictures(evaluation: Mapping[str, Any]) -> str:
    """Return how many photos and paintings the pairs have, if the evaluation lists them."""
    pairs = cast(list[dict[str, Any]], evaluation.get("pairs", []))
    contents = {pair.get("content_name") for pair in pairs}
    styles = {pair.get("style_name") for pair in pairs}
    return f" on {len(contents)} photos and {len(styles)} paintings" if pairs else ""
