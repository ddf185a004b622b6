"""What `stylekernel evaluate --json` found, as a model card tells it: a table and a model-index."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from huggingface_hub import EvalResult
from huggingface_hub.repocard_data import eval_results_to_model_index

from stylekernel_hf.errors.given_values import plain_number
from stylekernel_hf.hub.configs import MAX_RESULT_BYTES, read_json_object

_DATASET_TYPE = "image-pairs"
_HEADINGS = {"ssim": "SSIM", "cfsd": "CFSD", "lpips": "LPIPS", "fid": "FID", "art_fid": "ArtFID"}
_NAMES = {
    "content": "Content distance (VGG-19, lower is better)",
    "style": "Style distance (VGG-19, lower is better)",
    "ssim": "SSIM of luminance to the content",
}
_SCALE = ("content_unchanged", "style_pasted")


def read_evaluation(evaluation: Mapping[str, Any] | str | os.PathLike[str]) -> dict[str, Any]:
    """Return what `stylekernel evaluate --json` wrote, from its file if need be.

    FileNotFoundError for no file, ValueError for what holds no figures.
    """
    if isinstance(evaluation, Mapping):
        found = dict(evaluation)
    else:
        path = Path(evaluation)
        if not path.is_file():
            raise FileNotFoundError(f"evaluation: no such file: '{path}'")
        found = read_json_object(path, "evaluation", most_bytes=MAX_RESULT_BYTES)
    for row in ("mean", *(name for name in _SCALE if name in found)):
        figures: object = found.get(row)
        numbers = cast("dict[str, object]", figures).values() if isinstance(figures, dict) else ()
        if not numbers or not all(plain_number(number) is not None for number in numbers):
            raise ValueError(
                "evaluation must be what `stylekernel evaluate --json` wrote, with figures under "
                f"{row!r}; got keys {', '.join(found) or 'none'}"
            )
    return found


def model_index(title: str, evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the figures as the Hub's metadata want them."""
    results = [
        EvalResult(
            task_type="image-to-image",
            task_name="Style transfer",
            dataset_type=_DATASET_TYPE,
            dataset_name=_pairs(evaluation),
            metric_type=name,
            metric_name=_NAMES.get(name, _HEADINGS.get(name, name)),
            metric_value=round(value, 4),
        )
        for name, value in _figures(evaluation, "mean").items()
    ]
    return eval_results_to_model_index(title, results)


def is_our_model_index(index: object) -> bool:
    """Say whether all figures of a model-index are such as `model_index` returns."""
    try:
        entries = cast(Any, index)
        kinds = {result["dataset"]["type"] for entry in entries for result in entry["results"]}
    except (KeyError, TypeError):
        return False
    return kinds == {_DATASET_TYPE}


def evaluation_text(evaluation: Mapping[str, Any], note: str | None, source: str) -> str:
    """Return the figures as Markdown, with how to measure them again.

    `note` tells which pictures they were and the command; by default a command without the
    pictures, for the network at `source`.
    """
    mean = _figures(evaluation, "mean")
    command = f"stylekernel evaluate PHOTOS PAINTINGS --size {evaluation.get('size', 512)}"
    rows = {f"mean of {_pairs(evaluation)}": mean}
    for name in _SCALE:
        if name in evaluation:
            rows[name.replace("_", " ")] = _figures(evaluation, name)
    text = [
        "Distances of VGG-19's features from the photo (content) and from the painting (style),",
        "lower is better, and SSIM of luminance to the photo, higher is better.",
        "Rows below the first take no skill and give the scale.\n" if len(rows) > 1 else "",
        *_table(list(mean), rows),
        "",
        note or f"Measured{_pictures(evaluation)} with\n\n    {command} --model {source}",
    ]
    return "\n".join(text)


def _table(names: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = [
        f"| | {' | '.join(_HEADINGS.get(name, name) for name in names)} |",
        f"|:---|{'---:|' * len(names)}",
    ]
    for label, figures in rows.items():
        cells = [f"{figures[name]:.4f}" if name in figures else "-" for name in names]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _figures(evaluation: Mapping[str, Any], row: str) -> dict[str, float]:
    figures = {name: plain_number(value) for name, value in evaluation[row].items()}
    return cast(dict[str, float], figures)


def _pairs(evaluation: Mapping[str, Any]) -> str:
    return f"{evaluation.get('pair_count', '?')} pairs at {evaluation.get('size', '?')} px"


def _pictures(evaluation: Mapping[str, Any]) -> str:
    """Say how many pictures the pairs were of, as far as the pairs are told."""
    pairs = cast(list[dict[str, Any]], evaluation.get("pairs", []))
    contents = {pair.get("content_name") for pair in pairs}
    styles = {pair.get("style_name") for pair in pairs}
    return f" on {len(contents)} photos and {len(styles)} paintings" if pairs else ""
