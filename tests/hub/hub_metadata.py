"""What the Hub refuses of a model card's metadata, as far as our cards have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

LICENSES = {"apache-2.0", "mit", "cc-by-4.0", "cc0-1.0", "openrail", "other", "unknown"}
PIPELINE_TAGS = {"image-to-image", "text-to-image", "other"}
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def metadata_problems(card: str) -> list[str]:
    """Every problem of the metadata of a card's text."""
    match = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    try:
        metadata: object = yaml.safe_load(match[1]) if match else {}
    except yaml.YAMLError as error:
        return [str(error)]
    return list(_problems(metadata)) if isinstance(metadata, dict) else ["must be a mapping"]


def _problems(metadata: dict[str, Any]) -> Iterator[str]:
    if metadata.get("license", "other") not in LICENSES:
        yield '"license" must be one of the Hub\'s'
    if metadata.get("pipeline_tag", "other") not in PIPELINE_TAGS:
        yield '"pipeline_tag" must be one of the Hub\'s'
    for name in ("tags", "datasets"):
        values = metadata.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            yield f'"{name}" must be an array of strings'
    for name in [*metadata.get("datasets", []), metadata.get("base_model", "a/b")]:
        if not HUB_ID.fullmatch(str(name)):
            yield f"{name!r} is no id of the Hub"
    for entry in metadata.get("model-index", []):
        if not isinstance(entry.get("name"), str):
            yield '"model-index[0].name" is required'
        for result in entry.get("results", []):
            yield from _problems_of_result(result)


def _problems_of_result(result: dict[str, Any]) -> Iterator[str]:
    for part, keys in (("task", ["type"]), ("dataset", ["type", "name"])):
        for key in keys:
            if not isinstance(result.get(part, {}).get(key), str):
                yield f'"model-index[0].results[0].{part}.{key}" is required'
    metrics = result.get("metrics") or []
    if not metrics:
        yield '"model-index[0].results[0].metrics" must contain at least 1 item'
    for metric in metrics:
        if not isinstance(metric.get("type"), str) or "value" not in metric:
            yield "a metric must have a type and a value"
